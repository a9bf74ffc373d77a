import { CullError } from '../../errors.js';
import { isRoundedSeed } from '../../templates/check-seed.js';
import type { Graph } from '../../templates/types.js';

type Fields = Record<string, unknown>;
const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The last guard before a prompt is sent: refuses what ComfyUI would accept, or answer with a bare 500, and then be broken
 * for everybody. Templates are checked long before (templates/check.ts); this is for graphs that came another way.
 *
 * - A node without `inputs` that no output needs passes validation and ends the worker thread for good; one that an output
 *   needs, or that is no object, is a 500.
 * - `extra_pnginfo`, or `workflow` in it, that is not an object makes `GET /api/jobs` a 500 for everybody for as long as the prompt
 *   is in the queue or the history.
 * - A seed above 2^53-1 was rounded by JSON on its way here: the picture could not be drawn again.
 *
 * The fourth kind, two prompts of one `number` and one id, cannot be written: `ComfyClient.submit` sends no `number`.
 *
 * @throws CullError COMFY_POISON with details `{ node, title }` where it is about a node
 */
export function refusePoison(prompt: { graph: Graph; extraData?: Fields }): void {
  for (const [id, node] of Object.entries<unknown>(prompt.graph)) {
    if (!isRecord(node)) throw poison(id, node, 'is not an object');
    if (!isRecord(node.inputs)) {
      throw poison(id, node, 'has no inputs: ComfyUI would take it and never draw again until somebody restarts it');
    }
    for (const [field, value] of Object.entries(node.inputs)) {
      if (isRoundedSeed(field, value)) {
        throw poison(id, node, `has ${field} ${String(value)}, above 2^53-1: the number is not the one that was meant`);
      }
    }
  }
  const info = prompt.extraData?.extra_pnginfo;
  const broken = [info, isRecord(info) ? info.workflow : undefined].some((one) => one !== undefined && !isRecord(one));
  if (!broken) return;
  throw new CullError(
    'COMFY_POISON',
    'extra_pnginfo, or the workflow in it, is not an object: ComfyUI could not list its jobs to anybody any more',
    { hint: 'give extra_data.extra_pnginfo as { "workflow": { … } }, or leave it out' },
  );
}

function poison(id: string, node: unknown, why: string): CullError {
  const { class_type, _meta } = isRecord(node) ? node : {};
  const className = typeof class_type === 'string' ? class_type : null;
  const title = isRecord(_meta) && typeof _meta.title === 'string' ? _meta.title : className;
  const words = [`node ${id}`, title !== className && `"${title}"`, className !== null && `(${className})`];
  return new CullError('COMFY_POISON', `${words.filter(Boolean).join(' ')} ${why}`, {
    hint: 'export the workflow again: Workflow > Export (API); write "inputs": {} where a node has none',
    details: { node: id, title },
  });
}
