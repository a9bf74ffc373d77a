/** The scorers that are always there: one line each. */
export { aesthetic } from './generic/aesthetic.js';
export { alignment } from './generic/alignment.js';
export { artifacts } from './generic/artifacts.js';
export { colourCast } from './generic/colourCast.js';
export { composition } from './generic/composition.js';
export { compression } from './generic/compression.js';
export { contrast } from './generic/contrast.js';
export { exposure } from './generic/exposure.js';
export { fingerprint } from './generic/fingerprint.js';
export { noise } from './generic/noise.js';
export { resolution } from './generic/resolution.js';
export { sharpness } from './generic/sharpness.js';
export { background } from './useCase/background.js';
export { product } from './useCase/product.js';
export { productBackground } from './useCase/productBackground.js';
export { productColour } from './useCase/productColour.js';
export { garment } from './useCase/garment.js';
