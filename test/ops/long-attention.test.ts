/** @file Attention whose weights are never kept whole, against the reference engine. */
import { afterAll, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { attention, input, type Tensor, trace } from '../../src/graph/index.ts';
import { lower, type OnnxTarget } from '../../src/onnx/index.ts';
import { createHost } from '../../src/runtime/host-settings.node.ts';
import { OnnxEngine } from '../../src/runtime/index.ts';
import { expectReferenceValues } from './engines.ts';
import { opCase } from './op-case.ts';

const target: OnnxTarget = { provider: 'cpu', longAttention: 1 };
const engine = new OnnxEngine(await createHost({ device: 'cpu', threads: 2, profile: undefined }), target);
afterAll(() => engine.dispose());

const attend =
  (options: Parameters<typeof attention>[3]) =>
  (q: Tensor, k: Tensor, v: Tensor): Tensor =>
    attention(q, k, v, options);
const CASES: readonly [
  name: string,
  inputs: Parameters<typeof opCase>[1],
  options?: Parameters<typeof attention>[3],
][] = [
  [
    'one head',
    [
      [2, 5, 4],
      [2, 7, 4],
      [2, 7, 3],
    ],
  ],
  [
    'channels that the runtime has no fast kernel for',
    [
      [2, 2, 33, 50],
      [2, 2, 9, 50],
      [2, 2, 9, 49],
    ],
  ],
  [
    'the same, channels first, in parts',
    [
      [2, 50, 600],
      [2, 50, 3],
      [2, 20, 3],
    ],
    { channelsFirst: true },
  ],
  [
    'no batch',
    [
      [5, 4],
      [7, 4],
      [7, 4],
    ],
  ],
  [
    'heads',
    [
      [2, 3, 6, 4],
      [2, 3, 5, 4],
      [2, 3, 5, 4],
    ],
  ],
  [
    'queries in two parts',
    [
      [2, 300, 4],
      [2, 9, 4],
      [2, 9, 4],
    ],
  ],
  [
    'queries in parts that they do not fill',
    [
      [2, 515, 3],
      [2, 4, 3],
      [2, 4, 5],
    ],
  ],
  [
    'a scale of its own',
    [
      [3, 4],
      [5, 4],
      [5, 4],
    ],
    { scale: 0.3 },
  ],
  [
    'channels first',
    [
      [2, 2, 4, 6],
      [2, 2, 4, 5],
      [2, 2, 3, 5],
    ],
    { channelsFirst: true },
  ],
  [
    'channels first, in parts',
    [
      [2, 4, 301],
      [2, 4, 20],
      [2, 4, 20],
    ],
    { channelsFirst: true, scale: 1 },
  ],
];

test.each(CASES)('%s', async (name, inputs, options = {}) => {
  await expectReferenceValues([engine], opCase(name, inputs, attend(options)));
});

test('the same tensor for queries, keys and values', async () => {
  await expectReferenceValues(
    [engine],
    opCase('self-attention', [[2, 300, 4]], (x) => attention(x, x, x)),
  );
});

test('weights of all queries are in no value of a long attention', () => {
  const graph = trace(() => {
    const [q, k, v] = ['q', 'k', 'v'].map((name) => input(name, [1, 4096, 16])) as [Tensor, Tensor, Tensor];
    const y = attention(q, k, v);
    const [dq, dk, dv] = gradients(y.square().sum(), [q, k, v]) as [Tensor, Tensor, Tensor];
    return { y, dq, dk, dv };
  });
  const types = (longAttention?: number): string[] =>
    lower(graph, { provider: 'cpu', ...(longAttention !== undefined && { longAttention }) }).model.nodes.map(
      ({ opType }) => opType,
    );
  expect(types()).not.toContain('Softmax');
  expect(types()).toEqual(expect.arrayContaining(['MultiHeadAttention', 'Scan']));
  expect(types(2 ** 30)).toEqual(expect.arrayContaining(['Softmax']));
  expect(types(2 ** 30)).not.toContain('Scan');
});
