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
  const starts: number[] = [];
  const ends: number[] = [];
  const rows: number[] = [];
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
  for (let y = 0; y < height; y++) {
    const first = starts.length;
    const row = y * width;
    for (let x = 0; x < width; x++) {
      if (mask[row + x] === 0) continue;
      const start = x;
      while (x < width && mask[row + x] !== 0) x++;
      const run = starts.length;
      starts.push(start);
      ends.push(x - 1);
      rows.push(y);
      parent.push(run);
      // the runs above that touch this one, diagonals included; both lists are sorted, so the pointer only moves on
      while (above < aboveEnd && (ends[above] as number) < start - 1) above++;
      for (let k = above; k < aboveEnd && (starts[k] as number) <= x; k++) {
        const a = find(k);
        const b = find(run);
        if (a < b) parent[b] = a;
        else if (b < a) parent[a] = b;
      }
    }
    above = first;
    aboveEnd = starts.length;
  }

  const labels = new Int32Array(width * height);
  const list: Component[] = [];
  const labelOf = new Int32Array(starts.length);
  for (let run = 0; run < starts.length; run++) {
    const root = find(run);
    const [start, end, y] = [starts[run] as number, ends[run] as number, rows[run] as number];
    if (root === run) {
      list.push({ label: list.length + 1, area: 0, left: start, top: y, right: end, bottom: y });
      labelOf[run] = list.length;
    }
    const label = labelOf[root] as number;
    const component = list[label - 1] as Component;
    component.area += end - start + 1;
    component.left = Math.min(component.left, start);
    component.right = Math.max(component.right, end);
    component.bottom = y;
    labels.fill(label, y * width + start, y * width + end + 1);
  }
  return { labels, list };
}
