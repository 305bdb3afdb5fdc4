/** @file Classifier-free guidance (Ho & Salimans 2022): away from the unconditional prediction. */
import type { Network } from './denoiser.ts';
import type { Point } from './process.ts';
import { combine, type State } from './state.ts';

/** A network that may be told the class of each sample. */
export type ClassNetwork = (
  x: State,
  point: Point,
  labels: readonly number[] | undefined,
  step: number,
) => Promise<State>;

/** The classes wanted, and how strongly. */
export interface ClassGuidance {
  /** One per sample. */
  readonly labels: readonly number[];
  /** Label that stands for no class; guidance other than 1 needs it. */
  readonly nullLabel: number | undefined;
  /** w: 0 ignores the class, 1 follows the network, above 1 exaggerates. */
  readonly scale: number;
}

/** `F = F_∅ + w·(F_c − F_∅)`, in two runs of the network; one suffices at w = 1 and w = 0. */
export function classifierFree(network: ClassNetwork, guidance: ClassGuidance | undefined): Network {
  if (guidance === undefined) return (x, point, step) => network(x, point, undefined, step);
  const { labels, nullLabel, scale } = guidance;
  if (scale === 1 || nullLabel === undefined) return (x, point, step) => network(x, point, labels, step);
  const none = labels.map(() => nullLabel);
  return async (x, point, step) => {
    const without = await network(x, point, none, step);
    if (scale === 0) return without;
    return combine([scale, await network(x, point, labels, step)], [1 - scale, without]);
  };
}
