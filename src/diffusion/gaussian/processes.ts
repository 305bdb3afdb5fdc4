/** @file Continuous forward processes: what α(t) and σ(t) are in each family, with their derivatives. */
import type { Point, Process } from './process.ts';

/** Variance-preserving SDE with β(t) linear in t ∈ [0, 1]: `log α = −(β₁−β₀)·t²/4 − β₀·t/2` (Song et al. 2021, App. C). */
export function variancePreserving({ betaMin = 0.1, betaMax = 20, start = 1e-3 } = {}): Process {
  const alpha = (t: number) => Math.exp(-0.25 * t ** 2 * (betaMax - betaMin) - 0.5 * t * betaMin);
  const alphaDot = (t: number) => -0.5 * (betaMin + t * (betaMax - betaMin)) * alpha(t);
  const sigma = (t: number) => Math.sqrt(-Math.expm1(2 * Math.log(alpha(t))));
  return {
    name: 'variance-preserving',
    start,
    end: 1,
    alpha,
    sigma,
    alphaDot,
    sigmaDot: (t) => (-alpha(t) * alphaDot(t)) / sigma(t),
  };
}

/** Sub-VP SDE: the α of the variance-preserving SDE, with `σ = 1 − α²` (Song et al. 2021, eq. 29). */
export function subVariancePreserving(options: { betaMin?: number; betaMax?: number; start?: number } = {}): Process {
  const vp = variancePreserving(options);
  return {
    ...vp,
    name: 'sub-variance-preserving',
    sigma: (t) => -Math.expm1(2 * Math.log(vp.alpha(t))),
    sigmaDot: (t) => -2 * vp.alpha(t) * vp.alphaDot(t),
  };
}

/** Cosine schedule `α = cos(πt/2)`, `σ = sin(πt/2)`, t ∈ [0, 1] (Nichol & Dhariwal 2021 without offset; v-prediction's own). */
export function cosineProcess({ start = 1e-3, end = 1 } = {}): Process {
  const half = Math.PI / 2;
  return {
    name: 'cosine',
    start,
    end,
    alpha: (t) => Math.cos(half * t),
    sigma: (t) => Math.sin(half * t),
    alphaDot: (t) => -half * Math.sin(half * t),
    sigmaDot: (t) => half * Math.cos(half * t),
  };
}

/** TrigFlow: `x_t = cos(t)·x₀ + sin(t)·z`, t ∈ [0, π/2], with data and noise of standard deviation σ_data (Lu & Song 2024). */
export function trigFlow({ start = 1e-3, end = Math.PI / 2 } = {}): Process {
  return {
    name: 'trigflow',
    start,
    end,
    alpha: Math.cos,
    sigma: Math.sin,
    alphaDot: (t) => -Math.sin(t),
    sigmaDot: Math.cos,
  };
}

/** Variance exploding: `α = 1`, `σ = σ_min·(σ_max/σ_min)^t`, t ∈ [0, 1] (Song & Ermon 2019; Song et al. 2021). */
export function varianceExploding({ sigmaMin = 0.01, sigmaMax = 50 } = {}): Process {
  const log = Math.log(sigmaMax / sigmaMin);
  const sigma = (t: number) => sigmaMin * Math.exp(t * log);
  return {
    name: 'variance-exploding',
    start: 0,
    end: 1,
    alpha: () => 1,
    sigma,
    alphaDot: () => 0,
    sigmaDot: (t) => log * sigma(t),
  };
}

/** EDM: `α = 1` and time is the noise level itself, `σ(t) = t` (Karras et al. 2022). */
export function edmProcess({ sigmaMin = 0.002, sigmaMax = 80 } = {}): Process {
  return {
    name: 'edm',
    start: sigmaMin,
    end: sigmaMax,
    alpha: () => 1,
    sigma: (t) => t,
    alphaDot: () => 0,
    sigmaDot: () => 1,
  };
}

/** Rectified flow: `α = 1 − t`, `σ = t` with t ∈ [0, scale] counted in units of 1/scale (diffusers: scale 1000). */
export function rectifiedFlow({ scale = 1 } = {}): Process {
  return {
    name: 'rectified-flow',
    start: 0,
    end: scale,
    alpha: (t) => 1 - t / scale,
    sigma: (t) => t / scale,
    alphaDot: () => -1 / scale,
    sigmaDot: () => 1 / scale,
  };
}

/** Level of a rectified flow, σ = 1 − α, at which `σ/α = ratio`. */
export function flowLevel(ratio: number): number {
  return ratio / (1 + ratio);
}

/** Rectified flow with time running towards data: `α = t/scale`, `σ = 1 − α`, from 0 (noise) to `scale` (data) (Lipman et al. 2023). */
export function dataTimeFlow({ scale = 1 } = {}): Process {
  return {
    name: 'rectified-flow',
    start: scale,
    end: 0,
    alpha: (t) => t / scale,
    sigma: (t) => 1 - t / scale,
    alphaDot: () => 1 / scale,
    sigmaDot: () => -1 / scale,
  };
}

/**
 * Any process by its level: the time at which σ/α equals `ratio`, found by bisection between `start` and `end`
 * (it grows from the start to the end of every process here), and the point there.
 */
export function levelOf(process: Process): (ratio: number) => Point {
  return (ratio) => {
    let [low, high] = [process.start, process.end];
    for (let i = 0; i < 200; i++) {
      const t = (low + high) / 2;
      if (t === low || t === high) break;
      // compares without dividing: α may be 0 at the end
      if (process.sigma(t) < ratio * process.alpha(t)) low = t;
      else high = t;
    }
    const t = (low + high) / 2;
    return { t, alpha: process.alpha(t), sigma: process.sigma(t) };
  };
}
