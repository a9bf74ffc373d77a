import { describe, expect, it } from 'vitest';
import { dimensionsRead } from '../../selection/dimensions.js';
import { rankedDimensions, rankQuality } from '../../selection/rank.js';
import { passingOf, select } from '../../selection/select.js';
import type { Score } from '../../selection/types.js';
import { ok, policyOf, threshold } from './samples.js';

describe('rankQuality', () => {
  it('is the weighted mean of the qualities, and what has no value counts 0', () => {
    const rank = { 'sharpness.tileP90': 1, 'noise.sigma': 3 };
    const noise: Score = { status: 'unassessable', reason: 'too-small', scorer: 's@1.0.0' };
    expect(rankQuality({ 'sharpness.tileP90': ok(0, 80), 'noise.sigma': ok(0, 60) }, policyOf([], { rank }))).toBe(65);
    expect(rankQuality({ 'sharpness.tileP90': ok(0, 80), 'noise.sigma': noise }, policyOf([], { rank }))).toBe(20);
    expect(rankQuality({}, policyOf([], { rank }))).toBe(0);
  });

  it('falls back to the gated dimensions, alike, where no weights are given', () => {
    const gates = ['a.x', 'b.y'].map((dimension) => threshold({ dimension, accept: { min: 0 } }));
    expect(rankQuality({ 'a.x': ok(0, 80), 'b.y': ok(0, 40), 'c.z': ok(0, 100) }, policyOf(gates))).toBe(60);
    expect(rankQuality({ 'c.z': ok(0, 100) }, policyOf([]))).toBe(0);
  });

  describe('by a fitted model', () => {
    const rankModel = { intercept: -3, weights: { 'sharpness.tileP90': 0.05, 'noise.sigma': 0.02 } };
    const policy = policyOf([], { rankModel });

    it('is 100 times its probability', () => {
      const scores = { 'sharpness.tileP90': ok(0, 80), 'noise.sigma': ok(0, 50) };
      expect(rankQuality(scores, policy)).toBeCloseTo(100 / (1 + Math.exp(-2)), 12);
      // the order of the keys does not matter, down to the last bit
      const weights = Object.fromEntries(Object.entries(rankModel.weights).reverse());
      expect(rankQuality(scores, { ...policy, rankModel: { ...rankModel, weights } })).toBe(
        rankQuality(scores, policy),
      );
    });

    it('ranks what could not be measured below every measured value', () => {
      const noise: Score = { status: 'error', error: 'boom', scorer: 's@1.0.0' };
      const without = rankQuality({ 'sharpness.tileP90': ok(0, 80), 'noise.sigma': noise }, policy);
      for (const quality of [0, 1, 100])
        expect(
          rankQuality({ 'sharpness.tileP90': ok(0, 80), 'noise.sigma': ok(0, quality) }, policy),
        ).toBeGreaterThanOrEqual(without);
      expect(rankQuality({}, policy)).toBeCloseTo(100 / (1 + Math.exp(3)), 12);
      expect(rankedDimensions(policy)).toEqual(['noise.sigma', 'sharpness.tileP90']);
    });

    it('picks the winners, tells the workflow, and its dimensions are read', () => {
      const verdict = { pass: true, band: 'accept' as const, failed: [] };
      const drawn = [
        { candidate: 0, verdict, scores: { 'sharpness.tileP90': ok(0, 50), 'noise.sigma': ok(0, 100) } },
        { candidate: 1, verdict, scores: { 'sharpness.tileP90': ok(0, 80), 'noise.sigma': ok(0, 60) } },
      ];
      expect(select(drawn, policy, 1).winners).toEqual([{ candidate: 1, rank: 1, quality: 90.02 }]);
      expect(passingOf(drawn, policy)[1]?.quality).toBe(rankQuality(drawn[1]!.scores, policy));
      expect(dimensionsRead(policy)).toEqual(['sharpness.tileP90', 'noise.sigma']);
    });
  });
});
