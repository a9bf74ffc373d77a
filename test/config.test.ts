import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { environmentOf, readConfig } from '../config.js';

test('a process that is given environmentOf(config) reads the same configuration', () => {
  const set = {
    CULL_COMFYUI_URLS: 'http://a:1, https://b/x',
    CULL_COMFYUI_CA: 'ca.pem',
    CULL_ALLOW_NODES: 'A B',
    CULL_COMFYUI_USD_PER_HOUR: '0.5',
    CULL_COMFYUI_TIMEOUTS: 'noProgress=30, download=0.5',
    CULL_IDLE_SECONDS: '5',
    CULL_MODELS: 'weights',
    CULL_USE_MODELS: 'clip=./mine#quantized, faceBox=yunet',
    CULL_EXECUTION_PROVIDERS: 'cuda cpu',
    CULL_SCORE_MEMORY_MB: '900',
    CULL_PUBLIC_URL: 'https://cull.example.com/x',
  };
  const bucket = {
    CULL_STORAGE: 's3://bucket/prefix',
    CULL_S3_ENDPOINT: 'http://127.0.0.1:7070',
    CULL_S3_REGION: 'auto',
    CULL_S3_PATH_STYLE: 'false',
    CULL_S3_SSE: 'aws:kms',
    CULL_S3_SSE_KMS_KEY: 'alias/cull',
  };
  for (const env of [{}, set, bucket]) {
    const config = readConfig(env, '/somewhere');
    expect(readConfig(environmentOf(config), '/elsewhere')).toEqual(config);
  }
});

test('a certificate authority is a file or the text of one', () => {
  expect(readConfig({}).comfyCa).toBeUndefined();
  expect(readConfig({ CULL_COMFYUI_CA: 'ca.pem' }, '/somewhere').comfyCa).toBe(resolve('/somewhere', 'ca.pem'));
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB';
  expect(readConfig({ CULL_COMFYUI_CA: pem }).comfyCa).toBe(pem);
});

test('time-outs are named, in seconds; a wrong one is told with the names there are', () => {
  expect(readConfig({ CULL_COMFYUI_TIMEOUTS: 'noProgress=30,download=0.5' }).comfyTimeouts).toEqual({
    noProgressMs: 30_000,
    downloadMs: 500,
  });
  for (const wrong of ['progress=3', 'download', 'download=0', 'download=x'])
    expect(() => readConfig({ CULL_COMFYUI_TIMEOUTS: wrong })).toThrow(/CULL_COMFYUI_TIMEOUTS.*noProgress/);
});

test('models lie under CULL_DIR; what plays a role is an id, or a folder made absolute', () => {
  expect(readConfig({}, '/somewhere').models).toBe(resolve('/somewhere', '.cull/models'));
  const config = readConfig(
    { CULL_USE_MODELS: 'clip=./mine#fp16,identity=sface', CULL_MODELS: 'weights' },
    '/somewhere',
  );
  expect(config.models).toBe(resolve('/somewhere', 'weights'));
  expect(config.useModels).toEqual({ clip: `${resolve('/somewhere', 'mine')}#fp16`, identity: 'sface' });
  expect(() => readConfig({ CULL_USE_MODELS: 'clip' })).toThrow(/CULL_USE_MODELS.*role=model/);
});

test('a bucket has its settings, a folder is made absolute', () => {
  expect(readConfig({ CULL_STORAGE: 'data' }, '/somewhere').storage).toEqual({ where: resolve('/somewhere', 'data') });
  expect(readConfig({ CULL_STORAGE: 's3://b/p', CULL_S3_PATH_STYLE: 'yes', CULL_S3_SSE: 'AES256' }).storage).toEqual({
    where: 's3://b/p',
    s3: { pathStyle: true, sse: 'AES256' },
  });
  for (const wrong of [
    { CULL_S3_ENDPOINT: '127.0.0.1:7070' },
    { CULL_S3_PATH_STYLE: 'perhaps' },
    { CULL_S3_SSE: 'rot13' },
    { CULL_S3_SSE_KMS_KEY: 'key' },
    { CULL_PUBLIC_URL: 'cull.example.com' },
  ])
    expect(() => readConfig(wrong), JSON.stringify(wrong)).toThrow(Object.keys(wrong)[0]);
});
