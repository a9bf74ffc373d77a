import { loadClientConnectConfig } from '@temporalio/envconfig';

/** Options that both `Connection.connect` and `NativeConnection.connect` take. */
export type TemporalConnectionOptions = ReturnType<typeof loadClientConnectConfig>['connectionOptions'];

/** Where the Temporal server is and how to speak to it. */
export interface TemporalTarget {
  address: string;
  namespace: string;
  connectionOptions: TemporalConnectionOptions;
}

/**
 * The server named by `TEMPORAL_*` or a Temporal profile (docs.temporal.io/develop/environment-configuration), or undefined where neither names
 * an address: then the embedded stack is meant. The same settings serve clients and workers, Temporal Cloud included.
 *
 * @example
 * const target = temporalTarget(process.env) ?? embeddedTarget('127.0.0.1:7233');
 */
export function temporalTarget(env: Record<string, string | undefined>): TemporalTarget | undefined {
  const set = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: set });
  if (!connectionOptions.address) return undefined;
  return { address: connectionOptions.address, namespace: namespace ?? 'default', connectionOptions };
}

/** The embedded server at an address: no TLS, no key. */
export const embeddedTarget = (address: string): TemporalTarget => ({
  address,
  namespace: 'default',
  connectionOptions: { address },
});
