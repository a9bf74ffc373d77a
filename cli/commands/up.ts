import type { Command } from 'commander';
import { readConfig } from '../../config.js';
import { endStack, openRequests, runningStack } from '../../stack/index.js';
import { createOutput } from '../output.js';
import { runService, serviceOptions, type ServiceChoice } from '../run-service.js';

/** `comfy-cull up`: all of it on this machine, until Ctrl-C. */
export function addUp(program: Command): void {
  const up = program
    .command('up')
    .description(
      'all on this machine: Temporal, ComfyUIs (yours, or two simulated ones), a worker and the HTTP API; Ctrl-C drains',
    )
    .action(async (options: Omit<ServiceChoice, 'host' | 'open' | 'tls'>) => {
      const config = readConfig(process.env);
      const output = createOutput({ json: false });
      const sandboxes = config.comfyUrls.length === 0 && config.comfyFile === undefined;
      try {
        await runService(
          config,
          { ...options, host: '127.0.0.1', open: true, metrics: true },
          {
            output,
            embedded: true,
            onListening: (url) => {
              if (sandboxes) output.note('CULL_COMFYUI_URLS is not set: two simulated ComfyUIs draw');
              output.note(`try it:\n  ${example(url)}\nCtrl-C ends all of it`);
            },
          },
        );
      } finally {
        const stack = await runningStack(config.dir);
        const open = stack?.temporal ? await openRequests(stack.temporal.address).catch(() => 0) : 0;
        if (await endStack(config.dir)) output.note('the worker has drained; the embedded stack has ended');
        if (open > 0) output.note(`${open} request(s) are open and go on with the next start`);
      }
    });
  for (const option of serviceOptions()) up.addOption(option);
}

const example = (url: string): string =>
  `curl -s '${url}/v1/requests?wait=60s' -H 'content-type: application/json' \\\n` +
  `    -d '{"template":"product","inputs":{"prompt":"product photo of a green bottle on a white background"},"deliver":1}'`;
