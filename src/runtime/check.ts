/** @file Checks of what users hand to programs and variables. */
import { formatType, type Graph, type Variable } from '../graph/index.ts';
import { ConfigError, DtypeError, type NdArray, ShapeError, sameShape } from '../tensor/index.ts';

/** Throws unless `inputs` are exactly what `graph` declares. */
export function checkInputs(graph: Graph, inputs: Readonly<Record<string, NdArray>>): void {
  for (const [name, tensor] of graph.inputs) {
    const given = inputs[name];
    if (!given) {
      throw new ConfigError(`input '${name}' is missing`, `pass { ${name}: … } of type ${formatType(tensor)} to run()`);
    }
    if (given.dtype !== tensor.dtype) {
      throw new DtypeError(`input '${name}' must be ${formatType(tensor)}, got ${formatType(given)}`);
    }
    if (!sameShape(given.shape, tensor.shape)) {
      throw new ShapeError(
        `input '${name}' must be ${formatType(tensor)}, got ${formatType(given)}`,
        'shapes are fixed when the program is compiled; compile another one for this shape',
      );
    }
  }
  for (const name of Object.keys(inputs)) {
    if (!graph.inputs.has(name)) {
      throw new ConfigError(
        `there is no input '${name}'`,
        `the inputs are: ${[...graph.inputs.keys()].join(', ') || 'none'}`,
      );
    }
  }
}

/** Throws unless `value` fits `variable`. */
export function checkValue(variable: Variable, value: NdArray): void {
  if (!sameShape(variable.shape, value.shape)) {
    throw new ShapeError(`variable '${variable.name}' is ${formatType(variable)}, got ${formatType(value)}`);
  }
  if (variable.dtype !== value.dtype) {
    throw new DtypeError(`variable '${variable.name}' is ${formatType(variable)}, got ${formatType(value)}`);
  }
}
