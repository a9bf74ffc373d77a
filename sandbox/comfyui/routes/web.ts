import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { modelFolders } from '../nodes/choices.js';
import { dict, empty, json, type Routes } from '../http.js';
import type { Sandbox } from '../sandbox.js';

/** Whether a name of a user's file leads out of the user's folder. */
const escapes = (name: string): boolean => name.startsWith('/') || name.split('/').includes('..');

/** What the web page keeps on the server: a user's files and settings. In memory only. */
export function userRoutes(): Routes {
  const files = new Map<string, Buffer>();
  const settings: Record<string, unknown> = {};
  return {
    'GET /users': () => json({ storage: 'server', migrated: true }),
    'GET /settings': () => json(settings),
    'GET /settings/:': ({ params: [id = ''] }) => json(settings[id] ?? null),
    'POST /settings': (ask) => {
      Object.assign(settings, dict(ask.json()));
      return empty();
    },
    'POST /settings/:': (ask) => {
      settings[ask.params[0] ?? ''] = ask.json();
      return empty();
    },
    'GET /userdata': ({ query }) => {
      const folder = query.get('dir') ?? '';
      if (folder === '') return empty(400);
      if (escapes(folder)) return empty(403);
      const inside = [...files.keys()].filter((name) => name.startsWith(`${folder}/`));
      if (inside.length === 0) return empty(404);
      const names = inside.map((name) => name.slice(folder.length + 1));
      return json(query.get('recurse') === 'true' ? names : names.filter((name) => !name.includes('/')));
    },
    'GET /userdata/:': ({ params: [name = ''] }) => {
      if (escapes(name)) return empty(403);
      const body = files.get(name);
      return body ? { status: 200, headers: { 'Content-Type': 'application/octet-stream' }, body } : empty(404);
    },
    'POST /userdata/:': ({ params: [name = ''], query, body }) => {
      if (escapes(name)) return empty(403);
      if (query.get('overwrite') === 'false' && files.has(name)) return empty(409);
      files.set(name, body);
      return json(name);
    },
    'DELETE /userdata/:': ({ params: [name = ''] }) => (files.delete(name) ? empty(204) : empty(404)),
    'POST /userdata/:/move/:': ({ params: [from = '', to = ''] }) => {
      const body = files.get(from);
      if (!body) return empty(404);
      if (escapes(to)) return empty(403);
      files.delete(from);
      files.set(to, body);
      return json(to);
    },
  };
}

/** What the web page alone may ask, never under /api. */
export function internalRoutes({ log, world }: Sandbox): Routes {
  return {
    'GET /internal/logs': () => json(log.lines.map(({ t, m }) => `${t} - ${m}`).join('')),
    'GET /internal/logs/raw': () => json({ entries: log.lines, size: { cols: 80, rows: 24 } }),
    'PATCH /internal/logs/subscribe': (ask) => {
      const { clientId, enabled } = dict(ask.json());
      log.subscribe(String(clientId), enabled === true);
      return empty();
    },
    'GET /internal/folder_paths': () =>
      json(Object.fromEntries(modelFolders(world.profile).map((folder) => [folder, [`/sandbox/models/${folder}`]]))),
    'GET /internal/files/:': async ({ params: [type = ''] }) => {
      const folder = world.folders.path(type);
      if (folder === undefined) return json({ error: 'Invalid directory type' }, 400);
      const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
      const dated = entries.map(async ({ name }) => ({ name, ms: (await stat(join(folder, name))).mtimeMs }));
      const newest = (await Promise.all(dated)).sort((a, b) => b.ms - a.ms);
      return json(newest.map(({ name }) => (world.profile.has('annotatedFiles') ? `${name} [${type}]` : name)));
    },
  };
}

/** Model files, as newer web pages list them. */
export function experimentRoutes({ world }: Sandbox): Routes {
  return {
    'GET /experiment/models': () =>
      json(modelFolders(world.profile).map((name) => ({ name, folders: [`/sandbox/models/${name}`] }))),
    'GET /experiment/models/:': ({ params: [folder = ''] }) => {
      if (!modelFolders(world.profile).includes(folder)) return empty(404);
      const names = folder === 'checkpoints' ? world.checkpoints : [];
      return json(names.map((name) => ({ name, pathIndex: 0 })));
    },
  };
}
