/** A sweep's report as text. */
import { SWEPT_KINDS, type SweepReport, type SweptKind } from '../../workflows/sweep-contract.js';
import { megabytes } from './models.js';

const WORDS: Record<SweptKind, string> = {
  pictures: 'pictures',
  records: 'records',
  inputs: 'inputs',
  comfyuiPrompts: 'prompts on ComfyUIs',
  comfyuiFiles: 'files on ComfyUIs',
};

/** `pictures: 12, 18.4 MB`, a line for each kind; what was out of reach at the end. */
export function sweepText({ dryRun, requests, swept, unreached }: SweepReport): string {
  const of = `${requests} request${requests === 1 ? '' : 's'}`;
  const lines = SWEPT_KINDS.flatMap((kind) => {
    const one = swept[kind];
    return one ? [`  ${WORDS[kind]}: ${one.objects}${one.bytes > 0 ? `, ${megabytes(one.bytes)}` : ''}`] : [];
  });
  const head = dryRun ? `would delete, of ${of}:` : `deleted, of ${of}:`;
  return [
    ...(lines.length === 0 ? [dryRun ? 'nothing would be deleted' : 'nothing was deleted'] : [head, ...lines]),
    ...unreached.map(({ host, reason }) => `not swept: ${host}: ${reason}`),
  ].join('\n');
}
