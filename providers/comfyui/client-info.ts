import { parseAddress, type Address, type AddressOptions } from './address.js';
import * as info from './endpoints/info.js';
import * as classes from './endpoints/object-info.js';
import { Server, type ClientTimeouts, type With } from './endpoints/server.js';
import * as versions from './endpoints/version.js';

export interface ComfyClientOptions extends AddressOptions {
  /** Base URL; a path in front and credentials are fine. */
  url: string;
  timeouts?: ClientTimeouts;
}

/** The half of `ComfyClient` that asks what a ComfyUI is and has; nothing here is about prompts or changes anything. */
export class ComfyInfo {
  /** For the websocket: `new ComfyEvents({ address: client.address })`. */
  readonly address: Address;
  /** Where every method sends to. */
  protected readonly to: Server;

  /** @throws CullError CONFIG_INVALID if the address, a header or the certificate authority cannot be used */
  constructor(options: ComfyClientOptions) {
    this.address = parseAddress(options.url, options);
    this.to = new Server(this.address, options.timeouts);
  }

  /**
   * All node classes (about 1 MB), or one; undefined where it has no such class.
   *
   * @example
   * const loader = await comfy.objectInfo('CheckpointLoaderSimple');
   * const checkpoints = loader?.inputs.ckpt_name?.options;
   */
  objectInfo(className?: undefined, options?: With): Promise<Record<string, classes.NodeClass>>;
  objectInfo(className: string, options?: With): Promise<classes.NodeClass | undefined>;
  objectInfo(className?: string, options: With = {}): Promise<unknown> {
    if (className === undefined) return classes.objectInfo(this.to, options);
    return classes.nodeClass(this.to, className, options);
  }

  /**
   * Version, memory in bytes, devices. Answers even where the worker thread is dead.
   *
   * @example
   * const free = (await comfy.systemStats()).devices[0]?.vramFree;
   */
  systemStats(options: With = {}): Promise<info.SystemStats> {
    return info.systemStats(this.to, options);
  }

  /**
   * What the server says it can; before 0.3.45 nothing.
   *
   * @example
   * const { maxUploadBytes } = await comfy.features();
   */
  features(options: With = {}): Promise<info.Features> {
    return info.features(this.to, options);
  }

  /**
   * The version as three numbers, `0.0.0` where the server does not say. Asked once, and again after it was away.
   *
   * @example
   * await comfy.version(); // '0.30.0'
   */
  version(options: With = {}): Promise<string> {
    return versions.version(this.to, options);
  }

  /**
   * What this ComfyUI can do, from its version and from what earlier calls found.
   *
   * @example
   * if (!(await comfy.supports()).promptIds) console.log('a submit without an answer cannot be looked up');
   */
  supports(options: With = {}): Promise<versions.Supports> {
    return versions.supports(this.to, options);
  }

  /**
   * Names of the embeddings, without their endings.
   *
   * @example
   * const usable = (await comfy.embeddings()).map((name) => `embedding:${name}`);
   */
  embeddings(options: With = {}): Promise<string[]> {
    return info.names(this.to, '/embeddings', options);
  }

  /**
   * Paths of the scripts that extensions add to the canvas; not a list of custom nodes.
   *
   * @example
   * const scripts = await comfy.extensions();
   */
  extensions(options: With = {}): Promise<string[]> {
    return info.names(this.to, '/extensions', options);
  }

  /**
   * The folders for models, or the files in one of them; undefined where it has no such folder.
   *
   * @example
   * const loras = await comfy.models('loras');
   */
  models(folder?: undefined, options?: With): Promise<string[]>;
  models(folder: string, options?: With): Promise<string[] | undefined>;
  models(folder?: string, options: With = {}): Promise<string[] | undefined> {
    return folder === undefined ? info.names(this.to, '/models', options) : info.modelsIn(this.to, folder, options);
  }
}
