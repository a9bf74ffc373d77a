import { NodeCache, type CacheEntry } from './cache.js';
import type { EventHub } from './events.js';
import { classOf, inputsOf, isLink, PythonError, type Dict, type Graph } from './graph.js';
import { numeric, Exact } from './json.js';
import { CLASSES } from './nodes/index.js';
import { trouble } from './nodes/trouble.js';
import { Interrupted, WorkerDeath, type NodeResult, type NodeRun } from './nodes/types.js';
import { RunOrder } from './order.js';
import { ProgressState } from './progress.js';
import type { HistoryEntry, Message, PromptQueue, QueueItem } from './queue.js';
import { asTuple } from './queue.js';
import type { CacheMode } from './options.js';
import type { World } from './world.js';

/** The one prompt at work: what is known about it while it runs. */
interface Run {
  readonly item: QueueItem;
  readonly sid: string | null;
  readonly messages: Message[];
  readonly progress: ProgressState;
  readonly names: ReadonlyMap<string, string>;
  readonly executed: string[];
  readonly ui: Map<string, { readonly meta: Dict; readonly output: Dict }>;
}

/** A client id that no connection has. */
const NOBODY = '\u0000';
/** Class of the node that stands for the sampler in a graph without one: the artificial time passes there. */
const STAND_IN = 'ImageAddNoise';

/** Runs prompts one after another, and keeps node results for the next one. */
export class Executor {
  readonly cache: NodeCache;
  /** Client id of the prompt that ran last, and the node at work: what a client is told that comes back. */
  client: string | null = null;
  node: string | null = null;

  constructor(
    private readonly world: World,
    private readonly link: { readonly hub: EventHub; readonly queue: PromptQueue; readonly cache: CacheMode },
  ) {
    this.cache = new NodeCache(link.cache);
  }

  /** Runs one prompt to its end. Rejects for prompts that break the real server's worker too (a node without inputs), and where a fault wants it. */
  async run(item: QueueItem): Promise<HistoryEntry> {
    const { hub, queue } = this.link;
    queue.clearInterrupt();
    const { client_id: client } = item.extraData;
    // Another id than a text is nobody's; without one, much is sent to all.
    const sid = (this.client = typeof client === 'string' ? client : (client ?? null) === null ? null : NOBODY);
    const messages: Message[] = [];
    this.say({ sid, messages }, 'execution_start', { prompt_id: item.promptId });
    this.dieIfAsked(item.promptId);
    const names = await this.cache.begin(item.graph, { classes: CLASSES, world: this.world });
    const cached = Object.keys(item.graph).filter((id) => this.cache.get(names.get(id)));
    this.say({ sid, messages }, 'execution_cached', { nodes: cached, prompt_id: item.promptId });
    const progress = new ProgressState(item.promptId, (data) => {
      if (this.world.profile.has('progressState')) hub.send('progress_state', data(), sid);
    });
    const run: Run = { item, sid, messages, progress, names, executed: [], ui: new Map() };
    const success = await this.runNodes(run);
    this.node = null;
    return {
      prompt: asTuple(item),
      outputs: Object.fromEntries([...run.ui].map(([id, { output }]) => [id, output])),
      status: { status_str: success ? 'success' : 'error', completed: success, messages },
      meta: Object.fromEntries([...run.ui].map(([id, { meta }]) => [id, meta])),
    };
  }

  private async runNodes(run: Run): Promise<boolean> {
    const { graph, outputs, promptId } = run.item;
    const order = new RunOrder(graph, {
      isCached: (id) => this.cache.get(run.names.get(id)) !== undefined,
      isOutput: (id) => CLASSES.get(classOf(graph[id]))?.isOutput ?? false,
    });
    for (const id of outputs) order.add(id);
    for (let id = order.next(); id !== undefined; id = order.next()) {
      const inputs: Dict = {};
      try {
        await this.runNode(id, { run, inputs });
      } catch (error) {
        if (error instanceof WorkerDeath) throw error;
        this.fail(run, { id, inputs, error });
        return false;
      }
      order.complete(id);
    }
    this.say(run, 'execution_success', { prompt_id: promptId });
    return true;
  }

  private async runNode(id: string, { run, inputs }: { run: Run; inputs: Dict }): Promise<void> {
    const { graph, promptId } = run.item;
    const name = run.names.get(id) ?? id;
    const known = this.cache.get(name);
    if (known) {
      if (known.ui && (run.sid !== null || this.world.profile.has('cachedUiForAll'))) run.ui.set(id, known.ui);
      this.tell(run, 'executed', { node: id, display_node: id, output: known.ui?.output ?? null, prompt_id: promptId });
      run.progress.finish(id);
      return;
    }
    run.progress.start(id);
    Object.assign(inputs, this.resolve(graph, { id, run }));
    this.node = id;
    this.tell(run, 'executing', { node: id, display_node: id, prompt_id: promptId });
    const { outputs, ui } = await this.compute(id, { run, inputs });
    const entry: CacheEntry = { outputs };
    if (ui) {
      const meta = { node_id: id, display_node: id, parent_node: null, real_node_id: id };
      run.ui.set(id, { meta, output: ui });
      this.tell(run, 'executed', { node: id, display_node: id, output: ui, prompt_id: promptId });
      this.cache.set(name, { ...entry, ui: { meta, output: ui } });
    } else {
      this.cache.set(name, entry);
    }
    run.progress.finish(id);
    run.executed.push(id);
  }

  /** Input values: what the server itself passes in, constants as they are, links replaced by what the other node put out. */
  private resolve(graph: Graph, { id, run }: { id: string; run: Run }): Dict {
    const values: Dict = {};
    for (const name of Object.keys(CLASSES.get(classOf(graph[id]))?.hidden ?? {})) {
      values[name] = name === 'prompt' ? graph : name === 'unique_id' ? id : run.item.extraData[name];
    }
    for (const [name, value] of Object.entries(inputsOf(graph, id))) {
      values[name] = isLink(value) ? this.cache.get(run.names.get(value[0]))?.outputs.at(value[1]) : value;
    }
    return values;
  }

  private async compute(id: string, { run, inputs }: { run: Run; inputs: Dict }): Promise<NodeResult> {
    const { hub, queue } = this.link;
    const { graph, promptId, extraData } = run.item;
    const nodeClass = CLASSES.get(classOf(graph[id]));
    if (!nodeClass) throw new PythonError('KeyError', `'${classOf(graph[id])}'`);
    const about = { node_id: id, prompt_id: promptId, display_node_id: id, parent_node_id: null, real_node_id: id };
    const node: NodeRun = {
      world: this.world,
      graph,
      promptId,
      nodeId: id,
      extraData,
      checkInterrupt: () => {
        this.dieIfAsked(promptId);
        if (queue.isInterrupted) throw new Interrupted();
      },
      progress: (value, max, picture) => {
        node.checkInterrupt();
        run.progress.update(id, { value, max });
        const first = hub.wantsMetadata(run.sid);
        if (picture && first) hub.sendPicture(picture, { sid: run.sid, about });
        hub.send('progress', { value, max, prompt_id: promptId, node: id }, run.sid);
        if (picture && !first) hub.sendPicture(picture, { sid: run.sid, about });
      },
      pause: (untilMs) => queue.pause(untilMs),
      sendText: (text) => hub.sendText(id, text),
    };
    node.checkInterrupt();
    if (nodeClass.name === STAND_IN) await this.standIn(node, graph, inputs);
    return nodeClass.run(inputs, node);
  }

  /** In a graph without a sampler the first seeded node takes the configured time, and shows the faults asked for its seed. */
  private async standIn(node: NodeRun, graph: Graph, inputs: Dict): Promise<void> {
    if (Object.values(graph).some((other) => classOf(other) === 'KSampler')) return;
    const seed = numeric(inputs.seed);
    if (seed !== undefined) await trouble(Number(seed), node);
    this.world.ledger.drew(node.promptId);
    await node.pause(Date.now() + this.world.secondsPerImage * 1000);
    node.checkInterrupt();
  }

  private dieIfAsked(promptId: string): void {
    const { faults, ledger } = this.world;
    if (!faults.deadWorker) return;
    faults.deadWorker = false;
    ledger.struck(promptId, 'deadWorker');
    throw new WorkerDeath();
  }

  private fail(run: Run, { id, inputs, error }: { id: string; inputs: Dict; error: unknown }): void {
    const { graph, promptId } = run.item;
    const where = { prompt_id: promptId, node_id: id, node_type: classOf(graph[id]), executed: run.executed };
    if (error instanceof Interrupted) {
      const data = { ...where, timestamp: this.world.now() };
      run.messages.push(['execution_interrupted', data]);
      this.link.hub.send('execution_interrupted', data, run.sid);
      return;
    }
    this.say(run, 'execution_error', {
      ...where,
      exception_message: `${error instanceof Error ? error.message : String(error)}\n${error instanceof PythonError ? error.tip : ''}`,
      exception_type: error instanceof PythonError ? error.pythonType : 'RuntimeError',
      traceback: [`  File "sandbox/comfyui/execution.ts", in ${classOf(graph[id])}\n`],
      current_inputs: Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, [shown(value)]])),
      current_outputs: Object.keys(graph),
    });
  }

  /** A message that also goes into the history. */
  private say(to: { sid: string | null; messages: Message[] }, type: string, data: Dict): void {
    const stamped = { ...data, timestamp: this.world.now() };
    to.messages.push([type, stamped]);
    if (to.sid !== null) this.link.hub.send(type, stamped, to.sid);
  }

  /** A message to the prompt's own client, and to nobody when it has none. */
  private tell(to: { sid: string | null }, type: string, data: Dict): void {
    if (to.sid !== null) this.link.hub.send(type, data, to.sid);
  }
}

/** An input as error messages carry it: plain values as they are, everything else as a word. */
function shown(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !(value instanceof Exact) ? '<value>' : (value ?? null);
}
