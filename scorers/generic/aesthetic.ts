import { imageEmbedding } from '../clip/clip.js';
import { quality, rising } from '../mapping.js';
import { Unassessable, unlessUnassessable, type Scorer } from '../scorer.js';

/** Five points are the middle of the scale that the published heads were fitted on. */
const CURVE = rising(5, 0.5);

/**
 * How much people like pictures of this kind, by a head on CLIP's embedding: any ONNX network from the embedding (1 x N, unit length) to one
 * number, such as LAION's linear head for the same CLIP. It agrees with people a little more often than a coin: rank with it, never reject.
 */
export const aesthetic: Scorer = {
  spec: {
    id: 'aesthetic',
    version: '1.0.0',
    tier: 'generic',
    cost: 'model',
    models: [{ id: 'clip' }, { id: 'aesthetic' }],
    source: 'Schuhmann et al., LAION-5B, NeurIPS 2022 (aesthetic predictor: a linear head on the embedding of CLIP)',
    dimensions: {
      'aesthetic.score': {
        direction: 'higher',
        unit: 'points of 10',
        range: [-Infinity, Infinity],
        about: 'What people would give the picture, 1 to 10; a low value means that few would like it.',
      },
    },
  },
  async assess(frame) {
    const head = await unlessUnassessable(() => frame.models.open('aesthetic'));
    if (head instanceof Unassessable)
      throw missing('put a head for this CLIP at aesthetic/model.onnx in the folder of models');
    const data = await imageEmbedding(frame);
    const [input = ''] = head.inputNames;
    const wanted = head.inputDims?.[input]?.at(-1);
    if (typeof wanted === 'number' && wanted > 0 && wanted !== data.length)
      throw missing(
        `the head that is there reads ${wanted} numbers, this CLIP gives ${data.length}: take the head for this CLIP`,
      );
    const outputs = await head.run({ [input]: { type: 'float32', data, dims: [1, data.length] } });
    const raw = Number(outputs[head.outputNames[0] ?? '']?.data[0]);
    return { 'aesthetic.score': { status: 'ok', raw, quality: quality(raw, CURVE) } };
  },
};

const missing = (hint: string): Unassessable => new Unassessable('model-missing', { model: 'aesthetic', hint });
