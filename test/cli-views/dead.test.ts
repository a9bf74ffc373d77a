import { describe, expect, test } from 'vitest';
import { deadLine, deadText, quarantineText } from '../../cli/views/dead.js';
import type { DeadLetterDoc } from '../../workflows/contract.js';

const letter: DeadLetterDoc = {
  request: 'order-7',
  tenant: 'acme',
  release: `sha256:${'ab'.repeat(32)}`,
  template: 'product',
  inputs: { prompt: 'a red mug\u001b[2J', photo: { image: 'f'.repeat(64) }, steps: 20 },
  vary: { input: 'style', values: ['studio', 'office'] },
  state: 'failed',
  at: '2026-11-30T07:12:33.456Z',
  wanted: 4,
  delivered: 0,
  candidates: { started: 24, lost: 3 },
  failures: [
    { code: 'COMFY_INVALID_GRAPH', message: 'node 4 refused', hosts: ['gpu0', 'gpu1'], lost: 0, candidates: [] },
    { code: 'COMFY_NODE_FAILED', message: 'node 3 failed', hosts: ['gpu0'], lost: 3, candidates: [1, 2] },
  ],
};
const first = (code: string): DeadLetterDoc => ({
  ...letter,
  failures: [{ code, message: 'm', lost: 0, candidates: [] }],
});

test('a line says when, which, how it ended, what was lost and why', () => {
  expect(deadLine(letter)).toBe(
    '2026-11-30T07:12:33Z  order-7                  failed        0/4     3/24 lost  COMFY_INVALID_GRAPH, COMFY_NODE_FAILED x3',
  );
  expect(deadLine({ ...letter, retried: { request: 'order-7-again1', at: letter.at } })).toMatch(/ -> order-7-again1$/);
});

test('the whole letter has errors with their ComfyUIs and all inputs, free of control characters', () => {
  const text = deadText(letter);
  expect(text).toContain('ended by  COMFY_INVALID_GRAPH on gpu0, gpu1');
  expect(text).toContain('lost 3    COMFY_NODE_FAILED on gpu0');
  expect(text).toContain('candidates 1, 2, …');
  expect(text).toContain(`photo = image ${'f'.repeat(64)}`);
  expect(text).toContain('style = one of "studio" | "office"');
  expect(text).not.toContain('\u001b');
});

describe('what to do now', () => {
  test.each([
    ['the same would fail again', letter],
    ['once the cause is gone: comfy-cull dead retry order-7', first('COMFY_UNREACHABLE')],
    ['comfy-cull resume order-7', first('STORAGE_FULL')],
    ['comfy-cull quarantine list', first('RELEASE_QUARANTINED')],
    ['comfy-cull dead drop order-7', { ...letter, state: 'delivered' as const }],
    ['comfy-cull status order-7-again1', { ...letter, retried: { request: 'order-7-again1', at: letter.at } }],
  ])('%s', (advice, one) => {
    expect(deadText(one)).toContain(advice);
  });

  test('a request that fell short is not resumed: it has ended', () => {
    expect(deadText({ ...first('COMFY_UNREACHABLE'), state: 'shortfall' })).not.toContain('resume');
  });
});

test('a release that is held back says for whom, why, and by which requests', () => {
  const way = { code: 'COMFY_NODE_FAILED', nodes: [{ node: '3', class: 'KSampler', what: 'RuntimeError' }] };
  const evidence = [{ tenant: 'acme', request: 'r1', inputs: '', way, hosts: ['gpu0', 'gpu1'], at: letter.at }];
  const { release, template, at: since } = letter;
  const text = quarantineText({
    ...{ release, template, evidence: [] },
    held: [null, 'acme'].map((tenant) => ({ tenant, since, way, evidence })),
  });
  expect(text.split('\n')).toEqual([
    'abababababab  product  for everybody since 2026-11-30T07:12:33Z: COMFY_NODE_FAILED in node 3 (KSampler): RuntimeError',
    '  2026-11-30T07:12:33Z  acme/r1 on gpu0, gpu1',
    'abababababab  product  for tenant acme since 2026-11-30T07:12:33Z: COMFY_NODE_FAILED in node 3 (KSampler): RuntimeError',
    '  2026-11-30T07:12:33Z  acme/r1 on gpu0, gpu1',
  ]);
});
