/** @file Min-SNR weighting of the denoising loss (Hang et al. 2023), as a weight on what the network predicts. */
import type { Parameterisation, PredictionType } from '../parameterisation.ts';
import { type LossWeight, minSnr, onOutput } from './weights.ts';

/**
 * `min(SNR, γ)` on the error in x̂₀, as a weight on the squared error of the output: the error of x̂₀ is that of ε̂ times
 * 1/SNR, and that of v̂ times 1/(SNR + 1).
 */
export function minSnrWeight(gamma: number, prediction: PredictionType | Parameterisation): LossWeight {
  return onOutput(minSnr(gamma), prediction);
}
