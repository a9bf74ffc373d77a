/** Troubles that tests can ask for. Counts go down as they are used. */
export interface Faults {
  /** The next n downloads end half-way, with a length that matches what is sent. @default 0 */
  truncateViews: number;
  /** The connection of the next n downloads is cut half-way. @default 0 */
  cutViews: number;
  /** The next n downloads are answered with a text page. @default 0 */
  textViews: number;
  /** The next n downloads are answered 404. @default 0 */
  missingViews: number;
  /** The next n downloads trickle, each over `slowViewMs` in all. @default 0 */
  slowViews: number;
  /** Milliseconds. @default 1000 */
  slowViewMs: number;
  /** Prompts with one of these seeds end in an execution_error. @default [] */
  failSeeds: readonly number[];
  /** Prompts with one of these seeds run out of GPU memory; a seed leaves the list with each time it did. @default [] */
  oomSeeds: readonly number[];
  /** How often each seed of `oomSeeds` runs out of memory; set before or with them. @default 1 */
  oomTimes: number;
  /** The next n SaveImage find the disk full. @default 0 */
  diskFull: number;
  /** The next n prompts that reach their sampler hang there without a word until they are interrupted. @default 0 */
  stallPrompts: number;
  /** The worker dies with the prompt that runs, or with the next one; everything else goes on. @default false */
  deadWorker: boolean;
  /** The next n POST /prompt are queued, then answered 500. @default 0 */
  acceptThen500: number;
  /**
   * Each websocket that is open, or opens before the first was cut, is cut before its n-th JSON event from now on, once.
   * 0 cuts none. @default 0
   */
  dropAtEvent: number;
  /** The next n JSON events other than `status` are not sent. @default 0 */
  loseEvents: number;
  /** Websockets are refused (403). @default false */
  noWebsocket: boolean;
  /** Free GPU memory that /system_stats tells, in bytes; -1 is what the machine has. @default -1 */
  vramFree: number;
  /** All times that the server tells are off by this many ms. @default 0 */
  clockSkewMs: number;
}

/** The faults that are counted down. */
export type Count = { [Name in keyof Faults]: Faults[Name] extends number ? Name : never }[keyof Faults];

export function noFaults(): Faults {
  return {
    truncateViews: 0,
    cutViews: 0,
    textViews: 0,
    missingViews: 0,
    slowViews: 0,
    slowViewMs: 1000,
    failSeeds: [],
    oomSeeds: [],
    oomTimes: 1,
    diskFull: 0,
    stallPrompts: 0,
    deadWorker: false,
    acceptThen500: 0,
    dropAtEvent: 0,
    loseEvents: 0,
    noWebsocket: false,
    vramFree: -1,
    clockSkewMs: 0,
  };
}

/** Sets the faults that are named; values of another type than the fault's are passed over. */
export function applyFaults(faults: Faults, wanted: Readonly<Record<string, unknown>>): void {
  for (const [name, now] of Object.entries(faults) as [string, unknown][]) {
    const value = wanted[name];
    if (typeof value === typeof now && Array.isArray(value) === Array.isArray(now)) {
      Object.assign(faults, { [name]: value });
    }
  }
  if (Array.isArray(wanted.oomSeeds)) {
    faults.oomSeeds = faults.oomSeeds.flatMap((seed) => Array.from({ length: faults.oomTimes }, () => seed));
  }
}

/** Whether a counted fault is due; counts it down. */
export function due(faults: Faults, name: Count): boolean {
  if (faults[name] <= 0) return false;
  faults[name]--;
  return true;
}

/** Whether this seed runs out of memory now; takes it off the list once. */
export function outOfMemory(faults: Faults, seed: number): boolean {
  const at = faults.oomSeeds.indexOf(seed);
  if (at < 0) return false;
  faults.oomSeeds = faults.oomSeeds.filter((_, i) => i !== at);
  return true;
}
