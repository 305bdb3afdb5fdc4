/** @file The cases of every op: the compiler asks for an entry when an op is added. */
import type { OpName } from '../../../src/graph/index.ts';
import type { OpCase } from '../op-case.ts';
import { compositeCases } from './composites.ts';
import { elementwiseCases } from './elementwise.ts';
import { leafCases } from './leaves.ts';
import { linearCases } from './linear.ts';
import { movementCases } from './movement.ts';
import { reductionCases } from './reductions.ts';

export const opCases: { readonly [K in OpName]: readonly OpCase[] } = {
  ...leafCases,
  ...elementwiseCases,
  ...reductionCases,
  ...linearCases,
  ...movementCases,
  ...compositeCases,
};

/** Every case with the op it belongs to. */
export const allCases: readonly (readonly [op: OpName, OpCase])[] = Object.entries(opCases).flatMap(([op, cases]) =>
  cases.map((item) => [op as OpName, item] as const),
);
