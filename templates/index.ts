export { bind, bindSeed, checkSeed, setFilenamePrefix } from './bind.js';
export { checkGraph, checkShape, nodeName, titleOf } from './check.js';
export { checkInputs, type InputValue } from './inputs.js';
export { loadTemplate, policyPathOf } from './load.js';
export { hashPolicy, hashRelease } from './release.js';
export { SAFE_NODES } from './safe-nodes.js';
export { closest } from './suggest.js';
export type { Bindings, Graph, GraphNode, InputBinding, InputType, Release, Template } from './types.js';
