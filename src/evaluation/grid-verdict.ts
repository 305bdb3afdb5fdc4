/** @file Whether a searched grid beats the named ones, with the noise of that judgement. */
import { resamplings, scatterOf } from './resampling.ts';
import type { MeasuredSamples } from './sample-measures.ts';
import type { SolverResult } from './solver-comparison.ts';

/** How far the searched grid is ahead of the best other by one measure; negative: behind. */
export interface Lead {
  /** The best other grid by that measure, picked by what it was measured to be. */
  readonly over: SolverResult['grid'];
  readonly by: number;
  /** Standard error of `by`, on the same start noises. */
  readonly noise: number;
}

/** The searched grid of one number of steps against all others of the same solver. */
export interface GridVerdict {
  readonly steps: number;
  /** By rms distance from the reference trajectory. */
  readonly rms: Lead;
  /** By distance from the held-out pictures. */
  readonly distance: Lead;
}

/** A result and the samples it was measured on. */
export interface MeasuredResult {
  readonly result: SolverResult;
  readonly measured: MeasuredSamples;
}

/** What a lead is worth: `ahead` or `behind` by at least two standard errors, else `level`. */
export function leadStanding({ by, noise }: Lead): 'ahead' | 'level' | 'behind' {
  if (Math.abs(by) < 2 * noise || by === 0) return 'level';
  return by > 0 ? 'ahead' : 'behind';
}

/**
 * Leads of `searched` over the best of `others`, by each measure, from the same noise towards the samples `target`
 * [n, D]. The best of many is picked after the fact, in part by luck, so that a lead is rather understated.
 */
export function gridVerdict(
  searched: MeasuredResult,
  others: readonly MeasuredResult[],
  { target, sampleSize, seed }: { readonly target: Float32Array; readonly sampleSize: number; readonly seed: number },
): GridVerdict {
  const picks = resamplings(target.length / sampleSize, { seed });
  const rmsOn = ({ measured }: MeasuredResult): number[] => {
    const squares = sampleSquares(measured.samples, target, sampleSize);
    return picks.map((some) => Math.sqrt(some.reduce((sum, pick) => sum + squares[pick]!, 0) / some.length));
  };
  const lead = (
    value: (one: MeasuredResult) => number,
    resampled: (one: MeasuredResult) => readonly number[],
  ): Lead => {
    const rival = others.reduce((a, b) => (value(b) < value(a) ? b : a));
    const [theirs, own] = [resampled(rival), resampled(searched)];
    return {
      over: rival.result.grid,
      by: value(rival) - value(searched),
      noise: scatterOf(theirs.map((one, i) => one - own[i]!)).std,
    };
  };
  return {
    steps: searched.result.steps,
    rms: lead(({ result }) => result.rms ?? 0, rmsOn),
    distance: lead(
      ({ result }) => result.distance,
      ({ measured }) => measured.resampled,
    ),
  };
}

/** Mean squared distance of every sample from its target. */
function sampleSquares(samples: Float32Array, target: Float32Array, sampleSize: number): Float64Array {
  const squares = new Float64Array(samples.length / sampleSize);
  for (let i = 0; i < samples.length; i++) {
    squares[Math.floor(i / sampleSize)]! += (samples[i]! - target[i]!) ** 2 / sampleSize;
  }
  return squares;
}
