/** `--stream`: the winners so far, into the folder and onto the terminal as they pass. */
import { join, relative, resolve } from 'node:path';
import type { Cull } from '../client/cull.js';
import type { WinnersStep } from '../client/winners.js';
import { unwritable } from './out-folder.js';
import type { Output } from './output.js';
import type { ProgressDisplay } from './views/progress.js';
import { syncWinners, winnerName } from './winners-folder.js';

/**
 * Follows the events to the end of the request. `out/<request>/` holds the winners so far at any time; each event is a line: in words, or with `--json`
 * as it is stored, with the URL of each that joined.
 *
 * @throws CullError STORAGE_FULL or STORAGE_UNWRITABLE; the request itself goes on
 */
export async function streamWinners(
  cull: Cull,
  request: string,
  options: { display: ProgressDisplay; output: Output; out: string; signal: AbortSignal },
): Promise<void> {
  const { display, output, out, signal } = options;
  const folder = resolve(out, request);
  const { deliver } = await cull.requestDoc(request);
  for await (const step of cull.winners(request, { signal })) {
    await syncWinners(cull.storage, folder, step.winners).catch((error: unknown) => {
      throw unwritable(out, error, `; the request goes on: \`comfy-cull watch ${request} --stream --out …\``);
    });
    if (output.json) output.document(eventDocument(step));
    else for (const line of eventLines(step, { folder: relative('', folder), wanted: deliver })) display.note(line);
  }
}

/** The line of an event with `--json`. */
export const eventDocument = ({ event, winners }: WinnersStep) => ({
  ...event,
  joined: winners.filter(({ candidate }) => event.joined.some((one) => one.candidate === candidate)),
  winners: winners.map(({ candidate }) => candidate),
});

/**
 * An event in words.
 *
 * @example
 * eventLines(step, { folder: 'out/r1', wanted: 4 });
 * // ['winner so far 1 of 2, 4 wanted: candidate 7, quality 87.2, out/r1/01-candidate-0007.png']
 */
export function eventLines(
  { event, winners }: WinnersStep,
  { folder, wanted }: { folder: string; wanted: number },
): string[] {
  // what was delivered is in the report that follows
  if (event.kind === 'end') return [];
  if (event.kind === 'resumed') return ['the request goes on'];
  const joined = event.joined.map((one) => {
    const of = one.group === undefined ? '' : ` (${one.group})`;
    return `winner so far ${one.rank} of ${winners.length}, ${wanted} wanted: candidate ${one.candidate}${of}, quality ${one.quality.toFixed(1)}, ${join(folder, winnerName(one))}`;
  });
  const left = event.left.map(({ candidate, why }) => `no winner any more: candidate ${candidate}, ${why}`);
  return [...joined, ...left];
}
