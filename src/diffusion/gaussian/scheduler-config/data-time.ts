/** @file Flow configs whose time is the share of data, 0 in noise and 1 at the data: MiniMax-H3 and RFD4-Proteína. */
import { ConfigError } from '../../../tensor/index.ts';
import { linspaceFloat32 } from '../beta-schedules.ts';
import { linspace } from '../grids/numpy.ts';
import { assertSteps } from '../grids/timesteps.ts';
import type { Point } from '../process.ts';
import { dataTimeFlow, flowLevel } from '../processes.ts';
import { euler } from '../solvers/euler.ts';
import { rescaledScore, temporalRatio } from '../solvers/score-rescaling.ts';
import { onePerStep, type PlanParts, unitStart } from './plan.ts';
import type { SchedulerOptions } from './read.ts';

const f = Math.fround;

function dataTimeParts(): Omit<PlanParts, 'solve' | 'grid' | 'stochastic'> {
  return {
    process: dataTimeFlow(),
    reading: { prediction: 'reverse_flow' },
    level: (ratio) => {
      const sigma = flowLevel(ratio);
      return { t: 1 - sigma, alpha: 1 - sigma, sigma };
    },
    initialScale: unitStart,
    order: 1,
    evaluations: onePerStep,
  };
}

/**
 * MiniMax-H3: flow Euler on shifted levels. As in diffusers `steps` counts the levels with the closing zero, so that one
 * evaluation less is made; `sigmas` of a request are used as they are, the zero included. Video and audio have a plan each.
 */
export function minimaxH3Plan(o: SchedulerOptions): PlanParts {
  if (!(o.shift > 0)) throw new ConfigError(`shift is positive, got ${o.shift}`, 'video uses 12, audio 3');
  return {
    ...dataTimeParts(),
    grid: ({ steps = 50, sigmas }) => {
      if (sigmas === undefined) assertSteps(steps);
      if ((sigmas?.length ?? steps) < 2) {
        throw new ConfigError('this scheduler counts the closing level as a step', 'ask for 2 steps or more');
      }
      if (sigmas !== undefined && sigmas[sigmas.length - 1] !== 0) {
        throw new ConfigError(`sigmas end at ${sigmas[sigmas.length - 1]}, expected 0`, 'append the closing 0');
      }
      const shifted = (sigma: number) => f(f(o.shift * sigma) / f(1 + f((o.shift - 1) * sigma)));
      const levels = sigmas?.map(f) ?? Array.from(linspaceFloat32(1, 0, steps), shifted);
      // a strong shift can bring neighbours to the same float32
      const distinct = sigmas === undefined ? levels.filter((sigma, i) => sigma !== levels[i - 1]) : levels;
      return distinct.map((sigma): Point => ({ t: f(1 - sigma), alpha: 1 - sigma, sigma }));
    },
    solve: (denoise, x, grid, options) => euler(denoise, x, grid, options),
    stochastic: false,
  };
}

/** Times from `start` to 1 in `steps` intervals: equal in √t, or in log(1 − t) down to 10⁻². */
function proteinTimes(mode: string, steps: number, start: number): number[] {
  if (mode === 'power') return linspace(Math.sqrt(start), 1, steps + 1).map((root) => root ** 2);
  const times = linspace(start, -2, steps + 1).map((exponent) => 1 - 10 ** exponent);
  const shifted = times.map((t) => t - (times[0]! - start));
  return shifted.map((t) => t / shifted[steps]!);
}

/** `proteinTimes` whose last `tail` intervals are `multiplier` times finer than the others. */
function tailedTimes(mode: string, steps: number, tail: number, multiplier: number): number[] {
  const start = 1e-3;
  if (tail === 0) return proteinTimes(mode, steps, start);
  if (!Number.isInteger(multiplier) || multiplier < 2) {
    throw new ConfigError(`tail_step_multiplier is a whole number from 2, got ${multiplier}`);
  }
  const base = steps - (multiplier - 1) * tail;
  if (base < tail) {
    throw new ConfigError(
      `${steps} steps are too few for a tail of ${tail} steps ${multiplier} times finer`,
      `ask for at least ${tail * multiplier} steps`,
    );
  }
  const tailStart = (base - tail) * multiplier;
  return proteinTimes(mode, base * multiplier, start).filter((_, i) => i >= tailStart || i % multiplier === 0);
}

/**
 * RFD4-Proteína: a flow sampled at low temperature by temporal score rescaling, stochastic between `t_lim_ode_below` and
 * `t_lim_ode`. A plan is one modality (backbone or latents); stepping both side by side, centring the noise and conditioning
 * are the pipeline's. `emitMask` of a run holds context and padding at zero.
 */
export function proteinaPlan(o: SchedulerOptions): PlanParts {
  const [k, width] = [o.tsr_k ?? 1, o.tsr_sigma ?? 1];
  const ratio = (point: Point) => temporalRatio(point, k, width);
  const noiseRate = (point: Point): number => {
    if (point.t > f(o.t_lim_ode) || point.t < f(o.t_lim_ode_below)) return 0;
    const t = Math.min(point.t, 1 - 1e-5);
    const angle = ((1 - t) * Math.PI) / 2;
    const rate = o.noise_mode === 'tan' ? ((Math.PI / 2) * Math.sin(angle)) / (Math.cos(angle) + 1e-2) : 1 / (t + 1e-2);
    // the rescaling counts twice: for the drift and for the noise
    return rate / ratio(point) ** 2;
  };
  return {
    ...dataTimeParts(),
    grid: ({ steps = 400 }) => {
      assertSteps(steps);
      const times = tailedTimes(o.schedule_mode ?? 'log', steps, o.tail_steps, o.tail_step_multiplier);
      return times.map((time, i): Point => {
        const t = i === steps ? 1 : f(time);
        return { t, alpha: t, sigma: 1 - t };
      });
    },
    solve: (denoise, x, grid, { emitMask, ...options }) =>
      rescaledScore(denoise, x, grid, { ...options, ratio, noiseRate, emitMask }),
    stochastic: true,
  };
}
