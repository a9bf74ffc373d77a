/** Pictures with known defects, measured by two scorers with known errors: every rate of every policy is known exactly. */
import type { Example } from '../../../selection/tuning/examples.js';
import { chanceFrom, type Chance } from '../../../selection/tuning/random.js';
import type { Policy, Score, ThresholdGate } from '../../../selection/types.js';

/** A scorer: normal values of whole and of defective pictures, with one spread. */
const SHARPNESS = { dimension: 'sharpness.tileP90', on: 'quality', whole: 70, defective: 42, spread: 11 } as const;
const NOISE = { dimension: 'noise.sigma', on: 'raw', whole: 4, defective: 8, spread: 1.4 } as const;
const MEASURES = [SHARPNESS, NOISE] as const;
type Measure = (typeof MEASURES)[number];

export interface World {
  /** How likely each of the two defects is in a job of this kind, and how frequent the kind is. */
  kinds: readonly { share: number; defect: number }[];
  /** Pictures of a job that are labelled. */
  perJob: number;
}

const gate = ({ dimension, on }: Measure, accept: ThresholdGate['accept']): ThresholdGate => ({
  kind: 'threshold',
  id: dimension,
  tier: 'generic',
  dimension,
  on,
  accept,
  onUnassessable: 'reject',
});

/** Thresholds that somebody guessed. */
export const GUESSED: Policy = {
  policy: 'guessed',
  gates: [gate(SHARPNESS, { min: 50 }), gate(NOISE, { max: 7 })],
  rank: {},
  diversity: { minDistance: 0 },
  deliverReview: false,
  params: {},
};

/** Labelled pictures, whole jobs. */
export function drawExamples(world: World, { pictures, seed }: { pictures: number; seed: number }): Example[] {
  const chance = chanceFrom(seed, 7);
  const examples: Example[] = [];
  for (let job = 0; examples.length < pictures; job++) {
    const kind = kindOf(world, chance);
    for (let i = 0; i < world.perJob; i++) {
      const defects = MEASURES.map(() => chance.share() < kind.defect);
      examples.push({
        picture: `job-${job}/${i}`,
        job: `job-${job}`,
        subgroup: chance.share() < 0.5 ? 'one' : 'other',
        scores: Object.fromEntries(
          MEASURES.map((measure, m) => [measure.dimension, drawn(measure, defects[m] === true, chance)]),
        ),
        good: !defects.includes(true),
        gates: {},
      });
    }
  }
  return examples;
}

function kindOf({ kinds }: World, chance: Chance): { defect: number } {
  let left = chance.share();
  return kinds.find(({ share }) => (left -= share) < 0) ?? (kinds[0] as { defect: number });
}

function drawn(measure: Measure, defective: boolean, chance: Chance): Score {
  // Box and Muller
  const normal = Math.sqrt(-2 * Math.log(1 - chance.share())) * Math.cos(2 * Math.PI * chance.share());
  const value = (defective ? measure.defective : measure.whole) + measure.spread * normal;
  return { status: 'ok', raw: value, quality: value, scorer: `${measure.dimension.split('.')[0] ?? ''}@1.0.0` };
}

/** The true defect rate among what passes a policy of these two gates. */
export function trueRates(world: World, policy: Policy): { perPicture: number; perJob: number } {
  let [passing, defective, jobs, shares] = [0, 0, 0, 0];
  for (const { share, defect } of world.kinds) {
    const [pass, good] = passRates(defect, policy);
    const delivers = 1 - (1 - pass) ** world.perJob;
    passing += share * pass;
    defective += share * (pass - good);
    jobs += share * delivers;
    // Of a job's delivered pictures each is defective with the same probability, however many there are.
    shares += share * delivers * (1 - good / pass);
  }
  return { perPicture: defective / passing, perJob: shares / jobs };
}

/** How likely a picture passes, and passes being good. */
function passRates(defect: number, policy: Policy): [number, number] {
  let [pass, good] = [1, 1];
  for (const measure of MEASURES) {
    const found = policy.gates.find(({ id }) => id === measure.dimension) as ThresholdGate;
    const { min = -Infinity, max = Infinity } = found.accept;
    const inside = (mean: number) => below((max - mean) / measure.spread) - below((min - mean) / measure.spread);
    good *= (1 - defect) * inside(measure.whole);
    pass *= (1 - defect) * inside(measure.whole) + defect * inside(measure.defective);
  }
  return [pass, good];
}

/** The normal distribution function by its series (Marsaglia 2004), exact to 1e-14 where it matters. */
export function below(z: number): number {
  if (z < -8) return 0;
  if (z > 8) return 1;
  let [sum, term] = [z, z];
  for (let i = 3; sum + term !== sum; i += 2) {
    term *= (z * z) / i;
    sum += term;
  }
  return 0.5 + sum * Math.exp(-0.5 * z * z - 0.5 * Math.log(2 * Math.PI));
}
