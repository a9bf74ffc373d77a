/** Signatures as the Standard Webhooks specification says (github.com/standard-webhooks/standard-webhooks, symmetric, v1). Pure. */
import { createHmac } from 'node:crypto';
import type { WebhookSecret } from '../workflows/webhook-contract.js';

const PREFIX = 'whsec_';

/**
 * The headers of a message: its id, the time of this try, and one signature for each secret that is good then, so that a receiver that has
 * the old secret and one that has the new one both find theirs.
 *
 * @param at milliseconds since the epoch
 * @example
 * signedHeaders({ message: 'msg_1', body: '{}', at: Date.now(), secrets: [{ secret: 'whsec_…' }] });
 */
export function signedHeaders(of: {
  message: string;
  body: string;
  at: number;
  secrets: readonly WebhookSecret[];
}): Record<string, string> {
  const { message, body, at, secrets } = of;
  const seconds = Math.floor(at / 1000);
  const good = secrets.filter(({ until }) => until === undefined || Date.parse(until) > at);
  return {
    'webhook-id': message,
    'webhook-timestamp': String(seconds),
    'webhook-signature': good.map(({ secret }) => `v1,${sign(secret, `${message}.${seconds}.${body}`)}`).join(' '),
  };
}

const sign = (secret: string, content: string): string =>
  createHmac('sha256', Buffer.from(secret.replace(PREFIX, ''), 'base64'))
    .update(content)
    .digest('base64');
