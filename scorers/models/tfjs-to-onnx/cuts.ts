import type { Conversion } from './convert.js';

/**
 * Where a model is not converted whole, by its id in the manifest.
 *
 * `handtrack`: before its network a loop scales each picture of a batch, behind it candidates are thinned class by class. Both are left to the
 * scorer: the input is the scaled picture (1 x 320 x 320 x 3, RGB -1..1), the outputs are the 12,804 boxes (top, left, bottom, right as shares of the
 * picture) and their scores in seven classes.
 */
export const CUTS: Readonly<Record<string, Pick<Conversion, 'inputs' | 'outputs'>>> = {
  handtrack: {
    inputs: { 'StatefulPartitionedCall/map/TensorArrayV2Stack/TensorListStack': [1, 320, 320, 3] },
    outputs: ['StatefulPartitionedCall/Postprocessor/ExpandDims_1', 'StatefulPartitionedCall/Postprocessor/Slice'],
  },
};
