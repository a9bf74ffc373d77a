/** Images that requests start from: stored under the hash of their content. */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import sharp from 'sharp';
import { CullError, messageOf } from '../../errors.js';
import { json, keyed, problems, type Env, type Service } from '../context.js';
import { StoredInput } from '../schemas.js';

const upload = keyed('write', {
  method: 'post',
  path: '/v1/inputs',
  tags: ['Inputs'],
  summary: 'Store an image to start from',
  description: 'A photo of the person, the garment, the product. The same bytes again are the same input.',
  request: {
    body: {
      required: true,
      content: {
        'multipart/form-data': {
          schema: z.object({
            file: z.any().openapi({ type: 'string', format: 'binary', description: 'png, jpeg, webp, avif or tiff' }),
          }),
        },
      },
    },
  },
  responses: { 201: json(StoredInput, 'Stored'), ...problems(400, 413) },
});

/** What both a decoder here and a ComfyUI's LoadImage read. */
const EXTENSIONS: Record<string, string> = { png: '.png', jpeg: '.jpg', webp: '.webp', heif: '.avif', tiff: '.tiff' };

export function inputRoutes({ cullOf, limits }: Service): OpenAPIHono<Env> {
  return new OpenAPIHono<Env>().openapi(upload, async (c) => {
    const file: unknown = c.req.valid('form').file;
    if (!(file instanceof File))
      throw new CullError('BODY_INVALID', 'the field "file" holds no file', {
        hint: "curl -F 'file=@photo.jpg' sends one",
      });
    if (file.size > limits.imageBytes)
      throw new CullError('BODY_TOO_LARGE', `the image has ${file.size} bytes; at most ${limits.imageBytes} are taken`);
    const bytes = Buffer.from(await file.arrayBuffer());
    const { format, width, height } = await measured(bytes, limits.imagePixels);
    const stored = await cullOf(c.get('caller').tenant).putInput(bytes, { name: `input${EXTENSIONS[format]}` });
    const { image, extension } = stored as { image: string; extension?: string };
    return c.json({ image, ...(extension !== undefined && { extension }), bytes: bytes.length, width, height }, 201);
  });
}

/** Reads the header, and every pixel once: what cannot be decoded is refused here, not by a ComfyUI an hour later. */
async function measured(
  bytes: Buffer,
  limitInputPixels: number,
): Promise<{ format: string; width: number; height: number }> {
  try {
    const image = sharp(bytes, { limitInputPixels, failOn: 'error' });
    const { format, width, height } = await image.metadata();
    if (!Object.hasOwn(EXTENSIONS, format)) throw new Error(`a file of type ${format} is not taken`);
    await image.stats();
    return { format, width, height };
  } catch (error) {
    throw new CullError('IMAGE_UNREADABLE', `the image cannot be read: ${messageOf(error)}`, {
      hint: `send a png, jpeg, webp, avif or tiff of at most ${Math.floor(limitInputPixels / 1e6)} million pixels`,
    });
  }
}
