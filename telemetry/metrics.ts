/** Metrics in the words of `definitions.ts`, counted with prom-client and read as Prometheus text. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { MAX_SERIES, METRICS, OTHER, type LabelsOf, type MetricRow, type NameOf } from './definitions.js';

/** What the parts of a process tell. Nothing here throws, and nothing waits. */
export interface Metrics {
  /** @param by what a counter grows by, at least 0 @default 1 */
  add<N extends NameOf<'counter'>>(name: N, labels: LabelsOf<N>, by?: number): void;
  /** One value of a histogram, in the unit that its name ends with. */
  observe<N extends NameOf<'histogram'>>(name: N, labels: LabelsOf<N>, value: number): void;
  /** A gauge as it is now; `undefined` where there is no such thing any more. */
  set<N extends NameOf<'gauge'>>(name: N, labels: LabelsOf<N>, value: number | undefined): void;
}

/** Tells nobody: the default of everything that counts. */
export const NO_METRICS: Metrics = { add: () => undefined, observe: () => undefined, set: () => undefined };

/** The metrics of one process. */
export interface MetricsBook extends Metrics {
  readonly contentType: string;
  /** Looks at something that is only worth looking at when somebody reads; a look that fails or takes longer than 2 s leaves the figures as they were. */
  beforeRead(look: () => Promise<void>): void;
  /** All metrics as Prometheus text. */
  read(): Promise<string>;
}

const LOOK_MS = 2_000;

/**
 * An empty book, besides what Node says of the process itself (`process_*`, `nodejs_*`).
 *
 * @example
 * const book = createMetrics();
 * book.add('cull_images_delivered_total', { template: 'product' }, 4);
 * await book.read(); // '… cull_images_delivered_total{template="product"} 4 …'
 */
export function createMetrics(): MetricsBook {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();
  const gauges = new Map<string, Gauge>();
  for (const [name, row] of Object.entries<MetricRow>(METRICS)) {
    const options = { name, help: row.help, labelNames: [...row.labels], registers: [registry] };
    if (row.type === 'counter') counters.set(name, new Counter(options));
    else if (row.type === 'gauge') gauges.set(name, new Gauge(options));
    else histograms.set(name, new Histogram({ ...options, buckets: [...(row.buckets ?? [])] }));
  }
  const series = new Map<string, Set<string>>(Object.keys(METRICS).map((name) => [name, new Set()]));
  const bounded = (name: string, labels: Record<string, string>): Record<string, string> =>
    admit(series, name, labels) ? labels : Object.fromEntries(Object.keys(labels).map((label) => [label, OTHER]));
  const looks: (() => Promise<void>)[] = [];

  return {
    contentType: registry.contentType,
    add: (name, labels, by = 1) => counters.get(name)?.inc(bounded(name, labels), by),
    observe: (name, labels, value) => histograms.get(name)?.observe(bounded(name, labels), value),
    set(name, labels, value) {
      const gauge = gauges.get(name);
      if (value === undefined) {
        gauge?.remove(labels);
        series.get(name)?.delete(seriesOf(labels));
      } else if (admit(series, name, labels)) gauge?.set(labels, value);
    },
    beforeRead: (look) => void looks.push(look),
    async read() {
      await Promise.all(looks.map(withinLimit));
      return registry.metrics();
    },
  };
}

const seriesOf = (labels: Record<string, string>): string => JSON.stringify(Object.entries(labels).sort());

/** Whether there is room for a series; it is taken. */
function admit(series: Map<string, Set<string>>, name: string, labels: Record<string, string>): boolean {
  const known = series.get(name);
  const key = seriesOf(labels);
  if (!known || known.has(key)) return true;
  if (known.size >= MAX_SERIES) return false;
  known.add(key);
  return true;
}

async function withinLimit(look: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, LOOK_MS)));
  await Promise.race([look().catch(() => undefined), late]);
  clearTimeout(timer);
}
