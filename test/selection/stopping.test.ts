import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextStep } from '../../selection/stopping.js';

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
