import { describe, expect, it } from 'vitest';
import { parseMessage } from '../../../providers/comfyui/index.js';
import { recordedMessages } from './recorded.js';

const say = (type: string, data: unknown) => parseMessage(JSON.stringify({ type, data }));
const id = '7fef5984-faef-4e5e-ad10-48a399e9b479';

describe('text messages', () => {
  it('understands every message that was recorded from a real ComfyUI', () => {
    expect(recordedMessages.length).toBeGreaterThan(100);
    for (const message of recordedMessages) {
      const parsed = parseMessage(JSON.stringify(message));
      expect(parsed.type).toBe(message.type);
      const promptId = 'promptId' in parsed ? parsed.promptId : undefined;
      expect(promptId).toBe(message.data.prompt_id);
    }
  });

  it('tells what each type says, in our words', () => {
    expect(say('status', { status: { exec_info: { queue_remaining: 2 } }, sid: 's' })).toEqual({
      type: 'status',
      queueRemaining: 2,
      sid: 's',
    });
    expect(say('execution_start', { prompt_id: id, timestamp: 5 })).toEqual({
      type: 'execution_start',
      promptId: id,
      timestamp: 5,
    });
    expect(say('execution_cached', { prompt_id: id, nodes: ['1', 2] })).toEqual({
      type: 'execution_cached',
      promptId: id,
      nodes: ['1', '2'],
    });
    expect(say('executing', { node: '5.0.1', display_node: '5', prompt_id: id })).toEqual({
      type: 'executing',
      promptId: id,
      node: '5.0.1',
      displayNode: '5',
    });
    expect(say('executing', { node: null, prompt_id: id })).toEqual({ type: 'executing', promptId: id, node: null });
    expect(say('executing', { node: '3' })).toEqual({ type: 'executing', node: '3' });
    expect(say('progress', { value: 3, max: 8, prompt_id: id, node: '3' })).toEqual({
      type: 'progress',
      promptId: id,
      node: '3',
      value: 3,
      max: 8,
    });
    const node = { value: 1, max: 8, state: 'running', node_id: '3', prompt_id: id, parent_node_id: null };
    expect(
      say('progress_state', { prompt_id: id, nodes: { '3': { ...node, display_node_id: '3', real_node_id: '3' } } }),
    ).toEqual({
      type: 'progress_state',
      promptId: id,
      nodes: { '3': { state: 'running', value: 1, max: 8, displayNode: '3', realNode: '3' } },
    });
    const output = { images: [{ filename: 'a.png', subfolder: '', type: 'output' }] };
    expect(say('executed', { prompt_id: id, node: '9', display_node: '9', output })).toEqual({
      type: 'executed',
      promptId: id,
      node: '9',
      displayNode: '9',
      output,
    });
    expect(say('executed', { prompt_id: id, node: '9', output: null })).toMatchObject({ output: null });
    expect(say('execution_success', { prompt_id: id, timestamp: 6 })).toEqual({
      type: 'execution_success',
      promptId: id,
      timestamp: 6,
    });
    expect(
      say('execution_interrupted', { prompt_id: id, node_id: '3', node_type: 'KSampler', executed: ['4'] }),
    ).toEqual({ type: 'execution_interrupted', promptId: id, node: '3', nodeType: 'KSampler', executed: ['4'] });
    expect(say('feature_flags', { supports_preview_metadata: true })).toEqual({
      type: 'feature_flags',
      flags: { supports_preview_metadata: true },
    });
    expect(say('logs', { entries: [{ t: 'now', m: 'a line' }, 5], size: { cols: 80, rows: 24 } })).toEqual({
      type: 'logs',
      entries: [{ time: 'now', text: 'a line' }],
      size: { cols: 80, rows: 24 },
    });
    expect(say('assets.seed.progress', { scanned: 4 })).toEqual({
      type: 'assets',
      event: 'assets.seed.progress',
      data: { scanned: 4 },
    });
  });

  it('tells a blocked branch from a failure', () => {
    const error = {
      prompt_id: id,
      node_id: '2',
      node_type: 'ImageScale',
      executed: ['1'],
      exception_message: 'too large\n',
      exception_type: 'ValueError',
      traceback: ['a', 'b'],
      current_inputs: { width: [16384] },
      current_outputs: ['1'],
      timestamp: 7,
    };
    expect(say('execution_error', error)).toEqual({
      type: 'execution_error',
      promptId: id,
      node: '2',
      nodeType: 'ImageScale',
      executed: ['1'],
      exception: 'ValueError',
      message: 'too large',
      traceback: ['a', 'b'],
      currentInputs: { width: [16384] },
      currentOutputs: ['1'],
      final: true,
      timestamp: 7,
    });
    expect(say('execution_error', { prompt_id: id, exception_type: 'ExecutionBlocked' })).toMatchObject({
      final: false,
      executed: [],
      message: '',
    });
  });

  it('reads numbers that JSON does not have, and leaves text that looks like them alone', () => {
    const text = `{"type":"progress","data":{"prompt_id":"${id}","value":1,"max":2,"x":[NaN,-Infinity],"node":"NaN"}}`;
    expect(parseMessage(text)).toEqual({ type: 'progress', promptId: id, node: 'NaN', value: 1, max: 2 });
    const inputs = `{"type":"execution_error","data":{"prompt_id":"${id}","current_inputs":{"s":[NaN]}}}`;
    expect(parseMessage(inputs)).toMatchObject({ currentInputs: { s: [null] } });
  });

  it.each([
    ['not json', 'not json'],
    ['', ''],
    ['[]', []],
    ['null', null],
    ['5', 5],
    ['{"data":{}}', { data: {} }],
  ])('keeps %j as unknown', (text, data) => {
    expect(parseMessage(text)).toEqual({ type: 'unknown', data });
  });

  it('keeps types it does not know, and known ones without what they are about', () => {
    expect(say('crystools.monitor', { cpu: 3, prompt_id: id })).toEqual({
      type: 'unknown',
      name: 'crystools.monitor',
      promptId: id,
      data: { cpu: 3, prompt_id: id },
    });
    for (const [type, data] of [
      ['status', { status: {} }],
      ['execution_start', {}],
      ['execution_success', null],
      ['progress', { value: 1, prompt_id: id }],
      ['progress_state', { prompt_id: id, nodes: [] }],
      ['executing', { prompt_id: id }],
      ['executed', { prompt_id: id, output: {} }],
      ['logs', 'text'],
    ] as const) {
      expect(say(type, data)).toMatchObject({ type: 'unknown', name: type, data });
    }
  });
});
