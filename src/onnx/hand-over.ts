/** @file Large constants that a run is handed instead of the model holding them: the runtime copies what it finds inside. */
import { byteLength, type NdArray } from '../tensor/index.ts';
import type { ValueName } from './emitter.ts';
import type { OnnxModel, OnnxNode, OnnxValue } from './model.ts';

/** Bytes of constants from which on a model is parted from them; models below keep what the runtime makes of constants it knows. */
export const HAND_OVER_FROM = 2 ** 29;

/** Smaller constants stay: hardly a byte is saved by each. */
const LEAST_BYTES = 2 ** 16;

/** A model, and constants to feed it. */
export interface PartedModel {
  readonly model: OnnxModel;
  readonly constants: ReadonlyMap<ValueName, NdArray>;
}

/**
 * Makes the large constants of `model` inputs, when all of its constants are `from` bytes or more. What only constants decide
 * stays inside, with the constants that it reads: the runtime computes it once.
 */
export function handOverConstants(model: OnnxModel, from = HAND_OVER_FROM, least = LEAST_BYTES): PartedModel {
  const total = [...model.initializers.values()].reduce((sum, array) => sum + byteLength(array), 0);
  if (total < from) return { model, constants: new Map() };
  const folded = readByFolded(model.nodes, model.initializers);
  const results = new Set(model.outputs.map(({ name }) => name));
  const isHandedOver = ([name, array]: readonly [ValueName, NdArray]): boolean =>
    array.dtype === 'float32' && byteLength(array) >= least && !folded.has(name) && !results.has(name);
  const constants = new Map([...model.initializers].filter(isHandedOver));
  const inputs: OnnxValue[] = [...constants].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  return {
    model: {
      ...model,
      initializers: new Map([...model.initializers].filter(([name]) => !constants.has(name))),
      inputs: [...model.inputs, ...inputs],
    },
    constants,
  };
}

/** What nodes read that have constants alone to read. `nodes` come in an order in which they can run. */
function readByFolded(
  nodes: readonly OnnxNode[],
  initializers: ReadonlyMap<ValueName, NdArray>,
): ReadonlySet<ValueName> {
  const known = new Set(initializers.keys());
  const read = new Set<ValueName>();
  for (const { inputs, outputs } of nodes) {
    const given = inputs.filter((name) => name !== '');
    if (!given.every((name) => known.has(name))) continue;
    for (const name of given) read.add(name);
    for (const name of outputs) known.add(name);
  }
  return read;
}
