import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sandboxClip } from '../../stack/sandbox-clip.js';

const FOLDER = join(import.meta.dirname, '../../examples/models/cull/sandbox-clip');

it('the sandbox CLIP reads prompts beside the sandboxes, unless another CLIP is configured', () => {
  expect(sandboxClip({ useModels: { faceBox: 'yunet' } })).toBe(existsSync(FOLDER) ? FOLDER : undefined);
  expect(sandboxClip({ useModels: { clip: '/models/clip' } })).toBeUndefined();
});
