import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bind,
  bindSeed,
  checkInputs,
  closest,
  hashRelease,
  loadTemplate,
  setFilenamePrefix,
  type Template,
} from '../../templates/index.js';

let txt2img: Template;
beforeAll(async () => {
  txt2img = await loadTemplate(fileURLToPath(new URL('../../examples/templates/txt2img.json', import.meta.url)));
});

describe('checkInputs', () => {
  it('turns the text of a command line into what is declared, and fills in defaults', () => {
    const inputs = checkInputs(txt2img, { prompt: 'a cat', width: '640', cfg: '6.5' });
    expect(inputs).toMatchObject({ prompt: 'a cat', width: 640, height: 512, cfg: 6.5, steps: 20 });
  });

  it('names the input that was probably meant', () => {
    expect(() => checkInputs(txt2img, { promt: 'a cat' })).toThrow(
      expect.objectContaining({
        code: 'TEMPLATE_INPUT_UNKNOWN',
        hint: expect.stringContaining('did you mean "prompt"') as string,
      }) as Error,
    );
  });

  it('names the input that is missing', () => {
    expect(() => checkInputs(txt2img, { width: 64 })).toThrow(
      expect.objectContaining({
        code: 'TEMPLATE_INPUT_MISSING',
        message: expect.stringContaining('"prompt"') as string,
      }) as Error,
    );
  });

  it.each<[string, unknown]>([
    ['width', 'wide'],
    ['width', ''],
    ['width', ' '],
    ['width', 512.5],
    ['width', '8'],
    ['width', 100_000],
    ['width', NaN],
    ['width', true],
    ['cfg', 'Infinity'],
    ['cfg', -1],
    ['prompt', { image: 'x' }],
    ['prompt', ['6', 0]],
  ])('refuses %s = %j', (name, value) => {
    expect(() => checkInputs(txt2img, { prompt: 'x', [name]: value })).toThrow(
      expect.objectContaining({
        code: 'TEMPLATE_INPUT_INVALID',
        message: expect.stringContaining(`"${name}"`) as string,
      }) as Error,
    );
  });

  it('knows yes and no', () => {
    const bindings = {
      name: 't',
      seed: [],
      output: [],
      inputs: { on: { at: [], type: 'boolean' as const, required: true } },
    };
    expect(checkInputs({ bindings }, { on: 'Yes' })).toEqual({ on: true });
    expect(checkInputs({ bindings }, { on: '0' })).toEqual({ on: false });
    expect(() => checkInputs({ bindings }, { on: 'maybe' })).toThrow('true or false');
  });

  it('is not fooled by names that every object has', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      const inputs = JSON.parse(`{"prompt":"x","${name}":"y"}`) as Record<string, unknown>;
      expect(() => checkInputs(txt2img, inputs)).toThrow(
        expect.objectContaining({ code: 'TEMPLATE_INPUT_UNKNOWN' }) as Error,
      );
    }
  });
});

describe('bind', () => {
  it('puts any text in as it is, percent signs and braces too', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('100% %width% %date:yyyy% {a|b} $1 $&')),
        (prompt) => {
          const graph = bind(txt2img, checkInputs(txt2img, { prompt }));
          const named = setFilenamePrefix(
            bindSeed(graph, txt2img.bindings.seed, 7),
            txt2img.bindings.output,
            'cull/r/0001-1',
          );
          expect(named['6']?.inputs.text).toBe(prompt);
          expect(named['9']?.inputs.filename_prefix).toBe('cull/r/0001-1');
          expect(named['3']?.inputs.seed).toBe(7);
        },
      ),
    );
  });

  it('leaves the template as it was', () => {
    const before = structuredClone(txt2img);
    const graph = bind(txt2img, { prompt: 'x', width: 64 });
    bindSeed(graph, txt2img.bindings.seed, 9);
    setFilenamePrefix(graph, ['9'], 'y');
    expect(txt2img).toEqual(before);
    expect(graph['3']?.inputs.seed).toBe(0);
    expect(graph['9']?.inputs.filename_prefix).toBe('txt2img');
  });

  it('refuses a name that the template does not have', () => {
    expect(() => bind(txt2img, { promt: 'x' })).toThrow(
      expect.objectContaining({ code: 'TEMPLATE_INPUT_UNKNOWN' }) as Error,
    );
  });

  it('sets the seed in every seed field', () => {
    const graph = { a: { class_type: 'X', inputs: { seed: 0 } }, b: { class_type: 'X', inputs: { noise_seed: 0 } } };
    const bound = bindSeed(
      graph,
      [
        { node: 'a', field: 'seed' },
        { node: 'b', field: 'noise_seed' },
      ],
      Number.MAX_SAFE_INTEGER,
    );
    expect([bound.a?.inputs.seed, bound.b?.inputs.noise_seed]).toEqual([9007199254740991, 9007199254740991]);
  });

  it.each([-1, 2 ** 53, 0.5, NaN, Infinity])('refuses the seed %d', (seed) => {
    expect(() => bindSeed(txt2img.graph, txt2img.bindings.seed, seed)).toThrow(
      expect.objectContaining({ code: 'SEED_OUT_OF_RANGE' }) as Error,
    );
  });

  it('keeps tokens that ComfyUI expands out of file names', () => {
    expect(setFilenamePrefix(txt2img.graph, ['9'], 'a%year%')['9']?.inputs.filename_prefix).toBe('a_year_');
  });
});

describe('hashRelease', () => {
  const release = () => ({ graph: txt2img.graph, bindings: txt2img.bindings, policy: { policy: 'p', gates: [] } });

  it('does not depend on the order of keys, and on nothing but the content', () => {
    const reversed = JSON.parse(
      JSON.stringify(release(), (_, value: unknown) =>
        typeof value === 'object' && value !== null && !Array.isArray(value)
          ? Object.fromEntries(Object.entries(value).reverse())
          : value,
      ),
    ) as ReturnType<typeof release>;
    expect(JSON.stringify(reversed)).not.toBe(JSON.stringify(release()));
    expect(hashRelease(reversed)).toBe(hashRelease({ ...release(), extra: 1 } as ReturnType<typeof release>));
    expect(hashRelease(release())).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('changes with every part', () => {
    const one = release();
    const hashes = [
      one,
      { ...one, policy: { policy: 'q', gates: [] } },
      { ...one, graph: bindSeed(one.graph, one.bindings.seed, 1) },
      { ...one, bindings: { ...one.bindings, output: [] } },
    ].map(hashRelease);
    expect(new Set(hashes).size).toBe(4);
  });

  it('is the SHA-256 of RFC 8785 JSON', () => {
    // printf '{"bindings":{},"graph":{},"policy":1.5}' | sha256sum
    expect(hashRelease({ policy: 1.5, graph: {}, bindings: {} as never })).toBe(
      'sha256:c163f8db7c1131f68e15f96d55511b56b24421ed184d0d5c448e9ce8ddc4cdd1',
    );
  });
});

describe('closest', () => {
  it.each([
    ['promt', ['prompt', 'negative'], 'prompt'],
    ['neg', ['prompt', 'negative'], 'negative'],
    ['WIDTH', ['width'], 'width'],
    ['zzz', ['prompt', 'negative'], undefined],
    ['a', [], undefined],
  ])('%s of %j is %s', (name, known, expected) => {
    expect(closest(name, known)).toBe(expected);
  });
});
