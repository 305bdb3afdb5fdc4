/** @file Seeded sources of Gaussian noise for solvers: our own Philox, or the very numbers torch draws. */
import { fillNormal, TorchCpuGenerator, TorchCudaGenerator } from '../../tensor/index.ts';
import { oneOf } from './choices.ts';
import type { NoiseSource } from './solver.ts';

export const RNGS = ['philox', 'torch-cpu', 'torch-cuda'] as const;
/** `philox`: any step on its own; `torch-cpu`, `torch-cuda`: the stream of `torch.Generator(device).manual_seed(seed)`. */
export type Rng = (typeof RNGS)[number];

/**
 * Noise that depends on `seed` alone. `philox` keys each draw by its step, so it may be called in any order; the torch
 * generators are streams, so calls must come in the order torch would make them.
 */
export function noiseSource(rng: Rng, seed: number): NoiseSource {
  switch (oneOf('random generator', rng, RNGS)) {
    case 'philox': {
      const draws = new Map<number, number>();
      return (length, step) => {
        const draw = draws.get(step) ?? 0;
        draws.set(step, draw + 1);
        return fillNormal(new Float32Array(length), { seed, step: step + 1, draw });
      };
    }
    case 'torch-cpu': {
      const generator = new TorchCpuGenerator(seed);
      return (length) => generator.randn(length);
    }
    case 'torch-cuda': {
      const generator = new TorchCudaGenerator(seed);
      return (length) => generator.randn(length);
    }
  }
}
