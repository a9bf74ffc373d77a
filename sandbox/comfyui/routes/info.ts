import { freemem, totalmem } from 'node:os';
import { empty, json, type Routes } from '../http.js';
import { classesOf, objectInfo } from '../nodes/index.js';
import { modelFolders } from '../nodes/choices.js';
import type { Profile } from '../profile.js';
import type { World } from '../world.js';

/** What a server without extensions and templates has nothing to say about. */
const EMPTY = ['/i18n', '/workflow_templates', '/node_replacements', '/global_subgraphs'];
const NO_ASSETS = {
  code: 'SERVICE_DISABLED',
  message: 'Assets system is disabled. Start the server with --enable-assets to use this feature.',
  details: {},
};

/** The assets API: absent, then on, then off unless a flag turns it on. */
function assets(profile: Profile): Routes {
  if (!profile.has('assetsApi')) return {};
  if (!profile.has('assetsFlag')) return { 'GET /api/assets': () => json({ assets: [], total: 0, has_more: false }) };
  return { 'GET /api/assets': () => json({ error: NO_ASSETS }, 503) };
}

/** What the server is and has. */
export function infoRoutes(world: World): Routes {
  const { profile } = world;
  const classes = classesOf(profile);
  const folders = modelFolders(profile);
  return {
    'GET /system_stats': () => {
      const memory = {
        vram_total: totalmem(),
        vram_free: world.faults.vramFree < 0 ? freemem() : world.faults.vramFree,
      };
      const device = { name: 'cpu', type: 'cpu', index: null, ...memory };
      return json({
        system: {
          os: process.platform,
          ram_total: totalmem(),
          ram_free: freemem(),
          comfyui_version: profile.version,
          required_frontend_version: '1.0.0',
          installed_templates_version: null,
          required_templates_version: '0.1.0',
          ...(profile.has('packageVersions')
            ? { comfy_package_versions: [{ name: 'comfyui-frontend-package', installed: null, required: '1.0.0' }] }
            : {}),
          python_version: '3.11.7',
          pytorch_version: '2.13.0+cpu',
          embedded_python: false,
          ...(profile.has('packageVersions') ? { deploy_environment: 'local-git' } : {}),
          argv: ['main.py', '--cpu'],
        },
        devices: [{ ...device, torch_vram_total: totalmem(), torch_vram_free: freemem() }],
      });
    },
    ...(profile.has('featureFlags') ? { 'GET /features': () => json(profile.features) } : {}),
    // Without model files there is no metadata to show.
    'GET /view_metadata/:': () => empty(404),
    'GET /embeddings': () => json([]),
    'GET /extensions': () => json([]),
    ...Object.fromEntries(EMPTY.map((path) => [`GET ${path}`, () => json({})])),
    ...assets(profile),
    'GET /models': () => json(folders),
    'GET /models/:': ({ params: [folder = ''] }) => {
      if (!folders.includes(folder)) return empty(404);
      return json(folder === 'checkpoints' ? world.checkpoints : []);
    },
    'GET /object_info': async () => {
      world.inputNames = await world.folders.inputs();
      return json(Object.fromEntries([...classes].map(([name, node]) => [name, objectInfo(node, world)])));
    },
    'GET /object_info/:': async ({ params: [name = ''] }) => {
      world.inputNames = await world.folders.inputs();
      const node = classes.get(name);
      return json(node ? { [name]: objectInfo(node, world) } : {});
    },
  };
}
