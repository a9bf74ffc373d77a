import { isDict, type Dict } from '../graph.js';
import type { Profile } from '../profile.js';

const PREVIEWABLE = ['images', 'video', 'audio', '3d', 'text'];
const MODEL_FILE = /\.(obj|fbx|gltf|glb|usdz)$/i;
const TEXT_FILE = /\.(txt|md|json)$/i;

/** What the jobs API tells about a prompt's outputs. */
interface Summary {
  readonly count: number;
  readonly previewable: number;
  readonly preview: Dict | undefined;
}

function nameOf(file: Dict): string {
  return typeof file.filename === 'string' ? file.filename : '';
}

function isPreviewable(file: Dict): boolean {
  if (PREVIEWABLE.includes(String(file.mediaType))) return true;
  if (typeof file.format === 'string' && /^(video|audio)\//.test(file.format)) return true;
  return MODEL_FILE.test(nameOf(file)) || TEXT_FILE.test(nameOf(file));
}

function isText(file: Dict): boolean {
  return file.mediaType === 'text' || TEXT_FILE.test(nameOf(file));
}

/** One output as the jobs API sees it: names of 3D files count as files, other texts as a text to show. */
function normalised(item: unknown, { nodeId, mediaType }: { nodeId: string; mediaType: string }): Dict | undefined {
  if (isDict(item)) return { ...item, nodeId, mediaType: item.mediaType ?? mediaType };
  if (typeof item !== 'string') return undefined;
  if (MODEL_FILE.test(item)) return { filename: item, type: 'output', subfolder: '', nodeId, mediaType: '3d' };
  return mediaType === 'text' ? { content: item, nodeId, mediaType } : undefined;
}

/** Counts a prompt's outputs, and picks the one to show for it: a saved picture before a temporary one, text last. */
export function summary(outputs: Dict, profile: Profile): Summary {
  const files: Dict[] = [];
  for (const [nodeId, output] of Object.entries(outputs)) {
    for (const [mediaType, items] of Object.entries(isDict(output) ? output : {})) {
      for (const item of Array.isArray(items) ? items : []) {
        const file = normalised(item, { nodeId, mediaType });
        if (file) files.push(file);
      }
    }
  }
  const counted = profile.has('textNotCounted') ? files.filter((file) => !('content' in file)) : files;
  const shown = files.filter(isPreviewable);
  const textLast = profile.has('textPreviewLast');
  const best = (file: Dict): number => {
    if (textLast && isText(file)) return 'content' in file ? 3 : 2;
    return file.type === 'output' ? 0 : 1;
  };
  const [preview] = [...shown].sort((a, b) => best(a) - best(b));
  return { count: counted.length, previewable: counted.filter(isPreviewable).length, preview };
}
