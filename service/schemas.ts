/** What goes in and out, as zod schemas: they check bodies and are the OpenAPI document. Names of fields are contract: add freely, rename never. */
import { z } from '@hono/zod-openapi';
import { MAX_BUDGET_USD, MAX_DEADLINE_MS } from '../workflows/contract.js';

const MAX_SEED = Number.MAX_SAFE_INTEGER;

export const Problem = z
  .object({
    type: z
      .string()
      .openapi({ description: 'urn:cull:error: and the code', example: 'urn:cull:error:REQUEST_NOT_FOUND' }),
    title: z.string().openapi({ description: 'What the code means' }),
    status: z.int(),
    detail: z.string().openapi({ description: 'What happened, to what' }),
    code: z.string().openapi({ description: 'Stable; docs/errors.md has all', example: 'REQUEST_NOT_FOUND' }),
    retry: z.boolean().openapi({ description: 'Whether the same call can succeed later by itself' }),
    hint: z.string().optional().openapi({ description: 'What to do now' }),
    details: z.unknown().optional().openapi({ description: 'Facts: which fields, which nodes' }),
  })
  .openapi('Problem');
export type Problem = z.infer<typeof Problem>;

export const Name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);

export const InputValue = z
  .union([
    z.string().max(20_000),
    z.number(),
    z.boolean(),
    z.strictObject({
      image: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .openapi({ description: 'sha256 of a stored input' }),
      extension: z
        .string()
        .regex(/^\.[a-z0-9]{1,5}$/)
        .optional(),
    }),
  ])
  .openapi('InputValue');

export const RequestBody = z
  .strictObject({
    template: z.string().max(128).openapi({ description: 'Name of a registered template', example: 'product' }),
    policy: z.string().max(128).optional().openapi({ description: "Name of a policy; default: the template's own" }),
    inputs: z
      .record(z.string().max(128), InputValue)
      .default({})
      .openapi({ example: { prompt: 'product photo of a green bottle on a white background' } }),
    vary: z
      .strictObject({
        input: z.string().max(128),
        values: z
          .array(z.union([z.string().max(20_000), z.number(), z.boolean()]))
          .min(1)
          .max(64),
      })
      .optional()
      .openapi({ description: 'An input that differs between the candidates; each of its values is a group' }),
    deliver: z.int().min(1).max(2000).default(1).openapi({ description: 'K: images to deliver', example: 4 }),
    mode: z.enum(['quota', 'best-of', 'value']).optional().openapi({
      description:
        'quota: until K pass. best-of: N, and the best K of them. value: on, while one more is worth its price',
    }),
    candidates: z.int().min(1).max(2000).optional().openapi({ description: 'N of mode best-of' }),
    cap: z.int().min(1).max(2000).optional().openapi({ description: 'Candidates to draw at most' }),
    hurry: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .openapi({ description: 'Modes quota and value, refused with best-of. 0: cheap. 1: fast' }),
    deadlineSeconds: z
      .number()
      .positive()
      .max(MAX_DEADLINE_MS / 1_000)
      .optional(),
    budgetUsd: z.number().min(0.000_001).max(MAX_BUDGET_USD).optional(),
    pointsEach: z
      .number()
      .min(0)
      .optional()
      .openapi({ description: 'Mode value, refused with others: what one candidate costs, in points of quality' }),
    images: z
      .strictObject({
        format: z.enum(['png', 'jpeg', 'webp', 'avif']).optional(),
        quality: z.int().min(1).max(100).optional().openapi({ description: 'Of jpeg, webp and avif' }),
        maxSize: z.int().min(16).max(16_384).optional().openapi({ description: 'Pixels of the longer side at most' }),
        keepMetadata: z.boolean().optional().openapi({
          description: 'Leave in what ComfyUI writes into an image: the graph with its prompts',
        }),
      })
      .optional()
      .openapi({
        description: 'Form of the images; default: as drawn, without the graph that ComfyUI writes into them',
      }),
    explain: z.enum(['all', 'gates']).optional().openapi({
      description: 'all: every candidate runs every scorer. gates (default): the first hard failure stops the rest',
    }),
    review: z.enum(['wait', 'end']).optional().openapi({
      description:
        'Where it falls short and a person could let candidates pass: wait for one, until the deadline (without one, 7 days), or end (default)',
    }),
    seed: z.int().min(0).max(MAX_SEED).optional(),
  })
  .openapi('RequestBody');

export const State = z.enum(['running', 'delivered', 'shortfall', 'failed', 'cancelled']).openapi('State');

const StoredFile = z.object({
  key: z.string(),
  kind: z.enum(['image', 'video', 'audio', 'text', 'model3d', 'other']),
  contentType: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  mask: z.string().optional(),
});

export const Counts = z
  .object({
    drawn: z.int(),
    scored: z.int(),
    passed: z.int(),
    rejected: z.int(),
    lost: z.int(),
    cancelled: z.int(),
  })
  .openapi('Counts');

/** A candidate that only a person can let pass. */
export const Reviewable = z
  .object({
    candidate: z.int(),
    seed: z.int(),
    quality: z.number().openapi({ description: 'What it would be ranked by, 0 to 100' }),
    key: z.string(),
    url: z.string().openapi({ description: 'Of the image as it was drawn; expires' }),
    failed: z
      .array(z.object({ gate: z.string(), reason: z.string() }))
      .openapi({ description: 'The gates in question' }),
  })
  .openapi('Reviewable');

const Decided = z.array(z.int().min(0)).max(2000).optional();

export const ReviewBody = z
  .strictObject({
    accept: Decided.openapi({ description: 'Candidates that are good', example: [4] }),
    reject: Decided.openapi({ description: 'Candidates that are not', example: [5, 6] }),
    by: z
      .string()
      .trim()
      .min(1)
      .max(128)
      .optional()
      .openapi({ description: "Who says so; default: the key's note, or its id", example: 'ann' }),
  })
  .openapi('ReviewBody');

export const ReviewAnswer = z
  .object({
    request: z.string(),
    state: State,
    wanted: z.int().openapi({ description: 'K' }),
    counted: z.int().openapi({ description: 'Candidates that count to K so far; once it has ended: images delivered' }),
    waiting: z.int().openapi({ description: 'Candidates that still wait for a decision' }),
    decisions: z.array(
      z.object({
        candidate: z.int(),
        decision: z.enum(['accept', 'reject']),
        by: z.string(),
        at: z.string(),
        asked: z.enum(['review', 'audit']).openapi({ description: 'audit: a label and nothing else' }),
        known: z.boolean().openapi({ description: 'It was decided so before; by and at are of that time' }),
        gates: z.array(z.string()),
      }),
    ),
    labels: z.int().openapi({ description: 'New labels' }),
  })
  .openapi('Reviewed');

const Expired = z.string().optional().openapi({
  description:
    'When its pictures were removed, as the retention says; their URLs then answer 404. Absent: they are there',
});

/** result.json, and the same while the request runs. */
export const RequestView = z
  .object({
    request: z.string(),
    release: z.string(),
    template: z.string(),
    createdAt: z.string(),
    state: State,
    phase: z.enum(['preparing', 'drawing', 'reviewing', 'delivering', 'ended']).nullable().openapi({
      description: 'What it does while it runs; reviewing: it waits for a person. null: ended, or nobody can tell',
    }),
    wanted: z.int().openapi({ description: 'K' }),
    candidates: z.int().openapi({ description: 'N, or the cap' }),
    delivered: z
      .array(
        z.object({
          candidate: z.int(),
          seed: z.int(),
          rank: z.int(),
          quality: z.number(),
          key: z.string(),
          url: z.string(),
          expired: Expired,
          group: z.string().optional().openapi({ description: 'Its value of the input that the request varied' }),
          files: z.array(StoredFile.extend({ url: z.string() })).optional(),
        }),
      )
      .openapi({ description: 'Best first. While it runs: the winners so far; better ones may replace them' }),
    shortfall: z
      .looseObject({
        missing: z.int(),
        gates: z.record(z.string(), z.int()).openapi({ description: 'Gate -> rejected by it' }),
        judged: z.record(z.string(), z.int()).optional().openapi({
          description: 'Gate -> judged by it; of what another gate had rejected before, nothing need be measured',
        }),
        reason: z.string(),
        reviewable: z
          .array(Reviewable)
          .optional()
          .openapi({ description: 'Best first: accepted ones would be delivered' }),
      })
      .nullable(),
    counts: Counts.nullable().openapi({ description: 'null: no worker can tell at this moment' }),
    cost: z.object({ microUsd: z.number(), perDeliveredMicroUsd: z.number().nullable() }).nullable(),
    timing: z.object({ firstPassMs: z.number().nullable(), totalMs: z.number() }),
    error: z
      .object({
        code: z.string(),
        message: z.string(),
        details: z.unknown().optional(),
        hosts: z.array(z.string()).optional().openapi({ description: 'The ComfyUIs where it failed' }),
      })
      .nullable(),
  })
  .openapi('Request');
export type RequestView = z.infer<typeof RequestView>;

export const RequestRow = z
  .object({
    request: z.string(),
    state: State,
    template: z.string(),
    wanted: z.int(),
    delivered: z.int(),
    createdAt: z.string(),
  })
  .openapi('RequestRow');

export const CandidateView = z
  .looseObject({
    candidate: z.int(),
    seed: z.int(),
    state: z.enum(['drawn', 'delivered', 'passed', 'rejected', 'lost', 'cancelled']),
    scores: z.record(z.string(), z.looseObject({ status: z.string() })),
    verdict: z
      .looseObject({ pass: z.boolean(), band: z.enum(['accept', 'review', 'reject']), failed: z.array(z.unknown()) })
      .nullable(),
    notPicked: z.string().nullable(),
    share: z.number().min(0).max(1).optional().openapi({
      description:
        'Of a cancelled one that ended: the share of a generation that it cost; absent: nothing was drawn to its end, so that is not known',
    }),
    expired: Expired,
  })
  .openapi('Candidate');

export const StoredInput = z
  .object({
    image: z.string().openapi({ description: 'sha256' }),
    extension: z.string().optional(),
    bytes: z.int(),
    width: z.int(),
    height: z.int(),
  })
  .openapi('StoredInput');

export const TemplateView = z
  .object({
    name: z.string(),
    release: z.string().openapi({ description: 'sha256 of template and default policy' }),
    policy: z.string(),
    inputs: z.record(
      z.string(),
      z.object({
        type: z.enum(['string', 'number', 'integer', 'boolean', 'image']),
        required: z.boolean(),
        default: z.union([z.string(), z.number(), z.boolean()]).optional(),
        min: z.number().optional(),
        max: z.number().optional(),
        description: z.string().optional(),
      }),
    ),
  })
  .openapi('Template');

export const PolicyView = z
  .looseObject({ policy: z.string(), gates: z.array(z.looseObject({ id: z.string(), tier: z.string() })) })
  .openapi('Policy');

/** A page of a list; `next` is the cursor of the following one, null at the end. */
export const pageOf = <T extends z.ZodType>(items: T) =>
  z.object({ items: z.array(items), next: z.string().nullable() });
