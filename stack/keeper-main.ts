/** Entry of the keeper process. */
import { readConfig } from '../config.js';
import { keep } from './keeper.js';

await keep(readConfig(process.env));
// Timers and half-closed connections of a server that is gone must not keep the process.
process.exit();
