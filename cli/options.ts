/** Values of command line options. */
import { InvalidArgumentError } from 'commander';

/** For options that may be repeated. */
export const collect = (value: string, all: string[]): string[] => [...all, value];

export function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('it must be a whole number of at least 1');
  return number;
}
