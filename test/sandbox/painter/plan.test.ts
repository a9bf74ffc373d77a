import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ATTRIBUTES, DEFECT_NAMES, DEFECTS, NEAR, parsePrompt, plan } from '../../../sandbox/painter/index.js';

const PROMPT = 'product photo of a red mug on a white background';
const SEEDS = 5000;
const labels = Array.from({ length: SEEDS }, (_, seed) => plan(PROMPT, seed).labels);

/** Four standard deviations of a share among n. */
const slack = (share: number, n: number): number => 4 * Math.sqrt((share * (1 - share)) / n);

describe('plan over 5,000 seeds', () => {
  it('draws each defect as often as the table says', () => {
    for (const name of DEFECT_NAMES) {
      // A picture without its subject has nothing to crop.
      const possible = labels.filter(({ defects }) => name !== 'croppedSubject' || !defects.missingSubject.present);
      const share = possible.filter(({ defects }) => defects[name].strength > 0).length / possible.length;
      expect(Math.abs(share - DEFECTS[name].probability), name).toBeLessThan(slack(DEFECTS[name].probability, SEEDS));
    }
  });

  it('draws defects independently of one another', () => {
    const names = DEFECT_NAMES.filter((name) => name !== 'missingSubject');
    for (const one of names)
      for (const two of names) {
        if (one >= two) continue;
        const both =
          labels.filter(({ defects }) => defects[one].strength > 0 && defects[two].strength > 0).length / SEEDS;
        const expected = DEFECTS[one].probability * DEFECTS[two].probability;
        expect(Math.abs(both - expected), `${one} with ${two}`).toBeLessThan(slack(expected, SEEDS) + 0.001);
      }
  });

  it('leaves 40 to 55 % without a defect', () => {
    const clean = labels.filter(({ hasDefect }) => !hasDefect).length / SEEDS;
    expect(clean).toBeGreaterThan(0.4);
    expect(clean).toBeLessThan(0.55);
  });

  it('puts at least 20 % of the strengths of each defect within a factor 1.5 of its threshold, on both sides', () => {
    for (const name of DEFECT_NAMES) {
      if (name === 'missingSubject') continue;
      const { threshold } = DEFECTS[name];
      const drawn = labels.map(({ defects }) => defects[name].strength).filter((strength) => strength > 0);
      const near = drawn.filter((s) => s >= threshold / NEAR && s <= threshold * NEAR);
      expect(near.length / drawn.length, name).toBeGreaterThan(0.2);
      const above = near.filter((s) => s >= threshold).length / near.length;
      expect(above, name).toBeGreaterThan(0.3);
      expect(above, name).toBeLessThan(0.7);
    }
  });

  it('calls a defect present from its threshold on, and keeps strengths continuous', () => {
    for (const name of DEFECT_NAMES) {
      const drawn = labels.map(({ defects }) => defects[name]);
      for (const { present, strength, threshold } of drawn) {
        if (Math.abs(strength - threshold) > 1e-6) expect(present).toBe(strength > threshold);
        expect(strength).toBeLessThanOrEqual(DEFECTS[name].range[1] * 1.01);
      }
      const different = new Set(drawn.map(({ strength }) => strength)).size;
      // JPEG qualities are whole numbers.
      if (name !== 'missingSubject') expect(different, name).toBeGreaterThan(name === 'jpeg' ? 25 : 400);
    }
  });

  it('says hasDefect where any defect is present', () => {
    for (const { defects, hasDefect } of labels) {
      expect(hasDefect).toBe(DEFECT_NAMES.some((name) => defects[name].present));
    }
  });

  it('says that light wiped the dirt out, where it did', () => {
    const lit = labels.filter(({ defects }) => defects.exposure.detail === 'over' && defects.dirtyBackground.detail);
    expect(lit.length).toBeGreaterThan(3);
    const average = (those: typeof labels): number =>
      those.reduce((sum, { defects }) => sum + defects.dirtyBackground.strength, 0) / those.length;
    expect(average(lit)).toBeLessThan(average(labels.filter(({ defects }) => defects.dirtyBackground.detail)));
  });
});

describe('mismatch over 5,000 seeds', () => {
  const asked = parsePrompt(PROMPT);
  const mismatched = labels.filter(({ mismatch }) => mismatch);

  it('shows another scene for about 6 %, in each attribute as often', () => {
    // A picture without its subject can only show another background: 3/4 of the 4 % of the 6 % are none.
    expect(Math.abs(mismatched.length / SEEDS - 0.0582)).toBeLessThan(slack(0.0582, SEEDS));
    for (const attribute of ATTRIBUTES) {
      const share = mismatched.filter(({ mismatch }) => mismatch?.attribute === attribute).length / mismatched.length;
      expect(Math.abs(share - 0.25), attribute).toBeLessThan(slack(0.25, mismatched.length) + 0.01);
    }
  });

  it('says what is shown: the scene asked for but for one attribute', () => {
    for (const { mismatch, scene, defects } of labels) {
      const differing = ATTRIBUTES.filter((attribute) => scene[attribute] !== asked[attribute]);
      expect(differing).toEqual(mismatch ? [mismatch.attribute] : []);
      if (!mismatch) continue;
      expect([mismatch.asked, mismatch.shown]).toEqual([asked[mismatch.attribute], scene[mismatch.attribute]]);
      if (defects.missingSubject.present) expect(mismatch.attribute).toBe('background');
    }
  });

  it('changes neither how often nor how strongly defects are drawn', () => {
    const clean = mismatched.filter(({ hasDefect }) => !hasDefect).length / mismatched.length;
    expect(Math.abs(clean - 0.46)).toBeLessThan(slack(0.46, mismatched.length));
  });
});

describe('plan', () => {
  it('is the same for 7 and 7n, and for prompts of one meaning', () => {
    expect(plan(PROMPT, 7).labels).toEqual(plan(PROMPT, 7n).labels);
    expect(plan(PROMPT, 7).composition).toEqual(plan('Red MUG, white background', 7).composition);
  });

  it('differs between scenes and between seeds', () => {
    expect(plan(PROMPT, 7).composition).not.toEqual(plan('a blue mug', 7).composition);
    expect(plan(PROMPT, 7).composition).not.toEqual(plan(PROMPT, 8).composition);
  });

  it('takes any seed that ComfyUI takes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (seed) => {
        expect(plan(PROMPT, seed).labels).toEqual(plan(PROMPT, seed).labels);
      }),
      { numRuns: 30 },
    );
  });

  it.each([-1, -1n, 0.5, Number.NaN])('refuses the seed %s', (seed) => {
    expect(() => plan(PROMPT, seed)).toThrow(RangeError);
  });
});
