/** The options of a benchmark: `--name=number` and `--json`. */

/** The number that the command line gives, or `fallback`. */
export const option = (name: string, fallback: number): number =>
  Number(process.argv.find((arg) => arg.startsWith(`--${name}=`))?.split('=')[1] ?? fallback);

export const json = process.argv.includes('--json');

/** For people, beside the figures. */
export const note = (text: string): boolean => process.stderr.write(`${text}\n`);
