/** @file From one stage of a pyramid to the next: enlarge the state twofold and give its noise the law of white noise again. */
import { ConfigError, ShapeError } from '../../../tensor/index.ts';
import { drawNoise, type NoiseSource } from '../solver.ts';
import { emptyLike, type State } from '../state.ts';

/** How a stage starts. */
export interface StageEntry {
  /** Flow level σ at which the stage before ends. */
  readonly sigma: number;
  /** Correlation γ ≤ ⅓ of the noise added within a block, with opposite sign. */
  readonly gamma: number;
}

/** Weights of the enlarged state and of the added noise, and the level σ that the sum stands at. */
export interface StageWeights {
  readonly onX: number;
  readonly onNoise: number;
  readonly sigma: number;
}

/**
 * Enlarging repeats every noise value in a block of 4, so blocks are correlated; noise correlated by −γ cancels that, at the
 * price of a level nearer to noise: with α = 1 − σ, `onX = 1/(α + σ·√(1 + 1/γ))`, `onNoise = onX·σ/√γ`, new α = onX·α
 * (Jin et al. 2024, Pyramidal Flow Matching, eq. 15).
 */
export function stageWeights({ sigma, gamma }: StageEntry): StageWeights {
  if (!(gamma > 0 && gamma <= 1 / 3)) {
    throw new ConfigError(`gamma lies in (0, ⅓], got ${gamma}`, 'four values cannot be more opposed than by ⅓');
  }
  const onX = 1 / (Math.sqrt(1 + 1 / gamma) * sigma + 1 - sigma);
  return { onX, onNoise: (onX * sigma) / Math.sqrt(gamma), sigma: 1 - onX * (1 - sigma) };
}

/**
 * The state that the next stage starts from. x: [planes, height, width] → [planes, 2·height, 2·width], every pixel repeated
 * in a 2×2 block, plus noise of covariance `(1 + γ)·I − γ·11ᵀ` within each block. Throws `ShapeError` unless the planes fit.
 */
export function enterStage(
  x: State,
  { height, width }: { readonly height: number; readonly width: number },
  entry: StageEntry,
  noise: NoiseSource,
): State {
  if (x.length % (height * width) !== 0) {
    throw new ShapeError(`a state of ${x.length} elements does not hold planes of ${height}×${width}`);
  }
  const { onX, onNoise } = stageWeights(entry);
  const out = emptyLike(x instanceof Float32Array ? new Float32Array(4 * x.length) : new Float64Array(4 * x.length));
  const white = drawNoise(noise, out, -1);
  // the symmetric root of the covariance: 1 + γ across the block's mean, 1 − 3γ along it
  const across = Math.sqrt(1 + entry.gamma);
  const along = Math.sqrt(Math.max(0, 1 - 3 * entry.gamma));
  for (let i = 0; i < x.length; i++) {
    const row = Math.floor(i / width);
    const corner = 4 * row * width + 2 * (i % width);
    const block = [corner, corner + 1, corner + 2 * width, corner + 2 * width + 1];
    const mean = block.reduce((sum, at) => sum + white[at]!, 0) / 4;
    for (const at of block) out[at] = onX * x[i]! + onNoise * (across * (white[at]! - mean) + along * mean);
  }
  return out;
}
