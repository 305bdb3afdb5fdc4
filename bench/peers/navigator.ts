/** @file What jax-js reads of a browser: Node has no `navigator` before version 21. Import it before jax-js. */
import { availableParallelism } from 'node:os';

if (!('navigator' in globalThis)) {
  Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: availableParallelism() } });
}
