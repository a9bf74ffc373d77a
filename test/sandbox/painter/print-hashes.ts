// Run in a process of its own by paint.test.ts: prints the golden hashes, in reverse order, so that nothing cached helps.
import { GOLDEN, pixelHash } from './golden.js';

const hashes: string[] = [];
for (const ask of [...GOLDEN].reverse()) hashes.unshift(await pixelHash(ask));
process.stdout.write(JSON.stringify(hashes));
