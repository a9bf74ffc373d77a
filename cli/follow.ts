/** Follows a request on the terminal to its end: one live line while it runs, the report and the folder at the end. */
import type { Cull, Watched } from '../client/cull.js';
import { messageOf } from '../errors.js';
import type { ResultDoc } from '../workflows/contract.js';
import { writeOut } from './out-folder.js';
import type { Output } from './output.js';
import { streamWinners } from './stream.js';
import { createProgressDisplay, type ProgressDisplay } from './views/progress.js';
import { resultReport } from './views/report.js';

export const EXIT = {
  delivered: 0,
  failed: 1,
  usage: 2,
  shortfall: 3,
  cancelled: 4,
  running: 0,
  interrupted: 130,
} as const;

/**
 * Watches until the end, then writes `out/<request>/` and the report. Resolves with the exit code. With `stream`, the winners so far are written there
 * as they pass.
 *
 * Ctrl-C ends only the watching; what is printed then says how to go on.
 */
export async function follow(
  cull: Cull,
  request: string,
  options: { output: Output; out: string; stream?: boolean },
): Promise<number> {
  const { output, out, stream = false } = options;
  const display = createProgressDisplay({ stream: process.stderr });
  const interrupted = new AbortController();
  const onSignal = () => interrupted.abort();
  process.once('SIGINT', onSignal);
  const failed = new AbortController();
  const signal = AbortSignal.any([interrupted.signal, failed.signal]);
  let result: ResultDoc;
  try {
    [result] = await Promise.all([
      watchToEnd(cull, request, { display, signal }),
      stream ? streamWinners(cull, request, { display, output, out, signal }) : undefined,
    ]);
  } catch (error) {
    display.done();
    if (!interrupted.signal.aborted) throw error;
    output.note(
      `\nThe request goes on. To watch it again: comfy-cull watch ${request}\nTo stop it: comfy-cull cancel ${request}`,
    );
    return EXIT.interrupted;
  } finally {
    process.off('SIGINT', onSignal);
    // where one of the two failed, the other goes no further
    failed.abort();
  }
  display.done();
  return finish(cull, result, { output, out });
}

async function watchToEnd(
  cull: Cull,
  request: string,
  { display, signal }: { display: ProgressDisplay; signal: AbortSignal },
): Promise<ResultDoc> {
  const watching = cull.watch(request, { signal });
  let said = '';
  for (;;) {
    const step = await watching.next();
    if (step.done) return step.value;
    const why = waitingFor(step.value);
    if (why !== '' && why !== said) display.note(why);
    said = why;
    if (step.value.progress) display.update(step.value.progress);
  }
}

/** Writes the folder and the answer of an ended request. */
export async function finish(cull: Cull, result: ResultDoc, options: { output: Output; out: string }): Promise<number> {
  const { output, out } = options;
  output.document(result);
  const records = await cull.records(result.request);
  output.text(resultReport(result, records));
  try {
    const folder = await writeOut(cull, result, out);
    output.text(`\n${folder}\n  contact-sheet.html shows every candidate with its verdict`);
  } catch (error) {
    output.note(`the files were not written: ${messageOf(error)}`);
    throw error;
  }
  return EXIT[result.state];
}

/** Why nothing moves, for people; empty while all is well. */
function waitingFor({ unhealthy, noWorker }: Watched): string {
  if (noWorker) return 'waiting: no worker takes this request; start one with `comfy-cull worker`';
  return unhealthy.map(({ url, reason }) => `waiting for ${url}: ${reason ?? 'no answer'}; others carry on`).join('\n');
}
