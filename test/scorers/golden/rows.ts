/** Golden rows: what a scorer of a version says about a picture. One JSON object a line in rows.ndjson. */
import { readFile } from 'node:fs/promises';
import { decodeFrame, type Frame } from '../../../scorers/frame.js';
import { noModels, type Models } from '../../../scorers/models/models.js';
import { builtInScorers } from '../../../scorers/registry.js';
import { Unassessable, type Assessment, type Scorer } from '../../../scorers/scorer.js';
import { picture } from './pictures.js';

export interface GoldenRow {
  /** `id@version` */
  scorer: string;
  /** A name of pictures.ts. */
  picture: string;
  /** Pictures that it is compared with. */
  references?: string[];
  prompt?: string;
  expect?: Record<string, unknown>;
  /** Dimension -> raw value, or the reason why there is none. */
  found: Record<string, number | string>;
}

const FILE = new URL('./rows.ndjson', import.meta.url);

export async function readRows(): Promise<GoldenRow[]> {
  const text = await readFile(FILE, 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as GoldenRow);
}

/** Measures anew. @throws Error for a scorer or a picture that is not there */
export async function goldenRow(
  asked: Omit<GoldenRow, 'found'>,
  { models = noModels }: { models?: Models } = {},
): Promise<GoldenRow> {
  const id = asked.scorer.replace(/@.*$/, '');
  const scorer = builtInScorers.find(({ spec }) => spec.id === id);
  if (!scorer) throw new Error(`there is no scorer ${id}: ${builtInScorers.map(({ spec }) => spec.id).join(', ')}`);
  const frame = await frameOf(asked.picture, models);
  const references = await Promise.all((asked.references ?? []).map((name) => frameOf(name, models)));
  const { prompt, expect } = asked;
  const found = await measured(scorer, frame, { references, prompt, expect });
  return {
    ...asked,
    scorer: `${scorer.spec.id}@${scorer.spec.version}`,
    found: Object.fromEntries(Object.entries(found).map(([dimension, one]) => [dimension, valueOf(one)])),
  };
}

async function frameOf(name: string, models: Models): Promise<Frame> {
  const decoded = await decodeFrame(await picture(name), { models });
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.frame;
}

async function measured(
  scorer: Scorer,
  frame: Frame,
  {
    references,
    prompt,
    expect,
  }: { references: Frame[]; prompt: string | undefined; expect: Record<string, unknown> | undefined },
): Promise<Record<string, Assessment>> {
  const ask = {
    params: {},
    ...(references.length > 0 && { references }),
    ...(prompt !== undefined && { prompt }),
    ...(expect !== undefined && { expect }),
  };
  try {
    return await scorer.assess(frame, ask, new AbortController().signal);
  } catch (error) {
    if (!(error instanceof Unassessable)) throw error;
    return Object.fromEntries(Object.keys(scorer.spec.dimensions).map((id) => [id, error.assessment]));
  }
}

/** Six digits: beyond them are the last bits of other processors' arithmetic. */
function valueOf(found: Assessment): number | string {
  if (found.status === 'ok') return Number(found.raw.toPrecision(6));
  return found.status === 'unassessable' ? found.reason : found.status;
}
