import { checkOutput, type Checked, type NodeError, type Reason } from './checks.js';
import { classOf, isDict, PythonError, type Dict, type Graph } from './graph.js';
import type { NodeClass } from './nodes/types.js';
import type { World } from './world.js';

/** Either an error for the whole request, or the outputs that may run; the errors by node in both cases. */
export interface Verdict {
  readonly error: Reason | null;
  readonly outputs: readonly string[];
  readonly nodeErrors: Readonly<Record<string, NodeError>>;
}

function refused(type: string, rest: Partial<Reason> & { message: string }): Verdict {
  return { error: { type, details: '', extra_info: {}, ...rest }, outputs: [], nodeErrors: {} };
}

/** A node whose class the server does not have. */
function unknownClass(id: string, { node, world }: { node: Dict; world: World }): Verdict {
  const named = isDict(node._meta) && typeof node._meta.title === 'string' ? node._meta.title : undefined;
  const type = 'class_type' in node ? classOf(node) : null;
  const details = `Node ID '#${id}'`;
  if (!world.profile.has('missingNodeType')) {
    const message =
      type === null
        ? 'Cannot execute because a node is missing the class_type property.'
        : `Cannot execute because node ${type} does not exist.`;
    return refused('invalid_prompt', { message, details });
  }
  const title = named ?? type;
  const message =
    type === null
      ? `Node '${named ?? `ID #${id}`}' has no class_type. The workflow may be corrupted or a custom node is missing.`
      : `Node '${title ?? ''}' not found. The custom node may not be installed.`;
  return refused('missing_node_type', {
    message,
    details,
    extra_info: { node_id: id, class_type: type, node_title: title },
  });
}

/** Checks a graph as POST /prompt does. Changes its inputs where the real server converts them ("5" to 5). */
export function validatePrompt(
  graph: Graph,
  context: { classes: ReadonlyMap<string, NodeClass>; world: World; targets: readonly unknown[] | null },
): Verdict {
  const { classes, targets } = context;
  const outputs: string[] = [];
  for (const [id, node] of Object.entries(graph)) {
    if (!isDict(node)) throw new PythonError('TypeError', `node ${id} is not an object`);
    if ('inputs' in node && !isDict(node.inputs))
      throw new PythonError('TypeError', `inputs of node ${id} are no object`);
    const nodeClass = classes.get(classOf(node));
    if (!nodeClass) return unknownClass(id, { node, world: context.world });
    if (nodeClass.isOutput && (targets === null || targets.includes(id))) outputs.push(id);
  }
  if (outputs.length === 0) return refused('prompt_no_outputs', { message: 'Prompt has no outputs' });

  const checked = new Map<string, Checked>();
  const nodeErrors: Record<string, NodeError> = {};
  const good: string[] = [];
  const own: Reason[] = [];
  for (const output of outputs) {
    const result = checkOutput(output, { ...context, graph, checked, path: [] });
    if (result.ok) {
      good.push(output);
      continue;
    }
    own.push(...result.reasons);
    for (const [id, { ok, reasons }] of checked) {
      if (ok || reasons.length === 0) continue;
      nodeErrors[id] ??= { errors: reasons, dependent_outputs: [], class_type: classOf(graph[id]) };
      nodeErrors[id].dependent_outputs.push(output);
    }
  }
  if (good.length > 0) return { error: null, outputs: good, nodeErrors };
  const details = own.map((r) => `${r.message}: ${r.details}`).join('\n');
  const message = 'Prompt outputs failed validation';
  return { ...refused('prompt_outputs_failed_validation', { message, details }), nodeErrors };
}
