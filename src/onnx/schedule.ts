/** @file The order in which nodes are written, from which ONNX Runtime derives the order in which it runs them. */
import { type OnnxNode, readsOf } from './model.ts';

/**
 * ONNX Runtime walks back from the results and, of several inputs or results, follows the one written last first. This
 * order writes last the one whose own work, which nothing else needs, could begin soonest. So the gradient of a kernel is
 * computed when backpropagation reaches its layer, while its operands are in the cache, and they are freed after it; in the
 * order of creation, the gradients of all kernels could come after the whole backward pass.
 *
 * `still`: values that are there from the start, whose preparation is not urgent.
 */
export function scheduleNodes(nodes: readonly OnnxNode[], still: ReadonlySet<string>): OnnxNode[] {
  const writers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const sources = new Map(
    nodes.map((node) => [node, [...new Set(readsOf(node).flatMap((name) => writers.get(name) ?? []))]] as const),
  );
  const yields = firstYields(nodes, sources, depthOf(nodes, still));
  const unwritten = new Map<OnnxNode, number>();
  for (const [, list] of sources) for (const source of list) unwritten.set(source, (unwritten.get(source) ?? 0) + 1);
  const ready = new Buckets<OnnxNode>();
  for (const node of nodes) if (!unwritten.has(node)) ready.add(yields.get(node)!, node);
  const reversed: OnnxNode[] = [];
  for (let node = ready.takeLowest(); node; node = ready.takeLowest()) {
    reversed.push(node);
    for (const source of sources.get(node)!) {
      const left = unwritten.get(source)! - 1;
      unwritten.set(source, left);
      if (left === 0) ready.add(yields.get(source)!, source);
    }
  }
  return reversed.reverse();
}

/** Length of the longest path from the inputs that change to each node: how soon it can run. 0 where there is no such path. */
function depthOf(nodes: readonly OnnxNode[], still: ReadonlySet<string>): Map<OnnxNode, number> {
  const ofValue = new Map<string, number>();
  const ofNode = new Map<OnnxNode, number>();
  for (const node of nodes) {
    const moving = readsOf(node).filter((name) => name !== '' && !still.has(name) && ofValue.get(name) !== 0);
    const depth = moving.reduce((most, name) => Math.max(most, (ofValue.get(name) ?? 0) + 1), 0);
    ofNode.set(node, depth);
    for (const name of node.outputs) ofValue.set(name, depth);
  }
  return ofNode;
}

/**
 * How soon the work that only a node needs gets somewhere: the depth at which the first of the many branches that it joins is
 * done. The search for the join follows the deepest input, and ends at the node itself where that input serves others too.
 * A node is another's own when its every path to a result leads through it.
 */
function firstYields(
  nodes: readonly OnnxNode[],
  sources: ReadonlyMap<OnnxNode, readonly OnnxNode[]>,
  depths: ReadonlyMap<OnnxNode, number>,
): Map<OnnxNode, number> {
  const owner = owners(nodes, sources);
  const yields = new Map<OnnxNode, number>();
  for (const node of nodes) {
    const [deepest, ...others] = [...sources.get(node)!].sort((a, b) => depths.get(b)! - depths.get(a)!);
    const joined = [deepest, ...others].filter((source) => source && owner.get(source) === node) as OnnxNode[];
    if (joined.length > 2) yields.set(node, Math.min(...joined.map((source) => yields.get(source)!)));
    else yields.set(node, deepest && owner.get(deepest) === node ? yields.get(deepest)! : depths.get(node)!);
  }
  return yields;
}

/** The owner of each node that has one: the nearest node that all its paths to results lead through. */
function owners(
  nodes: readonly OnnxNode[],
  sources: ReadonlyMap<OnnxNode, readonly OnnxNode[]>,
): Map<OnnxNode, OnnxNode> {
  const readers = new Map<OnnxNode, OnnxNode[]>(nodes.map((node) => [node, []]));
  for (const [node, list] of sources) for (const source of list) readers.get(source)!.push(node);
  const owner = new Map<OnnxNode, OnnxNode>();
  const level = new Map<OnnxNode, number>();
  const common = (a: OnnxNode | undefined, b: OnnxNode | undefined): OnnxNode | undefined => {
    while (a !== b) {
      const [levelA, levelB] = [a, b].map((node) => (node ? level.get(node)! : 0)) as [number, number];
      if (levelA >= levelB) a = owner.get(a!);
      if (levelB >= levelA) b = owner.get(b!);
    }
    return a;
  };
  for (const node of [...nodes].reverse()) {
    const [first, ...rest] = readers.get(node)!;
    const above = rest.reduce<OnnxNode | undefined>(common, first);
    if (above) owner.set(node, above);
    level.set(node, above ? level.get(above)! + 1 : 1);
  }
  return owner;
}

/** A priority queue over small whole numbers. */
class Buckets<T> {
  readonly #buckets: T[][] = [];
  #lowest = 0;

  add(priority: number, item: T): void {
    const bucket = this.#buckets[priority] ?? [];
    this.#buckets[priority] = bucket;
    bucket.push(item);
    this.#lowest = Math.min(this.#lowest, priority);
  }

  takeLowest(): T | undefined {
    for (; this.#lowest < this.#buckets.length; this.#lowest++) {
      const item = this.#buckets[this.#lowest]?.pop();
      if (item !== undefined) return item;
    }
    return undefined;
  }
}
