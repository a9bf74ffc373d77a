/** Progress of a request: one line of text, and the display that keeps it on a terminal. */
import type { RequestProgress, ReviewProgress } from '../../workflows/contract.js';
import { durationText } from './format.js';
import { createLiveLine, type LiveLine, type LiveLineOptions } from './live-line.js';
import { candidatesText } from './reviewable.js';

const MAX_BAR = 32;
const MIN_BAR = 8;

/**
 * One line that says where a request stands; the longest form that fits `columns`. The time left is estimated from the candidates that have
 * ended, once there are enough of them to say.
 *
 * @param progress answer of the query `progress`
 * @param options `columns`: width of the terminal, 0 or undefined = plain text without a bar; `elapsedMs`: since the request started, 0 = unknown
 *
 * @example
 * progressLine(progress, { columns: 100, elapsedMs: 8_000 });
 * // [############--------]  58 %  drawn 14/24  scored 13  passed 5  rejected 8  lost 1  about 6 s left
 */
export function progressLine(
  progress: RequestProgress,
  options: { columns?: number | undefined; elapsedMs: number },
): string {
  const { phase, mode, candidates, wanted, state } = progress;
  if (progress.phase === 'reviewing' && progress.review) return waitingLine(progress.review, options.columns);
  const { drawn, scored, passed, rejected, lost } = state;
  const ended = Math.min(candidates, scored + lost + state.cancelled);
  // A request that draws until K pass is as far as it has come to K; how many candidates that takes, nobody knows.
  const isFixed = mode === 'best-of';
  const [done, of] = isFixed ? [ended, candidates] : [Math.min(wanted, passed), wanted];
  const share = of > 0 ? done / of : 0;
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`;
  const left = timeLeft({ phase, ended: done, remaining: of - done, elapsedMs: options.elapsedMs, wanted });
  const all = isFixed ? `/${candidates}` : '';

  const counts = [
    `drawn ${drawn}${all}`,
    `scored ${scored}`,
    `passed ${passed}${isFixed ? '' : `/${wanted}`}`,
    `rejected ${rejected}`,
    `lost ${lost}`,
  ];
  if (!options.columns || options.columns < 1)
    return [`${percent.trim()} done`, ...counts, ...(left === '' ? [] : [left])].join(', ');

  const long = [percent, ...counts, left].filter(Boolean).join('  ');
  const forms = [
    long,
    [percent, ...counts].join('  '),
    `${percent}  ${drawn}${all} drawn  ${passed} passed  ${rejected} rejected  ${lost} lost`,
    `${percent}  ${drawn}${all}  ${passed} passed`,
    `${percent.trim()} ${passed} ok`,
  ];
  // One column stays free: a terminal that is written to its last column starts a new line.
  const room = options.columns - 1;
  const bar = Math.min(MAX_BAR, room - long.length - 4);
  if (bar >= MIN_BAR) {
    const filled = Math.round(share * bar);
    return `[${'#'.repeat(filled)}${'-'.repeat(bar - filled)}]  ${long}`;
  }
  return forms.find((form) => form.length <= room) ?? percent.trim().slice(0, Math.max(0, room));
}

/** Drawing is over; what is left is for a person to do. */
function waitingLine({ request, waiting, until }: ReviewProgress, columns = 0): string {
  const waits = `waits for review: ${candidatesText(waiting)}`;
  const till = until === null ? '' : `, until ${new Date(until).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const forms = [`${waits}${till}: comfy-cull review ${request}`, `${waits}: comfy-cull review ${request}`, waits];
  if (columns < 1) return forms[0] ?? waits;
  return forms.find((form) => form.length < columns) ?? waits.slice(0, Math.max(0, columns - 1));
}

function timeLeft(at: {
  phase: RequestProgress['phase'];
  ended: number;
  remaining: number;
  elapsedMs: number;
  wanted: number;
}): string {
  if (at.phase === 'preparing') return 'preparing';
  if (at.phase === 'delivering') return `choosing the best ${at.wanted}`;
  if (at.phase === 'ended') return 'done';
  // The first ones carry the start of the pool in their times.
  if (at.ended < 2 || at.elapsedMs <= 0 || at.remaining === 0) return '';
  return `about ${durationText(Math.max(1_000, (at.elapsedMs / at.ended) * at.remaining))} left`;
}

export type ProgressDisplay = LiveLine<RequestProgress>;

/**
 * Shows the progress of a request as it comes.
 *
 * @example
 * const display = createProgressDisplay({ stream: process.stderr });
 * for await (const { progress } of cull.watch(request)) if (progress) display.update(progress);
 * display.done();
 */
export const createProgressDisplay = (options: LiveLineOptions): ProgressDisplay =>
  createLiveLine(
    {
      text: (progress, { columns, now }) =>
        progressLine(progress, { columns, elapsedMs: Math.max(0, now - progress.state.startedAt) }),
      key: ({ phase, state }) => JSON.stringify([phase, state]),
    },
    options,
  );
