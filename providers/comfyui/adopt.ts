import type { Handle } from '../provider.js';
import type { ComfyClient } from './client.js';
import { markOf, type Mark } from './mark.js';

/** A ComfyUI with a long history has more, but what a worker has just left is among the newest. */
const HISTORY_ITEMS = 64;

/** A prompt of ours, found on a ComfyUI. */
export interface Marked {
  promptId: string;
  mark: Mark;
}

export interface Adoption {
  /** Where wanted candidates are, waiting, running or done, for who draws them next. */
  kept: { mark: Mark; handle: Handle }[];
  /** Prompts that nobody wanted any more. */
  cancelled: string[];
}

/**
 * Of everybody's prompts those that were sent for this pool and ComfyUI.
 *
 * @example
 * marked((await client.queue()).pending, { pool: 'default', host: 'gpu0' });
 */
export function marked(
  items: readonly { promptId: string; extraData: Record<string, unknown> }[],
  who: Pick<Mark, 'pool' | 'host'>,
): Marked[] {
  return items.flatMap(({ promptId, extraData }) => {
    const mark = markOf(extraData);
    return mark?.pool === who.pool && mark.host === who.host ? [{ promptId, mark }] : [];
  });
}

/**
 * Looks through what a dead predecessor left on a ComfyUI. What is ours and nobody wants any more is cancelled by its id; everything else is
 * left alone.
 *
 * @param who.wants whether the candidate is still to be drawn
 * @throws CullError COMFY_*
 */
export async function adopt(
  client: ComfyClient,
  who: Pick<Mark, 'pool' | 'host'> & { wants: (mark: Mark) => Promise<boolean> },
): Promise<Adoption> {
  const queue = await client.queue();
  const open = marked([...queue.running, ...queue.pending], who);
  const ended = (await client.history({ maxItems: HISTORY_ITEMS })).filter(({ job }) => job.state === 'succeeded');
  const kept: Adoption['kept'] = [];
  const cancelled: string[] = [];
  for (const { promptId, mark } of [...marked(ended, who), ...open]) {
    if (await who.wants(mark)) kept.push({ mark, handle: { host: who.host, promptId } });
    else if (open.some((one) => one.promptId === promptId)) cancelled.push(promptId);
  }
  if (cancelled.length > 0) await client.cancelMany(cancelled);
  return { kept, cancelled };
}
