import { freemem, totalmem } from 'node:os';
import { SERVER_FEATURES } from '../events.js';
import { empty, json, type Reply, type Routes } from '../http.js';
import { CLASSES, objectInfo } from '../nodes/index.js';
import { MODEL_FOLDERS } from '../nodes/choices.js';
import { COMFYUI_VERSION } from '../options.js';
import type { World } from '../world.js';

/** JSON with the largest seed written exactly; a double cannot hold it. */
function exact(value: unknown): Reply {
  const reply = json(value);
  return { ...reply, body: String(reply.body).replaceAll('18446744073709552000', '18446744073709551615') };
}

/** What the server is and has. */
export function infoRoutes(world: World): Routes {
  return {
    'GET /system_stats': () => {
      const memory = { vram_total: totalmem(), vram_free: freemem() };
      const device = { name: 'cpu', type: 'cpu', index: null, ...memory };
      return json({
        system: {
          os: process.platform,
          ram_total: totalmem(),
          ram_free: freemem(),
          comfyui_version: COMFYUI_VERSION,
          required_frontend_version: '1.0.0',
          installed_templates_version: null,
          required_templates_version: '0.1.0',
          comfy_package_versions: [{ name: 'comfyui-frontend-package', installed: null, required: '1.0.0' }],
          python_version: '3.11.7',
          pytorch_version: '2.13.0+cpu',
          embedded_python: false,
          deploy_environment: 'local-git',
          argv: ['main.py', '--cpu'],
        },
        devices: [{ ...device, torch_vram_total: totalmem(), torch_vram_free: freemem() }],
      });
    },
    'GET /features': () => json(SERVER_FEATURES),
    'GET /embeddings': () => json([]),
    'GET /extensions': () => json([]),
    'GET /models': () => json(MODEL_FOLDERS),
    'GET /models/:': ({ params: [folder = ''] }) => {
      if (!MODEL_FOLDERS.includes(folder)) return empty(404);
      return json(folder === 'checkpoints' ? world.checkpoints : []);
    },
    'GET /object_info': async () => {
      world.inputNames = await world.folders.inputs();
      return exact(Object.fromEntries([...CLASSES].map(([name, node]) => [name, objectInfo(node, world)])));
    },
    'GET /object_info/:': async ({ params: [name = ''] }) => {
      world.inputNames = await world.folders.inputs();
      const node = CLASSES.get(name);
      return exact(node ? { [name]: objectInfo(node, world) } : {});
    },
  };
}
