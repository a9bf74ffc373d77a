/** What the Worker registers. */
export { bestOfN } from './best-of-n.js';
