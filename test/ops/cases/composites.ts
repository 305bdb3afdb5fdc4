/** @file Cases of composite ops: activations, normalisation and attention. */
import { attention, createNode, createOutputs, groupNorm, layerNorm, type Tensor } from '../../../src/graph/index.ts';
import { type OpCase, opCase, values } from '../op-case.ts';

const FAR = [-80, -30, -5, 0, 5, 30, 80];

/** An activation on a scalar and a tensor, and far from zero. */
function activation(apply: (x: Tensor) => Tensor, note = ''): OpCase[] {
  return [
    opCase(`a scalar${note}`, [[]], apply),
    opCase(`[2, 3, 4]${note}`, [{ shape: [2, 3, 4], range: [-4, 4] }], apply),
    opCase(`far from zero${note}`, [values(FAR)], apply, { wrt: [] }),
  ];
}

const alongAxis = (apply: (x: Tensor, axis: number) => Tensor): OpCase[] => [
  ...[0, 1, 2].map((axis) => opCase(`axis ${axis} of [2, 3, 4]`, [[2, 3, 4]], (x) => apply(x, axis))),
  opCase('an axis of extent 1', [[3, 1]], (x) => apply(x, 1)),
  opCase('far apart', [{ shape: [2, 3], range: [-300, 300] }], (x) => apply(x, 1), { wrt: [] }),
];

export const compositeCases = {
  silu: activation((x) => x.silu()),
  // inputs: x, silu(x), dy
  siluGrad: [
    opCase('[2, 3]', [{ shape: [2, 3], range: [-4, 4] }, [2, 3]], (x, dy) =>
      createNode('siluGrad', [x, x.silu(), dy], {}),
    ),
    opCase(
      'three tensors',
      [
        [2, 3],
        [2, 3],
        [2, 3],
      ],
      (...inputs) => createNode('siluGrad', inputs, {}),
    ),
    opCase(
      'far from zero',
      [values(FAR), values(FAR.map(() => 1))],
      (x, dy) => createNode('siluGrad', [x, x.silu(), dy], {}),
      { wrt: [] },
    ),
  ],
  gelu: [...activation((x) => x.gelu()), ...activation((x) => x.gelu({ approximate: 'tanh' }), ', by tanh')],
  softplus: activation((x) => x.softplus()),
  softmax: alongAxis((x, axis) => x.softmax(axis)),
  logSoftmax: alongAxis((x, axis) => x.logSoftmax(axis)),
  normalize: [0, 1, 2].flatMap((axis) => [
    opCase(`from axis ${axis}`, [[2, 3, 4]], (x) => layerNorm(x, { axis })),
    opCase(`from axis ${axis}, with its statistics`, [[2, 3, 4]], (x) =>
      createOutputs('normalize', [x], { axis, epsilon: 1e-3 }),
    ),
  ]),
  groupNorm: [
    opCase('[2, 4, 3, 3] in 2 groups', [[2, 4, 3, 3], [4], [4]], (x, gamma, beta) => groupNorm(x, 2, gamma, beta)),
    opCase('one group', [[2, 3, 4], [3], [3]], (x, gamma, beta) => groupNorm(x, 1, gamma, beta)),
    opCase('a group per channel', [[2, 3, 2, 2], [3], [3]], (x, gamma, beta) => groupNorm(x, 3, gamma, beta)),
    opCase('no spatial axes', [[3, 6], [6], [6]], (x, gamma, beta) => groupNorm(x, 2, gamma, beta, 1e-2)),
    opCase('with its statistics', [[2, 4, 3], [4], [4]], (x, gamma, beta) =>
      createOutputs('groupNorm', [x, gamma, beta], { groups: 2, epsilon: 1e-3 }),
    ),
    opCase(
      'its statistics alone',
      [[2, 4, 3], [4], [4]],
      (x, gamma, beta) => createOutputs('groupNorm', [x, gamma, beta], { groups: 2, epsilon: 1e-3 }).slice(1),
      { wrt: [0] },
    ),
  ],
  // inputs: x, dy, gamma, mean, 1 / standard deviation
  groupNormGrad: [
    opCase('[2, 4, 3, 3] in 2 groups', [[2, 4, 3, 3], [2, 4, 3, 3], [4]], (x, dy, gamma) => {
      const [, ...stats] = createOutputs('groupNorm', [x, gamma, gamma], { groups: 2, epsilon: 1e-3 });
      return createOutputs('groupNormGrad', [x, dy, gamma, ...stats], { groups: 2 });
    }),
    opCase('five tensors', [[2, 6, 4], [2, 6, 4], [6], [2, 3], [2, 3]], (...inputs) =>
      createOutputs('groupNormGrad', inputs, { groups: 3 }),
    ),
    opCase('no spatial axes', [[3, 4], [3, 4], [4], [3, 2], [3, 2]], (...inputs) =>
      createOutputs('groupNormGrad', inputs, { groups: 2 }),
    ),
    opCase('pictures', [[3, 16, 3, 2], [3, 16, 3, 2], [16], [3, 4], [3, 4]], (...inputs) =>
      createOutputs('groupNormGrad', inputs, { groups: 4 }),
    ),
  ],
  detach: [opCase('a tensor', [[2, 3]], (x) => createNode('detach', [x], {}).mul(x), { wrt: [] })],
  rmsNormalize: [0, 1, 2].map((axis) =>
    opCase(`from axis ${axis}`, [[2, 3, 4]], (x) => createNode('rmsNormalize', [x], { axis, epsilon: 1e-3 })),
  ),
  attention: [
    opCase(
      '[3, 2] to [4, 2]',
      [
        [3, 2],
        [4, 2],
        [4, 5],
      ],
      (q, k, v) => attention(q, k, v),
    ),
    opCase(
      'a batch',
      [
        [2, 3, 2],
        [2, 4, 2],
        [2, 4, 3],
      ],
      (q, k, v) => attention(q, k, v),
    ),
    opCase(
      'a batch of heads',
      [
        [2, 2, 3, 2],
        [2, 2, 3, 2],
        [2, 2, 3, 2],
      ],
      (q, k, v) => attention(q, k, v),
    ),
    opCase(
      'a scale of its own',
      [
        [2, 3, 2],
        [2, 3, 2],
        [2, 3, 2],
      ],
      (q, k, v) => attention(q, k, v, { scale: 0.3 }),
    ),
    opCase('self-attention', [[2, 3, 4]], (x) => attention(x, x, x)),
    opCase(
      'channels first',
      [
        [2, 2, 4, 3],
        [2, 2, 4, 5],
        [2, 2, 2, 5],
      ],
      (q, k, v) => attention(q, k, v, { channelsFirst: true }),
    ),
  ],
  // inputs: q, k, v, y, dy
  attentionGrad: [
    opCase(
      '[3, 2] to [4, 2]',
      [
        [3, 2],
        [4, 2],
        [4, 5],
        [3, 5],
        [3, 5],
      ],
      (...inputs) => createOutputs('attentionGrad', inputs, { scale: 0.5, channelsFirst: false }),
    ),
    opCase(
      'channels first',
      [
        [2, 2, 3],
        [2, 2, 4],
        [2, 5, 4],
        [2, 5, 3],
        [2, 5, 3],
      ],
      (...inputs) => createOutputs('attentionGrad', inputs, { scale: 1, channelsFirst: true }),
    ),
  ],
} as const;
