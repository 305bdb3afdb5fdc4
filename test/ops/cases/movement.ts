/** @file Cases of ops that move elements. */
import { concat, createNode, stack } from '../../../src/graph/index.ts';
import { opCase, values } from '../op-case.ts';

export const movementCases = {
  reshape: [
    opCase('[2, 3, 4] to [6, 4]', [[2, 3, 4]], (x) => x.reshape([6, 4])),
    opCase('[2, 3, 4] to [4, -1]', [[2, 3, 4]], (x) => x.reshape([4, -1])),
    opCase('[1, 1] to a scalar', [[1, 1]], (x) => x.reshape([])),
    opCase('int64', [{ shape: [2, 3], dtype: 'int64' }], (x) => x.reshape([3, 2])),
  ],
  transpose: [
    opCase('[2, 3]', [[2, 3]], (x) => x.transpose()),
    opCase('[2, 3, 4] by [2, 0, 1]', [[2, 3, 4]], (x) => x.transpose([2, 0, 1])),
    opCase('[2, 3, 4] by [0, 2, 1]', [[2, 3, 4]], (x) => x.transpose([0, 2, 1])),
    opCase('[2, 3, 2, 2] by [3, 1, 0, 2]', [[2, 3, 2, 2]], (x) => x.transpose([3, 1, 0, 2])),
    opCase('moving axes of extent 1', [[2, 1, 3]], (x) => x.transpose([1, 0, 2])),
    opCase('bool', [{ shape: [2, 3], dtype: 'bool' }], (x) => x.transpose()),
  ],
  expand: [
    opCase('a scalar to [2, 3]', [[]], (x) => x.expand([2, 3])),
    opCase('[3] to [2, 3]', [[3]], (x) => x.expand([2, 3])),
    opCase('[2, 1, 3] to [2, 4, 3]', [[2, 1, 3]], (x) => x.expand([2, 4, 3])),
    opCase('[1, 2, 1] to [3, 2, 2, 2]', [[1, 2, 1]], (x) => x.expand([3, 2, 2, 2])),
    opCase('int32', [{ shape: [1, 2], dtype: 'int32' }], (x) => x.expand([2, 2])),
  ],
  slice: [
    opCase('a range', [[2, 5]], (x) => x.slice(1, 1, 4)),
    opCase('from the end', [[2, 5]], (x) => x.slice(-1, -3)),
    opCase('step 2', [[7]], (x) => x.slice(0, 0, 7, 2)),
    opCase('step 2, the last one left out', [[6]], (x) => x.slice(0, 1, 6, 2)),
    opCase('step 3, a short last stride', [[3, 8]], (x) => x.slice(1, 2, 8, 3)),
    opCase('a step beyond the end', [[2, 4]], (x) => x.slice(1, 1, 3, 5)),
    opCase('two axes', [[4, 5]], (x) => x.slice(0, 1, 3).slice(1, 0, 5, 2)),
    opCase('both axes at once', [[4, 5, 2]], (x) =>
      createNode('slice', [x], { starts: [1, 0, 0], stops: [4, 5, 2], steps: [2, 3, 1] }),
    ),
    opCase('int64', [{ shape: [6], dtype: 'int64' }], (x) => x.slice(0, 1, 5, 2)),
  ],
  flip: [
    opCase('axis 0', [[3]], (x) => x.flip(0)),
    opCase('axes 0 and 2', [[2, 3, 2]], (x) => x.flip([0, 2])),
    opCase('int32', [{ shape: [2, 3], dtype: 'int32' }], (x) => x.flip(-1)),
  ],
  pad: [
    opCase('zeros', [[2, 3]], (x) =>
      x.pad([
        [1, 0],
        [0, 2],
      ]),
    ),
    opCase('a value', [[2, 3]], (x) =>
      x.pad(
        [
          [1, 1],
          [0, 2],
        ],
        -3.5,
      ),
    ),
    opCase('negative padding crops', [[4, 5]], (x) =>
      x.pad([
        [-1, 0],
        [-2, -1],
      ]),
    ),
    opCase('cropping one side and padding the other', [[4, 3]], (x) =>
      x.pad(
        [
          [-2, 3],
          [1, -1],
        ],
        2,
      ),
    ),
    opCase('int32', [{ shape: [3], dtype: 'int32' }], (x) => x.pad([[1, 2]], 7)),
    opCase('int64', [{ shape: [3], dtype: 'int64' }], (x) => x.pad([[1, 2]])),
  ],
  concat: [
    opCase(
      'axis 0',
      [
        [2, 3],
        [1, 3],
      ],
      (a, b) => concat([a, b]),
    ),
    opCase(
      'the last axis, three of them',
      [
        [2, 3],
        [2, 1],
        [2, 2],
      ],
      (...all) => concat(all, -1),
    ),
    opCase('a tensor with itself', [[2, 2]], (x) => concat([x, x], 1)),
    opCase(
      'stacked',
      [
        [2, 2],
        [2, 2],
      ],
      (a, b) => stack([a, b], 1),
    ),
    opCase(
      'int64',
      [
        { shape: [2], dtype: 'int64' },
        { shape: [3], dtype: 'int64' },
      ],
      (a, b) => concat([a, b]),
    ),
  ],
  gather: [
    opCase('rows', [[4, 3], values([2, 0, 2, 3, 2], 'int64')], (x, i) => x.gather(i)),
    opCase('one row', [[4, 3], { shape: [], dtype: 'int64', values: [1] }], (x, i) => x.gather(i)),
    opCase('a table of indices', [[4, 3], { shape: [2, 2], dtype: 'int64', values: [3, 0, 0, 1] }], (x, i) =>
      x.gather(i),
    ),
    opCase('axis 1', [[2, 4, 2], values([1, 3, 1], 'int64')], (x, i) => x.gather(i, 1)),
    opCase('axis 1, a table of indices', [[2, 4, 2], { shape: [2, 2], dtype: 'int64', values: [3, 0, 0, 1] }], (x, i) =>
      x.gather(i, 1),
    ),
    opCase('the last axis', [[2, 3, 4], values([0, 3, 3], 'int32')], (x, i) => x.gather(i, -1)),
    opCase('negative indices', [[4], values([-1, -4, 0], 'int64')], (x, i) => x.gather(i)),
  ],
  scatterAdd: [
    opCase('rows, some twice', [values([2, 0, 2, 3, 2], 'int64'), [5, 3]], (i, x) =>
      createNode('scatterAdd', [i, x], { size: 4 }),
    ),
    opCase('numbers', [values([1, 1, 0], 'int32'), [3]], (i, x) => createNode('scatterAdd', [i, x], { size: 2 })),
    opCase('a table of indices', [{ shape: [2, 2], dtype: 'int64', values: [3, 0, 0, 1] }, [2, 2, 3]], (i, x) =>
      createNode('scatterAdd', [i, x], { size: 4 }),
    ),
  ],
} as const;
