import { resolve } from 'node:path';
import { openModels, type ThreadModels } from '../../../scorers/models/sessions.js';
import { pulledModels } from '../../support/models.js';

/** The models of npm, and the sandbox's CLIP. */
export const goldenModels = async (): Promise<ThreadModels> =>
  openModels({ folder: await pulledModels(), use: { clip: resolve('examples/models/cull/sandbox-clip') } });
