/** Prints the golden row of a scorer on a picture: `npx tsx test/scorers/golden/row.ts <scorer> <picture>`. */
import { goldenRow } from './rows.js';

const [scorer = '', picture = ''] = process.argv.slice(2);
console.log(JSON.stringify(await goldenRow(scorer, picture)));
