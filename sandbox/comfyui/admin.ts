import type { Server } from 'node:http';
import { isDict } from './graph.js';
import { dict, json, serve, type Ask } from './http.js';
import type { Faults } from './faults.js';
import type { Sandbox } from './sandbox.js';

function applyFaults(faults: Faults, wanted: Record<string, unknown>): void {
  for (const name of ['truncateViews', 'cutViews', 'textViews'] as const) {
    const value = wanted[name];
    if (typeof value === 'number') faults[name] = value;
  }
  const { failSeeds } = wanted;
  if (Array.isArray(failSeeds)) faults.failSeeds = failSeeds.filter((seed): seed is number => typeof seed === 'number');
}

/**
 * The tests' door, on a port of its own: labels and log to read, speed and faults to set. Nothing that it tells can be had
 * from the public port.
 */
export function adminServer(sandbox: Sandbox): Server {
  const { world } = sandbox;
  const configure = (ask: Ask): { secondsPerImage: number; fault: Faults } => {
    const { secondsPerImage, fault } = dict(ask.json());
    if (typeof secondsPerImage === 'number') world.secondsPerImage = secondsPerImage;
    if (isDict(fault)) {
      applyFaults(world.faults, fault);
      if (fault.dropConnections === true) sandbox.dropConnections();
      if (typeof fault.refuseMs === 'number') sandbox.refuseFor(fault.refuseMs);
    }
    return { secondsPerImage: world.secondsPerImage, fault: world.faults };
  };
  return serve({
    'GET /labels': () => json(Object.fromEntries(world.ledger.labels)),
    'GET /log': () => json(world.ledger.log),
    'POST /config': (ask) => json(configure(ask)),
    'POST /reset': () => {
      sandbox.reset();
      return json({});
    },
  });
}
