/** Discrete cosine transform of small squares. */

/** `cos((2x + 1) u pi / 2n)` scaled so that the transform is orthonormal; row u, column x. */
export function dctMatrix(n: number): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let u = 0; u < n; u++) {
    const scale = Math.sqrt((u === 0 ? 1 : 2) / n);
    for (let x = 0; x < n; x++) matrix[u * n + x] = scale * Math.cos(((2 * x + 1) * u * Math.PI) / (2 * n));
  }
  return matrix;
}
