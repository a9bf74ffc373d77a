import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PythonError } from '../graph.js';
import { repr } from '../python.js';
import type { NodeClass } from './types.js';
import { linked, text, type Images } from './values.js';

const getImageSize: NodeClass = {
  name: 'GetImageSize',
  displayName: 'Get Image Size',
  category: 'image',
  module: 'comfy_extras.nodes_images',
  modern: true,
  inputs: () => ({ image: ['IMAGE', {}] }),
  hidden: { unique_id: 'UNIQUE_ID' },
  outputs: ['INT', 'INT', 'INT'],
  outputNames: ['width', 'height', 'batch_size'],
  searchAliases: ['dimensions'],
  run: (inputs, run) => {
    const images = linked<Images>(inputs, 'image');
    const [width, height] = [images[0]?.width ?? 0, images[0]?.height ?? 0];
    run.sendText(`width: ${width}, height: ${height}\n batch size: ${images.length}`);
    return Promise.resolve({ outputs: [width, height, images.length] });
  },
};

const primitiveString: NodeClass = {
  name: 'PrimitiveString',
  displayName: 'Text',
  category: 'utilities/primitive',
  module: 'comfy_extras.nodes_primitive',
  modern: true,
  inputs: () => ({ value: ['STRING', { multiline: false }] }),
  outputs: ['STRING'],
  searchAliases: ['text'],
  run: (inputs) => Promise.resolve({ outputs: [text(inputs, 'value')] }),
};

/** A value as text: numbers and texts as they are; of pictures and the like only that they are there. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null ? 'tensor(...)' : repr(value);
}

const previewAny: NodeClass = {
  name: 'PreviewAny',
  displayName: 'Preview as Text',
  description: 'Shows a value as text.',
  category: 'utilities',
  module: 'comfy_extras.nodes_preview_any',
  isOutput: true,
  inputs: () => ({ source: ['*', {}] }),
  outputs: ['STRING'],
  searchAliases: ['show text'],
  run: ({ source }) => Promise.resolve({ outputs: [shown(source)], ui: { text: [shown(source)] } }),
};

const saveText: NodeClass = {
  name: 'SaveText',
  displayName: 'Save Text',
  description: 'Saves text to a file.',
  category: 'text',
  module: 'comfy_extras.nodes_text',
  modern: true,
  since: 'saveText',
  isOutput: true,
  inputs: () => ({
    text: ['STRING', { forceInput: true, multiline: false }],
    filename_prefix: ['STRING', { default: 'ComfyUI', multiline: false }],
    format: ['COMBO', { default: 'txt', multiselect: false, options: ['txt', 'csv', 'md', 'json'] }],
  }),
  hidden: { prompt: 'PROMPT', extra_pnginfo: 'EXTRA_PNGINFO' },
  outputs: ['STRING'],
  outputNames: ['text'],
  searchAliases: ['write text'],
  run: async (inputs, run) => {
    const place = await run.world.folders.place('output', text(inputs, 'filename_prefix'));
    if (!place) throw new PythonError('Exception', 'Saving outside the output folder is not allowed.');
    const filename = `${place.name}_${String(place.counter).padStart(5, '0')}.${text(inputs, 'format')}`;
    writeFileSync(join(place.folder, filename), text(inputs, 'text'));
    run.world.ledger.saved(run.promptId);
    const file = { filename, subfolder: place.subfolder, type: 'output' };
    return { outputs: [text(inputs, 'text')], ui: { text: [text(inputs, 'text')], files: [file] } };
  },
};

export const texts: readonly NodeClass[] = [getImageSize, primitiveString, previewAny, saveText];
