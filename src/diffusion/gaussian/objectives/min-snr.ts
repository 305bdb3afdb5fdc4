/** @file Min-SNR weighting of the denoising loss (Hang et al. 2023). */
import type { PredictionType } from '../parameterisation.ts';
import { type Point, snr } from '../process.ts';

/**
 * `min(SNR, γ)` on the error in x̂₀, as a weight on the squared error of what the network predicts: the error of x̂₀ is
 * that of ε̂ times 1/SNR, and that of v̂ times 1/(SNR + 1).
 */
export function minSnrWeight(
  gamma: number,
  prediction: Extract<PredictionType, 'epsilon' | 'v_prediction' | 'sample'>,
): (point: Point) => number {
  return (point) => {
    const ratio = snr(point);
    const weight = Math.min(ratio, gamma);
    switch (prediction) {
      case 'sample':
        return weight;
      case 'epsilon':
        return ratio === 0 ? 1 : weight / ratio;
      case 'v_prediction':
        return weight / (ratio + 1);
    }
  };
}
