import { expect, test } from 'vitest';
import { createLog } from '../../telemetry/log.js';
import { NO_TRACES, startTraces } from '../../telemetry/traces.js';

const start = (env: Record<string, string>) =>
  startTraces(env, { service: 'test', log: createLog({ level: 'silent', name: 'test' }) });
const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://127.0.0.1:4318';

test('without an endpoint, or switched off, there are no traces', async () => {
  const off: Record<string, string>[] = [
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'true' },
    { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_TRACES_EXPORTER: 'none' },
  ];
  for (const env of off) expect(await start(env)).toBe(NO_TRACES);
});

test('an endpoint that cannot be spoken to is refused, with what to set', async () => {
  await expect(start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('collector:4317') as string,
  });
  await expect(start({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    hint: expect.stringContaining('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf') as string,
  });
});
