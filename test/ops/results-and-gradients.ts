/** @file A case as a program: its results and their derivatives. */
import { gradients } from '../../src/autodiff/index.ts';
import type { Tensor } from '../../src/graph/index.ts';
import { project } from './float64.ts';
import { declareInputs, type OpCase, results } from './op-case.ts';

/** The results of a case, `y0`, `y1`, …, and the derivatives `d0`, … of a weighted sum of them. */
export function resultsAndGradients(item: OpCase): Record<string, Tensor> {
  const inputs = declareInputs(item);
  const outputs = results(item, inputs);
  const named = Object.fromEntries(outputs.map((tensor, i) => [`y${i}`, tensor]));
  const loss = project(outputs);
  if (item.wrt.length === 0 || !loss) return named;
  const wrt = item.wrt.map((i) => inputs[i]!);
  gradients(loss, wrt).forEach((gradient, i) => {
    named[`d${item.wrt[i]}`] = gradient;
  });
  return named;
}
