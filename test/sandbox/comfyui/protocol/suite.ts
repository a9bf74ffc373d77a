import { it } from 'vitest';
import { FACTS, holds } from './facts.js';
import { Player, type Checks, type Server } from './player.js';

/**
 * Makes a test of each check whose fact is one of the version, named by its id.
 *
 * @param server The server to play on; asked for anew for each check, so that a check may get one of its own.
 */
export function play(
  groups: readonly Checks[],
  { version, cpu, server }: { version: string; cpu: boolean; server: () => Promise<Server> | Server },
): void {
  for (const [id, check] of groups.flatMap((group) => Object.entries(group))) {
    const fact = FACTS.get(id);
    if (fact && (!holds(fact, version) || (fact.on === 'cpu' && !cpu))) continue;
    it(id, async () => {
      const player = new Player(await server());
      try {
        await check(player);
      } finally {
        await player.close();
      }
    });
  }
}
