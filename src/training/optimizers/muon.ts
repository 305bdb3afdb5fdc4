/** @file Muon (Jordan et al. 2024): momentum whose matrices are orthogonalised, for the inner weights of a network. */
import { type Tensor, type TensorLike, toTensor, Variable } from '../../graph/index.ts';
import { ConfigError, sizeOf } from '../../tensor/index.ts';
import { AdamW, type AdamWOptions } from './adamw.ts';
import type { Optimizer } from './optimizer.ts';

export interface MuonOptions {
  readonly learningRate?: number;
  readonly momentum?: number;
  /** Decoupled: parameters shrink by `learningRate · weightDecay` per step. */
  readonly weightDecay?: number;
  /** Newton-Schulz iterations. */
  readonly iterations?: number;
}

/** Coefficients of the quintic iteration of Jordan et al.: steep at 0, within [0.7, 1.2] after five rounds. */
const [A, B, C] = [3.4445, -4.775, 2.0315];

/** Whether Muon can update a parameter: a kernel or matrix, seen as [outputs, everything else]. */
export function isMatrix({ shape }: Variable): boolean {
  return shape.length >= 2 && shape[0]! > 1 && sizeOf(shape.slice(1)) > 1;
}

/**
 * `U Vᵀ` of `G = U S Vᵀ`, nearly: five rounds of `X ← a X + (b X Xᵀ + c (X Xᵀ)²) X` from `G / ‖G‖`. g: [M, N].
 */
export function orthogonalize(g: Tensor, iterations = 5): Tensor {
  const [rows, columns] = g.shape as [number, number];
  const tall = rows > columns;
  const start = tall ? g.transpose([1, 0]) : g;
  let x = start.div(start.square().sum().sqrt().add(1e-7));
  for (let i = 0; i < iterations; i++) {
    const gram = x.matmul(x, { transposeB: true });
    const polynomial = gram.mul(B).add(gram.matmul(gram).mul(C));
    x = x.mul(A).add(polynomial.matmul(x));
  }
  return tall ? x.transpose([1, 0]) : x;
}

/**
 * `m ← μ m + g`, `p ← (1 - lr·wd) p - lr · 0.2 √max(M, N) · orthogonalize(g + μ m)`. The factor gives updates the size that
 * AdamW's have, so the same learning rates suit both (Liu et al. 2025). Parameters must be matrices, see `isMatrix`.
 */
export class Muon implements Optimizer {
  readonly parameters: readonly Variable[];
  readonly momenta: readonly Variable[];
  readonly #options: Required<MuonOptions>;

  constructor(
    parameters: readonly Variable[],
    { learningRate = 1e-3, momentum = 0.95, weightDecay = 1e-2, iterations = 5 }: MuonOptions = {},
  ) {
    const misfit = parameters.find((parameter) => !isMatrix(parameter));
    if (misfit) {
      throw new ConfigError(
        `Muon updates matrices, and '${misfit.name}' has shape [${misfit.shape.join(', ')}]`,
        'give vectors to AdamW: see MuonWithAdamW',
      );
    }
    if (!(momentum >= 0 && momentum < 1)) throw new ConfigError(`momentum must lie in [0, 1), got ${momentum}`);
    this.parameters = parameters;
    this.#options = { learningRate, momentum, weightDecay, iterations };
    this.momenta = parameters.map(({ shape, dtype, name }) => new Variable(shape, { dtype, name: `muon.m.${name}` }));
  }

  get state(): readonly Variable[] {
    return this.momenta;
  }

  update(gradients: readonly Tensor[], learningRate: TensorLike = this.#options.learningRate): void {
    const { momentum, weightDecay, iterations } = this.#options;
    const rate = toTensor(learningRate);
    const keep = toTensor(1).sub(rate.mul(weightDecay));
    this.parameters.forEach((parameter, i) => {
      const g = gradients[i]!;
      const m = this.momenta[i]!;
      const mNext = m.value.mul(momentum).add(g);
      m.assign(mNext);
      const { shape } = parameter;
      const rows = shape[0]!;
      const columns = sizeOf(shape.slice(1));
      const direction = orthogonalize(g.add(mNext.mul(momentum)).reshape([rows, columns]), iterations).reshape(shape);
      const size = rate.mul(0.2 * Math.sqrt(Math.max(rows, columns)));
      parameter.assign(parameter.value.mul(keep).sub(direction.mul(size)));
    });
  }
}

/** Settings of the two halves of `MuonWithAdamW`. */
export interface MuonWithAdamWOptions {
  readonly muon?: MuonOptions;
  readonly adamw?: AdamWOptions;
  /** Muon's learning rate as a multiple of AdamW's. */
  readonly muonRate?: number;
}

/** Muon for `matrices`, AdamW for all other parameters, as Muon's authors use it. */
export class MuonWithAdamW implements Optimizer {
  readonly parameters: readonly Variable[];
  readonly #muon: Muon;
  readonly #adamw: AdamW;
  readonly #muonRate: number;

  constructor(
    parameters: readonly Variable[],
    matrices: readonly Variable[],
    { muon = {}, adamw = {}, muonRate = 1 }: MuonWithAdamWOptions = {},
  ) {
    const inner = new Set(matrices);
    this.parameters = parameters;
    this.#muon = new Muon(matrices, muon);
    this.#adamw = new AdamW(
      parameters.filter((parameter) => !inner.has(parameter)),
      adamw,
    );
    this.#muonRate = muonRate;
  }

  get state(): readonly Variable[] {
    return [...this.#muon.state, ...this.#adamw.state];
  }

  update(gradients: readonly Tensor[], learningRate: TensorLike = this.#adamw.learningRate): void {
    const of = new Map(this.parameters.map((parameter, i) => [parameter, gradients[i]!] as const));
    const rate = toTensor(learningRate);
    this.#muon.update(
      this.#muon.parameters.map((parameter) => of.get(parameter)!),
      rate.mul(this.#muonRate),
    );
    this.#adamw.update(
      this.#adamw.parameters.map((parameter) => of.get(parameter)!),
      rate,
    );
  }
}
