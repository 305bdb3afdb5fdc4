/** @file AdamW (Loshchilov & Hutter 2019) as graph: updates and state are part of the training step. */
import { scalar, type Tensor, type TensorLike, toTensor, Variable } from '../../graph/index.ts';
import { ConfigError } from '../../tensor/index.ts';
import type { Optimizer } from './optimizer.ts';

export interface AdamWOptions {
  readonly learningRate?: number;
  /** Decay rates of the first and second moment. */
  readonly betas?: readonly [number, number];
  readonly epsilon?: number;
  /** Decoupled: parameters shrink by `learningRate · weightDecay` per step. */
  readonly weightDecay?: number;
}

/**
 * `m ← β₁ m + (1-β₁) g`, `v ← β₂ v + (1-β₂) g²`, `p ← (1 - lr·wd) p - lr · m̂ / (√v̂ + ε)` with bias-corrected m̂ and v̂,
 * as `torch.optim.AdamW`. The variables hold the plain sums M = m / (1-β₁) and V = v / (1-β₂): every constant factor then
 * meets in two scalars, `p ← keep · p - size · M / (√V + shift)`, and an update takes as few passes over memory as it can.
 */
export class AdamW implements Optimizer {
  readonly parameters: readonly Variable[];
  /** Updates made so far, a float32 scalar. */
  readonly step: Variable;
  readonly moments: readonly { readonly m: Variable; readonly v: Variable }[];
  readonly #options: Required<AdamWOptions>;

  constructor(
    parameters: readonly Variable[],
    { learningRate = 1e-3, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 1e-2 }: AdamWOptions = {},
  ) {
    for (const [name, value] of Object.entries({ beta1: betas[0], beta2: betas[1] })) {
      if (!(value >= 0 && value < 1)) throw new ConfigError(`${name} must lie in [0, 1), got ${value}`);
    }
    if (!(epsilon > 0)) throw new ConfigError(`epsilon must be positive, got ${epsilon}`);
    if (!(weightDecay >= 0)) throw new ConfigError(`weightDecay must not be negative, got ${weightDecay}`);
    this.parameters = parameters;
    this.#options = { learningRate, betas, epsilon, weightDecay };
    this.step = new Variable([], { name: 'adamw.step' });
    this.moments = parameters.map(({ shape, dtype, name }) => ({
      m: new Variable(shape, { dtype, name: `adamw.m.${name}` }),
      v: new Variable(shape, { dtype, name: `adamw.v.${name}` }),
    }));
  }

  /** The rate used when `update` is given none. */
  get learningRate(): number {
    return this.#options.learningRate;
  }

  get state(): readonly Variable[] {
    return [this.step, ...this.moments.flatMap(({ m, v }) => [m, v])];
  }

  update(gradients: readonly Tensor[], learningRate: TensorLike = this.#options.learningRate): void {
    const { betas, epsilon, weightDecay } = this.#options;
    const [beta1, beta2] = betas;
    const one = scalar(1);
    const rate = toTensor(learningRate);
    const step = this.step.value.add(1);
    this.step.assign(step);
    const power = (beta: number): Tensor => step.mul(Math.log(beta)).exp();
    const root2 = one
      .sub(power(beta2))
      .sqrt()
      .mul(1 / Math.sqrt(1 - beta2));
    const size = rate
      .mul(1 - beta1)
      .mul(root2)
      .div(one.sub(power(beta1)));
    const shift = root2.mul(epsilon);
    const keep = one.sub(rate.mul(weightDecay));
    this.parameters.forEach((parameter, i) => {
      const g = gradients[i]!;
      const { m, v } = this.moments[i]!;
      const mNext = m.value.mul(beta1).add(g);
      const vNext = v.value.mul(beta2).add(g.mul(g));
      m.assign(mNext);
      v.assign(vNext);
      const decayed = weightDecay === 0 ? parameter.value : parameter.value.mul(keep);
      parameter.assign(decayed.sub(mNext.div(vNext.sqrt().add(shift)).mul(size)));
    });
  }
}
