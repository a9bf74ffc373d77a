/** What the Worker registers. */
export { batchOfRequests } from './batch-of-requests.js';
export { bestOfN } from './best-of-n.js';
export { sendWebhook } from './send-webhook.js';
export { sweep } from './sweep.js';
