/** What a stack was started with, and whether it is still needed. */
import { Client, Connection } from '@temporalio/client';
import type { Config } from '../config.js';
import type { StackSettings } from './stack-file.js';

/** The part of the configuration that every command sharing a stack must agree on. */
export const settingsOf = (config: Config): StackSettings => ({
  comfyUrls: config.comfyUrls,
  comfyFile: config.comfyFile ?? null,
  storage: config.storage,
  scorers: config.scorers,
  allowNodes: config.allowNodes,
  comfyUsdPerHour: config.comfyUsdPerHour ?? null,
  scoreThreads: config.scoreThreads,
  models: config.models,
  useModels: { ...config.useModels },
  executionProviders: config.executionProviders,
});

/** Requests that have not ended. */
export async function openRequests(address: string): Promise<number> {
  const connection = await Connection.connect({ address, connectTimeout: '3s' });
  try {
    const { count } = await new Client({ connection }).workflow.count('ExecutionStatus = "Running"');
    return count;
  } finally {
    await connection.close();
  }
}
