/** Parts of report.html: curves, gates, calibration, subgroups, tables. */
import type { CurvePoint } from '../../selection/tuning/curves.js';
import type { GateReport } from '../../selection/tuning/gate-report.js';
import type { Gap } from '../../selection/tuning/subgroups.js';
import type { TuneReport } from '../../selection/tuning/tune.js';
import { chart, percent } from './chart.js';
import { numberText } from './format.js';
import { html, type Html } from './html.js';

/** Curves of the policy as a whole. */
export function joint({ jointCurve }: TuneReport): Html {
  return html`<h2>The whole policy <span class="count">on the held-out half</span></h2>
    <div class="charts">${curves(jointCurve, [])}</div>`;
}

/** A gate's curves, with the points where it stands and where it is proposed. */
export function gateSection(gate: GateReport, { changes }: TuneReport): Html {
  const own = changes.find((change) => change.gate === gate.gate);
  const only = gate.bounds.length === 1 ? gate.bounds[0] : undefined;
  const moved = only && own ? (only.side === 'min' ? own.to - own.from : own.from - own.to) : undefined;
  const points: { name: 'present' | 'proposed'; point: CurvePoint }[] = [];
  for (const [name, margin] of [
    ['present', 0],
    ['proposed', moved],
  ] as const) {
    const point = margin === undefined ? undefined : gate.curve.findLast(({ threshold }) => threshold >= margin);
    if (point) points.push({ name, point });
  }
  const bounds = gate.bounds.map(
    ({ side, present, alone, riskControlled }) =>
      `${side} ${numberText(present)}; for this gate alone ${numberText(alone)}${riskControlled === null ? '' : `, by risk control ${numberText(riskControlled)}`}`,
  );
  const area =
    gate.areaUnderRoc === null ? 'only one kind of picture' : `area under ROC ${gate.areaUnderRoc.toFixed(3)}`;
  return html`<section>
    <h3>${gate.gate} <small>${gate.on}</small></h3>
    <p class="note">
      ${area}; ${gate.pictures} pictures, ${gate.defective}
      ${gate.judged === 'gate' ? 'failed at this gate' : 'defective'}, ${gate.withoutValue} without a value;
      ${bounds.join('; ')}
    </p>
    <div class="charts">${curves(gate.curve, points)}</div>
  </section>`;
}

function curves(
  points: readonly CurvePoint[],
  marked: readonly { name: 'present' | 'proposed'; point: CurvePoint }[],
): Html[] {
  const drawn = (x: keyof CurvePoint, y: keyof CurvePoint) => ({
    lines: [points.map((point) => [point[x], point[y]] as const)],
    marks: marked.map(({ name, point }) => ({ name, at: [point[x], point[y]] as const })),
  });
  const worst = Math.max(0.05, ...points.map(({ error }) => error));
  return [
    chart({ title: 'Precision and recall', x: 'recall', y: 'precision', ...drawn('recall', 'precision') }),
    chart({
      title: 'ROC',
      x: 'defective that pass',
      y: 'good that pass',
      diagonal: true,
      ...drawn('fallOut', 'recall'),
    }),
    chart({
      title: 'Error against discard',
      x: 'discarded',
      y: 'defective among the rest',
      top: Math.min(1, Math.ceil(worst * 20) / 20),
      ...drawn('discarded', 'error'),
    }),
  ];
}

/** Brier, calibration error and a reliability diagram per gate. */
export function calibration({ calibration: all }: TuneReport): Html | false {
  if (all.length === 0) return false;
  return html`<h2>How true the probabilities are <span class="count">on the held-out half</span></h2>
    ${table(
      ['gate', 'method', 'pictures', 'Brier', 'calibration error'],
      all.map(({ gate, method, pictures, brier, calibrationError }) => [
        gate,
        method,
        `${pictures}`,
        brier.toFixed(3),
        percent(calibrationError),
      ]),
    )}
    <div class="charts">
      ${all.map(({ gate, bins }) =>
        chart({
          title: gate,
          x: 'said to be good',
          y: 'good',
          diagonal: true,
          lines: [bins.map(({ said, came }) => [said, came] as const)],
        }),
      )}
    </div>`;
}

/** Rates and gaps; nothing where labels name fewer than two subgroups. */
export function subgroups({ heldOut }: TuneReport): Html | false {
  if (heldOut.subgroups.length === 0) return false;
  const rate = (gap: Gap | null): string =>
    gap ? `${percent(gap.rate)} of ${gap.of} (${percent(gap.interval.low)} to ${percent(gap.interval.high)})` : '–';
  const points = (share: number): string => (share * 100).toFixed(1);
  const difference = (gap: Gap | null): string =>
    gap ? `${points(gap.gap)} (${points(gap.low)} to ${points(gap.high)})` : '–';
  return html`<h2>Subgroups <span class="count">on the held-out half</span></h2>
    ${table(
      ['subgroup', 'pictures', 'defective of passing', 'gap, points', 'good rejected', 'gap, points'],
      heldOut.subgroups.map(({ subgroup, pictures, defectRate, goodRejected }) => [
        subgroup,
        `${pictures}`,
        rate(defectRate),
        difference(defectRate),
        rate(goodRejected),
        difference(goodRejected),
      ]),
    )}
    <p class="note">A gap whose interval holds 0 may be chance.</p>`;
}

/** A table whose first column names the row. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): Html {
  return html`<div class="table">
    <table>
      <thead>
        <tr>
          ${head.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([name, ...cells]) =>
            html`<tr>
              <th scope="row">${name}</th>
              ${cells.map((cell) => html`<td>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
