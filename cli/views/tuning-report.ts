/** report.html of `tune`: the statement, the thresholds, the curves, the gaps; one file that opens from disk. */
import { boundText, promiseText, type Varying } from '../../selection/tuning/held-out.js';
import type { ThresholdReport } from '../../selection/tuning/threshold-intervals.js';
import type { Tally, TuneReport } from '../../selection/tuning/tune.js';
import { percent } from './chart.js';
import { numberText } from './format.js';
import { html, type Html } from './html.js';
import { factList, page } from './page.js';
import { stoppedText } from './tuning-text.js';
import { calibration, gateSection, joint, subgroups, table } from './tuning-sections.js';

/** report.json. */
export interface TuningDoc extends TuneReport {
  /** Labels whose pictures had no scores. */
  withoutScores: number;
  /** Gates that labels judge and the policy does not have. */
  otherGates: string[];
  /** Pictures that people differ on and that count as failed. */
  disagreements: string[];
}

/**
 * @example
 * await writeFile('report.html', tuningReport(report));
 */
export function tuningReport(report: TuningDoc): string {
  const { promise } = report.heldOut;
  const outcome = promise.shown ? 'Shown' : 'Not shown';
  return page({
    title: `${outcome}: thresholds of ${report.policy}`,
    style: STYLE,
    content: html`<header>
        <p class="outcome ${promise.shown ? 'delivered' : 'shortfall'}">${outcome}</p>
        <h1>${promiseText(promise)}</h1>
        ${facts(report)}
        <p class="note">${report.labels.origin.speaksOf}</p>
      </header>
      <main>
        ${thresholds(report.thresholds)} ${tallies(report)} ${joint(report)}
        <h2>Gate by gate <span class="count">on the half that chose</span></h2>
        <p class="legend">
          <i class="present"></i> as it was <i class="proposed"></i> as proposed; a curve moves the threshold over all
          values
        </p>
        ${report.gates.map((gate) => gateSection(gate, report))} ${calibration(report)} ${subgroups(report)}
        ${leftOut(report)}
      </main>
      <footer>
        <dl>
          <div>
            <dt>Policy</dt>
            <dd><code>${report.policy}</code></dd>
          </div>
          <div>
            <dt>Split</dt>
            <dd>by job, seed ${report.seed}</dd>
          </div>
        </dl>
      </footer>`,
  });
}

function facts({ labels, heldOut }: TuningDoc): Html {
  const rows: [string, string][] = [
    ['Labelled', `${labels.pictures} pictures`],
    ['Of', `${labels.jobs} jobs`],
    ['Defective', `${labels.defective}`],
    ['Held out, passing', `${heldOut.promise.delivered}`],
    ['of these defective', varying(heldOut.defectRate)],
    ['Good that pass', varying(heldOut.goodDelivered)],
  ];
  return factList(rows);
}

const varying = (rate: Varying | null): string =>
  rate ? `${percent(rate.value)} (${percent(rate.low)} to ${percent(rate.high)})` : 'none';

function thresholds(all: readonly ThresholdReport[]): Html {
  const rows = all.map(({ gate, at, side, from, to, interval }) => [
    gate,
    `${at} ${side}`,
    numberText(from),
    from === to ? 'stays' : numberText(to),
    interval ? `${numberText(interval.low)} to ${numberText(interval.high)}` : '–',
  ]);
  return html`<h2>Thresholds</h2>
    ${
      rows.length === 0
        ? html`<p>The policy has none.</p>`
        : table(['gate', 'bound', 'was', 'proposed', 'with other jobs like these'], rows)
    }`;
}

function tallies({ tuning, before, heldOut: { promise }, heldOut }: TuningDoc): Html {
  const row = (name: string, { pictures, jobs, good, delivered, defective }: Tally): string[] => [
    name,
    `${pictures}`,
    `${jobs}`,
    `${delivered}`,
    delivered === 0 ? '–' : percent(defective / delivered),
    good === 0 ? '–' : percent((delivered - defective) / good),
  ];
  const after = { ...before, delivered: promise.delivered, defective: promise.defective };
  return html`<h2>Before and after</h2>
    ${table(
      ['', 'pictures', 'jobs', 'pass', 'defective', 'good that pass'],
      [
        row('held out, as it was', before),
        row('held out, as proposed', after),
        row('that chose, as it was', tuning.before),
        row('that chose, as proposed', tuning.after),
      ],
    )}
    <p class="note">
      Of the next pictures drawn, at most ${boundText(heldOut.risk)} are expected to be defective and pass (conformal
      risk control).
    </p>`;
}

function leftOut({ labels, withoutScores, otherGates, disagreements }: TuningDoc): Html | false {
  const rows = [
    [labels.partlyJudged, 'pictures of which only some gates were judged'],
    [labels.notMeasured, 'pictures without a score for some gate'],
    [withoutScores, 'labelled pictures without scores'],
    [otherGates.length, `gates that the policy does not have: ${otherGates.join(', ')}`],
    [disagreements.length, 'pictures that people differ on: they count as failed'],
  ].flatMap(([count, what]) => (count === 0 ? [] : [`${count ?? ''} ${what ?? ''}`]));
  if (labels.stopped > 0) rows.push(stoppedText(labels.stopped));
  if (rows.length === 0) return false;
  return html`<h2>Left out or decided</h2>
    <ul>
      ${rows.map((row) => html`<li>${row}</li>`)}
    </ul>`;
}

const STYLE = `
h3{margin-top:26px}
h3 small{font-weight:400;margin-left:4px}
.note,.legend{font-size:13.5px;color:var(--soft);margin-top:6px;overflow-wrap:anywhere}
.legend i{display:inline-block;width:10px;height:10px;border-radius:5px;margin-left:10px}
.legend i:first-child{margin-left:0}
.legend .present{background:var(--wait)}.legend .proposed{background:var(--good);border-radius:0;transform:rotate(45deg)}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,260px),1fr));gap:16px;margin-top:12px}
figure{margin:0;padding:12px 14px;background:var(--card);border:1px solid var(--line);border-radius:8px}
figcaption{font-size:13.5px;font-weight:600;margin-bottom:6px}
svg{display:block;width:100%;height:auto;max-width:340px}
svg text{font-size:9.5px;fill:var(--soft)}
svg .axis{font-size:11px}
svg .grid{stroke:var(--line);stroke-width:.7;fill:none}
svg .diagonal{stroke:var(--soft);stroke-dasharray:3 3;stroke-width:1;fill:none}
svg .line{stroke:var(--focus);stroke-width:2;fill:none;stroke-linejoin:round}
svg .present,svg .proposed{stroke:var(--card);stroke-width:1.5}
svg .present{fill:var(--wait)}svg .proposed{fill:var(--good)}
.table{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:8px}
table{width:100%;border-collapse:collapse;font-size:13.5px}
th,td{padding:7px 14px;text-align:right;font-weight:400;white-space:nowrap}
th:first-child{text-align:left}
thead th{color:var(--soft)}
tbody tr>*{border-top:1px solid var(--line)}
main ul{font-size:13.5px}
`;
