import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CullError, messageOf } from '../../errors.js';
import { modelMissing } from '../models/models.js';
import type { ImageSpec } from './preprocess.js';
import type { TextSpec } from './tokenizer.js';

/** What the small files of a CLIP or SigLIP folder say. */
export interface ClipConfig {
  image: ImageSpec;
  text: TextSpec;
  /** A difference of two cosines times this is a logit. */
  logitScale: number;
  tokenizer: object;
  tokenizerConfig: object;
}

/**
 * CLIP's trained scale, where config.json does not have its own `logit_scale`. (`logit_scale_init_value` is what a training began
 * with, not what it came to.)
 */
const LOGIT_SCALE = 100;
/** Tokens at once, where no file says it. */
const CONTEXT = { clip: 77, siglip: 64 } as const;
const MEAN: Triple = [0.48145466, 0.4578275, 0.40821073];
const STD: Triple = [0.26862954, 0.26130258, 0.27577711];
/** Pillow's numbers of its filters. */
const KERNELS = { 0: 'nearest', 1: 'lanczos3', 2: 'linear', 3: 'cubic' } as const;

type Triple = [number, number, number];
const triple = z.tuple([z.number(), z.number(), z.number()]);
const side = z.int().min(1).max(2048);
const both = z.object({ height: side, width: side });

const preprocessorSchema = z.object({
  size: z.union([side, z.object({ shortest_edge: side }), both]).default(224),
  crop_size: z.union([side, both]).optional(),
  do_center_crop: z.boolean().optional(),
  do_rescale: z.boolean().default(true),
  do_normalize: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  image_mean: triple.default(MEAN),
  image_std: triple.default(STD),
  resample: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]).default(3),
});

const modelSchema = z.object({
  model_type: z.string().default('clip'),
  logit_scale: z.number().positive().default(LOGIT_SCALE),
  text_config: z.object({ max_position_embeddings: z.int().min(4).optional() }).default({}),
});

const tokenizerConfigSchema = z.looseObject({
  model_max_length: z.number().optional(),
  pad_token: z.union([z.string(), z.object({ content: z.string() })]).nullish(),
});

const tokenizerSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string() })).default([]),
});

/**
 * Reads `config.json`, `preprocessor_config.json`, `tokenizer.json` and `tokenizer_config.json` of a folder in the layout of transformers.js.
 *
 * @throws Unassessable model-missing where one of them is not there
 * @throws CullError MODEL_CORRUPT where one of them cannot be understood
 *
 * @example
 * const { image, text } = await readClipConfig('.cull/models/clip'); // image.crop: 224 x 224, text.context: 77
 */
export async function readClipConfig(folder: string): Promise<ClipConfig> {
  const [model, preprocessor, tokenizer, tokenizerConfig] = await Promise.all([
    readJson(folder, 'config.json', modelSchema),
    readJson(folder, 'preprocessor_config.json', preprocessorSchema),
    readJson(folder, 'tokenizer.json', tokenizerSchema),
    readJson(folder, 'tokenizer_config.json', tokenizerConfigSchema),
  ]);
  const kind = model.model_type.startsWith('siglip') ? 'siglip' : 'clip';
  const longest = tokenizerConfig.model_max_length;
  // transformers writes 1e30 where a tokenizer has no limit of its own
  const context =
    model.text_config.max_position_embeddings ?? (longest !== undefined && longest < 10_000 ? longest : CONTEXT[kind]);
  const pad =
    typeof tokenizerConfig.pad_token === 'string' ? tokenizerConfig.pad_token : tokenizerConfig.pad_token?.content;
  return {
    image: imageSpec(preprocessor, kind),
    text: {
      context,
      padded: kind === 'siglip',
      clean: kind === 'clip',
      padId: tokenizer.added_tokens.find(({ content }) => content === pad)?.id ?? 0,
    },
    logitScale: model.logit_scale,
    tokenizer,
    tokenizerConfig,
  };
}

function imageSpec(read: z.infer<typeof preprocessorSchema>, kind: 'clip' | 'siglip'): ImageSpec {
  const { size, crop_size: crop, do_center_crop: cropped = kind === 'clip' } = read;
  const square = (value: number | { width: number; height: number }) =>
    typeof value === 'number' ? { width: value, height: value } : { width: value.width, height: value.height };
  const whole = kind === 'siglip' && typeof size === 'number' ? square(size) : size;
  const shortest = typeof whole === 'number' ? whole : 'shortest_edge' in whole ? whole.shortest_edge : undefined;
  return {
    resize: shortest === undefined ? square(whole as { width: number; height: number }) : { shortest },
    ...(cropped && { crop: square(crop ?? shortest ?? (whole as { width: number; height: number })) }),
    kernel: KERNELS[read.resample],
    rescale: read.do_rescale ? read.rescale_factor : 1,
    mean: read.do_normalize ? read.image_mean : [0, 0, 0],
    std: read.do_normalize ? read.image_std : [1, 1, 1],
  };
}

async function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const file = join(folder, name);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw modelMissing('clip');
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw unreadable(file, error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error));
  }
}

/** What to say of a file of the folder that cannot be understood. */
export const unreadable = (file: string, why: string): CullError =>
  new CullError('MODEL_CORRUPT', `${file} cannot be understood: ${why}`, {
    hint: 'pull the model again, or take a folder in the layout of transformers.js (CULL_USE_MODELS=clip=./folder)',
  });
