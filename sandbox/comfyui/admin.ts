import type { Server } from 'node:http';
import { isDict } from './graph.js';
import { dict, json, serve, type Ask } from './http.js';
import { applyFaults, type Faults } from './faults.js';
import type { Sandbox } from './sandbox.js';

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
      if (typeof fault.dropAtEvent === 'number') sandbox.hub.dropAt(fault.dropAtEvent);
      if (fault.deadWorker === true) sandbox.queue.disturb();
      if (fault.dropConnections === true) sandbox.dropConnections();
      if (typeof fault.refuseMs === 'number') sandbox.refuseFor(fault.refuseMs);
    }
    return { secondsPerImage: world.secondsPerImage, fault: world.faults };
  };
  return serve({
    'GET /labels': () => json(Object.fromEntries(world.ledger.labels)),
    'GET /log': () => json(world.ledger.log),
    'GET /seeds': () => json(world.ledger.seeds()),
    'POST /config': (ask) => json(configure(ask)),
    'POST /reset': () => {
      sandbox.reset();
      return json({});
    },
  });
}
