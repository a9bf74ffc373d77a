import { conformance } from './conformance.js';

conformance('a module', () => Promise.resolve({ specifier: './examples/scorers/module/saturation.js' }));
