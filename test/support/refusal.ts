import { CullError } from '../../errors.js';

/** The CullError that `act` throws; anything else, or nothing, fails the test. */
export function refusal(act: () => unknown): CullError {
  try {
    act();
  } catch (error) {
    if (error instanceof CullError) return error;
    throw error;
  }
  throw new Error('it was taken');
}
