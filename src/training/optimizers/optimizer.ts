/** @file What an optimizer is: state in variables, and an update that assigns new values inside a trace. */
import type { Tensor, TensorLike, Variable } from '../../graph/index.ts';

export interface Optimizer {
  readonly parameters: readonly Variable[];
  /** Everything a checkpoint must hold to continue exactly. */
  readonly state: readonly Variable[];
  /** Inside a trace: assigns new values to the parameters, given their gradients in the same order. */
  update(gradients: readonly Tensor[], learningRate?: TensorLike): void;
}
