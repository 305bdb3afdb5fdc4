/** @file Cases of reductions, scans and picks along an axis. */
import { createNode, type ReduceOp } from '../../../src/graph/index.ts';
import { type InputSpec, type OpCase, opCase, values } from '../op-case.ts';

/** The op over every choice of axes that a lowering might treat on its own. */
function reduction(op: ReduceOp, ...more: OpCase[]): OpCase[] {
  const choices: [number[], number[]][] = [
    [[], []],
    [[5], [0]],
    [[2, 3, 4], []],
    [
      [2, 3, 4],
      [0, 1, 2],
    ],
    [[2, 3, 4], [0]],
    [[2, 3, 4], [1]],
    [[2, 3, 4], [2]],
    [
      [2, 3, 4],
      [0, 1],
    ],
    [
      [2, 3, 4],
      [0, 2],
    ],
    [
      [2, 3, 4],
      [1, 2],
    ],
    [
      [2, 3, 2, 2],
      [0, 2, 3],
    ],
    [
      [2, 3, 2, 2],
      [2, 3],
    ],
    [
      [2, 3, 2, 2],
      [1, 3],
    ],
    [
      [1, 3, 1],
      [0, 2],
    ],
  ];
  const cases = choices.flatMap(([shape, axes]) =>
    [false, true].map((keepDims) =>
      opCase(`[${shape}] over [${axes}]${keepDims ? ', axes kept' : ''}`, [shape], (x) =>
        createNode(op, [x], { axes, keepDims }),
      ),
    ),
  );
  return [...cases, ...more];
}

const integers = (op: ReduceOp, spec: Omit<InputSpec, 'shape'>): OpCase =>
  opCase(`${spec.dtype}[2, 3] over 1`, [{ shape: [2, 3], ...spec }], (x) =>
    createNode(op, [x], { axes: [1], keepDims: false }),
  );

const ties = (op: 'max' | 'min'): OpCase =>
  opCase('ties', [values([1, 3, 3, -2, -2])], (x) => createNode(op, [x], { axes: [0], keepDims: false }), { wrt: [] });

const arg = (op: 'argMax' | 'argMin'): OpCase[] => [
  ...[0, 1, 2].flatMap((axis) =>
    [false, true].map((keepDims) =>
      opCase(`axis ${axis}${keepDims ? ', kept' : ''}`, [[2, 3, 4]], (x) => createNode(op, [x], { axis, keepDims }), {
        wrt: [],
      }),
    ),
  ),
  opCase('the first of equals', [values([1, 3, 3, 1])], (x) => createNode(op, [x], { axis: 0, keepDims: false }), {
    wrt: [],
  }),
];

export const reductionCases = {
  sum: reduction('sum', integers('sum', { dtype: 'int32' }), integers('sum', { dtype: 'int64' })),
  mean: reduction('mean'),
  max: reduction('max', ties('max'), integers('max', { dtype: 'int32' }), integers('max', { dtype: 'int64' })),
  min: reduction('min', ties('min'), integers('min', { dtype: 'int32' }), integers('min', { dtype: 'int64' })),
  prod: reduction(
    'prod',
    integers('prod', { dtype: 'int32' }),
    opCase('one zero', [values([2, 0, -3])], (x) => x.prod()),
    opCase('two zeros', [values([2, 0, -3, 0])], (x) => x.prod()),
    opCase('rows with none, one and two zeros', [{ shape: [3, 3], values: [1, 2, 3, 0, 2, 3, 0, 0, 3] }], (x) =>
      x.prod({ axes: 1 }),
    ),
  ),
  argMax: arg('argMax'),
  argMin: arg('argMin'),
  cumSum: [0, 1, 2].flatMap((axis) =>
    [false, true].flatMap((exclusive) =>
      [false, true].map((reverse) =>
        opCase(`axis ${axis}${exclusive ? ', exclusive' : ''}${reverse ? ', reverse' : ''}`, [[2, 3, 4]], (x) =>
          x.cumSum({ axis, exclusive, reverse }),
        ),
      ),
    ),
  ),
  topK: [
    ...[0, 1, 2].flatMap((axis) =>
      [true, false].flatMap((largest) =>
        [1, 2].map((k) =>
          opCase(`the ${k} ${largest ? 'largest' : 'smallest'} of axis ${axis}`, [[2, 3, 4]], (x) => {
            const { values: picked, indices } = x.topK(k, { axis, largest });
            return [picked, indices];
          }),
        ),
      ),
    ),
    opCase('all of them', [[5]], (x) => x.topK(5).values),
  ],
  oneHot: [
    opCase('int64, some out of range', [values([2, 0, -1, 3, 1], 'int64')], (x) => x.oneHot(3)),
    opCase('int32[2, 2] into int32', [{ shape: [2, 2], dtype: 'int32', range: [0, 4] }], (x) => x.oneHot(4, 'int32')),
  ],
} as const;
