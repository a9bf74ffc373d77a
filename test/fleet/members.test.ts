import { describe, expect, test } from 'vitest';
import { changesOf, foldersOf, memberOf, mergeMembers, type FleetEntry, type Member } from '../../fleet/members.js';

const at = '2026-11-24T12:00:00.000Z';
const merged = (said: {
  environment?: string[];
  file?: { url: string; id?: string }[];
  api?: Record<string, FleetEntry>;
}) => [
  ...mergeMembers({
    environment: said.environment ?? [],
    file: said.file ?? [],
    api: { hosts: said.api ?? {} },
  }).values(),
];

describe('memberOf', () => {
  test('fills in what was left out', () => {
    expect(memberOf({ url: 'http://gpu0:8188' }, 'file')).toEqual({
      id: 'gpu0-8188',
      url: 'http://gpu0:8188',
      pool: 'default',
      slots: 2,
      source: 'file',
      drained: false,
    });
  });

  test.each([
    [{ url: 'gpu0:8188' }, /address/],
    [{ url: 'http://gpu0', id: '../x' }, /no id/],
    [{ url: 'http://gpu0', pool: 'Big GPUs' }, /no pool/],
    [{ url: 'http://gpu0', slots: 0 }, /0 slots/],
    [{ url: 'http://gpu0', slots: 17 }, /17 slots/],
    [{ url: 'http://gpu0', output: 'output' }, /no absolute path/],
  ])('refuses %j', (spec, words) => {
    expect(() => memberOf(spec, 'file')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
    expect(() => memberOf(spec, 'file')).toThrow(words);
  });
});

describe('foldersOf', () => {
  test('its own, else those of the environment', () => {
    const member = memberOf({ url: 'http://gpu0:8188', output: '/a/output' }, 'file');
    expect(foldersOf(member, { output: '/b/output', input: '/b/input' })).toEqual({
      output: '/a/output',
      input: '/b/input',
    });
    expect(foldersOf(memberOf({ url: 'http://gpu1:8188' }, 'file'), {})).toEqual({});
  });
});

describe('mergeMembers', () => {
  test('the file wins over the environment, the API over both', () => {
    const members = merged({
      environment: ['http://a:1', 'http://b:1'],
      file: [{ url: 'http://other:2', id: 'b-1' }],
      api: { 'a-1': { spec: { url: 'http://moved:3' }, state: 'active', at } },
    });
    expect(members.map(({ id, url, source }) => [id, url, source])).toEqual([
      ['a-1', 'http://moved:3', 'api'],
      ['b-1', 'http://other:2', 'file'],
    ]);
  });

  test('a drained one stays a member, a removed one does not', () => {
    const members = merged({
      environment: ['http://a:1', 'http://b:1'],
      api: { 'a-1': { state: 'drained', at }, 'b-1': { state: 'removed', at } },
    });
    expect(members.map(({ id, drained }) => [id, drained])).toEqual([['a-1', true]]);
  });

  test('nothing that storage says becomes a command to run, or a folder to delete in', () => {
    const spec = { url: 'http://a:1', restart: 'reboot', output: '/' };
    const [member] = merged({ api: { 'a-1': { spec, state: 'active', at } } });
    expect(member?.restart).toBeUndefined();
    expect(member?.folders).toBeUndefined();
  });
});

describe('changesOf', () => {
  const byId = (...members: Member[]) => new Map(members.map((member) => [member.id, member]));
  const [a, b] = [memberOf({ url: 'http://a:1' }, 'file'), memberOf({ url: 'http://b:1' }, 'file')];

  test('starts who is new and stops who is gone', () => {
    expect(changesOf(byId(a), byId(b))).toEqual({ start: [b], stop: [{ id: 'a-1', then: 'forgotten' }] });
  });

  test('drains who shall be drained and does not start him', () => {
    const drained = { ...a, drained: true };
    expect(changesOf(byId(a), byId(drained))).toEqual({ start: [], stop: [{ id: 'a-1', then: 'drained' }] });
    expect(changesOf(byId(), byId(drained))).toEqual({ start: [], stop: [] });
  });

  test('serves anew who has changed, and leaves who is only named by another', () => {
    expect(changesOf(byId(a), byId({ ...a, slots: 3 }))).toEqual({
      start: [],
      stop: [{ id: 'a-1', then: 'served anew' }],
    });
    expect(changesOf(byId(a), byId({ ...a, source: 'api' }))).toEqual({ start: [], stop: [] });
  });
});
