import type { Scene } from './grammar.js';
import type { Random } from './random.js';
import { BACKGROUNDS, COLOURS, OBJECTS } from './words.js';

/** How often a seed shows another scene than its prompt asks for. */
export const MISMATCH_PROBABILITY = 0.06;

export type Attribute = keyof Scene;

/** Every value of every attribute of a scene. */
export const VALUES: { readonly [A in Attribute]: readonly Scene[A][] } = {
  object: OBJECTS,
  colour: Object.keys(COLOURS) as (keyof typeof COLOURS)[],
  background: BACKGROUNDS,
  count: [1, 2, 3, 4],
};
export const ATTRIBUTES = Object.keys(VALUES) as readonly Attribute[];

/** The one attribute in which a picture differs from its prompt. */
export interface Mismatch {
  readonly attribute: Attribute;
  readonly asked: string | number;
  readonly shown: string | number;
}

/**
 * The scenes that differ from this one in a single attribute.
 *
 * @example
 * neighbours(scene, 'count').map(({ count }) => count); // the three other counts
 */
export function neighbours(scene: Scene, attribute: Attribute): Scene[] {
  return VALUES[attribute].flatMap((value) => (value === scene[attribute] ? [] : [{ ...scene, [attribute]: value }]));
}

/**
 * The scene that the picture shows: mostly the one asked for, else one that differs in a single attribute. A picture without its
 * subject shows nothing but its background, so only that can be another one.
 */
export function drawScene(
  asked: Scene,
  { missing, random }: { missing: boolean; random: Random },
): { scene: Scene; mismatch: Mismatch | undefined } {
  if (!random.chance(MISMATCH_PROBABILITY)) return { scene: asked, mismatch: undefined };
  const attribute = random.pick(ATTRIBUTES as [Attribute, ...Attribute[]]);
  if (missing && attribute !== 'background') return { scene: asked, mismatch: undefined };
  const scene = random.pick(neighbours(asked, attribute) as [Scene, ...Scene[]]);
  return { scene, mismatch: { attribute, asked: asked[attribute], shown: scene[attribute] } };
}
