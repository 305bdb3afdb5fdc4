/** @file Clipping of gradients by their global norm (Pascanu et al. 2013). */
import { concat, scalar, type Tensor } from '../graph/index.ts';

/** `√ Σ g²` over all gradients, a scalar. */
export function globalNorm(gradients: readonly Tensor[]): Tensor {
  const squares = gradients.map((gradient) => {
    const row = gradient.reshape([1, gradient.size]);
    return row.matmul(row, { transposeB: true });
  });
  return concat(squares).sum().sqrt();
}

/** Scales gradients so that their global norm is at most `maxNorm`, as `torch.nn.utils.clip_grad_norm_`. */
export function clipByGlobalNorm(gradients: readonly Tensor[], maxNorm: number): { gradients: Tensor[]; norm: Tensor } {
  const norm = globalNorm(gradients);
  const scale = scalar(maxNorm).div(norm.add(1e-6)).minimum(1);
  return { gradients: gradients.map((gradient) => gradient.mul(scale)), norm };
}
