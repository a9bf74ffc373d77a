/** What can be drawn of the facts of scores. Coordinates are pixels of the full-size upright picture. */
import type { Scores } from '../../selection/types.js';

export type Shape =
  | { kind: 'box'; left: number; top: number; width: number; height: number; label: string }
  | { kind: 'points'; points: [number, number][]; label: string }
  | { kind: 'polygon'; points: [number, number][]; label: string };

export interface ScoreShapes {
  dimension: string;
  shapes: Shape[];
}

/**
 * The boxes, points and polygons that scores carry in their facts (docs/adding-a-scorer.md). What several dimensions share is given
 * once, under the first of them.
 *
 * @example
 * shapesOf({ 'faces.count': { status: 'ok', raw: 1, quality: 100, scorer: 'faces@1.0.0', facts: { boxes: [{ left: 9, top: 9, width: 50, height: 60 }] } } });
 */
export function shapesOf(scores: Scores): ScoreShapes[] {
  const seen = new Set<string>();
  return Object.entries(scores).flatMap(([dimension, { facts }]) => {
    const shapes = facts === undefined ? [] : found(facts, dimension.split('.')[0] ?? dimension);
    const fresh = shapes.filter((shape) => {
      const key = JSON.stringify({ ...shape, label: '' });
      return !seen.has(key) && seen.add(key);
    });
    return fresh.length === 0 ? [] : [{ dimension, shapes: fresh }];
  });
}

function found(facts: unknown, label: string): Shape[] {
  if (Array.isArray(facts)) return facts.flatMap((item) => found(item, label));
  if (!isRecord(facts)) return [];
  const box = boxOf(facts, label);
  const rest = Object.entries(facts).flatMap(([key, value]): Shape[] => {
    if (key === 'points' || key === 'landmarks') return pointsOf(value, label);
    if (key === 'polygons' && Array.isArray(value)) return value.flatMap((one) => polygonOf(one, label));
    if (key === 'polygon') return polygonOf(value, label);
    return found(value, typeof facts['label'] === 'string' ? facts['label'] : label);
  });
  return box ? [box, ...rest] : rest;
}

function boxOf(facts: Record<string, unknown>, label: string): Shape | undefined {
  const { left, top, width, height } = facts;
  if (![left, top, width, height].every((value) => typeof value === 'number' && Number.isFinite(value)))
    return undefined;
  const box = { left, top, width, height } as { left: number; top: number; width: number; height: number };
  const own = typeof facts['label'] === 'string' ? facts['label'] : label;
  const score = typeof facts['score'] === 'number' ? ` ${facts['score'].toFixed(2)}` : '';
  return { kind: 'box', ...box, label: `${own}${score}` };
}

function pointsOf(value: unknown, label: string): Shape[] {
  const list = Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
  const points = list.filter(isPoint);
  return points.length === 0
    ? list.flatMap((item) => (isPoint(item) ? [] : pointsOf(item, label)))
    : [{ kind: 'points', points, label }];
}

function polygonOf(value: unknown, label: string): Shape[] {
  const points = Array.isArray(value) ? value.filter(isPoint) : [];
  return points.length < 3 ? [] : [{ kind: 'polygon', points, label }];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isPoint = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length >= 2 && value.every((one) => typeof one === 'number' && Number.isFinite(one));
