import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { fresh, harmless, rough } from './checks/index.js';
import { page, PAGE } from './table.js';
import { FACTS, UNCHECKED, compareVersions, holds } from './facts.js';

const ids = [...harmless, ...rough, ...fresh].flatMap((checks) => Object.keys(checks));

it('has one check for each fact, and no other', () => {
  expect([...ids].sort()).toEqual([...FACTS.keys()].sort());
});

it('says what each fact is, in one line', () => {
  for (const { says } of [...FACTS.values(), ...UNCHECKED]) expect(says).toMatch(/^\S.{8,160}\S$/);
});

it('knows from which version to which a fact holds', () => {
  expect(compareVersions('0.3.64', '0.16.3')).toBeLessThan(0);
  const fact = { id: 'x', says: 'x', since: '0.6.0', until: '0.26.0' };
  expect(['0.3.64', '0.6.0', '0.25.1', '0.26.0'].map((version) => holds(fact, version))).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

it('has the table of docs/compatibility.md as the reports are (else: npm run test:comfyui)', async () => {
  expect(await readFile(PAGE, 'utf8')).toBe(await page());
});
