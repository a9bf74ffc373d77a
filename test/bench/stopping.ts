/**
 * What a quota costs: GPU-time per delivered image and time to K of `nextStep`, beside the fixed N that meets the quota in 95 % of the requests and beside
 * an oracle that knows the pass rate. No GPU: simulated pass rates, and verdicts recorded from the sandbox's pictures under the
 * product policy (test/bench/stopping/record.ts). The default hurry was chosen on other seeds (500,000 on).
 *
 *   npm run bench:stopping [-- --json] [--requests 4000]
 */
import { parseArgs } from 'node:util';
import { chanceOf } from '../../selection/pass-rate.js';
import { compare, fixedN, HURRIES, rowOf, type Row, type Setting } from './stopping/compare.js';
import { simulate } from './stopping/simulate.js';
import { readTraces } from './stopping/traces.js';

const SEED = 30_000_000;
const RATES = [0.1, 0.3, 0.5, 0.7, 0.9] as const;
const MAIN = { deliver: 4, inFlight: 4, cap: 64 } as const;
const UNKNOWN = { a: 2, b: 2 } as const;

const { values: flags } = parseArgs({
  options: { json: { type: 'boolean', default: false }, requests: { type: 'string', default: '4000' } },
});
const requests = Number(flags.requests);

interface Table {
  setting: Setting | { traces: string; deliver: number; inFlight: number; cap: number };
  fixedN: number;
  rows: Row[];
}

const tableOf = (setting: Setting, count = requests): Table => ({
  setting,
  fixedN: fixedN(setting),
  rows: compare(setting, { requests: count, seed: SEED }),
});

/** The rates of the recorded requests differ: the fixed N is the one that meets the quota in 95 % of them. */
async function recorded(): Promise<Table> {
  const traces = await readTraces();
  const fixed = traces
    .map(({ passes }) => {
      let passed = 0;
      const at = passes.findIndex((pass) => (passed += Number(pass)) >= MAIN.deliver);
      return at === -1 ? Infinity : at + 1;
    })
    .sort((a, b) => a - b)[Math.ceil(0.95 * traces.length) - 1] as number;
  const cap = Math.min(...traces.map(({ passes }) => passes.length));
  const n = Math.min(cap, fixed);
  const setting = { ...MAIN, cap, rate: 0 };
  const quota = { mode: 'quota', candidates: cap, deliver: MAIN.deliver, window: MAIN.inFlight } as const;
  const strategies = {
    'fixed N': { ...quota, mode: 'best-of', candidates: n } as const,
    ...Object.fromEntries(Object.entries(HURRIES).map(([name, hurry]) => [name, { ...quota, hurry }])),
  };
  const rows = Object.entries(strategies).map(([name, policy]) =>
    rowOf(
      name,
      traces.map(({ trace }) => ({ trace, outcome: simulate(trace, policy) })),
      setting,
    ),
  );
  return { setting: { traces: `${traces.length} recorded requests`, ...MAIN, cap }, fixedN: n, rows };
}

const gpuOf = ({ rows }: Table, strategy: string): number =>
  rows.find((row) => row.strategy === strategy)?.gpuPerDelivered ?? NaN;
const saved = (table: Table): number => 1 - gpuOf(table, 'usual') / gpuOf(table, 'fixed N');

const unknown = tableOf({ ...MAIN, rate: UNKNOWN });
const byRate = RATES.map((rate) => tableOf({ ...MAIN, rate }));
const half = byRate[RATES.indexOf(0.5)] as Table;
const overOracle = byRate.map((table) => gpuOf(table, 'usual') / gpuOf(table, 'oracle, usual') - 1);
/** Against the least that any strategy could take: one candidate after the other, K / p. */
const overLeast = byRate.map((table, i) => gpuOf(table, 'usual') * (RATES[i] as number) - 1);
const learnedOverOracle = byRate.map((table) => gpuOf(table, 'usual, learned') / gpuOf(table, 'oracle, usual') - 1);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const falselyFutile = Math.max(...[unknown, ...byRate].flatMap(({ rows }) => rows.map((row) => row.falselyFutile)));
const timeAtHalf = half.rows.find(({ strategy }) => strategy === 'usual')?.time ?? NaN;
const wide: Table[] = [];
for (const deliver of [1, 4, 10, 60])
  for (const inFlight of [1, 8, 32])
    wide.push(tableOf({ deliver, inFlight, cap: 16 * deliver + 48, rate: 0.5 }, Math.ceil(requests / 4)));
/** What a release remembers must not make its requests dearer than those of one that nothing is known of. */
const learningCosts = [unknown, ...byRate, ...wide].map(
  (table) => gpuOf(table, 'usual, learned') / gpuOf(table, 'usual') - 1,
);
const targets = [
  ['unknown rate, Beta(2,2): GPU-time saved against fixed N', saved(unknown), '>=', 0.5],
  ['p = 0.5: GPU-time saved against fixed N', saved(half), '>=', 0.25],
  ['p = 0.5: generations of time to K', timeAtHalf, '<=', 2.6],
  ['p of 0.1 to 0.9, mean: GPU-time above the oracle', mean(overOracle), '<=', 0.25],
  ['p of 0.1 to 0.9, mean: GPU-time above K / p', mean(overLeast), '<=', 0.25],
  ['the same, with what earlier requests showed', mean(learnedOverOracle), '<=', 0.25],
  [
    'GPU-time with what earlier requests showed above that without, worst table',
    Math.max(...learningCosts),
    '<=',
    0.02,
  ],
  ['requests given up as futile that the cap would have held, worst table', falselyFutile, '<=', 0.01],
] as const;

const kept = await recorded();

if (flags.json)
  console.log(
    JSON.stringify({
      requests,
      targets: targets.map(([what, value, , wanted]) => ({ what, value, wanted })),
      tables: [unknown, ...byRate, kept, ...wide],
    }),
  );
else {
  for (const table of [unknown, ...byRate, kept, ...wide]) print(table);
  console.log();
  for (const [what, value, relation, wanted] of targets) {
    const holds = relation === '>=' ? value >= wanted : value <= wanted;
    console.log(`${holds ? 'ok  ' : 'MISS'} ${what}: ${value.toFixed(3)} (wanted ${relation} ${wanted})`);
  }
  console.log(
    `chance that a fixed N of 240 delivers 60 at p = 0.25: ${chanceOf(60, 240, { passes: 25e7, fails: 75e7 }).toFixed(2)}`,
  );
}

function print({ setting, fixedN: n, rows }: Table): void {
  const rate = 'traces' in setting ? setting.traces : `p ${JSON.stringify(setting.rate)}`;
  console.log(`\n${rate}: K ${setting.deliver}, ${setting.inFlight} in flight, cap ${setting.cap}; fixed N ${n}`);
  console.log('  strategy           GPU-time per delivered   time to the stop   met    falsely futile');
  for (const row of rows)
    console.log(
      `  ${row.strategy.padEnd(18)} ${row.gpuPerDelivered.toFixed(2).padStart(22)} ${row.time.toFixed(2).padStart(18)} ${row.met.toFixed(3).padStart(7)} ${row.falselyFutile.toFixed(4).padStart(10)}`,
    );
}
