/** A request that varies an input: the value that a candidate is drawn with, and the plan as it is for that value. */
import { CullError } from '../errors.js';
import { inputsWith } from '../selection/vary.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { bindValue } from '../templates/bind.js';
import type { PlanDoc } from '../workflows/contract.js';
import { requireJson, type CandidateRef } from './documents.js';

/**
 * Settles the value of a candidate: the first choice stands. A request that is resumed may choose another one for a candidate that was drawn already, or
 * that some ComfyUI still draws.
 *
 * @returns the place of the value, 0-based
 */
export async function settleValue(storage: Storage, ref: CandidateRef, choice: number): Promise<number> {
  const key = keys.varied(ref.tenant, ref.request, ref.candidate);
  try {
    await storage.put(key, JSON.stringify({ vary: choice }), { ifAbsent: true });
    return choice;
  } catch (error) {
    if (!(error instanceof CullError) || error.code !== 'STORAGE_CONFLICT') throw error;
    return (await requireJson<{ vary: number }>(storage, key)).vary;
  }
}

/**
 * The plan with one value in its places: the graph, and what scorers and rules read. The plan itself where the request varies nothing.
 *
 * @param group the value as a text, as the candidate's record has it
 * @example
 * planFor(plan, record.group).inputs?.style; // 'studio'
 */
export function planFor(plan: PlanDoc, group: string | undefined): PlanDoc {
  const { vary } = plan;
  const one = vary?.values.find(({ value }) => String(value) === group);
  if (!vary || !one) return plan;
  const { value, ...scored } = one;
  return {
    ...plan,
    ...scored,
    graph: bindValue(plan.graph, vary.at, value),
    inputs: inputsWith(plan.inputs, vary, group),
  };
}
