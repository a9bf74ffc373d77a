import { describe, expect, it } from 'vitest';
import { caption } from '../../../sandbox/clip/captions.js';
import { sceneOf, SEEDS } from '../../../sandbox/clip/scenes.js';
import { ATTRIBUTES, neighbours, parsePrompt, VALUES } from '../../../sandbox/painter/index.js';
import { stream } from '../../../sandbox/painter/random.js';

const seeds = Array.from({ length: 4000 }, (_, i) => SEEDS.validation + i);

describe('captions', () => {
  it('say what the painter understands', () => {
    for (const seed of seeds) {
      const text = caption(sceneOf(seed), stream(`${seed}`));
      expect(parsePrompt(text), text).toEqual(sceneOf(seed));
    }
  });

  it('word two scenes alike from equal streams', () => {
    for (const seed of seeds.slice(0, 200))
      for (const attribute of ATTRIBUTES) {
        const scene = sceneOf(seed);
        const texts = [scene, ...neighbours(scene, attribute)].map((one) => caption(one, stream(`${seed}`)));
        expect(new Set(texts).size).toBe(VALUES[attribute].length);
      }
  });

  it('name every value of every attribute', () => {
    for (const attribute of ATTRIBUTES)
      expect(new Set(seeds.map((seed) => sceneOf(seed)[attribute]))).toEqual(
        new Set<string | number>(VALUES[attribute]),
      );
  });
});
