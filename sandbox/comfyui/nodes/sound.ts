import { counted, placeFor, write } from './saving.js';
import { combo, hidden, prefix } from './specs.js';
import { flac, mp3 } from './stand-ins.js';
import type { NodeClass } from './types.js';
import { linked, number, text } from './values.js';

interface Audio {
  readonly sampleRate: number;
  readonly channels: number;
}

const emptyAudio: NodeClass = {
  name: 'EmptyAudio',
  displayName: 'Empty Audio',
  category: 'audio',
  module: 'comfy_extras.nodes_audio',
  modern: true,
  inputs: () => ({
    duration: ['FLOAT', { tooltip: 'Seconds.', default: 60, min: 0, max: 1e9, step: 0.01 }],
    sample_rate: ['INT', { tooltip: 'Samples a second.', advanced: true, default: 44100, min: 1, max: 192000 }],
    channels: ['INT', { tooltip: 'Channels.', advanced: true, default: 2, min: 1, max: 2 }],
  }),
  outputs: ['AUDIO'],
  searchAliases: ['blank audio'],
  run: (inputs) => {
    const audio: Audio = { sampleRate: number(inputs, 'sample_rate'), channels: number(inputs, 'channels') };
    return Promise.resolve({ outputs: [audio] });
  },
};

const previewName = `ComfyUI_temp_${Array.from({ length: 5 }, () => 'abcdefghijklmnopqrstuvwxyz'[Math.floor(Math.random() * 26)]).join('')}`;

/** A node that writes sound: to the output folder under a prefix, or to the temporary one under a name of its own. */
function audioSink(
  about: Pick<NodeClass, 'name' | 'displayName' | 'searchAliases'> & {
    essentials?: string;
    inputs: NodeClass['inputs'];
  },
  { type, extension }: { type: 'output' | 'temp'; extension: 'flac' | 'mp3' },
): NodeClass {
  return {
    ...about,
    category: 'audio',
    module: 'comfy_extras.nodes_audio',
    modern: true,
    isOutput: true,
    hidden,
    outputs: ['AUDIO'],
    outputNames: ['audio'],
    run: async (inputs, run) => {
      const audio = linked<Audio>(inputs, 'audio');
      const place = await placeFor(type === 'temp' ? previewName : text(inputs, 'filename_prefix'), { type, run });
      const end = run.world.profile.has('audioNames') ? '' : '_';
      const filename = `${place.name}_${counted(place.counter)}${end}.${extension}`;
      const bytes = extension === 'mp3' ? mp3() : flac(audio);
      return { outputs: [audio], ui: { audio: [write(bytes, { place, filename, type, run })] } };
    },
  };
}

const saveAudio = audioSink(
  {
    name: 'SaveAudio',
    displayName: 'Save Audio (FLAC)',
    searchAliases: ['export flac'],
    essentials: 'Audio',
    inputs: () => ({ audio: ['AUDIO', {}], filename_prefix: prefix('audio/ComfyUI') }),
  },
  { type: 'output', extension: 'flac' },
);

const saveAudioMp3 = audioSink(
  {
    name: 'SaveAudioMP3',
    displayName: 'Save Audio (MP3)',
    searchAliases: ['export mp3'],
    essentials: 'Audio',
    inputs: () => ({
      audio: ['AUDIO', {}],
      filename_prefix: prefix('audio/ComfyUI'),
      quality: combo(['V0', '128k', '320k'], 'V0'),
    }),
  },
  { type: 'output', extension: 'mp3' },
);

const previewAudio = audioSink(
  {
    name: 'PreviewAudio',
    displayName: 'Preview Audio',
    searchAliases: ['play audio'],
    inputs: () => ({ audio: ['AUDIO', {}] }),
  },
  { type: 'temp', extension: 'flac' },
);

export const sound: readonly NodeClass[] = [emptyAudio, saveAudio, saveAudioMp3, previewAudio];
