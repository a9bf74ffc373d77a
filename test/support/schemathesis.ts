/** schemathesis, which asks an API everything that its OpenAPI document allows and forbids. */
import { join } from 'node:path';
import { installed } from './pypi.js';

export { INSTALL_MS } from './pypi.js';

/** The command's path; `CULL_TEST_SCHEMATHESIS` names one that is there already. */
export async function findSchemathesis(): Promise<string> {
  const given = process.env['CULL_TEST_SCHEMATHESIS'];
  if (given !== undefined && given !== '') return given;
  return join(await installed('schemathesis', '4.32.5'), 'bin', 'schemathesis');
}
