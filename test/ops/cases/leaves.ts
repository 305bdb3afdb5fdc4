/** @file Cases of the leaves of a graph. */
import { constant, currentTrace, full, Variable } from '../../../src/graph/index.ts';
import { fromNumbers } from '../../../src/tensor/index.ts';
import { opCase } from '../op-case.ts';

export const leafCases = {
  input: [
    opCase('float32', [[2, 3]], (x) => x),
    opCase('int64', [{ shape: [2], dtype: 'int64' }], (x) => x),
    opCase('the same twice', [[2]], (x) => [x, x]),
  ],
  constant: [
    opCase('numbers', [[2, 2]], (x) =>
      x.mul(
        constant(
          fromNumbers([
            [1, 2],
            [3, 4],
          ]),
        ),
      ),
    ),
    opCase('on its own', [], () => constant(fromNumbers([1, 2, 3]))),
    opCase('one number, repeated', [[2, 2]], (x) => x.add(full([2, 2], 0.5))),
  ],
  variable: [
    opCase('times an input', [[2, 2]], (x) =>
      x.mul(new Variable([2], { name: 'scale', initial: () => fromNumbers([2, -3]) }).value),
    ),
    opCase('zeros at first', [], () => new Variable([3], { name: 'moment' }).value),
  ],
  random: [
    opCase('normal', [[2, 3]], (x) => x.mul(currentTrace().random('normal', [2, 3]))),
    opCase('uniform, drawn twice', [], () => [
      currentTrace().random('uniform', [5]),
      currentTrace().random('uniform', [5]),
    ]),
  ],
} as const;
