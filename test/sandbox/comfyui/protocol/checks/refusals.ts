import { expect } from 'vitest';
import { changed, without, type Graph } from '../../graphs.js';
import { fields, pick } from '../pick.js';
import type { Checks, Player } from '../player.js';

/** Expects a request to be refused as a whole, with an error of a type. */
async function refused(p: Player, body: unknown, type: string): Promise<Record<string, unknown>> {
  const answer = await p.post('/prompt', body);
  expect([answer.status, pick(answer.json, 'error', 'type')], answer.text).toEqual([400, type]);
  expect(fields(answer.json)).toEqual(['error', 'node_errors']);
  const error = pick(answer.json, 'error') as Record<string, unknown>;
  expect(fields(error)).toEqual(['details', 'extra_info', 'message', 'type']);
  expect(pick(answer.json, 'node_errors')).toEqual({});
  return error;
}

const broken = (graph: Graph, id: string, node: unknown): Graph => ({ ...graph, [id]: node }) as Graph;

/** Requests that are refused as a whole. */
export const refusals: Checks = {
  'prompt.400.no-prompt': async (p) => {
    await refused(p, {}, 'no_prompt');
    await refused(p, [], 'no_prompt');
  },
  'prompt.400.invalid-prompt-id': async (p) => {
    const id = 'ABCDEF01-0000-4000-8000-000000000001';
    for (const prompt_id of ['mine', id, id.toLowerCase().replaceAll('-', ''), 7, '']) {
      await refused(p, { prompt: p.noise(), prompt_id }, 'invalid_prompt_id');
    }
  },
  'prompt.400.missing-node-type': async (p) => {
    const graph = broken(p.noise(), '2', { class_type: 'NoSuchNode', inputs: {}, _meta: { title: 'My node' } });
    const { extra_info } = await refused(p, { prompt: graph }, 'missing_node_type');
    expect(extra_info).toEqual({ node_id: '2', class_type: 'NoSuchNode', node_title: 'My node' });
  },
  'prompt.400.missing-node-type.no-class': async (p) => {
    const { extra_info } = await refused(p, { prompt: broken(p.noise(), '9', { inputs: {} }) }, 'missing_node_type');
    expect(extra_info).toMatchObject({ node_id: '9', class_type: null });
  },
  'prompt.400.missing-node-type.first-of-all-nodes': async (p) => {
    const graph = {
      ...p.noise(),
      '8': { class_type: 'NoSuchA', inputs: {} },
      '9': { class_type: 'NoSuchB', inputs: {} },
    };
    const { extra_info } = await refused(p, { prompt: graph }, 'missing_node_type');
    expect(extra_info).toMatchObject({ node_id: '8', class_type: 'NoSuchA' });
  },
  'prompt.400.invalid-prompt': async (p) => {
    const { extra_info } = await refused(
      p,
      { prompt: { '1': { class_type: 'NoSuchNode', inputs: {} } } },
      'invalid_prompt',
    );
    expect(extra_info).toEqual({});
  },
  'prompt.400.no-outputs': async (p) => {
    await refused(p, { prompt: {} }, 'prompt_no_outputs');
    const { '1': empty } = p.noise();
    await refused(p, { prompt: { '1': empty } }, 'prompt_no_outputs');
  },
  'prompt.400.outputs-failed': async (p) => {
    const answer = await p.post('/prompt', { prompt: changed(p.noise(), '2', { seed: -1 }) });
    expect([answer.status, pick(answer.json, 'error', 'type')]).toEqual([400, 'prompt_outputs_failed_validation']);
    expect(pick(answer.json, 'error', 'details')).toBe('');
    expect(Object.keys(pick(answer.json, 'node_errors') as object)).toEqual(['2']);
  },
  'prompt.400.outputs-failed.own-reasons': async (p) => {
    const answer = await p.post('/prompt', { prompt: without(p.noise(), '4', 'filename_prefix') });
    expect(pick(answer.json, 'error', 'details')).toBe('Required input is missing: filename_prefix');
  },
  'prompt.500.node-not-object': async (p) => {
    for (const inputs of [null, []]) {
      const graph = broken(p.noise(), '1', { class_type: 'EmptyImage', inputs });
      expect((await p.post('/prompt', { prompt: graph })).status, JSON.stringify(inputs)).toBe(500);
    }
    expect((await p.post('/prompt', { prompt: broken(p.noise(), '1', 'text') })).status).toBe(500);
  },
};
