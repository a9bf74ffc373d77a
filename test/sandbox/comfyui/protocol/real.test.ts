import { describe } from 'vitest';
import { fresh, harmless, rough } from './checks/index.js';
import { realServer } from './real.js';
import { play } from './suite.js';

const comfy = await realServer();
const { version, cpu, disposable } = comfy;

describe(`real ${version}`, () => {
  play([...harmless, ...(disposable ? rough : [])], { version, cpu, server: () => comfy });
  if (!comfy.restart) return;
  const anew = async (): Promise<typeof comfy> => {
    await comfy.restart?.([]);
    return comfy;
  };
  play(fresh, { version, cpu, server: anew });
});
