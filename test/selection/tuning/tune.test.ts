import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { builtInScorers, dimensionsOf } from '../../../scorers/registry.js';
import { judge } from '../../../selection/judge.js';
import { parsePolicy } from '../../../selection/policy-file.js';
import type { Example } from '../../../selection/tuning/examples.js';
import { examine, promiseOf, promiseText, type Seen } from '../../../selection/tuning/held-out.js';
import { knobsOf } from '../../../selection/tuning/knobs.js';
import { rewritePolicy } from '../../../selection/tuning/policy-text.js';
import { passingOf, propose, Proposer, type Judged } from '../../../selection/tuning/propose.js';
import { chanceFrom } from '../../../selection/tuning/random.js';
import { Sealed, splitByJob } from '../../../selection/tuning/split.js';
import { subgroupsOf } from '../../../selection/tuning/subgroups.js';
import { tune, type Change } from '../../../selection/tuning/tune.js';
import type { Policy, RuleGate, Score, ThresholdGate } from '../../../selection/types.js';
import { drawExamples, GUESSED, trueRates, type World } from '../../bench/tuning/world.js';
import { ok, policyArbitrary, policyOf, scoresArbitrary, threshold } from '../samples.js';
import { refusal } from '../../support/refusal.js';

const AIM = { maxDefectRate: 0.05, confidence: 0.95 };
const WORLD: World = { kinds: [{ share: 1, defect: 0.2 }], perJob: 1 };
const options = { policy: GUESSED, ...AIM, seed: 1, resamples: 50 };

const judgedArbitrary = fc
  .array(fc.record({ scores: scoresArbitrary, good: fc.boolean() }), { minLength: 1, maxLength: 40 })
  .map((all) => all.map((one, i): Judged => ({ ...one, picture: `p${i}`, job: `j${i}`, subgroup: null, gates: {} })));

/** As files have them: no gate twice. */
const distinctGates = policyArbitrary.map((policy): Policy => ({
  ...policy,
  gates: [...new Map(policy.gates.map((gate) => [gate.id, gate])).values()],
}));

describe('splitByJob', () => {
  test('keeps jobs whole, loses nothing, and depends on names and seed only', () => {
    const examples = drawExamples({ ...WORLD, perJob: 3 }, { pictures: 90, seed: 4 });
    const jobsOf = (some: readonly Example[]) => new Set(some.map(({ job }) => job));
    const { tuning, heldOut } = splitByJob(examples, { seed: 5, heldOut: 0.5 });
    const held = heldOut.open();
    expect(tuning.length + held.length).toBe(90);
    expect([jobsOf(tuning).size, jobsOf(held).size]).toEqual([15, 15]);
    expect([...jobsOf(tuning)].filter((job) => jobsOf(held).has(job))).toEqual([]);
    const again = splitByJob([...examples].reverse(), { seed: 5, heldOut: 0.5 });
    expect(jobsOf(again.heldOut.open())).toEqual(jobsOf(held));
    expect(jobsOf(splitByJob(examples, { seed: 6, heldOut: 0.5 }).heldOut.open())).not.toEqual(jobsOf(held));
  });

  test('what was opened once stays closed', () => {
    const sealed = new Sealed([1]);
    expect(sealed.open()).toEqual([1]);
    expect(refusal(() => sealed.open()).code).toBe('INTERNAL');
  });
});

describe('propose', () => {
  test('puts a threshold between the last defective and the first good value, with few digits', () => {
    const examples = Array.from({ length: 400 }, (_, i): Judged => ({
      ...{ picture: `p${i}`, job: `j${i}`, subgroup: null, gates: {} },
      scores: { 'sharpness.tileP90': ok(i / 10) },
      good: i >= 150,
    }));
    const policy = policyOf([threshold({ dimension: 'sharpness.tileP90', accept: { min: 30 } })]);
    const [gate] = propose(examples, { policy, ...AIM }).gates as [ThresholdGate];
    // 14.9 is the last defective one; up to two more would do no harm, but one more good one needs none of them
    expect(gate.accept.min).toBeGreaterThan(14);
    expect(gate.accept.min).toBeLessThanOrEqual(15);
    expect(String(gate.accept.min).length).toBeLessThanOrEqual(5);
  });

  test('never lets fewer good ones pass than before within the limit, and a policy comes out that can be written', () => {
    fc.assert(
      fc.property(judgedArbitrary, distinctGates, (examples, policy) => {
        const proposed = propose(examples, { policy, maxDefectRate: 0.3, confidence: 0.8 });
        for (const gate of proposed.gates) {
          if (gate.kind === 'rule') continue;
          const { accept, review } = gate;
          expect(accept.min ?? -Infinity).toBeLessThanOrEqual(accept.max ?? Infinity);
          if (review?.min !== undefined) expect(review.min).toBeLessThanOrEqual(accept.min ?? Infinity);
        }
        const rate = (some: readonly Judged[]) => some.filter(({ good }) => !good).length / Math.max(1, some.length);
        const [before, after] = [passingOf(examples, policy), passingOf(examples, proposed)];
        if (JSON.stringify(proposed) === JSON.stringify(policy)) return;
        const goods = (some: readonly Judged[]) => some.filter(({ good }) => good).length;
        expect(goods(after) > goods(before) || rate(after) < rate(before) || after.length > before.length).toBe(true);
      }),
    );
  });

  test('a resample chooses as its pictures do that are written out, a job that is drawn twice as two jobs', () => {
    fc.assert(
      fc.property(
        judgedArbitrary,
        distinctGates,
        fc.array(fc.nat(3), { minLength: 40, maxLength: 40 }),
        (all, policy, lots) => {
          const examples = all.map((one, i) => ({ ...one, job: `j${i % 15}` }));
          const drawn = lots.slice(0, 15);
          const written = examples.flatMap((one, i) =>
            Array.from({ length: drawn[i % 15] ?? 0 }, (_, n) => ({ ...one, job: `${one.job} ${n}` })),
          );
          const aim = { policy, maxDefectRate: 0.3, confidence: 0.8 };
          expect(new Proposer(examples, aim).propose(drawn)).toEqual(propose(written, aim));
        },
      ),
    );
  });

  test('a picture passes a policy if it passes each gate: what the search rests on', () => {
    fc.assert(
      fc.property(scoresArbitrary, policyArbitrary, (scores, policy) => {
        const each = policy.gates.every((gate) => judge(scores, { ...policy, gates: [gate] }).pass);
        expect(judge(scores, policy).pass).toBe(each);
      }),
    );
  });

  test('rules are judged with what they know of the request', () => {
    const rule: RuleGate = {
      kind: 'rule',
      id: 'night',
      tier: 'business',
      rule: 'request.inputs.style == "night" || scores.noise.sigma.raw < 5.0',
      reason: 'Too grainy by day',
      onUnassessable: 'reject',
      dimensions: ['noise.sigma'],
    };
    const at = (style: string): Judged => ({
      ...{ picture: style, job: style, subgroup: null, gates: {}, good: true },
      ...{ scores: { 'noise.sigma': ok(7) }, request: { inputs: { style } } },
    });
    expect(passingOf([at('night'), at('day')], policyOf([rule])).map(({ picture }) => picture)).toEqual(['night']);
  });

  test('a review band stays wider than what is accepted', () => {
    const gate = threshold({ dimension: 'noise.sigma', on: 'raw', accept: { max: 5 }, review: { max: 7 } });
    const examples = Array.from({ length: 300 }, (_, i): Judged => ({
      ...{ picture: `p${i}`, job: `j${i}`, subgroup: null, gates: {} },
      scores: { 'noise.sigma': ok(i / 30) },
      good: i < 270,
    }));
    const strict = propose(examples, { policy: policyOf([gate]), ...AIM }).gates[0] as ThresholdGate;
    expect([strict.accept.max, strict.review]).toEqual([5, { max: 7 }]);
    // Where band review passes, its bound is the one that decides.
    const loose = propose(examples, { policy: policyOf([gate], { deliverReview: true }), ...AIM })
      .gates[0] as ThresholdGate;
    expect(loose.accept).toEqual({ max: 5 });
    expect(loose.review?.max).toBeGreaterThan(8.9);
  });
});

describe('tune', () => {
  test('improves guessed thresholds: fewer defective ones pass in truth, and it can be shown', () => {
    const { policy, report } = tune(drawExamples(WORLD, { pictures: 2000, seed: 3 }), options);
    expect(report.heldOut.promise).toMatchObject({ shown: true, counts: 'pictures' });
    expect(trueRates(WORLD, GUESSED).perPicture).toBeGreaterThan(0.05);
    expect(trueRates(WORLD, policy).perPicture).toBeLessThan(0.05);
    expect(report.changes.map(({ gate, at, side, from }) => ({ gate, at, side, from }))).toEqual([
      { gate: 'sharpness.tileP90', at: 'quality', side: 'min', from: 50 },
      { gate: 'noise.sigma', at: 'raw', side: 'max', from: 7 },
    ]);
    expect(report.gates.map(({ areaUnderRoc }) => areaUnderRoc)).toEqual([
      expect.closeTo(0.74, 1),
      expect.closeTo(0.76, 1),
    ]);
    const { defectRate, goodDelivered } = report.heldOut;
    expect(defectRate!.low).toBeLessThanOrEqual(defectRate!.value);
    expect(goodDelivered!.high).toBeGreaterThanOrEqual(goodDelivered!.value);
  });

  test('the choice does not see the held-out part: turning its verdicts round changes nothing of it', () => {
    const examples = drawExamples(WORLD, { pictures: 300, seed: 8 });
    const held = new Set(splitByJob(examples, { seed: 1, heldOut: 0.5 }).heldOut.open());
    const turned = examples.map((example) => (held.has(example) ? { ...example, good: !example.good } : example));
    const [before, after] = [tune(examples, options), tune(turned, options)];
    expect(after.policy).toEqual(before.policy);
    expect(after.report.gates).toEqual(before.report.gates);
    expect(after.report.heldOut).not.toEqual(before.report.heldOut);
  });

  test('is deterministic, and does not depend on the order of the labels', () => {
    const examples = drawExamples(WORLD, { pictures: 200, seed: 2 });
    const [a, b] = [tune(examples, options), tune([...examples].reverse(), options)];
    expect(tune(examples, options)).toEqual(a);
    expect([b.policy, b.report.heldOut.promise]).toEqual([a.policy, a.report.heldOut.promise]);
  });

  test.each([
    ['one picture a job', WORLD, 200],
    [
      'five pictures a job that are alike',
      {
        kinds: [
          { share: 0.8, defect: 0.03 },
          { share: 0.2, defect: 0.7 },
        ],
        perJob: 5,
      },
      400,
    ],
  ] as const)('the bound holds at least as often as it says: %s', (_, world, pictures) => {
    const repetitions = 150;
    let holds = 0;
    for (let seed = 0; seed < repetitions; seed++) {
      const { policy, report } = tune(drawExamples(world, { pictures, seed }), { ...options, seed, resamples: 1 });
      const rates = trueRates(world, policy);
      const truth = report.heldOut.promise.counts === 'jobs' ? rates.perJob : rates.perPicture;
      if (report.heldOut.promise.bound >= truth) holds++;
    }
    expect(holds / repetitions).toBeGreaterThanOrEqual(0.95);
  });

  test('refuses 3 labels, one class, one job, scores of two versions, and shares that are none', () => {
    const examples = drawExamples(WORLD, { pictures: 100, seed: 1 });
    const codeOf = (some: readonly Example[], more = {}) => {
      const { code, message } = refusal(() => tune(some, { ...options, ...more }));
      return `${code}: ${message}`;
    };
    expect(codeOf(examples.slice(0, 3))).toBe(
      'LABELS_INSUFFICIENT: 3 labelled pictures are too few to choose a threshold: at least 20',
    );
    expect(codeOf(examples.map((one) => ({ ...one, good: true })))).toContain('every labelled picture is good');
    expect(codeOf(examples.map((one) => ({ ...one, good: false })))).toContain('every labelled picture is defective');
    expect(codeOf(examples.map((one) => ({ ...one, job: 'r' })))).toContain('all labels are of one job, r');
    const other = { ...ok(4), scorer: 'noise@2.0.0' };
    expect(
      codeOf([...examples.slice(1), { ...examples[0]!, scores: { ...examples[0]!.scores, 'noise.sigma': other } }]),
    ).toBe('SCORES_INCOMPARABLE: noise.sigma was measured by noise@1.0.0 (job-99/0) and by noise@2.0.0 (job-0/0)');
    expect(codeOf(examples, { maxDefectRate: 5 })).toBe('USAGE: maxDefectRate must be above 0 and below 1, not 5');
    expect(codeOf(examples, { confidence: 1 })).toContain('USAGE: confidence');
  });

  const NOT_RUN = { status: 'notRun', scorer: 'noise@1.0.0' } as const;

  test('leaves out, and counts, pictures without a score for a gate or judged only in part; counts those stopped before a gate', () => {
    const examples = drawExamples(WORLD, { pictures: 100, seed: 1 });
    const { report } = tune(
      examples.map(({ scores: { 'noise.sigma': noise, ...others }, ...one }, i) => ({
        ...one,
        scores: { ...others, ...(i >= 5 && { 'noise.sigma': i < 12 ? NOT_RUN : (noise as Score) }) },
        ...(i >= 90 && { good: null }),
      })),
      options,
    );
    expect(report.labels).toMatchObject({ pictures: 85, notMeasured: 5, stopped: 7, partlyJudged: 10 });
    expect(report.gates.map(({ pictures }) => pictures)).toEqual([
      report.tuning.before.pictures,
      expect.toSatisfy((run: number) => run < report.tuning.before.pictures),
    ]);
  });

  test('a picture that stopped at a gate which no longer rejects it passes if it is defective, and does not if it is good', () => {
    const at = (quality: number, good: boolean): Judged => ({
      ...{ picture: `${quality} ${good}`, job: `${quality} ${good}`, subgroup: null, gates: {}, good },
      scores: { 'sharpness.tileP90': ok(quality), 'noise.sigma': NOT_RUN },
    });
    const all = [at(40, true), at(40, false), at(60, true), at(60, false)];
    expect(passingOf(all, GUESSED).map(({ picture }) => picture)).toEqual(['60 false']);
  });

  test('the bound holds where rejected pictures were measured only until a gate rejected them, all but 1 in 20', () => {
    const strict = {
      ...GUESSED,
      gates: GUESSED.gates.map((gate, i) => (i === 0 ? { ...(gate as ThresholdGate), accept: { min: 65 } } : gate)),
    };
    const repetitions = 60;
    let [holds, promised] = [0, 0];
    for (let seed = 0; seed < repetitions; seed++) {
      const lot = chanceFrom(seed, 99);
      const examples = drawExamples(WORLD, { pictures: 600, seed }).map((one) => {
        const sharp = one.scores['sharpness.tileP90'];
        const stops = sharp?.status === 'ok' && sharp.quality < 65 && lot.share() >= 0.05;
        return stops ? { ...one, scores: { ...one.scores, 'noise.sigma': NOT_RUN } } : one;
      });
      const { policy, report } = tune(examples, { ...options, policy: strict, seed, resamples: 1 });
      if (report.heldOut.promise.bound >= trueRates(WORLD, policy).perPicture) holds++;
      if (report.heldOut.promise.shown) promised++;
    }
    expect(holds / repetitions).toBeGreaterThanOrEqual(0.95);
    // and it still promises what these labels show
    expect(promised).toBeGreaterThan(5);
  });

  test('a gate that the labels judge is tuned on those verdicts', () => {
    const examples = drawExamples(WORLD, { pictures: 400, seed: 6 }).map((one, i) => {
      const sigma = one.scores['noise.sigma'];
      const clean = sigma?.status === 'ok' && sigma.raw < 6;
      return i % 2 === 0 ? { ...one, gates: { 'noise.sigma': clean } } : one;
    });
    const noise = tune(examples, options).report.gates.find(({ gate }) => gate === 'noise.sigma');
    expect(noise).toMatchObject({ judged: 'gate', areaUnderRoc: 1 });
    expect(noise?.bounds[0]?.alone).toBeCloseTo(6, 0);
  });
});

describe('the promise', () => {
  const seen = (good: number, defective: number, perJob = 1): Seen[] =>
    Array.from({ length: good + defective }, (_, i) => ({
      job: `j${Math.floor(i / perJob)}`,
      good: i < good,
      passes: true,
      subgroup: null,
    }));
  const promise = (some: Seen[]) => promiseOf(some, { ...AIM, seed: 1 });

  test('59 clean ones show 5 %; 58 do not, and the bound that they give is stated', () => {
    expect(promiseText(promise(seen(59, 0)))).toBe(
      'At most 5 % of what this policy lets pass is defective, with 95 % confidence: 0 of 59 held-out pictures that pass are defective.',
    );
    expect(promise(seen(58, 0))).toMatchObject({ shown: false, cleanNeeded: 59 });
    expect(promiseText(promise(seen(30, 1)))).toBe(
      'At most 5 % with 95 % confidence cannot be promised: 1 of 31 held-out pictures that pass is defective. What they show is at most 14.5 %; 59 pictures without a defect would show 5 %.',
    );
    expect(promiseText(promise([]))).toContain('They show nothing');
  });

  test('says limit and confidence as they were asked for, and rounds up bounds only', () => {
    const said = (aim: Partial<typeof AIM>) => promiseText(promiseOf(seen(59, 0), { ...AIM, ...aim, seed: 1 }));
    expect(said({ confidence: 0.9999 })).toContain('At most 5 % with 99.99 % confidence cannot be promised');
    expect(said({ maxDefectRate: 0.0001 })).toContain('At most 0.01 % with 95 % confidence');
    expect(said({ maxDefectRate: 0.0001 })).toContain('29956 pictures without a defect would show 0.01 %.');
  });

  test('where no defect was seen, the interval of the defect rate says what so few can show; the risk counts jobs', () => {
    const { defectRate, risk } = examine(
      Array.from({ length: 40 }, (_, i): Judged => ({
        ...{ picture: `p${i}`, job: `j${i % 4}`, subgroup: null, gates: {}, good: true },
        scores: { 'sharpness.tileP90': ok(90), 'noise.sigma': ok(1) },
      })),
      options,
    );
    expect(defectRate).toMatchObject({ value: 0, low: 0, high: expect.closeTo(1 - 0.025 ** (1 / 40), 6) as number });
    expect(risk).toBeCloseTo(1 / 5, 12);
  });

  test('counts jobs where a job has several pictures: 590 clean pictures of 59 jobs are 59 times the same', () => {
    expect(promise(seen(590, 0, 10))).toMatchObject({ counts: 'jobs', shown: false, jobs: 59, cleanNeeded: 66 });
    expect(promise(seen(660, 0, 10)).shown).toBe(true);
  });
});

describe('subgroups', () => {
  test('rates, and gaps to all others whose intervals hold them', () => {
    const side = (subgroup: string, rejected: number): Seen[] =>
      Array.from({ length: 50 }, (_, i) => ({
        job: `${subgroup}${i}`,
        good: true,
        passes: i >= rejected,
        subgroup,
      }));
    const [dark, light] = subgroupsOf([...side('light', 0), ...side('dark', 10)], {
      confidence: 0.95,
      seed: 1,
      resamples: 500,
    });
    expect(dark).toMatchObject({ subgroup: 'dark', pictures: 50, goodRejected: { rate: 0.2, gap: 0.2, of: 50 } });
    expect(dark!.goodRejected!.low).toBeGreaterThan(0.02);
    expect(dark!.goodRejected!.high).toBeLessThan(0.4);
    expect(light!.goodRejected!.gap).toBe(-0.2);
    expect(light!.goodRejected!.interval.high).toBeCloseTo(1 - 0.025 ** (1 / 50), 6);
    expect(subgroupsOf(side('light', 1), { confidence: 0.95, seed: 1, resamples: 10 })).toEqual([]);
  });
});

describe('rewritePolicy', () => {
  const file = 'product.yaml';
  const dimensions = dimensionsOf(builtInScorers);
  const text = readFileSync(new URL('../../../examples/policies/product.yaml', import.meta.url), 'utf8');
  const change: Change = { gate: 'noise.sigma', at: 'raw', side: 'max', from: 7.7, to: 6.25 };
  const changed = (policy: Policy): Policy => ({
    ...policy,
    gates: policy.gates.map((gate) => (gate.id === 'noise.sigma' ? { ...gate, accept: { max: 6.25 } } : gate)),
  });

  test('changes the bounds and nothing else: comments, order and spacing stay', () => {
    const policy = changed(parsePolicy(text, { file, dimensions }));
    const rewritten = rewritePolicy(text, { changes: [change], policy, file, dimensions });
    expect(rewritten).toBe(text.replace('raw: { max: 7.7 }', 'raw: { max: 6.25 }'));
    expect(rewritten).not.toBe(text);
    expect(
      rewritePolicy(text, { changes: [], policy: parsePolicy(text, { file, dimensions }), file, dimensions }),
    ).toBe(text);
  });

  test('refuses bounds that are written elsewhere', () => {
    const shared =
      'policy: a\ngates:\n  generic:\n    noise.sigma: { raw: &b { max: 7.7 } }\n    sharpness.edgeBlur: { raw: *b }\n';
    const policy = changed(parsePolicy(shared, { file, dimensions }));
    expect(refusal(() => rewritePolicy(shared, { changes: [change], policy, file, dimensions })).code).toBe(
      'POLICY_INVALID',
    );
  });

  test('every knob of every example policy is where the file says', () => {
    for (const name of ['product', 'generic', 'headshot', 'garment', 'brand']) {
      const own = readFileSync(new URL(`../../../examples/policies/${name}.yaml`, import.meta.url), 'utf8');
      const policy = parsePolicy(own, { file, dimensions });
      const changes = knobsOf(policy).map(({ gate, part, side, present }): Change => ({
        gate: gate.id,
        at: part === 'review' ? 'review' : gate.on,
        side,
        from: present,
        to: present,
      }));
      expect(changes.length).toBeGreaterThan(0);
      expect(rewritePolicy(own, { changes, policy, file, dimensions })).toHaveLength(own.length);
    }
  });
});
