import { describe, expect, test } from 'vitest';
import { resultReport } from '../../cli/views/report.js';
import { RECORDS, resultOf } from '../support/documents.js';

describe('resultReport', () => {
  const report = resultReport(resultOf(), RECORDS);

  test('lists the winners in rank order, why others were rejected or lost, and what it cost', () => {
    expect(report).toContain('Delivered 2 of 2');
    expect(report.indexOf('1004')).toBeLessThan(report.indexOf('1000'));
    expect(report).toMatch(/1 {2}The picture is <grainy>/);
    expect(report).toContain('KSampler');
    expect(report).toContain('CULL_COMFYUI_USD_PER_HOUR');
  });

  test('fits 80 columns and has no colour', () => {
    for (const line of report.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(report).not.toContain('\u001b');
  });

  test('states the cost where there is a price', () => {
    const priced = resultReport(resultOf({ cost: { microUsd: 1_230_000, perDeliveredMicroUsd: 615_000 } }), RECORDS);
    expect(priced).toMatch(/1\.23/);
    expect(priced).not.toContain('CULL_COMFYUI_USD_PER_HOUR');
  });

  test('a failed request says why', () => {
    const error = { code: 'COMFY_INVALID_GRAPH', message: 'node 4 "Load Checkpoint": no such file' };
    const failed = resultReport(resultOf({ state: 'failed', delivered: [], error }), []);
    expect(failed).toContain('COMFY_INVALID_GRAPH');
    expect(failed).toContain('Load Checkpoint');
  });

  test('a shortfall says how many are missing', () => {
    const shortfall = { missing: 2, gates: { 'noise.sigma': 1 }, reason: 'cap' as const };
    expect(resultReport(resultOf({ state: 'shortfall', wanted: 4, shortfall }), RECORDS)).toMatch(/2 of 4/);
  });
});
