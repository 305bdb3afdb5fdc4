/** @file The host evaluator: interprets any node in float64. The oracle of every engine, and what folds constants. */

import { type CompositeOp, decompose } from '../decompositions.ts';
import type { BinaryOp, Node, NodeOf, UnaryOp } from '../node.ts';
import { topologicalOrder } from '../order.ts';
import type { Tensor } from '../tensor.ts';
import { binaryFunction, mapBinary, selectWhere, unaryFunctions } from './elementwise.ts';
import { type HostValue, toHostValue } from './host-value.ts';
import {
  evaluateConv,
  evaluateConvTranspose,
  evaluateConvWeightGrad,
  evaluateMatmul,
  evaluateMaxPool,
} from './linear.ts';
import {
  evaluateConcat,
  evaluateExpand,
  evaluateFlip,
  evaluateGather,
  evaluateOneHot,
  evaluatePad,
  evaluateScatterAdd,
  evaluateSlice,
  evaluateTranspose,
} from './movement.ts';
import { evaluateArg, evaluateCumSum, evaluateReduce, evaluateTopK } from './reductions.ts';

export { type HostValue, toHostValue, toNdArray } from './host-value.ts';

/** float32 results are rounded to float32 only when asked for: the oracle keeps float64 throughout. */
function evaluateCast({ attrs: { dtype } }: NodeOf<'cast'>, x: HostValue): HostValue {
  switch (dtype) {
    case 'bool':
      return { ...x, dtype, data: x.data.map((value) => (value ? 1 : 0)) };
    case 'int32':
    case 'int64':
      return { ...x, dtype, data: x.data.map(Math.trunc) };
    case 'uint8':
      return { ...x, dtype, data: x.data.map((value) => Math.trunc(value) & 255) };
    default:
      return { ...x, dtype };
  }
}

/** Values of a node's outputs, given those of its inputs. Leaves other than constants have no value of their own. */
export function evaluateNode(node: Node, inputs: readonly HostValue[]): readonly HostValue[] {
  const [a, b, c] = inputs as [HostValue, HostValue, HostValue];
  switch (node.op) {
    case 'input':
    case 'variable':
    case 'random':
      throw new Error(`internal: ${node.op} must be given a value`);
    case 'constant':
      return [toHostValue(node.attrs.value)];
    case 'neg':
    case 'abs':
    case 'sign':
    case 'exp':
    case 'log':
    case 'sqrt':
    case 'reciprocal':
    case 'sin':
    case 'cos':
    case 'tanh':
    case 'sigmoid':
    case 'erf':
    case 'relu':
    case 'floor':
    case 'ceil':
    case 'round':
    case 'not':
      return [{ ...a, data: a.data.map(unaryFunctions[node.op as UnaryOp]) }];
    case 'add':
    case 'sub':
    case 'mul':
    case 'div':
    case 'pow':
    case 'mod':
    case 'maximum':
    case 'minimum':
    case 'and':
    case 'or':
    case 'equal':
    case 'less':
    case 'lessEqual':
    case 'greater':
    case 'greaterEqual':
      return [mapBinary(a, b, node.outputs[0]!.dtype, binaryFunction(node.op as BinaryOp, a.dtype))];
    case 'sum':
    case 'mean':
    case 'max':
    case 'min':
    case 'prod':
      return [evaluateReduce(node, a)];
    case 'where':
      return [selectWhere(a, b, c, node.outputs[0]!.shape)];
    case 'cast':
      return [evaluateCast(node, a)];
    case 'argMax':
    case 'argMin':
      return [evaluateArg(node, a)];
    case 'cumSum':
      return [evaluateCumSum(node, a)];
    case 'topK':
      return evaluateTopK(node, a);
    case 'oneHot':
      return [evaluateOneHot(node, a)];
    case 'matmul':
      return [evaluateMatmul(node, a, b)];
    case 'conv':
      return [evaluateConv(node, a, b, c)];
    case 'convTranspose':
      return [evaluateConvTranspose(node, a, b)];
    case 'convWeightGrad':
      return [evaluateConvWeightGrad(node, a, b)];
    case 'maxPool':
      return [evaluateMaxPool(node, a)];
    case 'reshape':
      return [{ ...a, shape: node.attrs.shape }];
    case 'transpose':
      return [evaluateTranspose(node, a)];
    case 'expand':
      return [evaluateExpand(node, a)];
    case 'slice':
      return [evaluateSlice(node, a)];
    case 'flip':
      return [evaluateFlip(node, a)];
    case 'pad':
      return [evaluatePad(node, a)];
    case 'concat':
      return [evaluateConcat(node, inputs)];
    case 'gather':
      return [evaluateGather(node, a, b)];
    case 'scatterAdd':
      return [evaluateScatterAdd(node, a, b)];
    default:
      return evaluateComposite(node, inputs);
  }
}

function evaluateComposite(node: NodeOf<CompositeOp>, inputs: readonly HostValue[]): readonly HostValue[] {
  const known = new Map(node.inputs.map((tensor, i) => [tensor, inputs[i]!]));
  return evaluateTensors(decompose(node), (tensor) => known.get(tensor));
}

/** Values of `results`; `given` supplies inputs, variables and draws (or any tensor whose value is already known). */
export function evaluateTensors(
  results: readonly Tensor[],
  given: (tensor: Tensor) => HostValue | undefined,
): HostValue[] {
  const values = new Map<Tensor, HostValue>();
  // stop at tensors whose values are given
  const needed = new Set<Node>();
  const stack = results.map((tensor) => tensor);
  while (stack.length > 0) {
    const tensor = stack.pop()!;
    const value = given(tensor);
    if (value) values.set(tensor, value);
    else if (!needed.has(tensor.node)) {
      needed.add(tensor.node);
      stack.push(...tensor.node.inputs);
    }
  }
  for (const node of topologicalOrder(results)) {
    if (!needed.has(node)) continue;
    const outputs = evaluateNode(
      node,
      node.inputs.map((tensor) => values.get(tensor)!),
    );
    node.outputs.forEach((tensor, i) => {
      if (!values.has(tensor)) values.set(tensor, outputs[i]!);
    });
  }
  return results.map((tensor) => values.get(tensor)!);
}
