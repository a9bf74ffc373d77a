/** Images that requests start from: stored under the hash of their content. */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { HonoRequest } from 'hono';
import sharp from 'sharp';
import { CullError, messageOf } from '../../errors.js';
import { callOutside } from '../../outside/http.js';
import { pictureFormat } from '../../scorers/image/format.js';
import { json, keyed, problems, type Env, type Service } from '../context.js';
import { StoredInput } from '../schemas.js';

const upload = keyed('write', {
  method: 'post',
  path: '/v1/inputs',
  tags: ['Inputs'],
  summary: 'Store an image to start from',
  description:
    'A photo of the person, the garment, the product: the file itself, or a public URL that it is fetched from. The same bytes again are the same input.',
  request: {
    body: {
      required: true,
      content: {
        'multipart/form-data': {
          // plain: a schema of zod's would be asked of every body, whatever its type
          schema: {
            type: 'object',
            required: ['file'],
            properties: {
              file: { type: 'string', format: 'binary', description: 'png, jpeg, webp, avif or tiff' },
            },
          },
        },
        'application/json': {
          schema: {
            type: 'object',
            required: ['url'],
            additionalProperties: false,
            properties: { url: { type: 'string', format: 'uri', maxLength: 2000 } },
          },
        },
      },
    },
  },
  responses: { 201: json(StoredInput, 'Stored'), ...problems(400, 413) },
});

const InputUrl = z.strictObject({ url: z.string().max(2_000) });
const FETCH_MS = 20_000;

/** What both a decoder here and a ComfyUI's LoadImage read. */
const EXTENSIONS: Record<string, string> = { png: '.png', jpeg: '.jpg', webp: '.webp', heif: '.avif', tiff: '.tiff' };

export function inputRoutes(service: Service): OpenAPIHono<Env> {
  const { cullOf, limits } = service;
  return new OpenAPIHono<Env>().openapi(upload, async (c) => {
    const isJson = /^application\/json\b/i.test(c.req.header('content-type') ?? '');
    const bytes = isJson ? await fetched(await c.req.text(), service) : await sent(await fileOf(c.req), limits);
    const { format, width, height } = await measured(bytes, limits.imagePixels);
    const stored = await cullOf(c.get('caller').tenant).putInput(bytes, { name: `input${EXTENSIONS[format]}` });
    const { image, extension } = stored as { image: string; extension?: string };
    return c.json({ image, ...(extension !== undefined && { extension }), bytes: bytes.length, width, height }, 201);
  });
}

async function fileOf(request: HonoRequest): Promise<unknown> {
  try {
    return (await request.parseBody())['file'];
  } catch (error) {
    throw new CullError('BODY_INVALID', `the form cannot be read: ${messageOf(error)}`);
  }
}

async function sent(file: unknown, { imageBytes }: Service['limits']): Promise<Buffer> {
  if (!(file instanceof File))
    throw new CullError('BODY_INVALID', 'the field "file" holds no file', {
      hint: "curl -F 'file=@photo.jpg' sends one",
    });
  if (file.size > imageBytes)
    throw new CullError('BODY_TOO_LARGE', `the image has ${file.size} bytes; at most ${imageBytes} are taken`);
  return Buffer.from(await file.arrayBuffer());
}

/** The bytes at the URL that a JSON body names. */
async function fetched(text: string, { limits, allowed }: Service): Promise<Buffer> {
  const { url } = urlOf(text);
  const { status, body } = await callOutside(url, {
    method: 'GET',
    headers: { 'user-agent': 'comfy-cull', accept: 'image/*' },
    timeoutMs: FETCH_MS,
    maxBytes: limits.imageBytes,
    whole: true,
    allowed,
  });
  if (status === 200) return body;
  throw new CullError('OUTSIDE_FAILED', `${new URL(url).host} answered ${status} where an image was wanted`, {
    hint: 'give the address of the image itself; redirects are not followed',
  });
}

function urlOf(text: string): z.infer<typeof InputUrl> {
  try {
    return InputUrl.parse(JSON.parse(text));
  } catch {
    throw new CullError('BODY_INVALID', 'the body is not {"url": "https://…"}', {
      hint: 'send that, or the file itself as multipart/form-data',
    });
  }
}

/** Reads the header, and every pixel once: what cannot be decoded is refused here, not by a ComfyUI an hour later. */
async function measured(
  bytes: Buffer,
  limitInputPixels: number,
): Promise<{ format: string; width: number; height: number }> {
  try {
    if (pictureFormat(bytes) === undefined) throw new Error('it is no file of these types');
    const image = sharp(bytes, { limitInputPixels, failOn: 'error' });
    const { format, width, height } = await image.metadata();
    if (!Object.hasOwn(EXTENSIONS, format)) throw new Error(`it is a ${format}`);
    await image.stats();
    return { format, width, height };
  } catch (error) {
    throw new CullError('IMAGE_UNREADABLE', `the image cannot be read: ${messageOf(error)}`, {
      hint: `send a png, jpeg, webp, avif or tiff of at most ${Math.floor(limitInputPixels / 1e6)} million pixels`,
    });
  }
}
