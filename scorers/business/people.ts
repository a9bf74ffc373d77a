import { brief, roundBox } from '../facts.js';
import { peopleOf } from '../people.js';
import type { Ask, Assessment, Scorer } from '../scorer.js';

/** Quality lost with each person too many or too few. */
const LOSS = 50;

/** How many people there are, and whether it is as many as wanted (`expect.people`, or `people` in the policy's params). */
export const people: Scorer = {
  spec: {
    id: 'people',
    version: '1.0.0',
    tier: 'business',
    cost: 'model',
    models: [{ id: 'centernet' }],
    source: 'Zhou, Wang, Krähenbühl, "Objects as Points", 2019: boxes of the class person (scorers/people.ts)',
    dimensions: {
      'people.count': {
        direction: 'target',
        unit: 'people',
        range: [0, 100],
        about: 'How many people are seen, also from behind; somebody behind another may be missed.',
      },
      'people.off': {
        direction: 'lower',
        unit: 'people',
        range: [0, 1_000_000],
        about: 'How many people there are too many or too few; 0 means as many as wanted.',
      },
    },
  },
  async assess(frame, ask) {
    const found = await frame.derive(peopleOf);
    const wanted = wantedPeople(ask);
    const off = wanted === undefined ? 0 : Math.abs(found.length - wanted);
    const worth = Math.max(0, 100 - LOSS * off);
    const boxes = found.map(({ box, score }) => ({ ...roundBox(box), label: 'person', score: brief(score) }));
    const count: Assessment = { status: 'ok', raw: found.length, quality: worth, facts: { boxes } };
    return {
      'people.count': count,
      'people.off':
        wanted === undefined
          ? { status: 'unassessable', reason: 'not-applicable', facts: { hint: 'say expect.people or params.people' } }
          : { status: 'ok', raw: off, quality: worth, facts: { wanted } },
    };
  },
};

/** A whole number from 0 on; anything else is no wish. */
function wantedPeople({ expect, params }: Ask): number | undefined {
  const wanted = expect?.['people'] ?? params['people'];
  const number = typeof wanted === 'string' && wanted.trim() !== '' ? Number(wanted) : wanted;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 ? number : undefined;
}
