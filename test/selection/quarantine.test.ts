/** When a release is held back, for whom, and when not. */
import { describe, expect, test } from 'vitest';
import type { CullError } from '../../errors.js';
import { ERRORS, type ErrorCode } from '../../errors.js';
import {
  afterFailure,
  ENOUGH,
  holdOf,
  refuseHeld,
  wayOf,
  wayOfRequest,
  type Evidence,
  type Quarantine,
} from '../../selection/quarantine.js';

const NODE_FAILED = {
  code: 'COMFY_NODE_FAILED',
  details: { node: '3', title: 'KSampler', class: 'KSampler', exception: 'RuntimeError', message: 'shapes of a.png' },
};
const NOT_IN_LIST = {
  code: 'COMFY_INVALID_GRAPH',
  details: [
    { node: '4', class: 'Loader', message: 'Value not in list', details: "ckpt: 'x' not in []", input: 'ckpt' },
  ],
};

const nothing: Quarantine = { release: `sha256:${'a'.repeat(64)}`, template: 'product', held: [], evidence: [] };
const way = wayOf(NODE_FAILED)!;
let at = 0;
const failed = (differences: Partial<Evidence> = {}): Evidence => {
  at++;
  const names = { request: `r${at}`, inputs: `inputs ${at}`, at: new Date(at).toISOString() };
  return { tenant: 'acme', way, hosts: ['gpu0', 'gpu1'], ...names, ...differences };
};
const after = (...all: Partial<Evidence>[]): Quarantine =>
  all.reduce<Quarantine>((quarantine, one) => afterFailure(quarantine, failed(one)), nothing);
const heldFor = ({ held }: Quarantine) => held.map(({ tenant }) => tenant);

describe('the way in which a graph failed', () => {
  test('is the code, the node and the exception, not the message', () => {
    const other = { ...NODE_FAILED, details: { ...NODE_FAILED.details, message: 'shapes of b.png' } };
    expect(wayOf(other)).toEqual(way);
    const elsewhere = { ...NODE_FAILED, details: { ...NODE_FAILED.details, exception: 'ValueError' } };
    expect(wayOf(elsewhere)).not.toEqual(way);
  });

  test('has all the nodes that ComfyUI would not take, in whatever order it named them', () => {
    const two = [...NOT_IN_LIST.details, { node: '2', class: 'X', message: 'Required input is missing', input: 'a' }];
    expect(wayOf({ ...NOT_IN_LIST, details: two })).toEqual(wayOf({ ...NOT_IN_LIST, details: two.toReversed() }));
  });

  test('is nobody’s where no node is named: a proxy or a key refused the call', () => {
    expect(wayOf({ code: 'COMFY_INVALID_GRAPH', details: [] })).toBeUndefined();
    expect(wayOf({ code: 'COMFY_INVALID_GRAPH' })).toBeUndefined();
  });

  test.each(Object.keys(ERRORS) as ErrorCode[])('%s speaks against a release only if it is of the graph', (code) => {
    const speaks = ['COMFY_INVALID_GRAPH', 'COMFY_POISON', 'COMFY_NODE_FAILED'].includes(code);
    expect(wayOf({ code, details: NODE_FAILED.details }) !== undefined).toBe(speaks);
  });
});

describe('a request', () => {
  test('fails in one way, whatever else was unreachable, full or out of memory meanwhile', () => {
    const passing = ['COMFY_UNREACHABLE', 'COMFY_OUT_OF_MEMORY', 'COMFY_DISK_FULL'].map((code) => ({
      ...NODE_FAILED,
      code,
    }));
    expect(wayOfRequest([...passing, NODE_FAILED, NODE_FAILED], [])).toEqual(way);
    expect(wayOfRequest(passing, [])).toBeUndefined();
    expect(wayOfRequest([NODE_FAILED, NOT_IN_LIST], [])).toBeUndefined();
  });

  test('may be at fault itself where it gave what the failing node takes', () => {
    expect(wayOfRequest([NODE_FAILED], [{ node: '3', field: 'steps' }])).toBeUndefined();
    expect(wayOfRequest([NODE_FAILED], [{ node: '6', field: 'text' }])).toEqual(way);
    expect(wayOfRequest([NOT_IN_LIST], [{ node: '4', field: 'ckpt' }])).toBeUndefined();
    expect(wayOfRequest([NOT_IN_LIST], [{ node: '4', field: 'other' }])).toBeDefined();
  });
});

describe('a release is held back', () => {
  test('for a tenant, after three requests with different inputs on several ComfyUIs', () => {
    expect(heldFor(after({}, {}))).toEqual([]);
    const quarantine = after({}, {}, {});
    expect(heldFor(quarantine)).toEqual(['acme']);
    expect(quarantine.evidence).toEqual([]);
    expect(holdOf(quarantine, 'acme')?.evidence).toHaveLength(ENOUGH.onSeveralHosts);
    expect(holdOf(quarantine, 'rival')).toBeUndefined();
  });

  test('the ComfyUIs of all of them count: each may have met one', () => {
    expect(heldFor(after({ hosts: ['gpu0'] }, { hosts: ['gpu0'] }, { hosts: ['gpu1'] }))).toEqual(['acme']);
  });

  test('after six where all were on one ComfyUI', () => {
    const one = { hosts: ['gpu0'] };
    expect(heldFor(after(one, one, one, one, one))).toEqual([]);
    expect(heldFor(after(one, one, one, one, one, one))).toEqual(['acme']);
  });

  test('not by the same inputs again and again, nor by one request that is resumed', () => {
    expect(heldFor(after(...Array.from({ length: 20 }, () => ({ inputs: 'bad photo' }))))).toEqual([]);
    const again = after(...Array.from({ length: 20 }, () => ({ request: 'r1' })));
    expect(heldFor(again)).toEqual([]);
    expect(again.evidence).toHaveLength(1);
  });

  test('not by failures of different kinds', () => {
    const ways = [way, wayOf(NOT_IN_LIST)!];
    expect(heldFor(after(...ways.flatMap((one) => [{ way: one }, { way: one }])))).toEqual([]);
  });

  test('for everybody by three tenants, however few requests each has', () => {
    const quarantine = after({ tenant: 'a' }, { tenant: 'b' }, { tenant: 'c' });
    expect(heldFor(quarantine)).toEqual([null]);
    expect(holdOf(quarantine, 'd')).toBeDefined();
  });

  test('never for others by one tenant, whatever it sends and however much', () => {
    const quarantine = after(
      { tenant: 'a' },
      { tenant: 'b' },
      ...Array.from({ length: 300 }, () => ({ tenant: 'eve' })),
    );
    expect(heldFor(quarantine)).toEqual([null]);
    const hostile = after({ tenant: 'a' }, ...Array.from({ length: 300 }, () => ({ tenant: 'eve' })));
    expect(heldFor(hostile)).toEqual(['eve']);
    expect(hostile.evidence.map(({ tenant }) => tenant)).toEqual(['a']);
  });

  test('what one tenant sends does not push out what speaks for another', () => {
    const ways = Array.from({ length: 300 }, (_, node) => ({
      ...way,
      nodes: way.nodes.map((one) => ({ ...one, node: `${node}` })),
    }));
    const quarantine = after({ tenant: 'a' }, ...ways.map((one) => ({ tenant: 'eve', way: one })));
    expect(quarantine.evidence[0]?.tenant).toBe('a');
    expect(quarantine.evidence.length).toBeLessThan(20);
  });
});

test('a request of a held release is refused with the way, and without anybody’s names', () => {
  const quarantine = after({ tenant: 'a', request: 'secret' }, { tenant: 'b' }, { tenant: 'c' });
  refuseHeld(undefined, 'd');
  refuseHeld({ ...quarantine, held: [] }, 'd');
  const refused = (() => {
    try {
      refuseHeld(quarantine, 'd');
    } catch (error) {
      return error as CullError;
    }
    return undefined;
  })();
  expect(refused).toMatchObject({ code: 'RELEASE_QUARANTINED', retry: false });
  expect(refused?.message).toBe(
    `the release aaaaaaaaaaaa of product is held back since ${quarantine.held[0]?.since}: 3 requests drew nothing, each with COMFY_NODE_FAILED in node 3 (KSampler): RuntimeError`,
  );
  expect(refused?.hint).toContain('comfy-cull quarantine release aaaaaaaaaaaa');
});
