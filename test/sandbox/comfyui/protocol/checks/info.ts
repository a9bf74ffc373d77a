import { expect } from 'vitest';
import { fields, pick } from '../pick.js';
import type { Checks } from '../player.js';

/** What the server tells about itself. */
export const info: Checks = {
  'info.object-info.one': async (p) => {
    const { json } = await p.get('/object_info/KSampler');
    expect(fields(json)).toEqual(['KSampler']);
    const node = pick(json, 'KSampler');
    const told = [
      'category',
      'display_name',
      'input',
      'input_order',
      'name',
      'output',
      'output_is_list',
      'output_name',
      'output_node',
      'python_module',
    ];
    expect(fields(node)).toEqual(expect.arrayContaining(told));
    expect(pick(node, 'input', 'required', 'steps')).toMatchObject(['INT', { min: 1, max: 10000 }]);
    expect(pick(node, 'output_node')).toBe(false);
    expect(pick((await p.get('/object_info/SaveImage')).json, 'SaveImage', 'output_node')).toBe(true);
  },
  'info.object-info.unknown': async (p) => {
    const answer = await p.get('/object_info/NoSuchNode');
    expect([answer.status, answer.json]).toEqual([200, {}]);
  },
  'info.object-info.all': async (p) => {
    const { text, json } = await p.get('/object_info');
    expect(text).not.toMatch(/[:[,]\s*(NaN|-?Infinity)/);
    expect(pick(json, 'SaveImage')).toEqual(pick((await p.get('/object_info/SaveImage')).json, 'SaveImage'));
    expect(Object.keys(json as object).length).toBeGreaterThan(10);
  },
  'info.object-info.choices': async (p) => {
    const { json } = await p.get('/object_info/CheckpointLoaderSimple');
    const spec = pick(json, 'CheckpointLoaderSimple', 'input', 'required', 'ckpt_name');
    const options = pick(spec, 0) === 'COMBO' ? pick(spec, 1, 'options') : pick(spec, 0);
    expect(options).toContain(p.server.checkpoint);
  },
  'info.object-info.save-image-output': async (p) => {
    expect(pick((await p.get('/object_info/SaveImage')).json, 'SaveImage', 'output')).toEqual(['IMAGE']);
  },
  'info.object-info.save-image-no-output': async (p) => {
    expect(pick((await p.get('/object_info/SaveImage')).json, 'SaveImage', 'output')).toEqual([]);
  },
  'info.models': async (p) => {
    expect((await p.get('/models')).json).toEqual(expect.arrayContaining(['checkpoints', 'loras', 'vae']));
    expect((await p.get('/models/checkpoints')).json).toContain(p.server.checkpoint);
  },
  'info.models.404': async (p) => {
    const answer = await p.get('/models/nope');
    expect([answer.status, answer.text]).toEqual([404, '']);
  },
  'info.lists': async (p) => {
    for (const path of ['/embeddings', '/extensions']) expect((await p.get(path)).json, path).toBeInstanceOf(Array);
  },
  'info.features': async (p) => {
    expect((await p.get('/features')).json).toMatchObject({ supports_preview_metadata: true });
  },
  'info.system-stats': async (p) => {
    const { json } = await p.get('/system_stats');
    const told = [
      'argv',
      'comfyui_version',
      'embedded_python',
      'os',
      'python_version',
      'pytorch_version',
      'ram_free',
      'ram_total',
    ];
    expect(fields(pick(json, 'system'))).toEqual(expect.arrayContaining(told));
    expect(pick(json, 'system', 'comfyui_version')).toMatch(/^\d+\.\d+\.\d+/);
    expect(pick(json, 'system', 'argv')).toBeInstanceOf(Array);
    expect(pick(json, 'system', 'ram_total')).toBeGreaterThan(1e8);
  },
  'info.system-stats.devices': async (p) => {
    const device = pick((await p.get('/system_stats')).json, 'devices', 0);
    expect(fields(device)).toEqual(
      expect.arrayContaining([
        'index',
        'name',
        'torch_vram_free',
        'torch_vram_total',
        'type',
        'vram_free',
        'vram_total',
      ]),
    );
    expect(pick(device, 'vram_total')).toBeGreaterThan(1e8);
  },
  'info.system-stats.cpu': async (p) => {
    const { json } = await p.get('/system_stats');
    const device = pick(json, 'devices', 0);
    expect(device).toMatchObject({ type: 'cpu', index: null, vram_total: pick(json, 'system', 'ram_total') });
  },
  'info.system-stats.packages': async (p) => {
    expect(pick((await p.get('/system_stats')).json, 'system', 'comfy_package_versions')).toBeInstanceOf(Array);
  },
  'info.system-stats.deployment': async (p) => {
    expect(pick((await p.get('/system_stats')).json, 'system', 'deploy_environment')).toBeTypeOf('string');
  },
  'info.node-replacements': async (p) => {
    expect((await p.get('/node_replacements')).status).toBe(200);
  },
  'info.web-data': async (p) => {
    for (const path of ['/workflow_templates', '/i18n', '/global_subgraphs']) {
      const answer = await p.get(path);
      expect([answer.status, typeof answer.json], path).toEqual([200, 'object']);
    }
  },
  'info.experiment-models': async (p) => {
    const folders = (await p.get('/experiment/models')).json as { name: string }[];
    expect(folders.map(({ name }) => name)).toContain('checkpoints');
  },
  'info.assets-on': async (p) => {
    expect(fields((await p.get('/api/assets')).json)).toEqual(['assets', 'has_more', 'total']);
  },
  'info.assets-off': async (p) => {
    const answer = await p.get('/api/assets');
    expect([answer.status, pick(answer.json, 'error', 'code')]).toEqual([503, 'SERVICE_DISABLED']);
  },
  'info.view-metadata': async (p) => {
    expect((await p.get('/view_metadata/checkpoints?filename=no-such.safetensors')).status).toBe(404);
    expect((await p.get('/view_metadata/checkpoints')).status).toBe(404);
  },
};

/** Files and settings of users, and what the page calls internal. */
export const userData: Checks = {
  'userdata.files': async (p) => {
    const path = `/userdata/${p.tag}.txt`;
    expect((await p.get(path)).status).toBe(404);
    expect((await p.send('POST', path, { body: 'one' })).status).toBe(200);
    expect((await p.get(path)).text).toBe('one');
    expect((await p.send('POST', path, { body: 'two' })).status).toBe(200);
    expect((await p.send('POST', `${path}?overwrite=false`, { body: 'three' })).status).toBe(409);
    expect((await p.get(path)).text).toBe('two');
    expect((await p.send('POST', `${path}/move/${p.tag}-moved.txt`)).status).toBe(200);
    expect((await p.get(path)).status).toBe(404);
    expect((await p.send('DELETE', `/userdata/${p.tag}-moved.txt`)).status).toBe(204);
    expect((await p.get(`/userdata/${p.tag}-moved.txt`)).status).toBe(404);
  },
  'userdata.list': async (p) => {
    await p.send('POST', `/userdata/${p.tag}%2Fa.json`, { body: '{}' });
    expect((await p.get(`/userdata?dir=${p.tag}`)).json).toEqual(['a.json']);
    expect((await p.get('/userdata')).status).toBe(400);
    expect((await p.get('/userdata?dir=../..')).status).toBe(403);
    expect((await p.get(`/userdata?dir=${p.tag}-none`)).status).toBe(404);
    await p.send('DELETE', `/userdata/${p.tag}%2Fa.json`);
  },
  'userdata.settings': async (p) => {
    expect((await p.get('/users')).status).toBe(200);
    expect((await p.get('/settings')).json).toBeTypeOf('object');
    expect((await p.post(`/settings/cull.${p.tag}`, 'x')).status).toBe(200);
    expect((await p.get(`/settings/cull.${p.tag}`)).json).toBe('x');
  },
  'internal.logs': async (p) => {
    expect((await p.get('/internal/logs')).status).toBe(200);
    expect(fields((await p.get('/internal/logs/raw')).json)).toEqual(['entries', 'size']);
  },
  'internal.folders': async (p) => {
    expect((await p.get('/internal/folder_paths')).json).toHaveProperty('checkpoints');
  },
  'internal.files': async (p) => {
    await p.form('/upload/image', { image: [`${p.tag}.png`, 'x'], type: 'output' });
    expect(String(pick((await p.get('/internal/files/output')).json, 0)).split(' ')[0]).toBe(`${p.tag}.png`);
    expect((await p.get('/internal/files/nope')).status).toBe(400);
  },
  'internal.files.annotated': async (p) => {
    await p.form('/upload/image', { image: [`${p.tag}.png`, 'x'], type: 'output' });
    // not that it comes first: two files of one tick of the file system's clock are in any order
    expect((await p.get('/internal/files/output')).json).toContain(`${p.tag}.png [output]`);
  },
};
