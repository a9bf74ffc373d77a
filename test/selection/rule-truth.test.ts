import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRule } from '../../selection/rule-ast.js';
import { truthOf } from '../../selection/rule-truth.js';
import { evaluateRule, ruleInput } from '../../selection/rules.js';
import { ok } from './samples.js';

const RANGES: Record<string, [number, number]> = { x: [0, 10], y: [-5, Infinity] };
const rangeOf = ([, , name, field]: string[]) => (field === 'raw' ? RANGES[name ?? ''] : undefined);
const truth = (rule: string) => truthOf(parseRule(rule.replace(/\b([xy])\b/g, 'scores.a.$1.raw')), rangeOf);

describe('truthOf', () => {
  it.each([
    ['x >= 0.0', 'always'],
    ['x > 0.0', undefined],
    ['x <= 10', 'always'],
    ['x > 10.0', 'never'],
    ['10.0 < x', 'never'],
    ['x == 11.0', 'never'],
    ['x != 11.0', 'always'],
    ['x > 3.0 && x < 3.0', 'never'],
    ['x > 3.0 && x < 3.1', undefined],
    ['x >= 3.0 || x < 3.0', 'always'],
    ['!(x >= 3.0) && x > 4.0', 'never'],
    ['x > 5.0 ? y > 1.0 : x > 7.0', undefined],
    ['x > 5.0 ? x < 4.0 : x > 7.0', 'never'],
    ['y > 1.0e9', undefined],
    ['y < -5.0', 'never'],
    // what cannot be told may be either
    ['scores.a.z.status == "ok"', undefined],
    ['x > 10.0 && scores.a.z.status == "ok"', 'never'],
    ['x > 10.0 || scores.a.z.status == "ok"', undefined],
    ['x + y > 100000.0', undefined],
    ['x > x', undefined],
    ['x in [11.0, -1]', 'never'],
    ['x in [11.0, 2]', undefined],
    ['x in [11.0, y]', undefined],
    ['!(x in [11])', 'always'],
    ['true', 'always'],
    ['false && x > 3.0', 'never'],
  ])('%s -> %s', (rule, expected) => {
    expect(truth(rule)).toBe(expected);
  });

  it('gives up where there are too many cases', () => {
    expect(truth(Array.from({ length: 20 }, (_, i) => `scores.a.f${i}.facts.is`).join(' && '))).toBeUndefined();
  });

  it('is never wrong', () => {
    const comparison = fc
      .tuple(
        fc.constantFrom('x', 'y'),
        fc.constantFrom('<', '<=', '>', '>=', '==', '!='),
        fc.integer({ min: -6, max: 12 }),
      )
      .map(([name, operator, constant]) => `scores.a.${name}.raw ${operator} ${constant}.0`);
    const { rule } = fc.letrec<{ rule: string }>((tie) => ({
      rule: fc.oneof(
        { maxDepth: 4 },
        comparison,
        fc
          .tuple(tie('rule'), fc.constantFrom('&&', '||'), tie('rule'))
          .map(([a, operator, b]) => `(${a}) ${operator} (${b})`),
        tie('rule').map((a) => `!(${a})`),
        fc.tuple(tie('rule'), tie('rule'), tie('rule')).map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
      ),
    }));
    fc.assert(
      fc.property(
        rule,
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.double({ min: -5, max: 1e6, noNaN: true }),
        (text, x, y) => {
          const told = truthOf(parseRule(text), rangeOf);
          const outcome = evaluateRule(text, ruleInput({ 'a.x': ok(x), 'a.y': ok(y) }, {}));
          if (told !== undefined) expect(outcome).toEqual({ holds: told === 'always' });
          else {
            // exact too: on the values that a rule can tell apart, some are yes and some are no
            const grid = (low: number, high: number) =>
              Array.from({ length: 2 * (high - low) + 1 }, (_, i) => low + i / 2);
            const seen = new Set<boolean>();
            for (const a of grid(0, 10))
              for (const b of grid(-5, 13)) {
                const at = evaluateRule(text, ruleInput({ 'a.x': ok(a), 'a.y': ok(b) }, {}));
                if ('holds' in at) seen.add(at.holds);
                if (seen.size === 2) return;
              }
            expect(seen.size).toBe(2);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
