/** The library's examples in the docs, as the compiler of who copies them reads them. */
import { resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { blocksOf } from '../support/markdown.js';

const ROOT = resolve(import.meta.dirname, '../..');

/** What an example takes for granted, by page: what stands above it, or on the page that it names. */
const GIVEN: Record<string, string> = {
  'client/README.md': `
    import { Cull, embeddedTarget, openStorage, temporalTarget, type ReleaseLike } from 'comfy-cull';
    declare const release: ReleaseLike;`,
  'docs/review.md': `
    import type { Cull, ReleaseLike } from 'comfy-cull';
    declare const cull: Cull;
    declare const release: ReleaseLike;`,
  'docs/comfyui-client.md': `
    import type { Prompt } from 'comfy-cull/comfyui';
    declare const graph: Prompt['graph'];`,
};
/** Of examples that go on where the first one of their page ended. */
const GIVEN_LATER: Record<string, string> = {
  'docs/comfyui-client.md': `
    import { writeFile } from 'node:fs/promises';
    import { ComfyClient, ComfyEvents } from 'comfy-cull/comfyui';
    declare const comfy: ComfyClient;
    declare const events: ComfyEvents;
    declare const promptId: string;`,
};

const examples = Object.entries(GIVEN).flatMap(([page, given]) =>
  blocksOf(page)
    .filter(({ language }) => language === 'ts')
    .map(({ line, code }, n) => ({
      name: resolve(ROOT, `${page}.${line}.ts`),
      text: `${given}\n${n > 0 ? (GIVEN_LATER[page] ?? '') : ''}\n${code}\nexport {};\n`,
    })),
);

test('every example of the library compiles against the package', { timeout: 300_000 }, () => {
  expect(examples.length).toBeGreaterThanOrEqual(4);
  const { config } = ts.readConfigFile(resolve(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
  const paths = { 'comfy-cull': ['./client/index.ts'], 'comfy-cull/comfyui': ['./providers/comfyui/index.ts'] };
  Object.assign(options, { paths, noEmit: true });
  const texts = new Map(examples.map(({ name, text }) => [name, text]));
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => texts.has(path) || disk.fileExists(path),
    readFile: (path) => texts.get(path) ?? disk.readFile(path),
    getSourceFile: (path, language, ...rest) => {
      const text = texts.get(path);
      return text === undefined
        ? disk.getSourceFile(path, language, ...rest)
        : ts.createSourceFile(path, text, language);
    },
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  const found = [...texts.keys()].flatMap((name) => {
    const source = program.getSourceFile(name);
    return source ? [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)] : [];
  });
  expect(ts.formatDiagnostics(found, { ...host, getCurrentDirectory: () => ROOT })).toBe('');
});
