import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextStep, windowFor, type StoppingPolicy, type StoppingState } from '../../selection/stopping.js';

const policy = { candidates: 24, deliver: 4, window: 8 };

describe('nextStep', () => {
  it('fills the window, waits when it is full, and stops when all have ended', () => {
    expect(nextStep({ launched: 0, inFlight: 0, passed: 0 }, policy)).toEqual({ launch: 8 });
    expect(nextStep({ launched: 8, inFlight: 8, passed: 0 }, policy)).toEqual({ launch: 0 });
    expect(nextStep({ launched: 22, inFlight: 3, passed: 9 }, policy)).toEqual({ launch: 2 });
    expect(nextStep({ launched: 24, inFlight: 1, passed: 9 }, policy)).toEqual({ launch: 0 });
    expect(nextStep({ launched: 24, inFlight: 0, passed: 0 }, policy)).toEqual({ stop: 'cap' });
  });

  it('never stands still: with nothing in flight it launches or stops, whatever the window', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), fc.integer({ min: -2, max: 9 }), (launched, candidates, window) => {
        const step = nextStep({ launched, inFlight: 0, passed: 0 }, { candidates, deliver: 1, window });
        if ('launch' in step) expect(step.launch).toBeGreaterThan(0);
        else expect(launched).toBeGreaterThanOrEqual(candidates);
      }),
    );
  });

  it('launches exactly N, never more than the window at once, in whatever order they end', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 10 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 10 })),
        (candidates, window, endings) => {
          let [launched, inFlight] = [0, 0];
          for (const ending of endings) {
            const step = nextStep({ launched, inFlight, passed: 0 }, { candidates, deliver: 1, window });
            if ('stop' in step) break;
            launched += step.launch;
            inFlight += step.launch;
            expect(inFlight).toBeLessThanOrEqual(window);
            inFlight = Math.max(0, inFlight - ending);
          }
          expect([launched, inFlight]).toEqual([candidates, 0]);
        },
      ),
    );
  });
});

describe('windowFor', () => {
  it('is twice what the pool takes at once, and 64 where that is not known', () => {
    expect(windowFor(12)).toBe(24);
    expect(windowFor(undefined)).toBe(64);
    expect(windowFor(0)).toBe(64);
  });

  it('holds what one fast ComfyUI needs, and no more than a wake-up of the workflow can carry', () => {
    for (let slots = 1; slots <= 400; slots++) {
      const window = windowFor(slots);
      expect(window).toBeGreaterThanOrEqual(Math.min(64, Math.max(8, slots)));
      expect(window).toBeLessThanOrEqual(64);
      expect(window).toBeGreaterThanOrEqual(windowFor(Math.max(1, slots - 1)));
    }
  });
});

describe('until K pass', () => {
  const quota = { mode: 'quota', candidates: 64, deliver: 4, window: 8 } as const;

  it('stops with the K-th that passes, whatever is in flight', () => {
    expect(nextStep({ launched: 9, inFlight: 3, passed: 4 }, quota)).toEqual({ stop: 'quota' });
    expect(nextStep({ launched: 9, inFlight: 3, passed: 5 }, quota)).toEqual({ stop: 'quota' });
  });

  it('without hurry starts no candidate that could turn out one too many', () => {
    const cheap = { ...quota, hurry: 0 };
    expect(nextStep({ launched: 0, inFlight: 0, passed: 0 }, cheap)).toEqual({ launch: 4 });
    expect(nextStep({ launched: 6, inFlight: 1, passed: 3 }, cheap)).toEqual({ launch: 0 });
    expect(nextStep({ launched: 6, inFlight: 0, passed: 3 }, cheap)).toEqual({ launch: 1 });
  });

  it('in a hurry keeps the window full', () => {
    expect(nextStep({ launched: 6, inFlight: 1, passed: 3 }, { ...quota, hurry: 1 })).toEqual({ launch: 7 });
  });

  it('draws more at once where little passes, and as the deadline nears', () => {
    const state = { launched: 20, inFlight: 0, passed: 3 };
    const known = { ...quota, prior: { passes: 50, fails: 50 }, hurry: 0 };
    expect(nextStep(state, { ...quota, hurry: 0.6, prior: { passes: 5, fails: 95 } })).toEqual({ launch: 8 });
    expect(nextStep({ ...state, elapsedMs: 0, drawMs: 1000 }, { ...known, deadlineMs: 60_000 })).toEqual({ launch: 1 });
    expect(nextStep({ ...state, elapsedMs: 58_500, drawMs: 1000 }, { ...known, deadlineMs: 60_000 })).toEqual({
      launch: 6,
    });
    expect(nextStep({ ...state, elapsedMs: 60_000, drawMs: 1000 }, { ...known, deadlineMs: 60_000 })).toEqual({
      stop: 'deadline',
    });
  });

  it('gives up where the cap cannot hold K any more, and says so', () => {
    expect(nextStep({ launched: 62, inFlight: 0, passed: 0 }, quota)).toEqual({ stop: 'futile' });
    expect(nextStep({ launched: 64, inFlight: 0, passed: 3 }, quota)).toEqual({ stop: 'cap' });
    expect(nextStep({ launched: 60, inFlight: 0, passed: 0 }, { ...quota, futileBelow: 0 })).toEqual({ launch: 4 });
  });

  it('gives up where the cap cannot hold the minimum of a group any more, however well the others pass', () => {
    const state = { launched: 60, inFlight: 4, passed: 3 };
    const group = { need: 1, passed: 0, failed: 28, inFlight: 1 };
    const policy = { ...quota, candidates: 80 };
    expect(nextStep({ ...state, groups: [group] }, policy)).toHaveProperty('launch');
    const hopeless = { ...group, need: 8 };
    expect(nextStep({ ...state, groups: [{ ...group, failed: 2 }, hopeless] }, policy)).toEqual({ stop: 'futile' });
    expect(nextStep({ ...state, groups: [hopeless] }, { ...policy, candidates: 1000 })).toHaveProperty('launch');
  });

  it('spends no more than the budget, and waits for the first price', () => {
    const paid = { ...quota, budgetMicroUsd: 1000, hurry: 1 };
    expect(nextStep({ launched: 0, inFlight: 0, passed: 0 }, paid)).toEqual({ launch: 1 });
    expect(nextStep({ launched: 1, inFlight: 1, passed: 0 }, paid)).toEqual({ launch: 0 });
    expect(nextStep({ launched: 3, inFlight: 2, passed: 0, spentMicroUsd: 200, microUsdEach: 200 }, paid)).toEqual({
      launch: 2,
    });
    expect(nextStep({ launched: 5, inFlight: 0, passed: 3, spentMicroUsd: 900, microUsdEach: 200 }, paid)).toEqual({
      stop: 'budget',
    });
  });

  it('gives up at once where the budget or the deadline cannot hold K, and names what is in the way', () => {
    const fresh = { launched: 0, inFlight: 0, passed: 0, microUsdEach: 200, drawMs: 1_000 };
    const [poor, late] = [{ budgetMicroUsd: 700 }, { deadlineMs: 1_000 }];
    const wide = { ...quota, deliver: 12, window: 8 };
    expect(nextStep(fresh, { ...quota, ...poor })).toEqual({ stop: 'budget' });
    expect(nextStep({ ...fresh, launched: 2, inFlight: 2 }, { ...quota, ...poor })).toEqual({ stop: 'budget' });
    expect(nextStep(fresh, { ...wide, ...late })).toEqual({ stop: 'deadline' });
    // each of them is in the way, or the cap is
    expect(nextStep(fresh, { ...wide, ...poor, ...late })).toEqual({ stop: 'futile' });
    expect(nextStep({ ...fresh, launched: 62 }, { ...quota, budgetMicroUsd: 200, deadlineMs: 60_000 })).toEqual({
      stop: 'futile',
    });
    expect(nextStep({ ...fresh, launched: 62 }, { ...quota, budgetMicroUsd: 1e9 })).toEqual({ stop: 'futile' });
  });

  it('goes on after K only while one more is worth its price', () => {
    const value = { ...quota, mode: 'value', pointsEach: 1 } as const;
    const state = { launched: 8, inFlight: 0, passed: 4, qualities: [50, 60, 70, 80] };
    expect(nextStep(state, value)).toHaveProperty('launch');
    expect(nextStep(state, { ...value, pointsEach: 20 })).toEqual({ stop: 'quota' });
    expect(nextStep({ ...state, qualities: [80, 80, 80, 80] }, value)).toEqual({ stop: 'quota' });
  });

  const amounts = fc.nat(3000);
  const states = fc.record({
    launched: fc.nat(200),
    inFlight: fc.nat(64),
    passed: fc.nat(100),
    elapsedMs: amounts,
    drawMs: fc.option(amounts, { nil: undefined }),
    spentMicroUsd: amounts,
    microUsdEach: fc.option(amounts, { nil: undefined }),
    qualities: fc.array(fc.nat(100), { maxLength: 12 }),
  });
  const policies = fc.record({
    mode: fc.constantFrom('quota', 'best-of', 'value'),
    candidates: fc.nat(200),
    deliver: fc.integer({ min: 1, max: 60 }),
    window: fc.integer({ min: 1, max: 64 }),
    hurry: fc.double({ min: -1, max: 2, noNaN: true }),
    deadlineMs: fc.option(amounts, { nil: undefined }),
    budgetMicroUsd: fc.option(amounts, { nil: undefined }),
  });
  const defined = <T extends object>(of: T): T =>
    Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as T;

  it('is total and deterministic, stays within cap, window and budget, and never waits for nothing', () => {
    fc.assert(
      fc.property(states, policies, (anyState, anyPolicy) => {
        const state = defined({
          ...anyState,
          inFlight: Math.min(anyState.inFlight, anyState.launched),
        }) as StoppingState;
        const limits = defined(anyPolicy) as StoppingPolicy;
        const step = nextStep(state, limits);
        expect(nextStep(structuredClone(state), structuredClone(limits))).toEqual(step);
        if ('stop' in step) return;
        expect(Number.isInteger(step.launch)).toBe(true);
        if (state.inFlight === 0) expect(step.launch).toBeGreaterThan(0);
        if (step.launch === 0) return;
        expect(state.launched + step.launch).toBeLessThanOrEqual(limits.candidates);
        expect(state.inFlight + step.launch).toBeLessThanOrEqual(limits.window);
        const { budgetMicroUsd, deliver, mode } = limits;
        if (budgetMicroUsd !== undefined && state.microUsdEach !== undefined)
          expect((state.spentMicroUsd ?? 0) + (state.inFlight + step.launch) * state.microUsdEach).toBeLessThanOrEqual(
            budgetMicroUsd,
          );
        if (mode === 'quota') expect(state.passed).toBeLessThan(deliver);
      }),
      { numRuns: 2000 },
    );
  });

  it('never starts fewer in a greater hurry', () => {
    const hurries = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(fc.nat(60), fc.nat(8), fc.nat(3), hurries, (launched, inFlight, passed, [a, b]) => {
        const state = { launched, inFlight: Math.min(inFlight, launched), passed };
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((hurry) => nextStep(state, { ...quota, hurry }));
        if (less && more && 'launch' in less && 'launch' in more)
          expect(more.launch).toBeGreaterThanOrEqual(less.launch);
        else expect(more).toEqual(less);
      }),
    );
  });
});
