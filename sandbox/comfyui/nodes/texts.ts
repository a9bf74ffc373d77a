import { repr } from '../python.js';
import { counted, placeFor, write } from './saving.js';
import { combo, hidden, prefix } from './specs.js';
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
  before: { displayName: 'String', category: 'utils/primitive' },
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
  before: { category: 'utils' },
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
    filename_prefix: prefix('ComfyUI'),
    format: combo(['txt', 'csv', 'md', 'json'], 'txt'),
  }),
  hidden,
  outputs: ['STRING'],
  outputNames: ['text'],
  searchAliases: ['write text'],
  run: async (inputs, run) => {
    const place = await placeFor(text(inputs, 'filename_prefix'), { type: 'output', run });
    const filename = `${place.name}_${counted(place.counter)}.${text(inputs, 'format')}`;
    const file = write(text(inputs, 'text'), { place, filename, type: 'output', run });
    return { outputs: [text(inputs, 'text')], ui: { text: [text(inputs, 'text')], files: [file] } };
  },
};

export const texts: readonly NodeClass[] = [getImageSize, primitiveString, previewAny, saveText];
