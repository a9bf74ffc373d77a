/** The form of the images, as a request may ask for it. */
import { expect, test } from 'vitest';
import { checkRequest } from '../../client/request.js';

test.each([
  [{ quality: 0, format: 'jpeg' }, /quality is 0/],
  [{ quality: 101, format: 'webp' }, /quality is 101/],
  [{ quality: 80 }, /no quality/],
  [{ quality: 80, format: 'png' }, /png has no quality/],
  [{ maxSize: 15 }, /15 pixels/],
  [{ maxSize: 100.5 }, /100.5 pixels/],
] as const)('%j is refused', (images, reason) => {
  expect(() => checkRequest({ deliver: 1, images })).toThrow(reason);
});

test.each([undefined, {}, { format: 'avif', quality: 50, maxSize: 1024 }, { keepMetadata: true }] as const)(
  '%j is taken',
  (images) => {
    expect(() => checkRequest({ deliver: 1, ...(images && { images }) })).not.toThrow();
  },
);
