/** @file The curves that explain a schedule: α, σ, SNR along time, and how far the end is from pure noise. */
import { type Process, pointAt, snr, terminalKl } from './process.ts';
import type { Grid } from './solver.ts';

/** A process sampled along its time. */
export interface ProcessCurves {
  readonly t: readonly number[];
  readonly alpha: readonly number[];
  readonly sigma: readonly number[];
  readonly snr: readonly number[];
  readonly logSnr: readonly number[];
}

/** `count` samples of a process from its start to its end. */
export function processCurves(process: Process, count = 101): ProcessCurves {
  const span = process.end - process.start;
  const times = Array.from({ length: count }, (_, i) => process.start + (span * i) / (count - 1));
  return curvesOf(times.map((t) => pointAt(process, t)));
}

/** The same curves at the points of a grid. */
export function gridCurves(grid: Grid): ProcessCurves {
  return curvesOf(grid);
}

function curvesOf(points: Grid): ProcessCurves {
  const ratios = points.map(snr);
  return {
    t: points.map(({ t }) => t),
    alpha: points.map(({ alpha }) => alpha),
    sigma: points.map(({ sigma }) => sigma),
    snr: ratios,
    logSnr: ratios.map(Math.log),
  };
}

/** How far the end of a process is from its prior. */
export interface TerminalReport {
  /** SNR at the last training time. */
  readonly snr: number;
  /** Mean KL(q(x_T|x₀) ‖ prior) in nats per dimension. */
  readonly klPerDimension: number;
  /** `α/√(α² + σ²)`, from 0 to 1: how much of the data's mean brightness leaks into the "pure noise" that sampling starts from. */
  readonly signalLeak: number;
  /** Said when the leak can be seen, with the remedy. */
  readonly warning: string | undefined;
}

/**
 * Closed-form terminal report; `dataPower` = E[x₀²]. Above an SNR of 1e-3 (a leak of 3 % of the noise's standard
 * deviation) it warns: Lin et al. 2023 saw medium-bright pictures at Stable Diffusion's 0.0047.
 */
export function terminalReport(process: Process, { dataPower = 1 } = {}): TerminalReport {
  const end = pointAt(process, process.end);
  const ratio = snr(end);
  return {
    snr: ratio,
    klPerDimension: terminalKl(end, { dataPower }),
    signalLeak: ratio === Number.POSITIVE_INFINITY ? 1 : Math.sqrt(ratio / (1 + ratio)),
    warning:
      ratio > 1e-3
        ? `terminal SNR is ${ratio.toPrecision(2)}, not near zero: sampling starts from noise that training never saw alone; ` +
          'train with zero-terminal-SNR betas and v-prediction, or a larger σ_max'
        : undefined,
  };
}
