/** @file The optimizer that a configuration names. */
import type { Variable } from '../../graph/index.ts';
import type { TrainingConfig } from '../config.ts';
import { AdamW } from './adamw.ts';
import { isMatrix, MuonWithAdamW } from './muon.ts';
import type { Optimizer } from './optimizer.ts';

/** Layers at the rim of a network: their rows are colours, frequencies and classes, not features to orthogonalise. */
const RIM = /^(conv_in|conv_out|time_|class_)/;

/** Builds it for `parameters`, whose names are checkpoint keys. */
export function createOptimizer(parameters: readonly Variable[], options: TrainingConfig['optimizer']): Optimizer {
  const { name, muonRate, momentum, betas, epsilon, weightDecay } = options;
  const adamw = { betas, epsilon, weightDecay };
  switch (name) {
    case 'adamw':
      return new AdamW(parameters, adamw);
    case 'muon': {
      const matrices = parameters.filter((parameter) => isMatrix(parameter) && !RIM.test(parameter.name));
      return new MuonWithAdamW(parameters, matrices, { muon: { momentum, weightDecay }, adamw, muonRate });
    }
  }
}
