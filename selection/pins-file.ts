/** The part `pins` of a policy file: `{ scorers: { sharpness: 1.1.0 }, models: { facemesh: 3f2a… } }`. */
import { didYouMean } from './closest.js';
import type { Entry, LocatedYaml } from './located-yaml.js';
import { isWholeHash, versionProblems, type Versions } from './pins.js';
import type { Pins } from './types.js';

/** The models that scores may name. */
export interface ModelNames {
  /** Of scorers that run here: pinned by the whole sha256. */
  hashed: readonly string[];
  /** Of other machines, pinned by what they say. Absent: not all names are known here. */
  named?: readonly string[];
}

/** What pins are checked with. */
export interface Pinnable {
  /** Ids that there are. */
  scorers: readonly string[];
  /** Of scorers that are to measure by this policy here: others are mistakes then. */
  versions: Versions | undefined;
  /** Absent: not looked at. */
  models: ModelNames | undefined;
}

export function readPins(yaml: LocatedYaml, at: Entry, of: Pinnable): Pins {
  const pins: Pins = { scorers: {} };
  for (const part of yaml.entries(at, 'pins', ['scorers', 'models']))
    for (const entry of yaml.entries(part, `pins.${part.key}`)) {
      const text = yaml.text(entry, `pins.${part.key}.${entry.key}`);
      if (part.key === 'models') {
        (pins.models ??= {})[entry.key] = text ?? '';
        checkModel(yaml, entry, { text, models: of.models });
      } else {
        pins.scorers[entry.key] = text ?? '';
        checkScorer(yaml, entry, { text, ...of });
      }
    }
  return pins;
}

/** A pin under another name than that in scores would hold nothing, and nobody would notice. */
function checkModel(
  yaml: LocatedYaml,
  { key, keyOffset, offset }: Entry,
  { text, models }: { text: string | undefined; models: ModelNames | undefined },
): void {
  if (!models) return;
  const { hashed, named } = models;
  if (hashed.includes(key)) {
    if (text !== undefined && !isWholeHash(text))
      yaml.problem(
        offset,
        `pins.models.${key} must be the whole sha256, 64 digits 0-9 a-f, not ${text}: take it out, and \`comfy-cull policy pin\` writes it`,
      );
    return;
  }
  if (!named || named.includes(key)) return;
  const all = [...hashed, ...named];
  const meant = didYouMean(key, all) || `; they have ${all.join(', ')}; scorers from outside are named in CULL_SCORERS`;
  yaml.problem(keyOffset, `no scorer has a model ${key}${meant}`, 'POLICY_UNKNOWN_DIMENSION');
}

function checkScorer(
  yaml: LocatedYaml,
  { key, keyOffset, offset }: Entry,
  { text, scorers, versions = {} }: Pinnable & { text: string | undefined },
): void {
  if (!scorers.includes(key))
    yaml.problem(keyOffset, `there is no scorer ${key}${didYouMean(key, scorers)}`, 'POLICY_UNKNOWN_DIMENSION');
  if (text === undefined) return;
  const [problem] = versionProblems({ scorers: { [key]: text } }, versions);
  if (problem !== undefined)
    yaml.problem(offset, `${problem}: look at its scores anew, then \`comfy-cull policy pin\``, 'SCORER_VERSION');
}
