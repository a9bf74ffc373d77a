import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FleetFile, parseFleetFile } from '../../fleet/file.js';

describe('parseFleetFile', () => {
  test('reads YAML and JSON, bare and under a key', () => {
    const members = [{ url: 'http://a:1', headers: { Authorization: 'Bearer 1' }, slots: 3, restart: 'true' }];
    expect(parseFleetFile(JSON.stringify(members), 'f')).toEqual(members);
    expect(parseFleetFile('comfyui:\n  - url: http://a:1\n', 'f')).toEqual([{ url: 'http://a:1' }]);
    expect(parseFleetFile('', 'f')).toEqual([]);
  });

  test.each([
    ['- url: [', /f: /],
    ['- address: http://a:1', /f: .*url|f: .*address|f: Invalid/],
    ['- url: a', /f: .*address/],
    ['- url: http://a:1\n- url: http://a:1', /two entries have the id "a-1"/],
  ])('refuses %j', (text, words) => {
    expect(() => parseFleetFile(text, 'f')).toThrow(words);
  });
});

describe('FleetFile', () => {
  let dir: string;
  beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'cull-fleet-'))));
  afterAll(() => rm(dir, { recursive: true }));

  test('sees changes; a broken file leaves the members as they were and is told once', async () => {
    const path = join(dir, 'fleet.yaml');
    const file = new FleetFile(path);
    expect(await file.read()).toMatchObject({ members: [], problem: expect.stringContaining('ENOENT') as string });
    expect(await file.read()).toEqual({ members: [] });
    await writeFile(path, '- url: http://a:1\n');
    expect(await file.read()).toEqual({ members: [{ url: 'http://a:1' }] });
    await writeFile(path, '- url: nowhere\n');
    const broken = await file.read();
    expect(broken).toMatchObject({
      members: [{ url: 'http://a:1' }],
      problem: expect.stringContaining(path) as string,
    });
    expect(await file.read()).toEqual({ members: [{ url: 'http://a:1' }] });
    await writeFile(path, '- url: http://b:1\n');
    expect((await file.read()).members).toEqual([{ url: 'http://b:1' }]);
    await rm(path);
    expect((await file.read()).members).toEqual([{ url: 'http://b:1' }]);
  });
});
