/** From verdicts and hidden labels to precision and recall. */
import type { Drawn } from './jobs.js';

export interface Judged {
  n: number;
  labels: Drawn['labels'];
  /** Gates that rejected. */
  failed: string[];
  /** Gates that the policy has not and that would have rejected. */
  failedWithout: string[];
  /** Gates that could not tell. */
  unassessable: string[];
}

/** Of `of` cases, `hit` were right; null where there is no case. */
export interface Share {
  of: number;
  hit: number;
  share: number | null;
  /** 95 % Wilson interval. */
  interval: [number, number] | null;
}

/**
 * A share with its 95 % interval (Wilson 1927).
 *
 * @example
 * shareOf(9, 10); // { of: 10, hit: 9, share: 0.9, interval: [0.596, 0.982] }
 */
export function shareOf(hit: number, of: number): Share {
  if (of === 0) return { of, hit, share: null, interval: null };
  const z = 1.96;
  const p = hit / of;
  const middle = (p + (z * z) / (2 * of)) / (1 + (z * z) / of);
  const half = (z * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of))) / (1 + (z * z) / of);
  return { of, hit, share: p, interval: [Math.max(0, middle - half), Math.min(1, middle + half)] };
}

export interface GateFigures {
  gate: string;
  defects: readonly string[];
  /** Of the pictures that the gate rejects, those with a change that it is there for. */
  precision: Share;
  /** Of the pictures that the gate rejects, those with any change that counts. */
  anyDefect: Share;
  /** Of the pictures with a change that it is there for, those that it rejects. */
  recall: Share;
  unassessable: number;
}

export interface JobFigures {
  pictures: number;
  /** Share of pictures with a change that counts: the precision of rejecting everything. */
  defective: number;
  precision: Share;
  recall: Share;
  gates: GateFigures[];
  /** By change: how many of those present the policy rejects by whatever gate. */
  defects: { defect: string; recall: Share }[];
}

const isDefective = ({ labels }: Judged, names = Object.keys(labels)): boolean =>
  names.some((name) => labels[name]?.present === true);

export function figuresOf(judged: readonly Judged[], gates: Readonly<Record<string, readonly string[]>>): JobFigures {
  const count = (some: readonly Judged[], is: (one: Judged) => boolean): number => some.filter(is).length;
  const rejected = judged.filter(({ failed }) => failed.length > 0);
  const defective = judged.filter((one) => isDefective(one));
  const names = Object.keys(judged[0]?.labels ?? {});
  return {
    pictures: judged.length,
    defective: defective.length / Math.max(1, judged.length),
    precision: shareOf(
      count(rejected, (one) => isDefective(one)),
      rejected.length,
    ),
    recall: shareOf(
      count(defective, ({ failed }) => failed.length > 0),
      defective.length,
    ),
    gates: Object.entries(gates).map(([gate, defects]) => {
      const rejects = ({ failed, failedWithout }: Judged): boolean =>
        failed.includes(gate) || failedWithout.includes(gate);
      const by = judged.filter(rejects);
      const meant = judged.filter((one) => isDefective(one, [...defects]));
      return {
        gate,
        defects,
        precision: shareOf(
          count(by, (one) => isDefective(one, [...defects])),
          by.length,
        ),
        anyDefect: shareOf(
          count(by, (one) => isDefective(one)),
          by.length,
        ),
        recall: shareOf(count(meant, rejects), meant.length),
        unassessable: count(judged, ({ unassessable }) => unassessable.includes(gate)),
      };
    }),
    defects: names
      .map((defect) => {
        const present = judged.filter((one) => isDefective(one, [defect]));
        return {
          defect,
          recall: shareOf(
            count(present, ({ failed }) => failed.length > 0),
            present.length,
          ),
        };
      })
      .filter(({ recall }) => recall.of > 0),
  };
}
