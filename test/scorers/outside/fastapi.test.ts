/** The FastAPI example, really run by Python: its packages come from PyPI into a private virtual environment, once per checkout. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { conformance } from './conformance.js';

const run = promisify(execFile);
const EXAMPLE = resolve('examples/scorers/http');
const VENV = resolve('.cull/test/fastapi');

async function python(): Promise<string> {
  const wanted = await readFile(join(EXAMPLE, 'requirements.txt'), 'utf8');
  const done = join(VENV, 'requirements.txt');
  const binary = join(VENV, 'bin', 'python');
  if (existsSync(done) && (await readFile(done, 'utf8')) === wanted) return binary;
  await rm(VENV, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', VENV]);
  await run(binary, [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '-r',
    join(EXAMPLE, 'requirements.txt'),
  ]);
  await writeFile(done, wanted);
  return binary;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

conformance('the FastAPI example', async () => {
  const binary = await python();
  const port = await freePort();
  const child = spawn(binary, ['-m', 'uvicorn', 'saturation:app', '--port', String(port)], {
    cwd: EXAMPLE,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  let said = '';
  await new Promise<void>((ready, failed) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Uvicorn running')) ready();
    });
    child.once('exit', () => failed(new Error(`uvicorn ended: ${said}`)));
  });
  return {
    specifier: `http://127.0.0.1:${port}`,
    end: () =>
      new Promise((ended) => {
        child.once('exit', () => ended());
        child.kill();
      }),
  };
});

it('is about thirty lines of code', async () => {
  const lines = (await readFile(join(EXAMPLE, 'saturation.py'), 'utf8'))
    .split('\n')
    .filter((line) => line.trim() !== '');
  expect(lines.length).toBeLessThanOrEqual(35);
});
