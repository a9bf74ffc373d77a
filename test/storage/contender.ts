/** A process of its own that races for two keys; started by fs.test.ts. Arguments: root, etag of `swap`, its name. */
import { once } from 'node:events';
import { createFsStorage } from '../../storage/fs.js';

const [root = '', etag = '', name = ''] = process.argv.slice(2);
const storage = createFsStorage({ root });
const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'won',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );

console.log('ready');
await once(process.stdin, 'data');
const absent = await outcome(storage.put('fresh', name, { ifAbsent: true }));
const match = await outcome(storage.put('swap', name, { ifMatch: etag }));
console.log(JSON.stringify({ absent, match }));
