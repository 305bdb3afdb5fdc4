/** @file Grids by name: the noise levels that each of the usual fixed grids visits on a trained schedule. */
import { ConfigError } from '../../../tensor/index.ts';
import {
  AYS_SIGMAS,
  alignYourSteps,
  betaSigmas,
  exponentialSigmas,
  karrasSigmas,
  klOptimalSigmas,
  simpleSigmas,
} from './sigma-grids.ts';
import type { SigmaTable } from './sigma-table.ts';
import { type SpacingOptions, spacedTimesteps } from './timesteps.ts';

/** All grids that can be named; `inkwash sample --solver dpm++2m-karras` puts one on a solver. */
export const GRID_NAMES = [
  'leading',
  'linspace',
  'trailing',
  'sgm_uniform',
  'simple',
  'karras',
  'exponential',
  'lu',
  'beta',
  'kl_optimal',
  'ays',
  'ays-sdxl',
  'ays-svd',
] as const;

/** A grid by name. */
export type GridName = (typeof GRID_NAMES)[number];

/**
 * Levels σ/α of the grid called `name` on the trained levels of `table`: `steps` of them, noisiest first, without the
 * closing zero. Throws `ConfigError` for steps out of range, and where Align Your Steps starts above what was trained.
 */
export function namedLevels(name: GridName, steps: number, table: SigmaTable): number[] {
  const { sigmas, sigmaAt } = table;
  const range = { sigmaMin: sigmas[0]!, sigmaMax: sigmas[sigmas.length - 1]! };
  const spaced = (options: SpacingOptions): number[] => spacedTimesteps(sigmas.length, steps, options).map(sigmaAt);
  switch (name) {
    case 'leading':
    case 'trailing':
      return spaced({ spacing: name });
    case 'linspace':
      return spaced({ spacing: 'linspace', fractional: true });
    // ComfyUI: linspace whose last step, into clean data, is as long as the others
    case 'sgm_uniform':
      return spaced({ spacing: 'linspace', fractional: true, dropLast: true });
    case 'simple':
      return simpleSigmas(steps, sigmas);
    case 'karras':
      return karrasSigmas(steps, range);
    // equal steps in λ = −log(σ/α) are equal steps in log σ/α
    case 'lu':
    case 'exponential':
      return exponentialSigmas(steps, range);
    case 'beta':
      return betaSigmas(steps, range);
    case 'kl_optimal':
      return klOptimalSigmas(steps, range);
    case 'ays':
      return alignedLevels('sd', steps, range.sigmaMax);
    case 'ays-sdxl':
      return alignedLevels('sdxl', steps, range.sigmaMax);
    case 'ays-svd':
      return alignedLevels('svd', steps, range.sigmaMax);
  }
}

function alignedLevels(model: keyof typeof AYS_SIGMAS, steps: number, sigmaMax: number): number[] {
  const [first] = AYS_SIGMAS[model];
  if (first > sigmaMax) {
    throw new ConfigError(
      `the Align Your Steps grid of ${model} starts at σ = ${first}, the model was trained up to ${sigmaMax.toFixed(2)}`,
      'its levels suit models with a like schedule; take another grid',
    );
  }
  return alignYourSteps(steps, model);
}
