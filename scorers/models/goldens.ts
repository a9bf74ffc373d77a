/** What each model answers to a synthetic input: a cheap proof that weights, conversion and runtime are what they were. */

export interface Golden {
  /** Of the synthetic input, by name; free dimensions chosen. */
  inputs: Readonly<Record<string, readonly number[]>>;
  /** `[index, value]` of some elements, by output. */
  outputs: Readonly<Record<string, readonly (readonly [number, number])[]>>;
}

/** Printed by test/support/print-goldens.ts. */
export const GOLDENS: Readonly<Record<string, Golden>> = {
  blazeface: {
    inputs: { input: [1, 256, 256, 3] },
    outputs: {
      Identity_3: [
        [2030, 21.4223],
        [2050, 117.715],
        [2172, -53.5595],
        [3901, 3.51498],
        [5024, -10.3821],
      ],
      Identity: [
        [45, -3.63185],
        [101, -3.37655],
        [312, -7.93162],
        [448, -2.50532],
        [459, -3.13775],
      ],
      Identity_1: [
        [56, -11.2887],
        [131, -19.6029],
        [151, -9.38497],
        [217, -8.18706],
        [366, -3.32819],
      ],
      Identity_2: [
        [499, 40.2349],
        [1528, 3.50995],
        [1533, -15.2085],
        [5783, -1.39095],
        [8089, 0.892811],
      ],
    },
  },
  facemesh: {
    inputs: { input_1: [1, 192, 192, 3] },
    outputs: {
      Identity_2: [
        [137, -27.2737],
        [457, 159.805],
        [633, 80.2498],
        [821, 8.50444],
        [1389, 120.264],
      ],
      Identity_1: [[0, 0.00000831485]],
      Identity: [
        [37, 158.101],
        [54, 34.5006],
        [127, 75.072],
        [148, 127.177],
        [261, 107.049],
      ],
    },
  },
  iris: {
    inputs: { input_1: [1, 64, 64, 3] },
    outputs: {
      Identity: [
        [29, 6.49077],
        [81, 26.8571],
        [138, 35.3767],
        [169, 48.8268],
        [212, -15.7358],
      ],
    },
  },
  faceres: {
    inputs: { input_1: [1, 224, 224, 3] },
    outputs: {
      'gender_pred/Sigmoid': [[0, 0.642482]],
      'global_pooling/Mean': [
        [0, 0],
        [96, 0.506975],
        [272, 0],
        [544, 0],
        [810, 0],
      ],
      'age_pred/Softmax': [
        [19, 0.0148319],
        [29, 0.0267398],
        [54, 0.00936435],
        [79, 0.00419047],
        [96, 0.00144244],
      ],
    },
  },
  emotion: {
    inputs: { input_1: [1, 64, 64, 1] },
    outputs: {
      Identity: [
        [0, 2.27038e-7],
        [1, 4.05481e-26],
        [2, 5.31755e-7],
        [4, 0.00754641],
        [5, 0.992452],
      ],
    },
  },
  antispoof: { inputs: { conv2d_input: [1, 128, 128, 3] }, outputs: { Identity: [[0, 0.953591]] } },
  handtrack: {
    inputs: { 'StatefulPartitionedCall/map/TensorArrayV2Stack/TensorListStack': [1, 320, 320, 3] },
    outputs: {
      'StatefulPartitionedCall/Postprocessor/ExpandDims_1': [
        [16979, 0.756789],
        [22291, 0.248462],
        [23545, 0.50211],
        [51020, -1.46983],
        [51214, 2.27643],
      ],
      'StatefulPartitionedCall/Postprocessor/Slice': [
        [14042, 0.00266153],
        [33779, 0.000598699],
        [68283, 0.00149497],
        [75303, 0.00000283122],
        [88931, 0.326337],
      ],
    },
  },
  handlandmark: {
    inputs: { input_1: [1, 224, 224, 3] },
    outputs: {
      Identity_1: [[0, 0.000892311]],
      Identity: [
        [1, 166.421],
        [13, 92.482],
        [14, -15.4096],
        [38, -37.9887],
        [52, 109.021],
      ],
      Identity_2: [[0, 0.354087]],
      Identity_3: [
        [2, 0.047714],
        [6, -0.0120763],
        [17, -0.00364778],
        [25, -0.0342411],
        [56, 0.00591361],
      ],
    },
  },
  centernet: {
    inputs: { 'tower_0/images': [1, 512, 512, 3] },
    outputs: {
      'tower_0/wh': [
        [24766, 306.931],
        [38281, 42.9045],
        [40976, 11.8165],
        [46076, -0.89157],
        [57990, 189.764],
      ],
      'tower_0/keypoints': [
        [41687, 0.000326574],
        [107884, 0.000694066],
        [122630, 0.00000819564],
        [650164, 0.130222],
        [762584, 0.00144503],
      ],
    },
  },
  textDetection: {
    inputs: { x: [1, 3, 64, 96] },
    outputs: {
      'sigmoid_0.tmp_0': [
        [0, 0],
        [2053, 0],
        [3810, 1],
        [4158, 0],
        [5768, 0],
      ],
    },
  },
  textReading: {
    inputs: { x: [1, 3, 48, 96] },
    outputs: {
      'softmax_11.tmp_0': [
        [832, 2.83519e-8],
        [36777, 5.51144e-9],
        [39750, 0.99992],
        [46048, 2.03658e-11],
        [63011, 2.51448e-7],
      ],
    },
  },
  nsfw: {
    inputs: { input: [1, 224, 224, 3] },
    outputs: {
      Identity: [
        [0, 0.000758894],
        [1, 0.000811959],
        [2, 0.998357],
        [3, 0.0000315104],
        [4, 0.0000402619],
      ],
    },
  },
};
