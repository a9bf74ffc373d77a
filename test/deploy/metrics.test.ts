/** The dashboard, the alert rules and docs/metrics.md speak of metrics and labels that exist. */
import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { METRICS, type MetricRow } from '../../telemetry/definitions.js';
import { createMetrics } from '../../telemetry/metrics.js';
import { samplesOf } from '../support/exposition.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

interface Dashboard {
  panels: { title: string; targets?: { expr: string; legendFormat: string }[] }[];
}
const panels = (JSON.parse(read('deploy/grafana/cull.json')) as Dashboard).panels;
const { groups } = parse(read('deploy/prometheus/alerts.yml')) as {
  groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
};
const queries = [
  ...panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({ title, expr, text: legendFormat })),
  ),
  ...groups.flatMap(({ rules }) =>
    rules.map(({ alert, expr, annotations }) => ({
      title: alert,
      expr,
      text: Object.values(annotations).join(' ').replaceAll('$labels.', '').replaceAll('$value', ''),
    })),
  ),
];

/** Names and labels that a query speaks of. @throws if it is not PromQL */
function wordsOf(query: string): { names: string[]; labels: string[] } {
  const expr = query.replaceAll('$__rate_interval', '5m');
  const names: string[] = [];
  const labels: string[] = [];
  parser.parse(expr).iterate({
    enter({ type, from, to, node }) {
      if (type.isError) throw new Error(`${expr} is wrong at ${from}`);
      const text = expr.slice(from, to);
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') names.push(text);
      if (type.name === 'LabelName') labels.push(text);
    },
  });
  return { names, labels };
}

/** Histograms are asked for by their parts. */
const rowOf = (name: string): MetricRow | undefined =>
  Object.entries<MetricRow>(METRICS).find(
    ([known, { type }]) =>
      known === name ||
      (type === 'histogram' && ['_bucket', '_sum', '_count'].some((part) => `${known}${part}` === name)),
  )?.[1];

/** Of Prometheus itself. */
const OF_EVERYBODY = ['job', 'instance'];
/** Of Temporal's SDK, whose names the end-to-end test finds in a worker. */
const OF_TEMPORAL = ['task_queue', 'worker_type'];

describe('dashboard and alert rules', () => {
  test('the parser finds what is wrong', () => {
    expect(wordsOf('sum by (a) (rate(b_total{c="d"}[5m]))')).toEqual({ names: ['b_total'], labels: ['a', 'c'] });
    expect(() => wordsOf('sum by (a (b)')).toThrow('is wrong');
  });

  test.each(queries)('$title: every metric exists, and has the labels', async ({ expr }) => {
    const { names, labels } = wordsOf(expr);
    expect(names.length).toBeGreaterThan(0);
    const ofNode = new Set(samplesOf(await createMetrics().read()).map(({ name }) => name));
    const strangers = names.filter(
      (name) => name !== 'up' && !name.startsWith('temporal_') && !rowOf(name) && !ofNode.has(name),
    );
    expect(strangers).toEqual([]);
    const known = new Set([
      ...OF_EVERYBODY,
      ...names.flatMap((name) => [
        ...(rowOf(name)?.labels ?? []),
        ...(rowOf(name)?.type === 'histogram' ? ['le'] : []),
      ]),
      ...(names.some((name) => name.startsWith('temporal_')) ? OF_TEMPORAL : []),
    ]);
    expect(labels.filter((label) => !known.has(label))).toEqual([]);
  });

  test.each(queries)('$title: what it shows is a label of the query', ({ expr, text }) => {
    const shown = [...text.matchAll(/\{\{ ?(\w+) ?\}\}/g)].map(([, label = '']) => label);
    const { names, labels } = wordsOf(expr);
    const known = [...labels, ...OF_EVERYBODY, ...names.flatMap((name) => rowOf(name)?.labels ?? [])];
    expect(shown.filter((label) => !known.includes(label))).toEqual([]);
  });
});

test('docs/metrics.md lists every metric with its labels, and no other', () => {
  const rows = [...read('docs/metrics.md').matchAll(/^\| `(cull_\w+)` +\| (\w+) +\| (.*?) *\| (.*?) *\|$/gm)];
  expect(rows.map(([, name, type, labels, help]) => ({ name, type, labels, help }))).toEqual(
    Object.entries<MetricRow>(METRICS).map(([name, { type, labels, help }]) => ({
      name,
      type,
      labels: labels.map((label) => `\`${label}\``).join(', ') || '-',
      help,
    })),
  );
});

test('names say their unit, and no label can be an id', () => {
  for (const [name, { type, labels }] of Object.entries<MetricRow>(METRICS)) {
    if (type === 'counter') expect(name).toMatch(/_total$/);
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    for (const label of ['tenant', 'request', 'candidate', 'batch', 'path']) expect(labels).not.toContain(label);
  }
});
