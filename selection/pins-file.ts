/** The part `pins` of a policy file: `{ scorers: { sharpness: 1.1.0 }, models: { facemesh: 3f2a… } }`. */
import { didYouMean } from './closest.js';
import type { Entry, LocatedYaml } from './located-yaml.js';
import { versionProblems, type Versions } from './pins.js';
import type { Pins } from './types.js';

/**
 * @param of `scorers`: ids that there are; `versions`: of those that are to measure by this policy here, others are mistakes then
 */
export function readPins(
  yaml: LocatedYaml,
  at: Entry,
  of: { scorers: readonly string[]; versions: Versions | undefined },
): Pins {
  const pins: Pins = { scorers: {} };
  for (const part of yaml.entries(at, 'pins', ['scorers', 'models']))
    for (const entry of yaml.entries(part, `pins.${part.key}`)) {
      const text = yaml.text(entry, `pins.${part.key}.${entry.key}`);
      if (part.key === 'models') (pins.models ??= {})[entry.key] = text ?? '';
      else {
        pins.scorers[entry.key] = text ?? '';
        if (!of.scorers.includes(entry.key))
          yaml.problem(
            entry.keyOffset,
            `there is no scorer ${entry.key}${didYouMean(entry.key, of.scorers)}`,
            'POLICY_UNKNOWN_DIMENSION',
          );
        if (text === undefined) continue;
        const [problem] = versionProblems({ scorers: { [entry.key]: text } }, of.versions ?? {});
        if (problem !== undefined)
          yaml.problem(
            entry.offset,
            `${problem}: look at its scores anew, then \`comfy-cull policy pin\``,
            'SCORER_VERSION',
          );
      }
    }
  return pins;
}
