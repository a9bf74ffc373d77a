/** Does what docs/adding-a-scorer.md says, to the letter, in a copy of the checkout. */
import { execFile } from 'node:child_process';
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const run = promisify(execFile);

type Step = { do: 'write' | 'append'; file: string; text: string } | { do: 'run'; command: string };

/** The page's code blocks, each with the file that the line before it names. */
function stepsOf(page: string): Step[] {
  const blocks = page.matchAll(/(?:^(At the end of )?`([\w./-]+)`:\n\n)?^```(\w+)\n([\s\S]*?)^```$/gm);
  return Array.from(blocks).flatMap(([, append, file, language, text = '']): Step[] => {
    if (file !== undefined) return [{ do: append === undefined ? 'write' : 'append', file, text }];
    if (language !== 'sh') throw new Error(`a block without a file: ${text}`);
    return text
      .trim()
      .split('\n')
      .map((command) => ({ do: 'run', command }));
  });
}

/** @returns what it printed; @throws Error with it when it fails */
async function runIn(cwd: string, command: string): Promise<string> {
  const [file = '', ...args] = command.split(' ');
  const { VITEST: _, ...outer } = process.env;
  const env = { ...outer, CULL_TEST_MODELS: outer['CULL_TEST_MODELS'] ?? resolve('.cull/test/models') };
  return run(file, args, { cwd, env, maxBuffer: 1e8 }).then(
    ({ stdout }) => stdout,
    (error: unknown) => {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${command} failed:\n${stdout}\n${stderr}`);
    },
  );
}

let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'adding-'));
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    maxBuffer: 1e8,
  });
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    await mkdir(dirname(join(copy, file)), { recursive: true });
    // a file may be deleted and still be listed
    await cp(file, join(copy, file)).catch(() => undefined);
  }
  await symlink(resolve('node_modules'), join(copy, 'node_modules'));
}, 60_000);
afterAll(() => rm(copy, { recursive: true, force: true }));

it('adds a scorer by following the page', { timeout: 600_000 }, async () => {
  const steps = stepsOf(await readFile('docs/adding-a-scorer.md', 'utf8'));
  expect(steps.map((step) => (step.do === 'run' ? step.command.split(' ').slice(0, 2).join(' ') : step.file))).toEqual([
    'scorers/generic/vignette.ts',
    'scorers/built-in.ts',
    'npx tsx',
    'test/scorers/golden/rows.ndjson',
    'npx tsc',
    'npx vitest',
    'vignette.yaml',
    'node bin/comfy-cull.js',
  ]);
  const printed: string[] = [];
  for (const step of steps) {
    if (step.do === 'run') printed.push(await runIn(copy, step.command));
    else if (step.do === 'write') await writeFile(join(copy, step.file), step.text);
    else await appendFile(join(copy, step.file), step.text);
  }
  const row = steps.find((step) => step.do === 'append' && step.file.endsWith('.ndjson'));
  expect(JSON.parse(printed[0] ?? '')).toEqual(row?.do === 'append' ? JSON.parse(row.text) : undefined);
  const [sheet = ''] = printed.slice(-1);
  expect(sheet).toMatch(/docs\/contact-sheet.png: (accept|reject)/);
});
