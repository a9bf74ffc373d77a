/** ComfyUIs in words. */
import type { HostDoc } from '../../workflows/contract.js';

/** `serving`, or `unhealthy: ComfyUI at … does not answer; it needs a restart`. */
export function hostWords({ state, reason, needsRestart }: Pick<HostDoc, 'state' | 'reason' | 'needsRestart'>): string {
  return [`${state}${reason === null ? '' : `: ${reason}`}`, ...(needsRestart ? ['it needs a restart'] : [])].join(
    '; ',
  );
}

export const hostLine = (host: HostDoc): string => `${host.host} ${hostWords(host)}`;
