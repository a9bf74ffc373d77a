import type { Preview } from '../frames.js';
import type { Dict, Graph } from '../graph.js';
import type { Exact } from '../json.js';
import type { Ability } from '../profile.js';
import type { World } from '../world.js';

/** What a widget or a socket takes: a type's name, or the list of allowed values. */
export type InputType = string | readonly string[];
export interface InputLimits {
  readonly default?: unknown;
  readonly min?: number | Exact;
  readonly max?: number | Exact;
  readonly [more: string]: unknown;
}
export type InputSpec = readonly [type: InputType] | readonly [type: InputType, limits: InputLimits];

/** What a node does its work with. */
export interface NodeRun {
  readonly world: World;
  readonly graph: Graph;
  readonly promptId: string;
  readonly nodeId: string;
  readonly extraData: Dict;
  /** Reports a step, and shows a picture with it; raises Interrupted when the prompt was interrupted. */
  progress(value: number, max: number, picture?: Preview): void;
  /** Waits until `untilMs` (Unix ms) or until interrupted (Infinity: only then), whichever comes first. */
  pause(untilMs: number): Promise<void>;
  /** Raises Interrupted when the prompt was interrupted. */
  checkInterrupt(): void;
  /** Sends a text over the websocket: to all clients, as ComfyUI does. */
  sendText(text: string): void;
}

export interface NodeResult {
  readonly outputs: readonly unknown[];
  /** What the client is told; nodes without it send no `executed`. */
  readonly ui?: Dict;
}

/** One node class: what /object_info says about it, what validation asks of its inputs, and what it does. */
export interface NodeClass {
  readonly name: string;
  readonly displayName: string;
  readonly category: string;
  /** What it was called before 0.27. */
  readonly before?: { readonly displayName?: string | null; readonly category?: string };
  readonly description?: string;
  readonly module: string;
  /** Written against ComfyUI's newer node API, which lists other fields in /object_info. */
  readonly modern?: boolean;
  readonly isOutput?: boolean;
  inputs(world: World): Readonly<Record<string, InputSpec>>;
  optional?(world: World): Readonly<Record<string, InputSpec>>;
  /** What a version needs to have this class. */
  readonly since?: Ability;
  readonly hidden?: Readonly<Record<string, string>>;
  readonly outputs: readonly string[];
  readonly outputNames?: readonly string[];
  readonly outputTooltips?: readonly string[];
  readonly searchAliases?: readonly string[] | null;
  readonly essentials?: string;
  /** Inputs that the class checks itself, and how: a sentence for each bad one. */
  readonly checks?: Readonly<Record<string, (value: unknown, world: World) => string | undefined>>;
  /** What besides its inputs decides whether a cached result still holds. */
  fingerprint?(inputs: Dict, world: World): Promise<string>;
  run(inputs: Dict, run: NodeRun): Promise<NodeResult>;
}

/** The prompt was interrupted while this node was at work. */
export class Interrupted extends Error {}

/** The worker ends here and now, with the prompt at hand. */
export class WorkerDeath extends Error {}
