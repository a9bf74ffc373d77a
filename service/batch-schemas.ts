/** What goes in and out of batches, as zod schemas. */
import { z } from '@hono/zod-openapi';
import { Name, RequestBody } from './schemas.js';

/** A line of a batch: a request, and what names it within the batch. `template` and `policy` default to the batch's. */
export const BatchLineBody = RequestBody.extend({
  template: RequestBody.shape.template.optional(),
  key: Name.optional(),
}).openapi('BatchLine');

export const BatchState = z.enum(['running', 'done', 'cancelled']);

/** A batch in a list: of one that runs, nobody is asked for its counts. */
export const BatchRow = z
  .object({
    batch: z.string(),
    state: BatchState,
    createdAt: z.string(),
    retryOf: z.string().nullable().openapi({ description: 'The batch whose short lines these are' }),
    lines: z.int(),
    invalid: z.int().openapi({ description: 'Lines that were refused as they were read' }),
    counts: z
      .object({
        started: z.int(),
        delivered: z.int(),
        shortfall: z.int(),
        failed: z.int(),
        cancelled: z.int(),
        images: z.int().openapi({ description: 'Images delivered' }),
      })
      .nullable()
      .openapi({ description: 'null: it runs, and this answer does not tell or no worker can' }),
    totalMs: z.number().nullable(),
  })
  .openapi('BatchRow');
export type BatchRow = z.infer<typeof BatchRow>;

export const BatchView = BatchRow.extend({
  open: z.int().nullable().openapi({ description: 'Requests that are drawn now; null: ended, or nobody can tell' }),
}).openapi('Batch');
export type BatchView = z.infer<typeof BatchView>;

export const TakenBatch = z
  .object({
    batch: z.string(),
    lines: z.int(),
    invalid: z.int(),
    refused: z
      .array(z.object({ line: z.int(), code: z.string(), message: z.string() }))
      .openapi({ description: 'The first 20 lines that were refused; the results name all' }),
  })
  .openapi('TakenBatch');
