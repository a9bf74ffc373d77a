/** vitest setup: what a file's tests have started ends with the file. */
import { afterAll } from 'vitest';
import { killWorkers } from './worker-process.js';

afterAll(killWorkers);
