import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { CullError } from '../../errors.js';
import { builtInScorers, dimensionsOf } from '../../scorers/registry.js';
import { judge } from '../../selection/judge.js';
import { canonicalPolicy } from '../../selection/canonical-policy.js';
import { parsePolicy, type Dimensions } from '../../selection/policy-file.js';
import { policyNotes } from '../../selection/policy-notes.js';
import { ok } from './samples.js';

const dimensions: Dimensions = {
  'sharpness.tileP90': { direction: 'higher', unit: 'grey levels squared', range: [0, Infinity] },
  'exposure.clippedShare': { direction: 'lower', unit: 'share', range: [0, 1] },
  'exposure.dynamicRange': { direction: 'higher', unit: 'grey levels', range: [0, 255] },
  'background.whiteShare': { direction: 'higher', unit: 'share', range: [0, 1] },
  'text.backgroundChars': { direction: 'lower', unit: 'characters', range: [0, Infinity] },
};
const parse = (text: string) => parsePolicy(text, { file: 'p.yaml', dimensions });
const errorOf = (text: string): CullError => {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof CullError) return error;
    throw error;
  }
  throw new Error('the policy was accepted');
};

const FULL = `
policy: product
gates:
  business: { noText: { rule: 'scores.text.backgroundChars.raw == 0', reason: 'Text in the background' } }
  useCase:  { background.whiteShare: { raw: { min: 0.95 }, review: { min: 0.90 }, onUnassessable: review } }
  generic:  { sharpness.tileP90: { quality: { min: 40 } }, exposure.clippedShare: { raw: { max: 0.02 }, reason: Burnt } }
rank: { sharpness.tileP90: 1, exposure.dynamicRange: 2 }
diversity: { minDistance: 0.05 }
deliverReview: true
params: { background: { white: 245, tints: [1, 2] } }
`;

describe('parsePolicy', () => {
  it('reads every form into the canonical one, gates in the order of their tiers', () => {
    expect(parse(FULL)).toEqual({
      policy: 'product',
      gates: [
        {
          kind: 'threshold',
          id: 'sharpness.tileP90',
          tier: 'generic',
          dimension: 'sharpness.tileP90',
          on: 'quality',
          accept: { min: 40 },
          onUnassessable: 'reject',
        },
        {
          kind: 'threshold',
          id: 'exposure.clippedShare',
          tier: 'generic',
          dimension: 'exposure.clippedShare',
          on: 'raw',
          accept: { max: 0.02 },
          onUnassessable: 'reject',
          reason: 'Burnt',
        },
        {
          kind: 'threshold',
          id: 'background.whiteShare',
          tier: 'useCase',
          dimension: 'background.whiteShare',
          on: 'raw',
          accept: { min: 0.95 },
          review: { min: 0.9 },
          onUnassessable: 'review',
        },
        {
          kind: 'rule',
          id: 'noText',
          tier: 'business',
          rule: 'scores.text.backgroundChars.raw == 0',
          reason: 'Text in the background',
          onUnassessable: 'reject',
          dimensions: ['text.backgroundChars'],
        },
      ],
      rank: { 'sharpness.tileP90': 1, 'exposure.dynamicRange': 2 },
      diversity: { minDistance: 0.05 },
      deliverReview: true,
      params: { background: { white: 245, tints: [1, 2] } },
    });
  });

  it('fills in what is left out, and judges', () => {
    const policy = parse('policy: p\ngates:\nrank:\n');
    expect(policy).toEqual({
      policy: 'p',
      gates: [],
      rank: {},
      diversity: { minDistance: 0 },
      deliverReview: false,
      params: {},
    });
    expect(judge({}, policy).pass).toBe(true);
    expect(judge({ 'sharpness.tileP90': ok(1, 90) }, parse(FULL)).pass).toBe(false);
  });

  it('keeps the share of candidates that run everything, and pins nothing where it is not said', () => {
    expect(parse('policy: p\nfullShare: 0')).toMatchObject({ fullShare: 0 });
    expect(parse('policy: p')).not.toHaveProperty('fullShare');
  });

  it('reads variety and groups', () => {
    const of = (text: string) => {
      const { diversity, minPerGroup } = parse(`policy: p\n${text}`);
      return { diversity, minPerGroup };
    };
    expect(of('diversity: { minDistance: 0.1, lambda: 0.7, by: fingerprint }\nminPerGroup: 15')).toEqual({
      diversity: { minDistance: 0.1, lambda: 0.7, by: 'fingerprint' },
      minPerGroup: 15,
    });
    expect(of('diversity: { lambda: 0 }\nminPerGroup: { studio: 15, out door: 20 }')).toEqual({
      diversity: { minDistance: 0, lambda: 0 },
      minPerGroup: { studio: 15, 'out door': 20 },
    });
  });

  it('reads a fitted model, written out or from a file beside the policy: the same policy either way', () => {
    const logistic =
      '{ intercept: -3.5, weights: { exposure.dynamicRange: 0.02, sharpness.tileP90: 0.04 }, fittedOn: { labels: 412, by: ann } }';
    const inline = parse(`policy: p\nrank: { logistic: ${logistic} }`);
    expect(inline.rank).toEqual({});
    expect(inline.rankModel).toEqual({
      intercept: -3.5,
      weights: { 'exposure.dynamicRange': 0.02, 'sharpness.tileP90': 0.04 },
      fittedOn: { labels: 412, by: 'ann' },
    });
    const asked: string[] = [];
    const open = (path: string): string => {
      asked.push(path);
      return `# fitted\nlogistic: ${logistic}\n`;
    };
    const named = parsePolicy('policy: p\nrank: { model: ../rankers/a.yaml }', { file: 'p.yaml', dimensions, open });
    expect(named).toEqual(inline);
    expect(asked).toEqual(['../rankers/a.yaml']);
    expect(canonicalPolicy(inline)).toEqual(inline);
  });

  it('reads what is marked for a person to look at', () => {
    const of = (text: string) => parse(`policy: p\naudit: ${text}`).audit;
    expect(of('{ nearGate: 0.1, rejects: 0.02, margin: 0.03 }')).toEqual({
      nearGate: 0.1,
      rejects: 0.02,
      margin: 0.03,
    });
    expect(of('{ rejects: 0.02 }')).toEqual({ nearGate: 0, rejects: 0.02, margin: 0.05 });
    expect(parse('policy: p')).not.toHaveProperty('audit');
    expect(canonicalPolicy(parse('policy: p\naudit: { nearGate: 1 }')).audit).toEqual({
      nearGate: 1,
      rejects: 0,
      margin: 0.05,
    });
  });

  it('understands anchors and aliases', () => {
    const { gates } = parse(
      'policy: p\ngates:\n  generic:\n    exposure.clippedShare: { raw: &low { max: 0.1 } }\n    background.whiteShare: { raw: *low }',
    );
    expect(gates.map((gate) => gate.kind === 'threshold' && gate.accept)).toEqual([{ max: 0.1 }, { max: 0.1 }]);
  });

  it.each(['product', 'generic', 'headshot', 'garment', 'brand'])('accepts the shipped policy %s', async (name) => {
    const file = new URL(`../../examples/policies/${name}.yaml`, import.meta.url);
    const text = await readFile(file, 'utf8');
    const policy = parsePolicy(text, { file: `${name}.yaml`, dimensions: dimensionsOf(builtInScorers) });
    expect(policy.policy).toBe(name);
    expect(policy.gates.length).toBeGreaterThan(0);
  });
});

describe('canonicalPolicy', () => {
  it('is the same whether a default is written out or left out', () => {
    const gate = (review: string): string =>
      `policy: p\ngates: { generic: { exposure.clippedShare: { raw: { min: 0.2, max: 0.8 }, review: ${review} } } }\n`;
    const plain = parse(gate('{ max: 0.9 }'));
    for (const same of [
      gate('{ min: 0.2, max: 0.9 }'),
      `${gate('{ max: 0.9 }')}fullShare: 0.05\n`,
      `${gate('{ max: 0.9 }')}questions: {}\nparams: { exposure: {} }\npins: { scorers: {}, models: {} }\n`,
      `${gate('{ max: 0.90 }')}diversity: { minDistance: 0 }\ndeliverReview: false\n`,
      `${gate('{ max: 0.9 }')}diversity: { lambda: 1, by: fingerprint }\naudit: { nearGate: 0, margin: 0.2 }\n`,
    ])
      expect(canonicalPolicy(parse(same))).toEqual(plain);
    expect(parse(gate('{ min: 0.1, max: 0.9 }'))).not.toEqual(plain);
    const audited = (audit: string) => parse(`${gate('{ max: 0.9 }')}audit: ${audit}\n`);
    expect(audited('{ rejects: 0.1, nearGate: 0, margin: 0.2 }')).toEqual(audited('{ rejects: 0.1 }'));
  });

  it('is the same for files that differ only in spacing, comments and quotes, and changes nothing twice', () => {
    const other = FULL.replaceAll('0.90', '.9 ').replace('Burnt', '"Burnt"').replace('rank:', '# weights\nrank:');
    expect(JSON.stringify(parse(other))).toBe(JSON.stringify(parse(FULL)));
    expect(canonicalPolicy(parse(FULL))).toEqual(parse(FULL));
  });

  it('drops what is undefined and orders the tiers', () => {
    const policy = parse(FULL);
    const messy = { ...policy, gates: [...policy.gates].reverse().map((gate) => ({ ...gate, review: undefined })) };
    const { gates } = canonicalPolicy(messy);
    expect(gates.map((gate) => gate.tier)).toEqual(['generic', 'generic', 'useCase', 'business']);
    for (const gate of gates) expect(gate).not.toHaveProperty('review');
  });
});

/** 10 to the power of `depth` turns. */
const nested = (depth: number): string =>
  depth === 0
    ? 'scores.exposure.clippedShare.raw >= 0.0'
    : `[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(x${depth}, ${nested(depth - 1)})`;

describe('parsePolicy refuses', () => {
  const gate = (body: string, name = 'exposure.clippedShare') =>
    `policy: p\ngates:\n  generic:\n    ${name}: ${body}\n`;
  const rule = (expression: string) => gate(`{ rule: '${expression}', reason: r }`, 'r');

  it.each([
    [
      'an unknown dimension',
      gate('{ raw: { min: 1 } }', 'sharpnes.tileP90'),
      'p.yaml:4:5: nothing measures sharpnes.tileP90, did you mean sharpness.tileP90?',
    ],
    [
      'a dimension without its scorer',
      gate('{ raw: { min: 1 } }', 'tileP90'),
      'p.yaml:4:5: nothing measures tileP90, did you mean sharpness.tileP90?',
    ],
    [
      'an unknown dimension of a scorer',
      gate('{ raw: { min: 1 } }', 'exposure.gamma'),
      'p.yaml:4:5: nothing measures exposure.gamma; this scorer measures exposure.clippedShare, exposure.dynamicRange',
    ],
    [
      'an unknown scorer',
      gate('{ raw: { min: 1 } }', 'aesthetics.laion'),
      'p.yaml:4:5: nothing measures aesthetics.laion; scorers from outside are named in CULL_SCORERS',
    ],
    [
      'an unknown dimension in rank',
      'policy: p\nrank:\n  exposure.dynamicRang: 1',
      'p.yaml:3:3: nothing measures exposure.dynamicRang, did you mean exposure.dynamicRange?',
    ],
    [
      'an unknown scorer in params',
      'policy: p\nparams: { backgrond: { a: 1 } }',
      'p.yaml:2:11: there is no scorer backgrond, did you mean background?',
    ],
    [
      'an unknown dimension in a rule',
      rule('scores.text.backgroundChar.raw == 0'),
      'p.yaml:4:16: nothing measures text.backgroundChar, did you mean text.backgroundChars?',
    ],
  ])('%s, with the line and what was meant', (_, text, message) => {
    expect(errorOf(text)).toMatchObject({ code: 'POLICY_UNKNOWN_DIMENSION', message });
  });

  it.each([
    ['an empty file', '', 'p.yaml:1:1: the file is empty'],
    ['a file of comments', '# nothing\n', 'p.yaml:1:1: the file is empty'],
    ['a list', '- a', 'p.yaml:1:1: the policy must be a mapping (name: value), not a list'],
    ['no name', 'gates: {}', 'p.yaml:1:1: the policy has no name: add "policy: <name>"'],
    ['a name that is no text', 'policy: 7', 'p.yaml:1:9: policy (its name) must be a text, not 7'],
    ['an unknown key', 'policy: p\ngate: {}', 'p.yaml:2:1: the policy has no "gate", did you mean gates?'],
    [
      'an unknown tier',
      'policy: p\ngates: { usecase: {} }',
      'p.yaml:2:10: gates has no "usecase", did you mean useCase?',
    ],
    [
      'an unknown key of a gate',
      gate('{ raw: { max: 1 }, onUnasessable: reject }'),
      'p.yaml:4:47: the gate exposure.clippedShare has no "onUnasessable", did you mean onUnassessable?',
    ],
    ['an unknown bound', gate('{ raw: { maxx: 1 } }'), /^p\.yaml:4:37: raw has no "maxx", did you mean max\?/],
    ['the same key twice', 'policy: p\nrank: {}\nrank: {}', 'p.yaml:3:1: "rank" is there twice'],
    [
      'the same gate in two tiers',
      `${gate('{ raw: { max: 1 } }')}  business: { exposure.clippedShare: { raw: { max: 1 } } }`,
      'p.yaml:5:15: there is already a gate "exposure.clippedShare" in generic',
    ],
    [
      'min above max',
      gate('{ raw: { min: 0.9, max: 0.1 } }'),
      'p.yaml:4:35: min 0.9 is above max 0.1: nothing can pass',
    ],
    [
      'a raw bound outside the range',
      gate('{ raw: { max: 2 } }'),
      'p.yaml:4:42: max 2 is outside the possible 0 to 1 (share)',
    ],
    [
      'a quality outside 0 to 100',
      gate('{ quality: { min: 101 } }'),
      'p.yaml:4:46: min 101 is outside the possible 0 to 100 (quality)',
    ],
    [
      'raw and quality',
      gate('{ raw: { max: 1 }, quality: { min: 1 } }'),
      'p.yaml:4:5: the gate exposure.clippedShare has both raw and quality: choose one',
    ],
    ['no bound at all', gate('{ raw: {} }'), 'p.yaml:4:35: raw needs min or max'],
    [
      'a gate without a threshold',
      gate('{ reason: r }'),
      'p.yaml:4:5: the gate exposure.clippedShare needs "quality", "raw" or "rule"',
    ],
    [
      'a review band inside what is accepted',
      gate('{ raw: { max: 0.5 }, review: { max: 0.2 } }'),
      'p.yaml:4:57: review must be wider than the bounds that accept: a lower min or a higher max',
    ],
    ['a text for a number', gate("{ raw: { max: '0.5' } }"), 'p.yaml:4:42: max must be a number, not the text "0.5"'],
    ['infinity', gate('{ raw: { max: .inf } }'), /^p\.yaml:4:42: max must be a number/],
    [
      'an unknown answer',
      gate('{ raw: { max: 1 }, onUnassessable: rejct }'),
      'p.yaml:4:63: onUnassessable must be reject, review, ignore, not the text "rejct", did you mean reject?',
    ],
    [
      'a weight of 0',
      'policy: p\nrank: { exposure.dynamicRange: 0 }',
      'p.yaml:2:32: the weight of exposure.dynamicRange must be above 0',
    ],
    [
      'weights beside a model',
      'policy: p\nrank: { logistic: { intercept: 0, weights: { exposure.dynamicRange: 1 } }, sharpness.tileP90: 1 }',
      'p.yaml:2:76: rank has logistic and sharpness.tileP90: choose one',
    ],
    [
      'a model without its numbers',
      'policy: p\nrank: { logistic: {} }',
      'p.yaml:2:9: logistic needs "intercept", a number\np.yaml:2:9: logistic needs "weights": dimension -> weight per point of quality',
    ],
    [
      'a model of nothing',
      'policy: p\nrank: { logistic: { intercept: 1, weights: {} } }',
      'p.yaml:2:44: weights names no dimension: nothing would rank',
    ],
    [
      'a model with a weight that is not finite',
      'policy: p\nrank: { logistic: { intercept: .inf, weights: { exposure.dynamicRange: .nan } } }',
      /^p\.yaml:2:32: intercept must be a number.*\np\.yaml:2:72: the weight of exposure\.dynamicRange must be a number/,
    ],
    [
      'a model that prefers what is worse',
      'policy: p\nrank: { logistic: { intercept: 1, weights: { exposure.dynamicRange: -0.1 } } }',
      'p.yaml:2:69: the weight of exposure.dynamicRange must be above 0',
    ],
    [
      'a model in a file where no file is read',
      'policy: p\nrank: { model: ranker.yaml }',
      'p.yaml:2:16: the model ranker.yaml cannot be read: no file is read here; write the model out under rank: { logistic: … }',
    ],
    [
      'a gate that rejects nothing',
      gate('{ raw: { max: 1 }, onUnassessable: ignore }'),
      'p.yaml:4:35: the gate exposure.clippedShare rejects nothing: every value from 0 to 1 passes, and what has none is ignored',
    ],
    [
      'a threshold on quality that rejects nothing',
      gate('{ quality: { min: 0 }, onUnassessable: ignore }'),
      'p.yaml:4:39: the gate exposure.clippedShare rejects nothing: every value from 0 to 100 passes, and what has none is ignored',
    ],
    [
      'a review band outside the range',
      gate('{ quality: { min: 20 }, review: { min: -5 } }'),
      'p.yaml:4:67: min -5 is outside the possible 0 to 100 (quality)',
    ],
    [
      'a distance above 1',
      'policy: p\ndiversity: { minDistance: 5 }',
      'p.yaml:2:27: minDistance 5 is outside the possible 0 to 1 (share of differing bits)',
    ],
    [
      'a share above 1',
      'policy: p\nfullShare: 5',
      'p.yaml:2:12: fullShare 5 is outside the possible 0 to 1 (share of the candidates that run every scorer)',
    ],
    [
      'weights whose sum is Infinity',
      'policy: p\nrank: { sharpness.tileP90: 1e308, exposure.dynamicRange: 1e9 }',
      'p.yaml:2:28: the weight of sharpness.tileP90 must be at most 1000000000: smaller ones say the same',
    ],
    [
      'weights of a model whose sum is Infinity',
      'policy: p\nrank: { logistic: { intercept: 0, weights: { sharpness.tileP90: 1e300 } } }',
      'p.yaml:2:65: the weight of sharpness.tileP90 must be at most 1000000000: smaller ones say the same',
    ],
    ...['""', '"  "'].map((name): [string, string, string] => [
      `a rule called ${name}`,
      `policy: p\ngates:\n  business:\n    ${name}: { rule: 'scores.sharpness.tileP90.raw > 1.0', reason: Blurred }`,
      'p.yaml:4:5: this rule needs a name: rejections are told and counted by it',
    ]),
    [
      'a lambda above 1',
      'policy: p\ndiversity: { lambda: 2 }',
      'p.yaml:2:22: lambda 2 is outside the possible 0 to 1 (1: quality alone, 0: variety alone)',
    ],
    [
      'something to compare without a lambda',
      'policy: p\ndiversity: { by: embedding }',
      'p.yaml:2:14: by says what lambda compares, and there is no lambda',
    ],
    [
      'half an image per group',
      'policy: p\nminPerGroup: 1.5',
      'p.yaml:2:14: minPerGroup must be a whole number of at least 1, not 1.5',
    ],
    [
      'none of a group',
      'policy: p\nminPerGroup: { studio: 0 }',
      'p.yaml:2:24: the minimum of the group studio must be a whole number of at least 1, not 0',
    ],
    ['no group', 'policy: p\nminPerGroup: {}', 'p.yaml:2:1: minPerGroup names no group'],
    [
      'an audit of more than all',
      'policy: p\naudit: { nearGate: 5 }',
      'p.yaml:2:20: nearGate 5 is outside the possible 0 to 1 (share of the passes near a gate)',
    ],
    ['an audit of nothing', 'policy: p\naudit: {}', 'p.yaml:2:1: audit names no share: give nearGate or rejects'],
    [
      'a margin without a share',
      'policy: p\naudit: { rejects: 0.1, margin: 0.1 }',
      'p.yaml:2:24: margin says what is near a gate, and there is no nearGate',
    ],
    ['an audit of something else', 'policy: p\naudit: { near: 1 }', /^p\.yaml:2:10: audit has no "near"/],
    [
      'a word for a boolean',
      'policy: p\ndeliverReview: maybe',
      'p.yaml:2:16: deliverReview must be true or false, not the text "maybe"',
    ],
    ['broken YAML', 'policy: [', /^p\.yaml:1:\d+: this is not YAML: /],
    [
      'a second document, which would be left out',
      `policy: p\n---\n${gate('{ raw: { max: 0.5 } }')}`,
      'p.yaml:2:1: a second document begins here ("---"), and a file has one: join them',
    ],
    [
      'gates that are an unknown anchor',
      'policy: p\ngates: *strikt\n',
      'p.yaml:2:8: there is no &strikt before this *strikt',
    ],
    [
      'parameters that are no JSON',
      'policy: p\nparams: { background: { white: .nan } }',
      'p.yaml:2:32: params.background.white must be plain JSON values',
    ],
    ['a rule that is no CEL', rule('scores.text.('), /^p\.yaml:4:16: the rule is not CEL: character \d+: /],
    [
      'a field that scores do not have',
      rule('scores.text.backgroundChars.rw == 0'),
      'p.yaml:4:16: scores.text.backgroundChars has no "rw", did you mean raw?',
    ],
    [
      'a variable that does not exist',
      rule('score.text.backgroundChars.raw == 0'),
      'p.yaml:4:16: the rule knows no "score"; all values are under "scores" and "request"',
    ],
    [
      'a rule that is no yes or no',
      rule('scores.text.backgroundChars.raw'),
      'p.yaml:4:16: the rule cannot work: the rule is neither true nor false',
    ],
    [
      'whole numbers in a calculation',
      rule('scores.text.backgroundChars.raw * 2 > 1'),
      /cannot work: .*write 2\.0, not 2/,
    ],
    [
      'a function that does not exist',
      rule('median(scores.text.backgroundChars.raw) > 1.0'),
      'p.yaml:4:16: the rule cannot work: unbound function: median',
    ],
    [
      'a function that does not exist, where it is never reached',
      rule('scores.text.backgroundChars.raw >= 0.0 || median(scores.text.backgroundChars.raw) > 1.0'),
      'p.yaml:4:16: the rule cannot work: unbound function: median',
    ],
    [
      'a number where yes or no is wanted',
      rule('scores.exposure.clippedShare.raw && true'),
      /^p\.yaml:4:16: the rule cannot work: .*expected bool, got double/,
    ],
    [
      'a number compared with a text',
      rule('scores.exposure.clippedShare.raw == "none"'),
      'p.yaml:4:16: scores.exposure.clippedShare.raw is a number and never equal to "none"',
    ],
    [
      'a status that does not exist',
      rule('scores.exposure.clippedShare.status == "okay"'),
      'p.yaml:4:16: no status is "okay"; known are ok, unassessable, notRun, error',
    ],
    [
      'a field of a number',
      rule('scores.exposure.clippedShare.raw.share > 0.5'),
      'p.yaml:4:16: scores.exposure.clippedShare.raw is a number and has no "share"',
    ],
    [
      'a field that requests do not have',
      rule('request.input.style == "studio"'),
      'p.yaml:4:16: request has no "input", did you mean inputs?',
    ],
    [
      'a rule without a reason',
      gate('{ rule: scores.text.backgroundChars.raw == 0.0 }', 'noText'),
      'p.yaml:4:5: the rule noText needs a "reason": the words for an image that it rejects',
    ],
    [
      'a rule that never holds',
      rule('scores.exposure.clippedShare.raw > 0.5 && scores.exposure.clippedShare.raw < 0.5'),
      'p.yaml:4:16: the rule never holds, and rejects every image (scores.exposure.clippedShare.raw is 0 to 1)',
    ],
    [
      'a rule that always holds',
      rule('scores.exposure.clippedShare.raw <= 1.0 || request.deliver > 4.0'),
      'p.yaml:4:16: the rule always holds, and rejects no image (scores.exposure.clippedShare.raw is 0 to 1)',
    ],
    [
      'a rule that reads nothing and never holds',
      rule('1 > 2 && scores.exposure.clippedShare.raw < 0.5'),
      /^p\.yaml:4:16: the rule never holds/,
    ],
    ['a rule that reads nothing and always holds', rule('"a" != "b"'), /^p\.yaml:4:16: the rule always holds/],
    [
      'a list that no value is in',
      rule('scores.exposure.clippedShare.raw in [2.0, 3]'),
      'p.yaml:4:16: the rule never holds, and rejects every image (scores.exposure.clippedShare.raw is 0 to 1)',
    ],
    [
      'a number as an answer, where only an image without a value leads',
      rule('scores.exposure.clippedShare.status == "ok" || scores.text.backgroundChars.raw'),
      'p.yaml:4:16: scores.text.backgroundChars.raw is a number, and no yes or no',
    ],
    [
      'a text as one of two answers',
      rule('scores.exposure.clippedShare.status == "ok" ? scores.exposure.clippedShare.raw < 0.5 : "no"'),
      'p.yaml:4:16: "no" is a text, and no yes or no',
    ],
    [
      'a number compared with a field that is a text',
      rule('scores.exposure.clippedShare.raw == scores.text.backgroundChars.reason'),
      'p.yaml:4:16: scores.exposure.clippedShare.raw is a number and never equal to scores.text.backgroundChars.reason',
    ],
    [
      'a text in place of K',
      rule('request.deliver == "4" || scores.exposure.clippedShare.raw < 0.5'),
      'p.yaml:4:16: request.deliver is a number and never equal to "4"',
    ],
    [
      'a score in place of its number',
      rule('scores.exposure.clippedShare == 0.0'),
      'p.yaml:4:16: scores.exposure.clippedShare is a score and never equal to 0',
    ],
    [
      'a text in a list of numbers',
      rule('scores.exposure.clippedShare.raw in [0.0, "none"]'),
      'p.yaml:4:16: scores.exposure.clippedShare.raw is a number and never equal to "none"',
    ],
    [
      'a status in a list that does not exist',
      rule('scores.exposure.clippedShare.status in ["ok", "notrun"]'),
      'p.yaml:4:16: no status is "notrun", did you mean notRun?',
    ],
    [
      'whole numbers in a calculation with an input',
      rule('request.inputs.steps + 1 > 20'),
      'p.yaml:4:16: request.inputs.steps is a decimal number: write 1.0, not 1, when you calculate with it',
    ],
    [
      'a remainder of a fact',
      rule('scores.text.backgroundChars.facts.lines % 2 == 0'),
      'p.yaml:4:16: scores.text.backgroundChars.facts.lines is a decimal number and has no %: write int(scores.text.backgroundChars.facts.lines)',
    ],
    [
      'a pattern that is none',
      rule('request.inputs.style.matches("(studio")'),
      /^p\.yaml:4:16: the rule cannot work: error parsing regexp: /,
    ],
    [
      'a dimension as one name, which no score has',
      rule('scores["exposure.clippedShare"].raw < 0.5'),
      'p.yaml:4:16: scores are nested: write scores.exposure.clippedShare, not scores["exposure.clippedShare"]',
    ],
    [
      'a text that every loop doubles',
      rule(`["sale"]${'.map(v, v + v)'.repeat(26)}.all(v, size(v) > 0)`),
      'p.yaml:4:16: the rule cannot work: its loops take more than 10,000 turns',
    ],
    [
      'a list that every loop doubles, and that the next would go through',
      rule(`[[1, 2, 3, 4]]${'.map(v, v + v)'.repeat(26)}.all(v, v.all(n, n > 0))`),
      'p.yaml:4:16: the rule cannot work: its loops take more than 10,000 turns',
    ],
    [
      'a loop over a million items',
      rule(nested(6)),
      'p.yaml:4:16: the rule cannot work: its loops take more than 10,000 turns',
    ],
    [
      'a rule that nobody can read',
      rule(`scores.exposure.clippedShare.raw in [${'1.0, '.repeat(5_000)}2.0]`),
      /^p\.yaml:4:16: the rule has 250\d\d characters; at most 10000 are read/,
    ],
  ])('%s', (_, text, message) => {
    expect(errorOf(text)).toMatchObject({
      code: 'POLICY_INVALID',
      message: typeof message === 'string' ? message : (expect.stringMatching(message) as string),
    });
  });

  it('all mistakes at once, in the order of the file', () => {
    const error = errorOf('policy: p\nrank: { nope.nope: 0 }\ngates: { genric: {} }\n');
    expect(error.message.split('\n').map((line) => line.slice(0, 11))).toEqual([
      'p.yaml:2:9:',
      'p.yaml:2:20',
      'p.yaml:3:10',
    ]);
    expect(error.details).toMatchObject({ file: 'p.yaml', problems: [{ line: 2 }, { line: 2 }, { line: 3 }] });
  });

  it("mistakes of a model's file with its own lines, where the policy names it", () => {
    const files: Record<string, string> = {
      'bad.yaml': 'logistic:\n  intercept: much\n  weights: { sharpnes.tileP90: 1 }\n',
      'empty.yaml': '',
      'other.yaml': 'logistik: {}\n',
    };
    const read = (name: string): CullError => {
      try {
        parsePolicy(`policy: p\nrank:\n  model: ${name}\ngates: { generi: {} }\n`, {
          file: 'p.yaml',
          dimensions,
          open: (path) => files[path] ?? '',
        });
      } catch (error) {
        return error as CullError;
      }
      throw new Error('the policy was accepted');
    };
    const bad = read('bad.yaml');
    expect(bad.code).toBe('POLICY_UNKNOWN_DIMENSION');
    expect(bad.message.split('\n')).toEqual([
      'p.yaml:3:10: bad.yaml:2:14: intercept must be a number, not the text "much"',
      'p.yaml:3:10: bad.yaml:3:14: nothing measures sharpnes.tileP90, did you mean sharpness.tileP90?',
      expect.stringMatching(/^p\.yaml:4:10: gates has no "generi", did you mean generic/) as string,
    ]);
    expect(read('empty.yaml').message).toContain('p.yaml:3:10: empty.yaml:1:1: the file is empty');
    expect(read('other.yaml').message).toMatch(/p\.yaml:3:10: other\.yaml:1:1: .*did you mean logistic\?/);
  });

  it('aliases that multiply without end', () => {
    const levels = Array.from({ length: 12 }, (_, i) => `    l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`);
    const text = `policy: p\nparams:\n  background:\n    l0: &l0 [x]\n${levels.join('\n')}\n`;
    expect(errorOf(text).message).toContain('must be plain JSON values');
  });
});

describe('the dimensions a rule reads', () => {
  const read = (expression: string) => {
    const [gate] = parse(`policy: p\ngates: { business: { r: { rule: '${expression}', reason: r } } }`).gates;
    return gate?.kind === 'rule' ? gate.dimensions : [];
  };
  it.each([
    [
      'scores.exposure.clippedShare.raw < 0.5 && scores.text.backgroundChars.raw == 0',
      ['exposure.clippedShare', 'text.backgroundChars'],
    ],
    ['scores["text"]["backgroundChars"]["raw"] == 0', ['text.backgroundChars']],
    ['has(scores.text.backgroundChars) && scores.text.backgroundChars.status == "ok"', ['text.backgroundChars']],
    [
      'scores.exposure.exists(name, scores.exposure[name].raw > 0.5)',
      ['exposure.clippedShare', 'exposure.dynamicRange'],
    ],
    ['[1.0, 2.0].all(x, x < scores.exposure.dynamicRange.raw + 9.0)', ['exposure.dynamicRange']],
    ['scores.text.backgroundChars.facts.words.exists(w, w == "sale")', ['text.backgroundChars']],
    // whose kind only an image tells, or which fits
    ['scores.text.backgroundChars.facts.words.all(w, size(w) + 1 > 2)', ['text.backgroundChars']],
    ['[1, 2].all(n, n + 1 > 2 || scores.exposure.dynamicRange.raw > 9.0)', ['exposure.dynamicRange']],
    ['scores.exposure.dynamicRange.raw in [1, 2, 300.0] && !request.inputs.draft', ['exposure.dynamicRange']],
    ['int(request.inputs.steps) % 2 == 0 || scores.exposure.dynamicRange.raw > 9', ['exposure.dynamicRange']],
    [
      'scores.text.backgroundChars.facts.is ? request.inputs.style == "x" : has(request.inputs.y)',
      ['text.backgroundChars'],
    ],
  ])('%s', (expression, expected) => {
    expect(read(expression)).toEqual(expected);
  });
});

describe('pins', () => {
  const PINS = 'policy: p\npins:\n  scorers: { sharpness: 1.1.0 }\n  models: { iris: aaaa }\n';

  it('are part of the canonical form', () => {
    expect(parse(PINS).pins).toEqual({ scorers: { sharpness: '1.1.0' }, models: { iris: 'aaaa' } });
    expect(JSON.stringify(canonicalPolicy(parse(PINS)))).toContain('1.1.0');
  });

  it('of other versions are mistakes where images are to be measured, and of unknown scorers always', () => {
    const read = (versions: Record<string, string>) => () =>
      parsePolicy(PINS, { file: 'p.yaml', dimensions, versions });
    expect(read({ sharpness: '1.1.0' })).not.toThrow();
    expect(read({ sharpness: '2.0.0' })).toThrow(
      'p.yaml:3:25: sharpness is 2.0.0 here, and 1.1.0 is pinned: look at its scores anew, then `comfy-cull policy pin`',
    );
    expect(errorOf(PINS.replace('sharpness', 'sharpnes'))).toMatchObject({
      code: 'POLICY_UNKNOWN_DIMENSION',
      message: 'p.yaml:3:14: there is no scorer sharpnes, did you mean sharpness?',
    });
    expect(errorOf(PINS.replace('1.1.0', '1.1')).message).toBe(
      'p.yaml:3:25: pins.scorers.sharpness must be a text, not 1.1',
    );
  });

  it('of models that no scorer here has, or of a part of a hash, are mistakes: they would hold nothing', () => {
    const hash = '0123456789abcdef'.repeat(4);
    const read = (pin: string, named?: string[]) => {
      const models = { hashed: ['facemesh', 'iris'], ...(named && { named }) };
      const text = `policy: p\npins:\n  models: { ${pin} }\n`;
      return () => parsePolicy(text, { file: 'p.yaml', dimensions, models });
    };
    expect(read(`iris: ${hash}, vlm: qwen3-vl-2b`, ['vlm'])).not.toThrow();
    expect(read(`facemsh: ${hash}`, ['vlm'])).toThrow(
      'p.yaml:3:13: no scorer has a model facemsh, did you mean facemesh?',
    );
    expect(read('blazeface: x', ['vlm'])).toThrow(
      'no scorer has a model blazeface; they have facemesh, iris, vlm; scorers from outside are named in CULL_SCORERS',
    );
    for (const part of ['0123456789ab', `${hash}0`, hash.toUpperCase()])
      expect(read(`iris: ${part}`)).toThrow(
        `p.yaml:3:19: pins.models.iris must be the whole sha256, 64 digits 0-9 a-f, not ${part}`,
      );
    // what a scorer on another machine names is not known
    expect(read('theirs: v2')).not.toThrow();
  });
});

describe('policyNotes', () => {
  it('names gates that only ask that something could be measured', () => {
    const policy = parse(`policy: p
gates:
  generic:
    exposure.clippedShare: { raw: { max: 1 } }
    sharpness.tileP90: { raw: { min: 0 }, onUnassessable: review }
    exposure.dynamicRange: { quality: { min: 1 } }
`);
    expect(policyNotes(policy, dimensions)).toEqual([
      'exposure.clippedShare passes every picture that can be measured (0 to 1): it only rejects those that cannot',
      'sharpness.tileP90 passes every picture that can be measured (0 to Infinity): it only puts those that cannot into review',
    ]);
  });
});
