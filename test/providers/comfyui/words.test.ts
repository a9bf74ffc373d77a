import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { checkImage } from '../../../providers/comfyui/download.js';
import { nodeFailed } from '../../../providers/comfyui/errors.js';
import { parseAddress } from '../../../providers/comfyui/address.js';
import { parseLoose } from '../../../providers/comfyui/http.js';
import { hostId, promptIdOf } from '../../../providers/comfyui/index.js';
import { parseHistory, parseJob } from '../../../providers/comfyui/job.js';

describe('hostId', () => {
  it.each([
    ['http://127.0.0.1:8188', '127.0.0.1-8188'],
    ['http://127.0.0.1:8188/', '127.0.0.1-8188'],
    ['GPU0:8188', 'gpu0-8188'],
    ['http://user:secret@gpu0:8188', 'gpu0-8188'],
  ])('%s is %s', (url, id) => {
    expect(hostId(url)).toBe(id);
  });

  it('is short, safe, and different for different addresses', () => {
    const urls = [
      'https://gpu0:8188',
      'http://gpu0:8188/a',
      'http://gpu0:8188/b',
      'http://gpu0-8188',
      `http://${'x'.repeat(60)}.${'y'.repeat(60)}:1`,
      'http://[::1]:8188',
    ];
    const ids = urls.map(hostId);
    expect(new Set(ids).size).toBe(urls.length);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9][a-z0-9._-]{0,78}$/);
  });

  it.each(['', 'ftp://x', 'http://', 'not a url'])('refuses %j', (url) => {
    expect(() => hostId(url)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
  });
});

it('moves credentials out of the address into a header', () => {
  expect(parseAddress('https://me:p%40ss@gpu/comfy/')).toEqual({
    base: 'https://gpu/comfy',
    headers: { authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}` },
  });
});

describe('promptIdOf', () => {
  const job = { tenant: 't', request: 'r', candidate: 7, attempt: 1, turn: 0 };

  it('is the same in every process, and a UUID as ComfyUI wants it', () => {
    expect(promptIdOf(job)).toBe(promptIdOf({ ...job }));
    expect(promptIdOf(job)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('differs for everything that makes a prompt another one', () => {
    const others = [{ tenant: 'u' }, { request: 's' }, { candidate: 8 }, { attempt: 2 }, { turn: 1 }];
    expect(new Set([job, ...others.map((one) => ({ ...job, ...one }))].map(promptIdOf)).size).toBe(6);
  });
});

describe('parseLoose', () => {
  it('reads what Python writes', () => {
    expect(parseLoose('{"a":NaN,"b":[-Infinity,Infinity],"c":"NaN, \\"Infinity\\"","NaN":1}')).toEqual({
      a: null,
      b: [null, null],
      c: 'NaN, "Infinity"',
      NaN: 1,
    });
  });

  it('reads all JSON as it is and never throws', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseLoose(text)).toEqual(JSON.parse(text));
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void parseLoose(text)));
    fc.assert(fc.property(fc.string(), (text) => void parseLoose(`NaN${text}`)));
  });
});

describe('what ComfyUI says about a prompt', () => {
  const error = [
    'execution_error',
    { node_id: '3', node_type: 'KSampler', exception_type: 'ValueError', exception_message: 'bad\n', timestamp: 9 },
  ];

  it('trusts the messages more than the summary', () => {
    expect(parseHistory({ status: { status_str: 'success', messages: [error] }, outputs: {} })).toMatchObject({
      state: 'failed',
      error: { node: '3', class: 'KSampler', exception: 'ValueError', message: 'bad' },
    });
    expect(parseJob({ status: 'completed', execution_status: { messages: [error] } })?.state).toBe('failed');
  });

  it('tells interrupted from failed', () => {
    const interrupted = {
      status_str: 'error',
      completed: false,
      messages: [
        ['execution_start', { timestamp: 5 }],
        ['execution_interrupted', { timestamp: 8 }],
      ],
    };
    expect(parseHistory({ status: interrupted })).toMatchObject({
      state: 'cancelled',
      timing: { startedAt: 5, endedAt: 8 },
    });
  });

  it('reads anything without throwing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        parseHistory(value);
        parseJob(value);
        parseJob({ status: 'completed', outputs: value, execution_status: value, execution_error: value });
        parseHistory({ prompt: value, outputs: { a: value }, status: { messages: [value, [value, value]] } });
      }),
    );
  });
});

describe('nodeFailed', () => {
  const graph = { '3': { class_type: 'KSampler', inputs: {}, _meta: { title: 'Sampler' } } };

  it.each([
    ['torch.OutOfMemoryError', 'Allocation on device'],
    ['torch.cuda.OutOfMemoryError', 'CUDA out of memory. Tried to allocate'],
    ['torch.AcceleratorError', 'CUDA error: out of memory'],
    ['torch.AcceleratorError', 'HIP failure, error code: 2'],
    ['numpy.core._exceptions._ArrayMemoryError', 'Unable to allocate 12.0 GiB for an array'],
    ['RuntimeError', "[enforce fail] DefaultCPUAllocator: can't allocate memory"],
    ['Exception', 'x\nThis error means you ran out of memory on your GPU.\n\nTIPS: ...'],
  ])('knows %s: %s as out of memory', (exception, message) => {
    expect(nodeFailed({ node: '3', exception, message }, graph, 'h')).toMatchObject({ code: 'COMFY_OUT_OF_MEMORY' });
  });

  it.each([
    ['OSError', '[Errno 28] No space left on device'],
    ['OSError', "[Errno 122] Disk quota exceeded: '/out'"],
    ['OSError', '[WinError 112] There is not enough space on the disk'],
  ])('knows %s: %s as a full disk', (exception, message) => {
    expect(nodeFailed({ node: '9', exception, message }, graph, 'h')).toMatchObject({ code: 'COMFY_DISK_FULL' });
  });

  it('names node, title, class and exception', () => {
    const error = nodeFailed(
      { node: '3', class: 'KSampler', exception: 'ValueError', message: 'bad\nadvice' },
      graph,
      'http://gpu0',
    );
    expect(error).toMatchObject({
      code: 'COMFY_NODE_FAILED',
      details: { node: '3', title: 'Sampler', class: 'KSampler', exception: 'ValueError' },
    });
    expect(error.message).toBe('node 3 "Sampler" (KSampler) failed on ComfyUI at http://gpu0: ValueError: bad');
  });
});

describe('checkImage', () => {
  const noise = sharp({
    create: {
      width: 64,
      height: 64,
      channels: 3,
      background: 'grey',
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    },
  });

  it.each(['png', 'jpeg', 'webp'] as const)('takes a whole %s and refuses every part of it', async (format) => {
    const whole = await noise.clone().toFormat(format).toBuffer();
    expect(await checkImage(whole, 'x')).toMatchObject({ format, width: 64, height: 64 });
    for (const share of [0, 0.1, 0.5, 0.9, 0.99]) {
      const part = whole.subarray(0, Math.floor(whole.length * share));
      await expect(checkImage(part, 'x'), String(share)).rejects.toMatchObject({ code: 'COMFY_OUTPUT_NOT_AN_IMAGE' });
    }
  });

  it('says what came instead', async () => {
    await expect(checkImage(Buffer.from('<html>Bad gateway</html>'), 'a.png')).rejects.toThrow('<html>Bad gateway');
    await expect(checkImage(new Uint8Array(), 'a.png')).rejects.toThrow('it is empty');
  });
});
