/** Connected components of a binary mask, 8-neighbourhood. */

export interface Component {
  /** 1, 2, … as in the label map. */
  label: number;
  /** Pixels. */
  area: number;
  /** Bounding box, inclusive. */
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Pixels `from` to before `to` of one row, as indices into the mask. */
export interface Run {
  from: number;
  to: number;
  /** Of its component. */
  label: number;
}

export interface Components {
  /** 0 = background, else the component's label. */
  labels: Int32Array;
  /** In label order; labels are given in scan order. */
  list: Component[];
}

/**
 * Labels the non-zero pixels of a mask by runs and union-find; one pass over pixels, one over runs.
 *
 * @example
 * components(mask, 512, 512).list.sort((a, b) => b.area - a.area)[0];
 */
export function components(mask: Uint8Array, width: number, height: number): Components {
  const { runs, list } = labelledRuns(mask, width);
  const labels = new Int32Array(width * height);
  for (const { from, to, label } of runs) labels.fill(label, from, to);
  return { labels, list };
}

/** The same as runs, in scan order, for those who need no label per pixel. */
export function labelledRuns(mask: Uint8Array, width: number): { runs: Run[]; list: Component[] } {
  const runs: Run[] = [];
  const parent: number[] = [];
  const find = (i: number): number => {
    while (parent[i] !== i) {
      parent[i] = parent[parent[i] as number] as number;
      i = parent[i] as number;
    }
    return i;
  };

  let above = 0;
  let aboveEnd = 0;
  for (let row = 0; row < mask.length; row += width) {
    const first = runs.length;
    const end = row + width;
    for (let i = row; i < end; i++) {
      if (mask[i] === 0) continue;
      const from = i;
      while (i < end && mask[i] !== 0) i++;
      const run = runs.length;
      runs.push({ from, to: i, label: 0 });
      parent.push(run);
      // the runs above that touch this one, diagonals included; both lists are sorted, so the pointer only moves on
      while (above < aboveEnd && (runs[above] as Run).to < from - width) above++;
      for (let k = above; k < aboveEnd && (runs[k] as Run).from <= i - width; k++) {
        const a = find(k);
        const b = find(run);
        if (a < b) parent[b] = a;
        else if (b < a) parent[a] = b;
      }
    }
    above = first;
    aboveEnd = runs.length;
  }

  const list: Component[] = [];
  for (const [k, run] of runs.entries()) {
    const root = find(k);
    const y = Math.floor(run.from / width);
    const left = run.from - y * width;
    const right = run.to - 1 - y * width;
    if (root === k) {
      run.label = list.length + 1;
      list.push({ label: run.label, area: 0, left, top: y, right, bottom: y });
    } else run.label = (runs[root] as Run).label;
    const component = list[run.label - 1] as Component;
    component.area += run.to - run.from;
    component.left = Math.min(component.left, left);
    component.right = Math.max(component.right, right);
    component.bottom = y;
  }
  return { runs, list };
}
