import { profile } from '../path.js';
import type { Profile } from '../path.js';
import type { ObjectName } from '../words.js';
import { chair, lamp } from './furniture.js';
import { bag, book, box, phone } from './goods.js';
import type { Thing } from './thing.js';
import { bottle, mug, vase } from './vessels.js';
import { headphones, shoe, watch } from './wear.js';

export const THINGS: Readonly<Record<ObjectName, Thing>> = {
  mug,
  bottle,
  vase,
  box,
  book,
  phone,
  bag,
  watch,
  lamp,
  chair,
  shoe,
  headphones,
};

const profiles = new Map<ObjectName, Profile>();

/** The object's area profile, computed once per process. */
export function profileOf(name: ObjectName): Profile {
  let found = profiles.get(name);
  if (!found) {
    const thing = THINGS[name];
    found = profile(thing.outline, thing.width, thing.height);
    profiles.set(name, found);
  }
  return found;
}
