import type { Frame } from '../frame.js';
import { mainFace } from './faces.js';
import { sampleView } from '../image/view.js';

const SIZE = 64;
/** The mesh's view is 1.5 x the face; this network saw faces without margin. */
const SHARE = 1 / 1.5;
const EMOTIONS = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'] as const;
export type Emotion = (typeof EMOTIONS)[number];

/**
 * How likely each of seven expressions is on the largest face; they sum to 1.
 * Source: Arriaga et al., "Real-time Convolutional Neural Networks for Emotion and Gender Classification", 2017; weights of
 * @vladmandic/human. Advisory: happy and sad are read well, anger passes for fear.
 *
 * @throws Unassessable no-face, model-missing
 */
export async function emotionOf(frame: Frame): Promise<Record<Emotion, number>> {
  const { view } = await frame.derive(mainFace);
  const rgb = sampleView(frame, { ...view, side: view.side * SHARE, size: SIZE });
  const data = new Float32Array(SIZE * SIZE);
  for (let i = 0; i < data.length; i++) {
    const p = 3 * i;
    const grey = 0.2989 * (rgb[p] as number) + 0.587 * (rgb[p + 1] as number) + 0.114 * (rgb[p + 2] as number);
    data[i] = (grey / 255 - 0.5) * 2;
  }
  const model = await frame.models.open('emotion');
  const outputs = await model.run({
    [model.inputNames[0] as string]: { type: 'float32', data, dims: [1, SIZE, SIZE, 1] },
  });
  const shares = Object.values(outputs)[0]?.data as Float32Array;
  return Object.fromEntries(EMOTIONS.map((emotion, i) => [emotion, shares[i] as number])) as Record<Emotion, number>;
}
