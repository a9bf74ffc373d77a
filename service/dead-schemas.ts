/** What is told of dead letters, as zod schemas. */
import { z } from '@hono/zod-openapi';

export const DeadLetter = z
  .looseObject({
    request: z.string(),
    release: z.string(),
    template: z.string(),
    state: z.enum(['delivered', 'shortfall', 'failed', 'cancelled']),
    at: z.string().openapi({ description: 'When it was first known' }),
    wanted: z.int(),
    delivered: z.int(),
    candidates: z.object({ started: z.int(), lost: z.int() }),
    failures: z
      .array(
        z.looseObject({
          code: z.string(),
          message: z.string(),
          details: z.unknown().optional(),
          hosts: z.array(z.string()).optional().openapi({ description: 'The ComfyUIs where it failed' }),
          lost: z.int().openapi({ description: 'Candidates; 0: it ended the request' }),
          candidates: z.array(z.int()).openapi({ description: 'The first of them' }),
        }),
      )
      .openapi({ description: 'By kind; what ended the request first, then what lost most' }),
    inputs: z.record(z.string(), z.unknown()),
    retried: z.object({ request: z.string(), at: z.string() }).optional(),
  })
  .openapi('DeadLetter');

export const DeadRetry = z
  .object({ request: z.string(), retriedAs: z.string().openapi({ description: 'The new request' }) })
  .openapi('DeadRetry');
