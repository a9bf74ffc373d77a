import { describe, expect, it } from 'vitest';
import { parseFrame } from '../../../providers/comfyui/index.js';
import { plainPreview, preview, textFrame, u32 } from './frame-bytes.js';

const image = Buffer.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);
const about = {
  node_id: '12.0.3',
  prompt_id: '7fef5984-faef-4e5e-ad10-48a399e9b479',
  display_node_id: '12',
  parent_node_id: '12',
  real_node_id: '3',
  image_type: 'image/png',
};

describe('binary frames', () => {
  it('type 1 is a picture without a name', () => {
    expect(parseFrame(plainPreview(1, image))).toEqual({ type: 'preview', format: 'jpeg', image });
    expect(parseFrame(plainPreview(2, image))).toEqual({ type: 'preview', format: 'png', image });
  });

  it('type 2 is kept as it is', () => {
    expect(parseFrame(Buffer.concat([u32(2), image]))).toEqual({ type: 'unencoded_preview', bytes: image });
  });

  it('type 3 is text of a node', () => {
    expect(parseFrame(textFrame('7', 'width: 64 ✓'))).toEqual({ type: 'text', node: '7', text: 'width: 64 ✓' });
    expect(parseFrame(textFrame('', ''))).toEqual({ type: 'text', node: '', text: '' });
  });

  it('type 4 is a picture with its node and prompt', () => {
    expect(parseFrame(preview(about, image))).toEqual({
      type: 'preview',
      promptId: about.prompt_id,
      node: '12.0.3',
      displayNode: '12',
      parentNode: '12',
      realNode: '3',
      format: 'png',
      image,
    });
    expect(parseFrame(preview({ image_type: 'image/jpeg', node_id: 3, parent_node_id: null }, image))).toEqual({
      type: 'preview',
      node: '3',
      format: 'jpeg',
      image,
    });
  });

  it('does not copy the picture', () => {
    const frame = preview(about, image);
    const parsed = parseFrame(frame);
    expect(parsed.type === 'preview' && parsed.image.buffer).toBe(frame.buffer);
  });

  it('reads a frame that lies inside a larger buffer', () => {
    const frame = textFrame('7', 'inside');
    const larger = Buffer.concat([Buffer.alloc(5, 1), frame, Buffer.alloc(5, 1)]);
    expect(parseFrame(larger.subarray(5, 5 + frame.length))).toMatchObject({ type: 'text', text: 'inside' });
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half a number', Buffer.from([0, 0])],
    ['a type alone', u32(1)],
    ['a picture without bytes', u32(1, 2)],
    ['a format that does not exist', plainPreview(9, image)],
    ['a type that does not exist', u32(9, 1, 2)],
    ['text that ends too early', textFrame('a long name of a node', '').subarray(0, 12)],
    ['a length beyond all', Buffer.concat([u32(4, 0xffffffff), image])],
    ['a head that is not JSON', Buffer.concat([u32(4, 3), Buffer.from('{{{'), image])],
    ['a head that is not an object', Buffer.concat([u32(4, 2), Buffer.from('[]'), image])],
    ['a head without the format', preview({ node_id: '1' }, image)],
    ['a head with another format', preview({ ...about, image_type: 'image/tiff' }, image)],
    ['a head with a format that every object has', preview({ ...about, image_type: 'constructor' }, image)],
    ['a head without a picture', preview(about, Buffer.alloc(0))],
  ])('%s is unknown, with its bytes', (_, bytes) => {
    expect(parseFrame(bytes)).toEqual({ type: 'unknown', data: bytes });
  });

  it('of every length is read without a throw', () => {
    const whole = preview(about, image);
    const types = Array.from({ length: whole.length }, (_, length) => parseFrame(whole.subarray(0, length)).type);
    const complete = whole.length - image.length;
    expect(types).toEqual(types.map((_, length) => (length > complete ? 'preview' : 'unknown')));
  });
});
