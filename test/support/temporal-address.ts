/** The Temporal server of a test file, from its first import to its last test: what one file leaves behind, no other meets. */
import { afterAll, inject } from 'vitest';
import { freePort, startServer } from '../../stack/temporal-server.js';

const server = await startServer({ binary: inject('temporalBinary'), port: await freePort() });
const kill = () => server.process.kill('SIGKILL');
process.once('exit', kill);
// it holds nothing that would outlive it: no need to wait for a second until it has ended in order
afterAll(async () => {
  process.off('exit', kill);
  kill();
  await server.stop();
});

/** `host:port`. */
export const temporalAddress = server.address;
