/** What a ComfyUI is and has: /system_stats, /features, models and the like; and /free. */
import { fieldsOf, listOf, numberOf, textOf, textsOf, type Fields } from '../fields.js';
import { lacksRoute, type Server, type With } from './server.js';

/** Memory in bytes. */
export interface SystemStats {
  system: {
    /** Of ComfyUI, as it says; empty where it does not. */
    version: string;
    os: string;
    pythonVersion: string;
    pytorchVersion: string;
    ramTotal: number;
    ramFree: number;
    /** The command line; it shows paths of that machine. */
    argv: string[];
  };
  /** The first one is the one that draws. */
  devices: Device[];
}

export interface Device {
  name: string;
  /** `cuda`, `cpu`, `mps`, … */
  type: string;
  /** null on a CPU. */
  index: number | null;
  /** On a CPU: of the whole machine. */
  vramTotal: number;
  vramFree: number;
  /** What torch has reserved by now, and of that what is free; not the size of the card. */
  torchVramTotal: number;
  torchVramFree: number;
}

export async function systemStats(to: Server, options: With): Promise<SystemStats> {
  const body = fieldsOf(await to.json('/system_stats', options));
  const system = fieldsOf(body.system);
  const text = (fields: Fields, name: string): string => textOf(fields[name]) ?? '';
  const bytes = (fields: Fields, name: string): number => numberOf(fields[name]) ?? 0;
  return {
    system: {
      version: text(system, 'comfyui_version'),
      os: text(system, 'os'),
      pythonVersion: text(system, 'python_version'),
      pytorchVersion: text(system, 'pytorch_version'),
      ramTotal: bytes(system, 'ram_total'),
      ramFree: bytes(system, 'ram_free'),
      argv: textsOf(system.argv),
    },
    devices: listOf(body.devices)
      .map(fieldsOf)
      .map((device) => ({
        name: text(device, 'name'),
        type: text(device, 'type'),
        index: numberOf(device.index) ?? null,
        vramTotal: bytes(device, 'vram_total'),
        vramFree: bytes(device, 'vram_free'),
        torchVramTotal: bytes(device, 'torch_vram_total'),
        torchVramFree: bytes(device, 'torch_vram_free'),
      })),
  };
}

export interface Features {
  /** Bytes of the largest body it takes; null where it does not say. */
  maxUploadBytes: number | null;
  /** Previews on the websocket can name their node and prompt. */
  supportsPreviewMetadata: boolean;
  /** All it says, by its own names. */
  flags: Fields;
}

export async function features(to: Server, options: With): Promise<Features> {
  const answer = await to.ask('/features', options);
  if (answer.status !== 200 && !lacksRoute(answer)) throw to.unexpected('/features', answer);
  const flags = answer.status === 200 ? fieldsOf(answer.json) : {};
  const maxUploadBytes = numberOf(flags.max_upload_size) ?? null;
  to.known.maxUploadBytes = maxUploadBytes;
  return { maxUploadBytes, supportsPreviewMetadata: flags.supports_preview_metadata === true, flags };
}

/** Names, from one of the routes that answer with a list of them. */
export async function names(to: Server, path: string, options: With): Promise<string[]> {
  return textsOf(await to.json(path, options));
}

export async function modelsIn(to: Server, folder: string, options: With): Promise<string[] | undefined> {
  const path = `/models/${encodeURIComponent(folder)}`;
  const answer = await to.ask(path, options);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200 || !Array.isArray(answer.json)) throw to.unexpected(path, answer);
  return textsOf(answer.json);
}

export interface FreeOptions {
  /** Takes the models out of the GPU's memory. */
  unloadModels?: boolean;
  /** That, and forgets all that was computed: the next prompt starts from nothing. */
  freeMemory?: boolean;
}

export async function free(to: Server, what: FreeOptions, options: With): Promise<void> {
  const { unloadModels = false, freeMemory = false } = what;
  await to.post('/free', { unload_models: unloadModels, free_memory: freeMemory }, options);
}
