/** Every fault that the reliability tests let loose, in one table: how it strikes, and how the host comes back. */
import type { Storm } from './storm.js';

export interface FaultCase {
  readonly id: string;
  /** What happens, for docs/reliability.md. */
  readonly what: string;
  /** `start`: it lies in wait; `running`: it strikes while prompts run. */
  readonly when: 'start' | 'running';
  /** @param seeds the seeds of the request, for faults that hang on one */
  strike(storm: Storm, at: { host: number; seeds: readonly number[] }): Promise<void>;
  /**
   * What a person or a supervisor does about it; faults without it pass by themselves. `at once`: the process comes back right
   * away; `when reported`: once Cull says that the host is unhealthy.
   */
  readonly heal?: { when: 'at once' | 'when reported'; how(storm: Storm, host: number): Promise<void> };
}

const fault =
  (change: NonNullable<Parameters<Storm['config']>[1]['fault']>): FaultCase['strike'] =>
  (storm, { host }) =>
    storm.config(host, { fault: change });

const restart = (storm: Storm, host: number): Promise<void> => storm.restart(host);

export const FAULT_CASES: readonly FaultCase[] = [
  {
    id: 'socket-dropped',
    what: 'The websocket is cut at its 3rd event',
    when: 'start',
    strike: fault({ dropAtEvent: 3 }),
  },
  { id: 'no-websocket', what: 'Websockets are refused', when: 'start', strike: fault({ noWebsocket: true }) },
  { id: 'events-lost', what: 'The next 20 events are never sent', when: 'start', strike: fault({ loseEvents: 20 }) },
  {
    id: 'connections-dropped',
    what: 'All connections are cut, once',
    when: 'running',
    strike: fault({ dropConnections: true }),
  },
  {
    id: 'refused',
    what: 'No connection is taken for 2 s; prompts go on',
    when: 'running',
    strike: fault({ refuseMs: 2_000 }),
  },
  {
    id: 'accept-then-500',
    what: 'A submitted prompt is queued, then answered 500',
    when: 'start',
    strike: fault({ acceptThen500: 1 }),
  },
  { id: 'stall', what: 'A prompt hangs without a word', when: 'start', strike: fault({ stallPrompts: 1 }) },
  {
    id: 'slow-download',
    what: 'Two downloads trickle over 2 s',
    when: 'start',
    strike: fault({ slowViews: 2, slowViewMs: 2_000 }),
  },
  {
    id: 'truncated',
    what: 'Two downloads end half-way, as if whole',
    when: 'start',
    strike: fault({ truncateViews: 2 }),
  },
  {
    id: 'cut-download',
    what: 'Two downloads lose their connection half-way',
    when: 'start',
    strike: fault({ cutViews: 2 }),
  },
  { id: 'text-download', what: 'Two downloads are a text page', when: 'start', strike: fault({ textViews: 2 }) },
  { id: 'output-gone', what: 'A saved image is not there (404)', when: 'start', strike: fault({ missingViews: 1 }) },
  {
    id: 'out-of-memory',
    what: 'Two seeds run out of GPU memory, once each',
    when: 'start',
    strike: async (storm, { seeds }) => {
      const oomSeeds = seeds.slice(0, 2);
      for (let host = 0; host < storm.hosts; host++) await storm.config(host, { fault: { oomSeeds } });
    },
  },
  { id: 'disk-full', what: 'Two saves find the disk full', when: 'start', strike: fault({ diskFull: 2 }) },
  {
    id: 'clock-skew',
    what: 'The clock of the host is an hour ahead',
    when: 'start',
    strike: fault({ clockSkewMs: 3_600_000 }),
  },
  {
    id: 'killed',
    what: 'kill -9 of the ComfyUI process, started again at once',
    when: 'running',
    strike: (storm, { host }) => storm.kill(host),
    heal: { when: 'at once', how: restart },
  },
  {
    id: 'dead-worker',
    what: 'The worker thread dies, HTTP goes on; restarted when reported',
    when: 'running',
    strike: fault({ deadWorker: true }),
    heal: { when: 'when reported', how: restart },
  },
];
