/** @file The noise levels σ/α of a discrete process, and the way back from a level to a training time. */
import type { DiscreteProcess } from '../discrete.ts';
import { logFloat32 } from './numpy.ts';

const f = Math.fround;

/** Levels of every training step, float32 as diffusers has them, ascending. */
export interface SigmaTable {
  readonly sigmas: Float32Array;
  /** Level at a possibly fractional time, linear between steps. */
  sigmaAt(t: number): number;
  /** Log of the level at a fractional time, linear in the log between steps. */
  logSigmaAt(t: number): number;
  /** Training time of a level: linear in log σ between steps, clamped to the trained range. */
  timeOf(sigma: number): number;
}

/** `σ_t = √((1 − ᾱ_t)/ᾱ_t)`. */
export function sigmaTable({ alphasCumprod }: Pick<DiscreteProcess, 'alphasCumprod'>): SigmaTable {
  const sigmas = alphasCumprod.map((alphaBar) => Math.sqrt(f(f(1 - alphaBar) / alphaBar)));
  const logs = sigmas.map(logFloat32);
  const last = sigmas.length - 1;
  const lerp = (table: Float32Array, t: number): number => {
    const clamped = Math.min(Math.max(t, 0), last);
    const low = Math.min(Math.floor(clamped), Math.max(last - 1, 0));
    const [a, b] = [table[low]!, table[Math.min(low + 1, last)]!];
    return a + (b - a) * (clamped - low);
  };
  return {
    sigmas,
    sigmaAt: (t) => lerp(sigmas, t),
    logSigmaAt: (t) => lerp(logs, t),
    timeOf: (sigma) => {
      const logSigma = Math.log(Math.max(sigma, 1e-10));
      // from the top: a zero-SNR schedule in float32 need not rise to its end
      const below = logs.findLastIndex((value) => value <= logSigma);
      const low = Math.min(Math.max(below, 0), Math.max(last - 1, 0));
      const [a, b] = [logs[low]!, logs[Math.min(low + 1, last)]!];
      const w = Math.min(1, Math.max(0, (a - logSigma) / (a - b)));
      return (1 - w) * low + w * (low + 1);
    },
  };
}
