/** Golden rows: what a scorer of a version says about a picture. One JSON object a line in rows.ndjson. */
import { readFile } from 'node:fs/promises';
import { builtInScorers } from '../../../scorers/registry.js';
import { Unassessable, type Assessment, type Scorer } from '../../../scorers/scorer.js';
import { frameOf } from '../synthetic.js';
import { pictures } from './pictures.js';

export interface GoldenRow {
  /** `id@version` */
  scorer: string;
  /** A name of pictures.ts. */
  picture: string;
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
export async function goldenRow(id: string, picture: string): Promise<GoldenRow> {
  const scorer = builtInScorers.find(({ spec }) => spec.id === id);
  if (!scorer) throw new Error(`there is no scorer ${id}: ${builtInScorers.map(({ spec }) => spec.id).join(', ')}`);
  const make = pictures[picture];
  if (!make) throw new Error(`there is no picture ${picture}: ${Object.keys(pictures).join(', ')}`);
  const assessments = await measured(scorer, await frameOf(make()));
  return {
    scorer: `${scorer.spec.id}@${scorer.spec.version}`,
    picture,
    found: Object.fromEntries(Object.entries(assessments).map(([dimension, found]) => [dimension, valueOf(found)])),
  };
}

async function measured(scorer: Scorer, frame: Awaited<ReturnType<typeof frameOf>>) {
  try {
    return await scorer.assess(frame, { params: {} }, new AbortController().signal);
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
