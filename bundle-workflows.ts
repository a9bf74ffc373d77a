/** Last step of the build: the workflows as one file beside worker.js, so that a packaged worker starts without a bundler. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const { code } = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('./workflows/index.js', import.meta.url)),
  workflowInterceptorModules: [fileURLToPath(new URL('./workflows/traces.js', import.meta.url))],
});
await writeFile(new URL('./workflow-bundle.js', import.meta.url), code);
