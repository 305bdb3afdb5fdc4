/** @file DPM-Solver(++) in its singlestep form, on a given grid as diffusers runs it. */
import { ConfigError } from '../../../tensor/index.ts';
import { exponentialStep, type MomentRule, midpointMoments, type Node } from '../exponential.ts';
import { lambdaOf, type Point } from '../process.ts';
import { drawNoise, eachStep, type Solver, type SolverOptions } from '../solver.ts';
import type { State } from '../state.ts';
import { type DpmAlgorithm, predictionKind } from './dpm-solver.ts';

/** Options of the singlestep solver. */
export interface DpmSinglestepOptions extends SolverOptions {
  readonly order?: number;
  readonly algorithm?: Exclude<DpmAlgorithm, 'sde-dpmsolver'>;
  readonly solverType?: 'midpoint' | 'heun';
  /** Finish with low orders; forced when the steps do not divide by the order or the grid ends in clean data. */
  readonly lowerOrderFinal?: boolean;
  /** Steps of the whole grid when `grid` is only its tail: blocks are counted from its start. */
  readonly totalSteps?: number | undefined;
}

/** The order of every step: blocks of 1, 2, …, p, closed by lower orders (Lu et al. 2022, §3.4 and App. D). */
export function singlestepOrders(steps: number, order: number, lowerOrderFinal: boolean, endsClean: boolean): number[] {
  const blocks = (count: number) => Array.from({ length: count * order }, (_, i) => (i % order) + 1);
  const whole = Math.floor(steps / order);
  const rest = steps % order;
  let orders: number[];
  if (order === 1 || !(lowerOrderFinal || endsClean || rest !== 0)) orders = blocks(whole);
  else if (rest !== 0) orders = [...blocks(whole), ...blocks(1).slice(0, rest)];
  else orders = [...blocks(whole - 1), ...blocks(1).slice(0, order - 1), 1];
  if (endsClean) orders[steps - 1] = 1;
  return orders;
}

/**
 * Singlestep DPM-Solver on a grid: every block of p grid steps is one step of order p that evaluates at its inner grid
 * points; the state inside a block is provisional. One evaluation per grid step.
 */
export const dpmSinglestep: Solver<DpmSinglestepOptions> = (
  denoise,
  x,
  grid,
  {
    order = 2,
    algorithm = 'dpmsolver++',
    solverType = 'midpoint',
    lowerOrderFinal = true,
    totalSteps,
    ...options
  } = {},
) => {
  if (![1, 2, 3].includes(order)) throw new ConfigError(`DPM-Solver has orders 1, 2 and 3, got ${order}`);
  const kind = predictionKind(algorithm);
  const tau = algorithm === 'sde-dpmsolver++' ? 1 : 0;
  const steps = grid.length - 1;
  const endsClean = grid[steps]?.sigma === 0;
  const orders = singlestepOrders(totalSteps ?? steps, order, lowerOrderFinal, endsClean).slice(-steps);
  let block: { x: State; from: Point; nodes: Node[] } = { x, from: grid[0] as Point, nodes: [] };
  return eachStep(x, grid, options, async (x, from, to, step) => {
    const prediction = await denoise(x, from, step);
    const node: Node = { lambda: lambdaOf(from), value: kind === 'data' ? prediction.x0 : prediction.eps };
    if (orders[step] === 1 || block.nodes.length === 0) block = { x, from, nodes: [] };
    block.nodes.push(node);
    const { nodes, rule } = stageNodes(block.nodes, solverType);
    const noise = tau > 0 ? drawNoise(options.noise, x, step) : undefined;
    return {
      x: exponentialStep({ x: block.x, from: block.from, to, kind, nodes, rule, tau, noise }),
      prediction,
    };
  });
};

/** `midpoint` keeps the first and the latest node only (with the exact slope at order 3), `heun` all of them. */
function stageNodes(nodes: readonly Node[], type: 'midpoint' | 'heun'): { nodes: readonly Node[]; rule: MomentRule } {
  const exact: MomentRule = (moments) => moments;
  if (type === 'heun' || nodes.length === 1) return { nodes, rule: exact };
  return nodes.length === 2
    ? { nodes, rule: midpointMoments }
    : { nodes: [nodes[0]!, nodes[nodes.length - 1]!], rule: exact };
}
