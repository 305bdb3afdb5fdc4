/** @file The shape rule of every op: from input types and attributes to output types, with the errors a user can cause. */
import { elementwiseShapes } from './elementwise.ts';
import { movementShapes } from './movement.ts';
import { productShapes } from './products.ts';
import { reductionShapes } from './reductions.ts';
import { one, type ShapeRules } from './rule.ts';
import { windowShapes } from './windows.ts';

export { formatType, type TensorType } from './rule.ts';

/** One rule per op. */
export const shapeRules: ShapeRules = {
  input: (_, { shape, dtype }) => one(shape, dtype),
  constant: (_, { value }) => one(value.shape, value.dtype),
  variable: (_, { variable }) => one(variable.shape, variable.dtype),
  random: (_, { shape }) => one(shape, 'float32'),
  ...elementwiseShapes,
  ...reductionShapes,
  ...productShapes,
  ...windowShapes,
  ...movementShapes,
};
