import { randomUUID } from 'node:crypto';
import { due } from '../faults.js';
import { isDict, type Dict, type Graph } from '../graph.js';
import { CRASH, dict, empty, json, type Ask, type Reply, type Routes } from '../http.js';
import { classesOf } from '../nodes/index.js';
import { str, toFloat } from '../python.js';
import { asTuple } from '../queue.js';
import type { Sandbox } from '../sandbox.js';
import { validatePrompt } from '../validation.js';
import type { World } from '../world.js';

const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SECRETS = ['auth_token_comfy_org', 'api_key_comfy_org'];

export function isJobId(value: unknown): value is string {
  return typeof value === 'string' && CANONICAL_UUID.test(value);
}

function bad(type: string, message: string, details: string): Reply {
  return json({ error: { type, message, details, extra_info: {} }, node_errors: {} }, 400);
}

function extraData(body: Dict, { ask, world }: { ask: Ask; world: World }): Dict {
  const { extra_data: given = {} } = body;
  const extra = { ...dict(given) };
  if ('client_id' in body) extra.client_id = body.client_id;
  const source = world.profile.has('usageSource') ? ask.headers['comfy-usage-source'] : undefined;
  if (!('comfy_usage_source' in extra) && source !== undefined) extra.comfy_usage_source = source;
  for (const secret of SECRETS) Reflect.deleteProperty(extra, secret);
  extra.create_time = world.now();
  return extra;
}

/** The fields of a body; a list has none. */
function fields(ask: Ask): Dict {
  const body = ask.json();
  return Array.isArray(body) ? {} : dict(body);
}

/** Submitting, looking at and changing the queue; freeing memory. */
export function promptRoutes(sandbox: Sandbox): Routes {
  const { queue, world, executor } = sandbox;
  const classes = classesOf(world.profile);
  let counter = 0;

  /** The id of a submission, as the version takes it; undefined where it refuses it. */
  const promptIdOf = (body: Dict): string | undefined => {
    const { prompt_id: given } = body;
    if (!world.profile.has('clientPromptIds')) return randomUUID();
    if (!world.profile.has('canonicalPromptIds')) return 'prompt_id' in body ? str(given) : randomUUID();
    const id = given ?? randomUUID();
    return isJobId(id) ? id : undefined;
  };

  const submit = async (ask: Ask): Promise<Reply> => {
    const parsed = ask.json();
    const body = Array.isArray(parsed) || typeof parsed === 'string' ? {} : dict(parsed);
    const own = 'number' in body ? Number(toFloat(body.number)) : undefined;
    const number = own ?? (body.front ? -counter : counter) + 0; // + 0 turns -0 into 0
    if (own === undefined) counter++;
    if (!('prompt' in body)) return bad('no_prompt', 'No prompt provided', 'No prompt provided');
    const promptId = promptIdOf(body);
    if (promptId === undefined) {
      const details =
        'prompt_id must be a canonical lowercase hyphenated UUID; leave it out to get one from the server';
      return bad('invalid_prompt_id', 'prompt_id must be a valid UUID', details);
    }
    const graph = dict(body.prompt) as Graph;
    const given = world.profile.has('partialTargets') ? body.partial_execution_targets : undefined;
    const targets = Array.isArray(given) ? given : null;
    world.inputNames = await world.folders.inputs();
    const { error, outputs, nodeErrors } = validatePrompt(graph, { classes, world, targets });
    const extra = extraData(body, { ask, world });
    if (error) return json({ error, node_errors: nodeErrors }, 400);
    world.ledger.submitted(promptId, graph);
    queue.put({ number, promptId, graph, extraData: extra, outputs });
    sandbox.log.print('got prompt');
    if (due(world.faults, 'acceptThen500')) {
      world.ledger.struck(promptId, 'acceptThen500');
      return CRASH;
    }
    return json({ prompt_id: promptId, number, node_errors: nodeErrors });
  };

  return {
    'POST /prompt': submit,
    'GET /prompt': () => json({ exec_info: { queue_remaining: queue.remaining } }),
    'GET /queue': () => {
      const running = queue.running ? [asTuple(queue.running)] : [];
      return json({ queue_running: running, queue_pending: queue.pending.map(asTuple) });
    },
    'POST /queue': (ask) => {
      const body = fields(ask);
      if (body.clear) {
        for (const item of queue.pending) world.ledger.ended(item.promptId, 'dequeued');
        queue.wipe();
      }
      if (Array.isArray(body.delete)) for (const id of body.delete) sandbox.dequeue(String(id));
      return empty();
    },
    'POST /interrupt': (ask) => {
      let body: unknown = {};
      try {
        body = ask.json();
      } catch {
        // No JSON: whatever runs is interrupted.
      }
      const { prompt_id: id } = dict(body);
      if (!id || !world.profile.has('interruptById')) queue.interrupt();
      else if (typeof id === 'string') queue.interrupt(id);
      return empty();
    },
    'POST /free': (ask) => {
      const body = dict(ask.json());
      if (body.unload_models || body.free_memory) sandbox.freeWhenIdle(() => world.models.unload());
      if (body.free_memory) sandbox.freeWhenIdle(() => executor.cache.clear());
      return empty();
    },
    'GET /history': (ask) => json(history(ask)),
    'GET /history/:': ({ params: [id = ''] }) => {
      const entry = queue.history.get(id);
      return json(entry ? { [id]: entry } : {});
    },
    'POST /history': (ask) => {
      const body = fields(ask);
      if (body.clear) queue.forget();
      if (Array.isArray(body.delete)) for (const id of body.delete) queue.forget(String(id));
      return empty();
    },
  };

  function history(ask: Ask): Dict {
    const whole = (name: string): number | undefined => {
      const value = ask.query.get(name);
      if (value === null) return undefined;
      if (!/^\s*[+-]?\d+\s*$/.test(value)) throw new TypeError(`${name} is not an integer`);
      return Number(value);
    };
    const most = whole('max_items');
    const entries = [...queue.history];
    let offset = whole('offset') ?? -1;
    if (offset < 0) offset = most === undefined ? 0 : Math.max(0, entries.length - most);
    return Object.fromEntries(entries.slice(offset, most === undefined ? undefined : offset + Math.max(0, most)));
  }
}

/** Whether the field of a submitted prompt that names its workflow can be read; where not, listing jobs fails. */
export function workflowId(extra: Dict): unknown {
  const { extra_pnginfo: info = {} } = extra;
  if (!isDict(info)) throw new TypeError('extra_pnginfo is not an object');
  const { workflow = {} } = info;
  if (!isDict(workflow)) throw new TypeError('workflow is not an object');
  return workflow.id;
}
