/** Numbers, times and money as people read them. Pure. */
import { numberText } from '../../selection/words.js';

export { numberText };

/**
 * A length of time, rounded to what matters.
 *
 * @example
 * durationText(900); // '0.9 s'
 * durationText(4_200_000); // '1 h 10 min'
 */
export function durationText(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (seconds < 600) {
    const whole = Math.round(seconds);
    return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  }
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * Money from millionths of a US dollar: cents where there are dollars, three digits below.
 *
 * @example
 * moneyText(1230); // '$0.00123'
 */
export function moneyText(microUsd: number): string {
  const usd = microUsd / 1e6;
  if (usd === 0 || usd >= 1) return `$${usd.toFixed(2)}`;
  const decimals = Math.min(8, 2 - Math.floor(Math.log10(usd)));
  return `$${usd.toFixed(decimals).replace(/0+$/, '').replace(/\.$/, '')}`;
}

/** Words broken into lines of at most `width`; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(/\s+/).filter(Boolean)) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    if (line !== '') lines.push(line);
  }
  return lines;
}

/** Control characters would move the cursor or hide text: prompts and error messages come from outside. */
export const printable = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ');
