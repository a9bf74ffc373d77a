import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CullError } from '../../errors.js';
import { checkSeed, deriveSeed, MAX_SEED } from '../../selection/seeds.js';

const seed = fc.integer({ min: 0, max: MAX_SEED });

describe('deriveSeed', () => {
  it('gives the published outputs of splitmix64, so that a stored request always draws the same images', () => {
    // splitmix64.c started at 0 gives e220a8397b1dcdaf first; the candidates' generator starts there.
    const golden = 0x9e3779b97f4a7c15n;
    const mask = (1n << 64n) - 1n;
    const mix = (value: bigint) => {
      let z = value & mask;
      z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
      z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
      return z ^ (z >> 31n);
    };
    expect(mix(golden)).toBe(0xe220a8397b1dcdafn);
    expect(deriveSeed(0, 0)).toBe(Number(mix(0xe220a8397b1dcdafn + golden) >> 11n));
    expect([deriveSeed(42, 0), deriveSeed(42, 1), deriveSeed(MAX_SEED, 1999)]).toMatchInlineSnapshot(`
      [
        3092098744885774,
        8608601199334984,
        217132995753746,
      ]
    `);
  });

  it('stays in range and is deterministic', () => {
    fc.assert(
      fc.property(seed, fc.nat(2_000), (request, index) => {
        const derived = deriveSeed(request, index);
        expect(checkSeed(derived)).toBe(derived);
        expect(deriveSeed(request, index)).toBe(derived);
      }),
    );
  });

  it('gives every candidate of the largest request a seed of its own, and neighbouring requests no common ones', () => {
    const seen = new Set<number>();
    const requests = [...Array(20).keys(), 42, 2 ** 32, 2 ** 32 + 1, MAX_SEED - 1, MAX_SEED];
    for (const request of requests) for (let index = 0; index < 2_000; index++) seen.add(deriveSeed(request, index));
    expect(seen.size).toBe(requests.length * 2_000);
  });

  it('spreads over the whole range', () => {
    const halves = Array.from({ length: 1_000 }, (_, index) => deriveSeed(7, index) > MAX_SEED / 2);
    expect(halves.filter(Boolean).length).toBeGreaterThan(400);
    expect(halves.filter(Boolean).length).toBeLessThan(600);
  });
});

describe('checkSeed', () => {
  it('passes what JSON carries exactly', () => {
    for (const good of [0, 1, MAX_SEED]) expect(checkSeed(good)).toBe(good);
  });

  it.each([-1, 0.5, Number.NaN, Infinity, 2 ** 53, 1e300])('refuses %s', (bad) => {
    expect(() => checkSeed(bad)).toThrow(CullError);
    expect(() => checkSeed(bad)).toThrow(expect.objectContaining({ code: 'SEED_OUT_OF_RANGE' }) as Error);
    expect(() => deriveSeed(bad, 0)).toThrow(expect.objectContaining({ code: 'SEED_OUT_OF_RANGE' }) as Error);
  });
});
