import { describe, expect, it } from 'vitest';
import { chart, percent } from '../../cli/views/chart.js';
import { tuningReport, type TuningDoc } from '../../cli/views/tuning-report.js';
import { tuningText } from '../../cli/views/tuning-text.js';
import { tune } from '../../selection/tuning/tune.js';
import { drawExamples, GUESSED } from '../bench/tuning/world.js';

const world = { kinds: [{ share: 1, defect: 0.2 }], perJob: 1 };
const docOf = (pictures: number): TuningDoc => ({
  ...tune(drawExamples(world, { pictures, seed: 3 }), {
    ...{ policy: GUESSED, maxDefectRate: 0.05, confidence: 0.95 },
    ...{ seed: 1, resamples: 100 },
  }).report,
  withoutScores: 3,
  otherGates: ['logo.likeness'],
  disagreements: ['a.png'],
});

describe('the report of tune', () => {
  const doc = docOf(1500);

  it('begins with the statement, and shows every gate, curve, change and subgroup', () => {
    const page = tuningReport(doc);
    expect(page).toMatch(
      /<p class="outcome delivered">Shown<\/p>\s*<h1>At most [\d.]+ % of what this policy lets pass/,
    );
    for (const text of [
      'sharpness.tileP90',
      'noise.sigma',
      'Error against discard',
      'ROC',
      'Precision and recall',
      'platt',
    ])
      expect(page).toContain(text);
    for (const { subgroup } of doc.heldOut.subgroups) expect(page).toContain(`<th scope="row">${subgroup}</th>`);
    expect(page).toContain('with other jobs like these');
    expect(page).toContain('<li>3 labelled pictures without scores</li>');
    expect(page).toContain('gates that the policy does not have: logo.likeness');
    // the whole policy: 3, two gates: 3 each, calibration: 2
    expect(page.match(/<svg/g)).toHaveLength(11);
    expect(page).not.toMatch(/<script|NaN|undefined|Infinity/);
  });

  it('says so where nothing is shown', () => {
    expect(tuningReport(docOf(60))).toMatch(/outcome shortfall">Not shown[^]*cannot be promised/);
  });

  it('keeps to 80 columns on a terminal, and names each change', () => {
    const text = tuningText(doc);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    for (const { gate } of doc.thresholds) expect(text).toContain(gate);
    const { from, interval } = doc.thresholds.find(({ gate }) => gate === 'noise.sigma')!;
    expect(text).toMatch(new RegExp(`noise\\.sigma +raw max ${from} (stays|-> [\\d.]+)  \\([\\d.]+ to [\\d.]+\\)`));
    expect(interval!.low).toBeLessThan(interval!.high);
    expect(tuningText({ ...doc, thresholds: [] })).toContain('Thresholds: there are none');
    expect(text).toContain('Left out: 3 labelled pictures without scores.');
    const stopped = { ...doc, labels: { ...doc.labels, stopped: 9 } };
    for (const said of [tuningText(stopped).replaceAll('\n', ' '), tuningReport(stopped)])
      expect(said).toContain('9 pictures were not measured at every gate, as one had rejected them: where none');
  });
});

describe('chart', () => {
  it('puts shares where they belong: (0, 0) at the lower left, `top` at the upper end', () => {
    const svg = chart({
      title: 't',
      x: 'x',
      y: 'y',
      lines: [
        [
          [0, 0],
          [1, 0.5],
        ],
      ],
      top: 0.5,
    }).text;
    expect(svg).toContain('d="M40.0 208.0L240.0 8.0"');
    expect(chart({ title: '<b>', x: 'x', y: 'y', lines: [] }).text).toContain('&lt;b&gt;');
  });

  it('tells what is proposed from what is present by shape too', () => {
    const marks = (['present', 'proposed'] as const).map((name) => ({ name, at: [0.5, 0.5] as const }));
    const svg = chart({ title: 't', x: 'x', y: 'y', lines: [], marks }).text;
    expect(svg).toMatch(/class="present"\s+d="M140\.0 108\.0m-4\.5 0a/);
    expect(svg).toMatch(/class="proposed"\s+d="M140\.0 108\.0m0-5\.5l/);
  });

  it('percent has a digit where it tells something', () => {
    expect([0, 0.004, 0.05, 0.5, 1].map(percent)).toEqual(['0 %', '0.4 %', '5.0 %', '50 %', '100 %']);
  });
});
