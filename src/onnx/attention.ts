/**
 * @file Attention over many tokens in memory linear in their number: the weights are never there whole.
 *
 * They are computed for some queries at a time, head by head, and again for the gradients. Where heads have few channels,
 * the forward pass is ONNX Runtime's own kernel, which keeps running maxima and sums over blocks of keys (Dao et al. 2022).
 */
import type { NodeOf } from '../graph/index.ts';
import { type Shape, sizeOf } from '../tensor/index.ts';
import type { Emitter, Shaped, ValueName } from './emitter.ts';
import { fusedProduct } from './matmul.ts';
import type { OnnxTarget } from './target.ts';

/** The target's `longAttention` where it names none: 32 MB of weights. */
const LONG = 2 ** 23;

/** Channels of a head up to which ONNX Runtime's kernel is faster than products of its blocks. */
const FEW_CHANNELS = 48;

type AttentionNode = NodeOf<'attention'> | NodeOf<'attentionGrad'>;

/** `heads`: those of the whole batch. `channels` are of queries and keys, `features` of values. */
interface Extents {
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly channels: number;
  readonly features: number;
  readonly channelsFirst: boolean;
}

function extentsOf({ inputs: [q, k, v], attrs: { channelsFirst } }: AttentionNode): Extents {
  const [token, channel] = channelsFirst ? [-1, -2] : [-2, -1];
  const { shape } = q!;
  return {
    heads: sizeOf(shape.slice(0, -2)),
    queries: shape.at(token)!,
    keys: k!.shape.at(token)!,
    channels: shape.at(channel)!,
    features: v!.shape.at(channel)!,
    channelsFirst,
  };
}

/** Whether the weights of an attention are too many to keep, and the target can do without. */
export function isLongAttention(node: AttentionNode, { provider, longAttention = LONG }: OnnxTarget): boolean {
  const { heads, queries, keys } = extentsOf(node);
  return provider === 'cpu' && node.inputs[0]!.dtype === 'float32' && heads * queries * keys >= longAttention;
}

/**
 * Queries whose weights are there at a time: more make larger products, which pay with many channels; fewer stay in the cache.
 * At most 32 MB of weights.
 */
function queriesAtATime({ channels, keys }: Extents): number {
  const wanted = Math.min(Math.max(8 * channels, 256), 1024);
  return Math.max(16, Math.min(wanted, Math.floor(2 ** 23 / keys)));
}

/** An operand of the layout of the op as [heads, tokens, channels], or the other way round. */
function perHead(x: ValueName, tokens: number, channels: number, { heads, channelsFirst }: Extents, emitter: Emitter) {
  return emitter.reshape(x, channelsFirst ? [heads, channels, tokens] : [heads, tokens, channels]);
}

/** An operand of the layout of the op as [heads, tokens, channels]. */
function tokensFirst(x: ValueName, tokens: number, channels: number, extents: Extents, emitter: Emitter): ValueName {
  const own = perHead(x, tokens, channels, extents, emitter);
  return extents.channelsFirst ? emitter.transpose(own, [0, 2, 1]) : own;
}

/** The attention weights of some queries: [queries, keys]. */
function weightsOf(q: ValueName, k: ValueName, { channelsFirst }: Extents, emitter: Emitter): ValueName {
  return emitter.emit('Softmax', [fusedProduct(q, k, { b: !channelsFirst }, emitter)], { axis: 1 });
}

/** Operands and results of work on some queries at a time. */
interface QueryWork {
  /** [heads, queries, …]: the work gets some rows. */
  readonly ofQueries: readonly Shaped[];
  /** [heads, …]: the work gets all of one head. */
  readonly ofHeads: readonly Shaped[];
  /** Width of the row of results that each query gets. */
  readonly columns: number;
  /** Shapes of sums over the queries of a head: the work adds to them. */
  readonly sums: readonly Shape[];
}

/** What becomes of some queries, or of all: a row for each, and the sums. */
interface QueryResults {
  readonly rows: ValueName;
  readonly sums: readonly ValueName[];
}

/** Does `body` for some queries of one head after the other; returns rows [heads, queries, columns] and sums [heads, …]. */
function overQueries(
  extents: Extents,
  { ofQueries, ofHeads, columns, sums }: QueryWork,
  body: (
    part: Emitter,
    rows: readonly ValueName[],
    whole: readonly ValueName[],
    sums: readonly ValueName[],
  ) => QueryResults,
  emitter: Emitter,
): QueryResults {
  const { heads, queries } = extents;
  const parts = Math.ceil(queries / queriesAtATime(extents));
  const atATime = Math.ceil(queries / parts);
  const missing = parts * atATime - queries;
  // rows of zeros fill the last part: zero queries with zero gradients add nothing to sums
  const filled = ({ name, shape }: Shaped): Shaped => ({
    name:
      missing === 0
        ? name
        : emitter.pad(name, [
            [0, 0],
            [0, missing],
            [0, 0],
          ]),
    shape: [heads, parts * atATime, shape[2]!],
  });
  const zeros = sums.map((shape) => ({
    name: emitter.emit('Expand', [emitter.scalar(0), emitter.ints(shape)]),
    shape,
  }));
  const sequences = [...ofQueries.map(filled), ...ofHeads];
  const { results } = emitter.scan({ initial: [], sequences }, (head, _, elements) => {
    const whole = elements.slice(ofQueries.length);
    const inParts = ofQueries.map(({ shape }, i) => {
      const split = [parts, atATime, shape[2]!];
      return { name: head.reshape(elements[i]!, split), shape: split };
    });
    const ofHead = head.scan({ initial: zeros, sequences: inParts }, (part, before, rows) => {
      const done = body(part, rows, whole, before);
      return { state: done.sums, results: [{ name: done.rows, shape: [atATime, columns] }] };
    });
    const rows = { name: ofHead.results[0]!, shape: [parts, atATime, columns] };
    return { state: [], results: [rows, ...ofHead.state.map((name, i) => ({ name, shape: sums[i]! }))] };
  });
  const [all, ...totals] = results;
  const joined = emitter.reshape(all!, [heads, parts * atATime, columns]);
  return { rows: missing === 0 ? joined : emitter.slice(joined, [1], [0], [queries]), sums: totals };
}

export function lowerAttention(
  node: NodeOf<'attention'>,
  [q, k, v]: readonly ValueName[],
  emitter: Emitter,
): ValueName {
  const { scale, channelsFirst } = node.attrs;
  const extents = extentsOf(node);
  const { heads, queries, keys, channels, features } = extents;
  const turned = (y: ValueName): ValueName =>
    emitter.reshape(channelsFirst ? emitter.transpose(y, [0, 2, 1]) : y, node.outputs[0]!.shape);
  if (channels <= FEW_CHANNELS) {
    const inputs = [
      tokensFirst(q!, queries, channels, extents, emitter),
      tokensFirst(k!, keys, channels, extents, emitter),
      tokensFirst(v!, keys, features, extents, emitter),
    ];
    const attributes = { num_heads: 1, scale: { float: scale } };
    return turned(emitter.emit('MultiHeadAttention', inputs, attributes, { domain: 'com.microsoft' }));
  }
  const { rows } = overQueries(
    extents,
    {
      ofQueries: [{ name: scaledQueries(q!, scale, extents, emitter), shape: [heads, queries, channels] }],
      ofHeads: [ofKeys(k!, channels, extents, emitter), ofKeys(v!, features, extents, emitter)],
      columns: features,
      sums: [],
    },
    (part, [partQ], [headK, headV]) => {
      const weights = weightsOf(partQ!, headK!, extents, part);
      return { rows: fusedProduct(weights, headV!, { b: channelsFirst }, part), sums: [] };
    },
    emitter,
  );
  return turned(rows);
}

function scaledQueries(q: ValueName, scale: number, extents: Extents, emitter: Emitter): ValueName {
  const scaled = scale === 1 ? q : emitter.emit('Mul', [q, emitter.scalar(scale)]);
  return tokensFirst(scaled, extents.queries, extents.channels, extents, emitter);
}

/** Keys or values, in the layout of the op. */
function ofKeys(x: ValueName, channels: number, extents: Extents, emitter: Emitter): Shaped {
  const { heads, keys, channelsFirst } = extents;
  const shape = channelsFirst ? [heads, channels, keys] : [heads, keys, channels];
  return { name: perHead(x, keys, channels, extents, emitter), shape };
}

/**
 * With P the weights of some queries, `dS = P ∘ (dy · vᵀ - δ)`, `δ = rowsum(dy ∘ y)`, which is the sum over keys of
 * `P ∘ (dy · vᵀ)`; `dq = dS · k`, and the gradients of keys and values are sums over all queries of `dSᵀ · q` and `Pᵀ · dy`.
 * δ is subtracted in the product: `[dy, -δ] · [v, 1]ᵀ`.
 */
export function lowerAttentionGrad(
  node: NodeOf<'attentionGrad'>,
  [q, k, v, y, dy]: readonly ValueName[],
  emitter: Emitter,
): readonly ValueName[] {
  const { scale, channelsFirst } = node.attrs;
  const extents = extentsOf(node);
  const { heads, queries, keys, channels, features } = extents;
  const channel = channelsFirst ? 1 : 2;
  const products = perHead(emitter.emit('Mul', [dy!, y!]), queries, features, extents, emitter);
  const shared = emitter.reshape(emitter.reduceSum(products, [channel], false), [heads, queries, 1]);
  const ones = emitter.filled(1, channelsFirst ? [heads, 1, keys] : [heads, keys, 1]);
  const values = ofKeys(v!, features, extents, emitter);
  const {
    rows,
    sums: [dk, dv],
  } = overQueries(
    extents,
    {
      ofQueries: [
        { name: scaledQueries(q!, scale, extents, emitter), shape: [heads, queries, channels] },
        { name: tokensFirst(dy!, queries, features, extents, emitter), shape: [heads, queries, features] },
        { name: emitter.emit('Neg', [shared]), shape: [heads, queries, 1] },
      ],
      ofHeads: [
        ofKeys(k!, channels, extents, emitter),
        {
          name: emitter.emit('Concat', [values.name, ones], { axis: channel }),
          shape: channelsFirst ? [heads, features + 1, keys] : [heads, keys, features + 1],
        },
      ],
      columns: channels,
      sums: [
        [channels, keys],
        [features, keys],
      ],
    },
    (part, [partQ, partDy, partShared], [headK, headV], [sumK, sumV]) => {
      const weights = weightsOf(partQ!, headK!, extents, part);
      const joined = part.emit('Concat', [partDy!, partShared!], { axis: 1 });
      const dScores = part.emit('Mul', [weights, fusedProduct(joined, headV!, { b: !channelsFirst }, part)]);
      // channels first, whatever the layout: products of long rows are up to twice as fast as those of long columns
      const dKeys = fusedProduct(partQ!, dScores, { a: true }, part);
      const dValues = fusedProduct(partDy!, weights, { a: true }, part);
      return {
        sums: [part.emit('Add', [sumK!, dKeys]), part.emit('Add', [sumV!, dValues])],
        rows: fusedProduct(dScores, headK!, { b: channelsFirst }, part),
      };
    },
    emitter,
  );
  const unscaled = scale === 1 ? rows : emitter.emit('Mul', [rows, emitter.scalar(scale)]);
  const turned = (x: ValueName): ValueName => emitter.transpose(x, [0, 2, 1]);
  return (channelsFirst ? [turned(unscaled), dk!, dv!] : [unscaled, turned(dk!), turned(dv!)]).map((name, i) =>
    emitter.reshape(name, node.outputs[i]!.shape),
  );
}
