import type { Checks } from '../player.js';
import { access } from './access.js';
import { audience } from './audience.js';
import { cache, cacheModes } from './cache.js';
import { connection } from './connection.js';
import { frames } from './frames.js';
import { history } from './history.js';
import { http } from './http.js';
import { hurting } from './hurting.js';
import { info, userData } from './info.js';
import { cancels, jobs } from './jobs.js';
import { messages } from './messages.js';
import { coercions, nodeErrors } from './node-errors.js';
import { ordering } from './order.js';
import { extraData, priority, prompt } from './prompt.js';
import { queue } from './queue.js';
import { refusals } from './refusals.js';
import { drawing, saving } from './saving.js';
import { stalled } from './stalled.js';
import { stop, stopAll } from './stop.js';
import { inputs, uploads } from './uploads.js';
import { download, view } from './view.js';

/** Checks that leave a server as they found it: for any server. */
export const harmless: readonly Checks[] = [
  ...[http, prompt, priority, extraData, refusals, nodeErrors, coercions, queue, history, jobs, cancels, stop],
  ...[uploads, inputs, view, download, info, userData, connection, audience, messages, ordering, frames],
  ...[cache, saving, drawing, access],
];

/** Checks that end, hide or hold up what others do there: for a server that nobody else uses. */
export const rough: readonly Checks[] = [stopAll, stalled];

/** Checks that need a server just started, or leave it unfit for use: each gets one of its own. */
export const fresh: readonly Checks[] = [hurting, cacheModes];
