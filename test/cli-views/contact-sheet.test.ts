import { describe, expect, test } from 'vitest';
import { contactSheet } from '../../cli/views/contact-sheet.js';
import { RECORDS, resultOf } from '../support/documents.js';

const PIXEL = 'data:image/jpeg;base64,/9j/4AAQ';
const thumbnails = new Map(RECORDS.filter(({ image }) => image).map(({ candidate }) => [candidate, PIXEL]));
const make = (prompt = 'a red mug', differences = {}) =>
  contactSheet({
    result: resultOf(differences),
    records: RECORDS,
    thumbnails,
    policyName: 'product',
    prompt,
    links: new Map([[4, '01.png']]),
  });

describe('contactSheet', () => {
  const sheet = make();

  test('shows every candidate with its verdict and reasons, the winners first in rank order', () => {
    for (const { candidate, seed } of RECORDS) {
      expect(sheet).toContain(`Candidate ${candidate}`);
      expect(sheet).toContain(String(seed));
    }
    expect(sheet.indexOf('Candidate 4')).toBeLessThan(sheet.indexOf('Candidate 0'));
    expect(sheet.indexOf('Candidate 0')).toBeLessThan(sheet.indexOf('Candidate 1'));
    expect(sheet).toMatch(/near-duplicate of 0/i);
    expect(sheet).toContain('KSampler');
    expect(sheet.split(PIXEL).length - 1).toBe(4);
  });

  test('is one file: nothing is loaded from elsewhere and nothing runs', () => {
    expect(sheet).not.toMatch(/<script|(?:src|href)="(?!data:|#|01\.png)/);
    expect(sheet).toMatch(/^<!doctype html>/i);
  });

  test('has a name for every picture', () => {
    for (const tag of sheet.match(/<img[^>]*>/g) ?? []) expect(tag).toMatch(/alt="[^"]+"/);
  });

  test('escapes what comes from outside', () => {
    expect(sheet).toContain('&lt;grainy&gt;');
    expect(make('<script>alert(1)</script>')).not.toContain('<script>alert');
  });
});
