import type { Frame } from '../frame.js';
import type { Model } from '../models/models.js';
import { unit } from '../vectors.js';
import { alignedView } from './aligned.js';
import { mainFace, type Face } from './faces.js';
import { sampleView, type Point } from '../image/view.js';

/** HSE-FaceRes: the face levelled, 1.4 x its mesh (the mesh's own view is 1.5 x), RGB 0..255. */
const FACERES = { size: 224, share: 1.4 / 1.5, length: 1024 };
/** SFace and its kin: five points at fixed places of 112 x 112, channels first, RGB 0..255. */
const SFACE = { size: 112 };
const SFACE_POINTS: readonly Point[] = [
  [38.2946, 51.6963],
  [73.5318, 51.5014],
  [56.0252, 71.7366],
  [41.5493, 92.3655],
  [70.7299, 92.2041],
];

/**
 * What tells a face from others: a vector of unit length by the model in the role `identity`. Compare with `dot`, and only
 * vectors of the same model.
 * Source: Savchenko, "Efficient Facial Representations for Age, Gender and Identity Recognition in Organizing Photo Albums using
 * Multi-output CNN", 2019 (faceres); Zhong et al., "SFace", 2021.
 *
 * @throws Unassessable model-missing
 */
export async function faceEmbedding(frame: Frame, face: Face): Promise<Float32Array> {
  const model = await frame.models.open('identity');
  const outputs = Object.values(
    await model.run(isSFace(model) ? sfaceInput(frame, face, model) : faceresInput(frame, face, model)),
  );
  const found = outputs.length === 1 ? outputs[0] : outputs.find(({ data }) => data.length === FACERES.length);
  if (found === undefined) throw new Error(`the identity model ${model.id} has no embedding among its outputs`);
  return unit(found.data as Float32Array);
}

/** The embedding of the largest face, once per frame: `frame.derive(mainEmbedding)`. @throws Unassessable no-face, model-missing */
export async function mainEmbedding(frame: Frame): Promise<Float32Array> {
  return faceEmbedding(frame, await frame.derive(mainFace));
}

/** faceres answers age and sex beside the vector; a pure recogniser has one output. */
const isSFace = (model: Model): boolean => model.outputNames.length === 1;

type Feeds = Parameters<Model['run']>[0];

function faceresInput(frame: Frame, { view }: Face, model: Model): Feeds {
  const { size, share } = FACERES;
  const data = sampleView(frame, { ...view, side: view.side * share, size });
  return { [model.inputNames[0] as string]: { type: 'float32', data, dims: [1, size, size, 3] } };
}

function sfaceInput(frame: Frame, face: Face, model: Model): Feeds {
  const { size } = SFACE;
  const rgb = sampleView(frame, alignedView(face, { targets: SFACE_POINTS, size }));
  const n = size * size;
  const data = new Float32Array(3 * n);
  for (let i = 0; i < n; i++) for (let c = 0; c < 3; c++) data[c * n + i] = rgb[3 * i + c] as number;
  return { [model.inputNames[0] as string]: { type: 'float32', data, dims: [1, 3, size, size] } };
}
