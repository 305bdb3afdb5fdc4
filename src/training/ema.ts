/** @file Exponential moving average of parameters: the weights that sample best. */
import { type TensorLike, toTensor, Variable } from '../graph/index.ts';
import { ConfigError } from '../tensor/index.ts';

/** How fast the average forgets. */
export interface EmaOptions {
  /** Largest decay. Default 0.999. */
  readonly decay?: number;
  /** Exponent of the warm-up `1 - (1 + step / inverseGamma)^-power`; 0 uses `(1 + step) / (10 + step)`. As diffusers. */
  readonly power?: number;
  readonly inverseGamma?: number;
}

/** Decay to use at update number `step` (from 0), at most `decay`. */
export function emaDecay(step: number, { decay = 0.999, power = 0, inverseGamma = 1 }: EmaOptions = {}): number {
  if (!(decay >= 0 && decay < 1)) throw new ConfigError(`the EMA decay must lie in [0, 1), got ${decay}`);
  if (step <= 0) return 0;
  const warmUp = power > 0 ? 1 - (1 + step / inverseGamma) ** -power : (1 + step) / (10 + step);
  return Math.min(decay, warmUp);
}

/** Averages of `parameters`, in variables beside them. */
export class Ema {
  readonly averages: ReadonlyMap<Variable, Variable>;

  constructor(parameters: readonly Variable[]) {
    this.averages = new Map(
      parameters.map((parameter) => [
        parameter,
        new Variable(parameter.shape, {
          dtype: parameter.dtype,
          name: `ema.${parameter.name}`,
          initial: () => parameter.initial(),
        }),
      ]),
    );
  }

  get state(): readonly Variable[] {
    return [...this.averages.values()];
  }

  /** Inside a trace, after the optimizer: `average ← average + (1 - decay) · (parameter - average)`. */
  update(decay: TensorLike): void {
    const rate = toTensor(1).sub(toTensor(decay));
    for (const [parameter, average] of this.averages) {
      average.assign(average.value.add(parameter.value.sub(average.value).mul(rate)));
    }
  }
}
