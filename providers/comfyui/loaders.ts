/**
 * Which node classes load models: those may be silent for minutes, on a cold disk, where any other node that says nothing for
 * one has stalled. Loading pictures, sound or text takes no such time.
 */

const NAMES = [/loader/i, /^(download(and|or)?)?load(?!image|video|audio|latent|mask|text|3d|string|json)/i];

/** `loaders`, `advanced/loaders`, `loaders/video_models`, `SomePack/Model Loaders`, ... */
const CATEGORY = /(^|\/)([^/]*\s|model_?)?loaders?(\/|$)/i;

/** By the name of the class: `CheckpointLoaderSimple`, `UnetLoaderGGUF`, `DownloadAndLoadFlorence2Model`, ... */
export const isLoaderClass = (className: string): boolean => NAMES.some((name) => name.test(className));

/** By the category of `/object_info/{class}`, for custom nodes that are named otherwise. */
export const isLoaderCategory = (category: string): boolean => CATEGORY.test(category);
