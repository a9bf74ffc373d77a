import sharp from 'sharp';
import { expect } from 'vitest';
import { pick } from '../pick.js';
import type { Checks, Player } from '../player.js';
import type { Graph } from '../../graphs.js';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);
const FLAGS = { type: 'feature_flags', data: { supports_preview_metadata: true } };

/** A graph whose pictures come over the websocket only, from node 4. */
function overSocket(p: Player, { batch = 1, size = 16 } = {}): Graph {
  const graph = p.noise({ size });
  return {
    ...graph,
    '1': { class_type: 'EmptyImage', inputs: { ...graph['1']!.inputs, batch_size: batch } },
    '4': { class_type: 'SaveImageWebsocket', inputs: { images: ['3', 0] } },
  };
}

/** Binary frames. */
export const frames: Checks = {
  'frame.1': async (p) => {
    const by = await p.listen();
    await p.run(overSocket(p), { by });
    const [frame] = by.frames;
    expect([frame!.readUInt32BE(0), frame!.readUInt32BE(4)]).toEqual([1, 2]);
    expect(frame!.subarray(8, 12)).toEqual(PNG);
  },
  'frame.1.jpeg': async (p) => {
    const by = await p.listen();
    await p.run(p.txt2img(), { by, extra_data: { preview_method: 'latent2rgb' } });
    const [frame] = by.frames;
    expect([frame!.readUInt32BE(0), frame!.readUInt32BE(4)]).toEqual([1, 1]);
    const { format, width } = await sharp(frame!.subarray(8)).metadata();
    expect([format, width <= 512]).toEqual(['jpeg', true]);
  },
  'frame.3': async (p) => {
    const by = await p.listen();
    const graph = {
      '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 32, batch_size: 1, color: 0 } },
      'my-size': { class_type: 'GetImageSize', inputs: { image: ['1', 0] } },
      '3': { class_type: 'PreviewAny', inputs: { source: ['my-size', 0] } },
    };
    await p.run(graph, { by });
    const frame = by.frames.find((one) => one.readUInt32BE(0) === 3)!;
    const length = frame.readUInt32BE(4);
    expect(frame.subarray(8, 8 + length).toString()).toBe('my-size');
    expect(frame.subarray(8 + length).toString()).toMatch(/64.*32/s);
  },
  'frame.4': async (p) => {
    const by = await p.listen();
    by.say(FLAGS);
    await by.until((events) => events.length > 1);
    const { id } = await p.run(overSocket(p), { by });
    expect(by.frames.map((frame) => frame.readUInt32BE(0))).toEqual([4]);
    const length = by.frames[0]!.readUInt32BE(4);
    expect(JSON.parse(by.frames[0]!.subarray(8, 8 + length).toString())).toEqual({
      ...{ node_id: '4', prompt_id: id, display_node_id: '4', parent_node_id: null, real_node_id: '4' },
      image_type: 'image/png',
    });
    expect(by.frames[0]!.subarray(8 + length, 12 + length)).toEqual(PNG);
  },
  'frame.previews-are-off': async (p) => {
    const by = await p.listen();
    await p.run(p.txt2img(), { by });
    expect(by.frames).toEqual([]);
  },
  'frame.websocket-output': async (p) => {
    const by = await p.listen();
    const { id, events } = await p.run(overSocket(p, { batch: 3, size: 600 }), { by });
    expect(by.frames).toHaveLength(3);
    for (const frame of by.frames) {
      const { format, width, comments } = await sharp(frame.subarray(8)).metadata();
      expect([format, width, comments ?? []]).toEqual(['png', 600, []]);
    }
    const progress = events.filter((e) => e.type === 'progress').map((e) => [e.data.value, e.data.max]);
    expect(progress).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
    expect((await p.entry(id)).outputs).toEqual({});
  },
  'frame.websocket-output.runs-anew': async (p) => {
    const by = await p.listen();
    const graph = overSocket(p);
    await p.run(graph, { by });
    const { events } = await p.run(graph, { by });
    expect(by.frames).toHaveLength(2);
    expect(events.filter((e) => pick(e, 'data', 'node') === '4' && e.type === 'executing')).toHaveLength(1);
  },
};
