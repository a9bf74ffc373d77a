import { changed, noise, txt2img, without, type Graph } from './graphs.js';
import type { Session } from './session.js';

async function run(s: Session, ask: { n: number; graph: Graph; client?: string }): Promise<void> {
  const client_id = ask.client ?? s.alice;
  await s.post('/prompt', { prompt: ask.graph, client_id, prompt_id: s.id(ask.n) });
  await s.ended(client_id, s.id(ask.n));
}

/** Things to do to a server, by name. Each is played on a real server once and on the sandbox in every test run. */
export const SCENARIOS: Readonly<Record<string, (s: Session) => Promise<void>>> = {
  /** A sampler with progress, an identical rerun, another seed, another prefix. */
  ksampler: async (s) => {
    await s.connect(s.alice);
    const graph = txt2img({ seed: 42, prefix: `${s.tag}/a` });
    await run(s, { n: 1, graph });
    await s.get(`/history/${s.id(1)}`);
    await s.get(`/api/jobs/${s.id(1)}`);
    await run(s, { n: 2, graph });
    await s.get(`/history/${s.id(2)}`);
    await run(s, { n: 3, graph: changed(graph, '3', { seed: 43 }) });
    await s.get(`/history/${s.id(3)}`);
    await run(s, { n: 4, graph: changed(changed(graph, '3', { seed: 43 }), '9', { filename_prefix: `${s.tag}/b` }) });
    await s.get(`/view?filename=b_00001_.png&subfolder=${s.tag}`);
    await s.get(`/api/view?filename=b_00001_.png&subfolder=${s.tag}&type=output`);
  },

  /** Requests that are refused, whole or by node. */
  validation: async (s) => {
    const graph = txt2img({ seed: 1, prefix: `${s.tag}/v` });
    const submit = (prompt: unknown, more = {}): Promise<unknown> => s.post('/prompt', { prompt, ...more });
    await submit({ ...graph, '4': { class_type: 'NoSuchNode', inputs: {}, _meta: { title: 'My loader' } } });
    await submit({ ...graph, '10': { inputs: {} } });
    await submit(without(graph, '3', 'seed'));
    await submit(without(graph, '9', 'filename_prefix'));
    await submit(changed(graph, '4', { ckpt_name: 'no-such.safetensors' }));
    await submit(changed(graph, '3', { sampler_name: 'no-such' }));
    await submit(changed(graph, '3', { cfg: 200 }));
    await submit(changed(graph, '5', { width: 8 }));
    await submit(changed(graph, '5', { width: 20000 }));
    await submit(changed(graph, '3', { seed: -1 }));
    await submit(changed(graph, '3', { steps: 'many' }));
    await submit(changed(graph, '3', { cfg: 'high' }));
    await submit(changed(graph, '3', { latent_image: ['4', 0] }));
    await submit(changed(graph, '3', { latent_image: ['5'] }));
    await submit(changed(graph, '3', { latent_image: ['99', 0] }));
    await submit(changed(graph, '9', { images: ['99', 0] }));
    await submit(changed(graph, '9', { images: ['8', 7] }));
    await submit(Object.fromEntries(Object.entries(graph).filter(([node]) => node !== '9')));
    await submit({});
    await submit(graph, { partial_execution_targets: [] });
    await submit(graph, { prompt_id: 'mine' });
    await submit(graph, { prompt_id: '0000000A-0000-4000-8000-000000000001' });
    await s.post('/prompt', {});
    await s.post('/prompt', []);
    await s.post('/prompt', 'text');
    await submit({
      ...graph,
      '10': { class_type: 'LoadImage', inputs: { image: 'nope.png' } },
      '9': { class_type: 'SaveImage', inputs: { images: ['10', 0], filename_prefix: 'x' } },
    });
    const loop = noise({ seed: 1, prefix: `${s.tag}/v` });
    await submit(changed(loop, '2', { image: ['3', 0] }));
    await submit(graph, { extra_data: [] });
  },

  /** One output is bad, the other runs. */
  partly: async (s) => {
    await s.connect(s.alice);
    const graph: Graph = {
      ...noise({ seed: 7, prefix: `${s.tag}/good` }),
      '5': {
        class_type: 'ImageScale',
        inputs: { image: ['3', 0], upscale_method: 'magic', width: 8, height: 8, crop: 'disabled' },
      },
      '6': { class_type: 'SaveImage', inputs: { images: ['5', 0], filename_prefix: `${s.tag}/bad` } },
    };
    await run(s, { n: 10, graph });
    await s.get(`/history/${s.id(10)}`);
  },

  /** A running and a pending prompt; the pending one is dequeued, then another is cancelled, the running one interrupted. */
  queue: async (s) => {
    await s.connect(s.alice);
    const slow = txt2img({ seed: 5, prefix: `${s.tag}/slow`, steps: 60 });
    const quick = noise({ seed: 5, prefix: `${s.tag}/quick` });
    const mine = { client_id: s.alice };
    await s.post('/prompt', { prompt: slow, prompt_id: s.id(20), ...mine });
    await s.executing(s.alice, { promptId: s.id(20), node: '3' });
    await s.post('/prompt', { prompt: quick, prompt_id: s.id(21), ...mine });
    await s.post('/prompt', { prompt: quick, prompt_id: s.id(22), number: -1000, ...mine });
    await s.post('/prompt', { prompt: quick, prompt_id: s.id(23), front: true, ...mine });
    await s.get('/prompt');
    await s.get('/queue');
    for (const n of [20, 21, 29]) await s.get(`/api/jobs/${s.id(n)}`);
    await s.get('/api/jobs?status=pending,in_progress&sort_order=asc');
    await s.post('/queue', { delete: [s.id(21), s.id(29)] });
    await s.get(`/api/jobs/${s.id(21)}`);
    await s.get(`/history/${s.id(21)}`);
    await s.post(`/api/jobs/${s.id(22)}/cancel`, {});
    await s.post(`/api/jobs/${s.id(29)}/cancel`, {});
    await s.post('/interrupt', { prompt_id: s.id(23) });
    await s.post('/api/jobs/cancel', { job_ids: [s.id(23)] });
    await s.post('/api/jobs/cancel', { job_ids: ['x'] });
    await s.post('/api/jobs/cancel', {});
    await s.get('/queue');
    await s.until(s.alice, (events) => events.some((e) => e.type === 'progress'));
    await s.post('/interrupt', { prompt_id: s.id(20) });
    await s.ended(s.alice, s.id(20));
    await s.get(`/history/${s.id(20)}`);
    await s.get(`/api/jobs/${s.id(20)}`);
    for (const bad of ['status=gone', 'sort_by=x', 'sort_order=x', 'limit=0', 'limit=x', 'offset=x']) {
      await s.get(`/api/jobs?${bad}`);
    }
  },

  /** A node fails after another output was saved; a prefix leads out of the output folder. */
  errors: async (s) => {
    await s.connect(s.alice);
    await s.upload('/upload/image', { image: [`${s.tag}-bad.png`, 'not a picture'], overwrite: 'true' });
    const graph: Graph = {
      ...noise({ seed: 77, prefix: `${s.tag}/cand` }),
      '1': { class_type: 'LoadImage', inputs: { image: `${s.tag}-bad.png` } },
      '7': { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 1, color: 1 } },
      '8': { class_type: 'SaveImage', inputs: { images: ['7', 0], filename_prefix: `${s.tag}/ok` } },
    };
    await run(s, { n: 30, graph });
    await s.get(`/history/${s.id(30)}`);
    await s.get(`/api/jobs/${s.id(30)}`);
    await run(s, { n: 31, graph: noise({ seed: 78, prefix: `../../${s.tag}` }) });
    await s.get(`/history/${s.id(31)}`);
  },

  /** Downloads that exist and that do not. */
  view: async (s) => {
    await s.connect(s.alice);
    await run(s, { n: 40, graph: noise({ seed: 3, prefix: `${s.tag}/v` }) });
    const file = `filename=v_00001_.png&subfolder=${s.tag}`;
    for (const query of [
      file,
      `${file}&type=output`,
      `${file}&preview=webp;50`,
      `${file}&preview=jpeg`,
      `${file}&channel=rgb`,
      `${file}&channel=a`,
      `filename=v_00009_.png&subfolder=${s.tag}`,
      `filename=${s.tag}`,
      'subfolder=x',
      'filename=',
      'filename=/etc/passwd',
      'filename=../x.png',
      'filename=a..b.png',
      `${file}&type=nope`,
      'filename=x.png&subfolder=../..',
    ]) {
      await s.get(`/view?${query}`);
    }
    await s.get(`/view?${file}`, { range: 'bytes=0-7' });
  },

  /** Uploads: the same name with the same and with other bytes, subfolders, overwriting, bad ones. */
  upload: async (s) => {
    const name = `${s.tag}.png`;
    await s.upload('/upload/image', { image: [name, 'one'] });
    await s.upload('/upload/image', { image: [name, 'one'] });
    await s.upload('/upload/image', { image: [name, 'two'] });
    await s.upload('/upload/image', { image: [name, 'two'] });
    await s.upload('/upload/image', { image: [name, 'three'], overwrite: 'true' });
    await s.upload('/upload/image', { image: [name, 'one'], subfolder: `${s.tag}/deep` });
    await s.upload('/upload/image', { image: [name, 'one'], type: 'temp' });
    await s.upload('/api/upload/image', { image: [name, 'one'], subfolder: '../x' });
    await s.upload('/upload/image', { image: ['../x.png', 'one'] });
    await s.upload('/upload/image', { image: [name, 'one'], type: 'nope' });
    await s.upload('/upload/image', { other: 'x' });
    await s.post('/upload/image', { image: 'x' });
    await s.get(`/view?filename=${s.tag}%20(1).png&type=input`);
    await s.get(`/view?filename=${encodeURIComponent(`${name} [input]`)}`);
  },

  /** What the server tells about itself and its nodes. */
  info: async (s) => {
    for (const path of ['/system_stats', '/features', '/embeddings', '/extensions', '/models', '/models/nope'])
      await s.get(path);
    for (const node of NODES) await s.get(`/object_info/${node}`);
    await s.get('/object_info/NoSuchNode');
    await s.get('/api/object_info/SaveImage');
    await s.get('/no-such-path');
    await s.get('/jobs');
    await s.get('/history?max_items=0');
    await s.get('/history?max_items=x');
    await s.post('/free', { unload_models: true });
    await s.post('/history', { delete: [s.id(99)] });
    await s.post('/prompt/nope', {});
    await s.post('/object_info', {});
  },

  /** Two clients: each sees its own prompt only. A preview goes to the temp folder. */
  clients: async (s) => {
    await s.connect(s.alice);
    await s.connect(s.bob);
    const graph = noise({ seed: 9, prefix: `${s.tag}/c` });
    await run(s, { n: 50, graph, client: s.alice });
    const preview = { ...graph, '4': { class_type: 'PreviewImage', inputs: { images: ['3', 0] } } };
    await run(s, { n: 51, graph: preview, client: s.bob });
  },
};

const NODES = [
  ...[
    'CheckpointLoaderSimple',
    'CLIPTextEncode',
    'EmptyLatentImage',
    'KSampler',
    'VAEDecode',
    'LoadImage',
    'SaveImage',
  ],
  ...['PreviewImage', 'EmptyImage', 'ImageAddNoise', 'ImageBlur', 'ImageScale', 'SaveImageWebsocket'],
];
