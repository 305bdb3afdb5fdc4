/** @file Reverse-mode differentiation as a graph-to-graph transform. */
import {
  currentTrace,
  decompose,
  full,
  isComposite,
  type Node,
  printNeighbourhood,
  Tensor,
  type Variable,
} from '../graph/index.ts';
import { formatShape, GradientError, isFloat } from '../tensor/index.ts';
import { elementwiseRules, geluRule } from './elementwise.ts';
import { avgPoolIsTiling, avgPoolTilingRule, linearRules, resizeIsRepeat, resizeRepeatRule } from './linear.ts';
import { movementRules } from './movement.ts';
import { reductionRules } from './reductions.ts';
import type { VjpRule, VjpRules } from './rule.ts';

const rules: VjpRules = { ...elementwiseRules, ...reductionRules, ...movementRules, ...linearRules };

/** The rule for this very node: some hold only for some attributes. */
function ruleFor(node: Node): VjpRule<never> | undefined {
  if (node.op === 'gelu' && node.attrs.approximate === 'none') return geluRule as VjpRule<never>;
  if (node.op === 'avgPool' && avgPoolIsTiling(node)) return avgPoolTilingRule as VjpRule<never>;
  if (node.op === 'resize' && resizeIsRepeat(node)) return resizeRepeatRule as VjpRule<never>;
  return rules[node.op] as VjpRule<never> | undefined;
}

/**
 * Derivatives of a scalar `loss` with respect to `wrt` (tensors, or variables as the trace found them), of the same shapes.
 * The result is more graph: it can be differentiated again. Zero where the loss does not depend on something.
 * Throws `GradientError` when `loss` is not a float scalar, or where a derivative does not exist.
 */
export function gradients(loss: Tensor, wrt: readonly (Tensor | Variable)[]): Tensor[] {
  if (loss.size !== 1 || !isFloat(loss.dtype)) {
    throw new GradientError(
      `gradients need a scalar loss, got ${loss.dtype}${formatShape(loss.shape)}`,
      'reduce it first, e.g. loss.mean()',
    );
  }
  const targets = wrt.map((item) => (item instanceof Tensor ? item : currentTrace().leaf(item)));
  return pullCotangents([loss], [full(loss.shape, 1, loss.dtype)], targets, { through: true }).map(
    (gradient, i) => gradient ?? full(targets[i]!.shape, 0, targets[i]!.dtype),
  );
}

/**
 * Nodes between `outputs` and `wrt` that depend on `wrt`, in topological order. Only floats carry a dependence:
 * indices and masks are piecewise constant. The search goes `through` a tensor of `wrt`, or stops there.
 */
function dependents(outputs: readonly Tensor[], wrt: ReadonlySet<Tensor>, through: boolean): Node[] {
  const depends = new Map<Node, boolean>();
  const stack: Node[] = outputs.map((tensor) => tensor.node);
  while (stack.length > 0) {
    const node = stack.at(-1)!;
    if (depends.has(node)) {
      stack.pop();
      continue;
    }
    const pending = node.inputs.filter((tensor) => (through || !wrt.has(tensor)) && !depends.has(tensor.node));
    if (pending.length > 0) {
      stack.push(...pending.map((tensor) => tensor.node));
      continue;
    }
    stack.pop();
    depends.set(
      node,
      node.inputs.some((tensor) => isFloat(tensor.dtype) && (wrt.has(tensor) || depends.get(tensor.node) === true)),
    );
  }
  return [...depends]
    .filter(([, yes]) => yes)
    .map(([node]) => node)
    .sort((a, b) => a.id - b.id);
}

/** Pulls cotangents of `outputs` back to `wrt`, each held independent of the others; undefined where none arrives. */
export function pullback(
  outputs: readonly Tensor[],
  cotangents: readonly (Tensor | undefined)[],
  wrt: readonly Tensor[],
): (Tensor | undefined)[] {
  return pullCotangents(outputs, cotangents, wrt, { through: false });
}

function pullCotangents(
  outputs: readonly Tensor[],
  cotangents: readonly (Tensor | undefined)[],
  wrt: readonly Tensor[],
  { through }: { readonly through: boolean },
): (Tensor | undefined)[] {
  const targets = new Set(wrt);
  const order = dependents(outputs, targets, through);
  const live = new Set(order);
  const total = new Map<Tensor, Tensor>();
  const accumulate = (tensor: Tensor, term: Tensor | undefined): void => {
    if (!term) return;
    const known = total.get(tensor);
    total.set(tensor, known ? known.add(term) : term);
  };
  outputs.forEach((tensor, i) => {
    accumulate(tensor, cotangents[i]);
  });
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i]!;
    const arriving = node.outputs.map((tensor) => total.get(tensor));
    if (arriving.every((term) => term === undefined)) continue;
    const needs = node.inputs.map((tensor) => isFloat(tensor.dtype) && (targets.has(tensor) || live.has(tensor.node)));
    const terms = applyRule(node, arriving, needs);
    node.inputs.forEach((tensor, j) => {
      if (needs[j]) accumulate(tensor, terms[j]);
    });
  }
  return wrt.map((tensor) => total.get(tensor));
}

function applyRule(node: Node, arriving: (Tensor | undefined)[], needs: boolean[]): readonly (Tensor | undefined)[] {
  const rule = ruleFor(node);
  if (rule) return rule(node as never, arriving, needs);
  if (isComposite(node.op)) {
    const outputs = decompose(node as Parameters<typeof decompose>[0]);
    // a tensor that is several inputs receives what arrives for all of them, once
    const terms = pullback(outputs, arriving, node.inputs);
    return terms.map((term, i) => (node.inputs.indexOf(node.inputs[i]!) === i ? term : undefined));
  }
  throw new GradientError(
    `op '${node.op}' has no derivative${node.scope ? `, in module ${node.scope}` : ''}\n${printNeighbourhood(node)}`,
    'keep it out of the loss, or stop the gradient before it with detach(x)',
  );
}
