/** Troubles that tests can ask for. Counts go down as they are used. */
export interface Faults {
  /** The next n downloads end half-way, with a length that matches what is sent. @default 0 */
  truncateViews: number;
  /** The connection of the next n downloads is cut half-way. @default 0 */
  cutViews: number;
  /** The next n downloads are answered with a text page. @default 0 */
  textViews: number;
  /** Prompts with one of these seeds end in an execution_error. @default [] */
  failSeeds: readonly number[];
}

export function noFaults(): Faults {
  return { truncateViews: 0, cutViews: 0, textViews: 0, failSeeds: [] };
}
