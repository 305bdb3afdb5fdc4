/**
 * @file Where inkwash departs from diffusers' schedulers on purpose: the table of docs/diffusion.md, and how the fuzz knows
 * each row when it meets it. A test holds the document to this list.
 */
import { type DiscreteProcess, fromSchedulerConfig, linspaceFloat32 } from '../../../src/diffusion/gaussian/index.ts';
import type { Departure, Found } from './fuzz.ts';
import { differentCalls, distances, ONE_MORE } from './scheduler-compare.ts';
import type { SchedulerSpec } from './scheduler-configs.ts';
import type { SchedulerAnswer, SchedulerRun } from './scheduler-run.ts';

type SchedulerFound = Found<SchedulerAnswer, SchedulerRun>;
type SchedulerDeparture = Departure<SchedulerSpec, SchedulerAnswer, SchedulerRun>;

const refusedWith = ({ refused }: SchedulerFound, words: RegExp): boolean => words.test(refused?.message ?? '');

const sameTimes = ({ here, answer }: SchedulerFound): boolean =>
  here !== undefined && differentCalls(here.calls, answer.calls) === undefined;

/** All states agree but the last. */
const onlyTheLastDiffers = ({ here, differs }: SchedulerFound): boolean =>
  here !== undefined && differs?.part === here.states.length - 1;

/** ᾱ of every training step of a configuration. */
function alphaBars({ cls, config }: SchedulerSpec): Float32Array {
  const { process } = fromSchedulerConfig({ _class_name: cls, ...config });
  return 'alphasCumprod' in process ? (process as DiscreteProcess).alphasCumprod : new Float32Array();
}

/** The noise end of the training times, where zero-SNR levels hang on the last bits of torch's roots. */
const noiseEnd = ({ config }: SchedulerSpec): number =>
  config.rescale_betas_zero_snr === true ? 0.98 * Number(config.num_train_timesteps ?? 1000) : Number.POSITIVE_INFINITY;

/** The network is asked as often, at times as noisy or noisier. */
const noisierTimes = (spec: SchedulerSpec, { here, answer }: SchedulerFound): boolean =>
  here !== undefined &&
  here.calls.length === answer.calls.length &&
  here.calls.every((t, i) => t >= answer.calls[i]! - 1e-3 || t > noiseEnd(spec));

/** Times are equal but for some that truncation puts one step apart, and so nearly are the states. */
function truncatedOneApart({ here, answer }: SchedulerFound): boolean {
  if (here === undefined || here.calls.length !== answer.calls.length) return false;
  const apart = here.calls.map((t, i) => Math.abs(t - answer.calls[i]!)).filter((gap) => gap !== 0);
  return apart.length <= 2 && apart.every((gap) => gap === 1) && distances(here, answer).every((far) => far < 2e-3);
}

/** Times of zero-SNR levels differ at the noise end alone, where √ᾱ is a difference of nearly equal roots, by little more than 1. */
function apartAtTheEnd(spec: SchedulerSpec, { here, answer }: SchedulerFound): boolean {
  if (here?.calls.length !== answer.calls.length) return false;
  return here.calls.every((t, i) => {
    const gap = Math.abs(t - answer.calls[i]!);
    return gap < 1e-2 || (gap < 1.5 && t > noiseEnd(spec));
  });
}

const repeatsTimes = ({ calls }: SchedulerAnswer): boolean => calls.some((t, i) => i > 0 && t === calls[i - 1]);

/** Indices of the levels that Score SDE (VE) takes, as diffusers truncates them. */
function truncatedIndices(steps: number, samplingEps: number): number[] {
  return Array.from(linspaceFloat32(1, samplingEps, steps), (t) => Math.trunc(Math.fround(t * (steps - 1))));
}

/** In the order of the document. */
export const SCHEDULER_DEPARTURES: readonly SchedulerDeparture[] = [
  {
    row: [
      'DDPM, step into clean data from t > 0 (`trailing`, own times, an offset)',
      'adds noise (`fixed_large`: √β of the whole step)',
      'adds none',
      'the state would end noisy',
    ],
    explains: ({ cls, config }, found) =>
      /^(DDPM|DDPMParallel)Scheduler$/.test(cls) &&
      /^(fixed_large|learned|learned_range)$/.test(String(config.variance_type)) &&
      found.answer.calls.at(-1)! > 0 &&
      onlyTheLastDiffers(found),
  },
  { row: ['DDPM `fixed_large_log`', 'takes the root of a logarithm: NaN', '√β', 'what the name means'] },
  {
    row: [
      '`sde-dpmsolver++` order 3',
      'the sign of ½ in the third coefficient is flipped',
      'the published formula',
      'the flip leaves an error of h² in every step',
    ],
    explains: ({ cls, config }, found) =>
      /DPMSolverMultistep/.test(cls) &&
      config.solver_order === 3 &&
      (config.algorithm_type === 'sde-dpmsolver++' || cls === 'CosineDPMSolverMultistepScheduler') &&
      Number(found.differs?.part) >= 2,
  },
  { row: ['UniPC `bh1` into σ = 0', '∞·0: NaN', 'the limit, x̂₀', 'the limit exists'] },
  {
    row: [
      '`s_churn` in Euler',
      'network at the level before churn',
      'at the raised level, as in Algorithm 2',
      'the state has the raised level',
    ],
    explains: (spec, found) =>
      /^(EulerDiscrete|EDMEuler)Scheduler$/.test(spec.cls) &&
      Number(spec.step.sChurn) > 0 &&
      // the times of log-linear levels are not those of the levels, and ours are
      (noisierTimes(spec, found) || spec.config.interpolation_type === 'log_linear'),
  },
  {
    row: [
      '`s_churn` in flow-match Heun',
      'raises σ and leaves the signal, twice a step',
      'refused',
      'such states are not on the path of a flow',
    ],
    explains: ({ cls }, found) =>
      cls === 'FlowMatchHeunDiscreteScheduler' && refusedWith(found, /^churn raises σ and leaves the signal/),
  },
  {
    row: [
      'Brownian-tree noise (DPM SDE, cosine DPM)',
      'torchsde’s bridge',
      'independent increments of one Brownian path',
      'another stream with the same law; given the same increments the steps are equal',
    ],
  },
  {
    row: [
      'Helios, between stages',
      'Cholesky factor of the blocks’ covariance, which is singular at the default γ = ⅓: torch refuses it',
      'its symmetric root',
      'the same law, for every γ up to ⅓',
    ],
  },
  {
    row: [
      'Helios DMD on times less than 2 apart',
      'truncates them, then takes the level of the nearest',
      'each step’s own level',
      'the nearest can be a neighbour’s',
    ],
    explains: ({ cls }, { answer }) =>
      cls === 'HeliosDMDScheduler' && answer.calls.some((t, i) => i > 0 && answer.calls[i - 1]! - t < 2),
  },
  {
    row: [
      '`repaint()`',
      'one draw for both parts; up again by shifted betas',
      'a draw each; up again by q(x_t\\|x_s)',
      'as in the paper; the plan of `RePaintScheduler` does as diffusers',
    ],
  },
  {
    row: ['UnCLIP', 'α = 1 − (1 − ᾱ_t/ᾱ_s) in float32 loses 3 digits', 'ᾱ_t/ᾱ_s', 'agrees to 10⁻³'],
    explains: ({ cls }, found) =>
      cls === 'UnCLIPScheduler' && sameTimes(found) && distances(found.here!, found.answer).every((far) => far < 1e-3),
  },
  {
    row: [
      'CogVideoX with `scaled_linear` betas',
      'ᾱ in float64',
      'in float32, as all other classes have it',
      'agrees to 2·10⁻⁴, unless ᾱ is below 10⁻³⁰, where no model is trained',
    ],
    explains: (spec, found) =>
      spec.cls.startsWith('CogVideoX') &&
      (spec.config.beta_schedule ?? 'scaled_linear') === 'scaled_linear' &&
      (alphaBars(spec).at(-1)! < 1e-30
        ? found.here === undefined || sameTimes(found)
        : sameTimes(found) && distances(found.here!, found.answer).every((far) => far < 2e-4)),
  },
  {
    row: [
      'KDPM2 ancestral, nearly equal levels',
      'σ_down² as a difference in float32 loses digits',
      'in float64',
      'agrees to 10⁻³',
    ],
    explains: ({ cls }, found) =>
      cls === 'KDPM2AncestralDiscreteScheduler' &&
      found.here?.calls.length === found.answer.calls.length &&
      found.here.calls.every((t, i) => Math.abs(t - found.answer.calls[i]!) < 0.05) &&
      distances(found.here!, found.answer).every((far) => far < 1e-3),
  },
  {
    row: [
      'Score SDE (VE)',
      'truncates t·(N − 1) in float32 to an index, which can visit a level twice; with one step, takes σ_min',
      'every level once; with one step, σ_max',
      'a level would be skipped, or the noise taken for nearly clean data',
    ],
    explains: ({ cls, config, steps }, found) =>
      cls === 'ScoreSdeVeScheduler' &&
      sameTimes(found) &&
      (steps === 1 ||
        truncatedIndices(steps, Number(config.sampling_eps ?? 1e-5)).some((index, i) => index !== steps - 1 - i)),
  },
  {
    row: [
      'Score SDE (VE), corrector on a batch',
      'takes the mean of the norms over the batch',
      'each sample’s own norms',
      'a picture should not depend on its companions; one at a time both agree',
    ],
  },
  {
    row: [
      'LMS, iPNDM restarted',
      'counts orders from the whole grid; keeps slopes of the last run',
      'the same, when given `whole`, `history`',
      'a run should not depend on another',
    ],
  },
  {
    row: [
      'first time duplicated by rounding',
      'starts at the second',
      'starts at the first',
      'a level would be skipped; most classes of diffusers then run past the end',
    ],
    explains: (_spec, { answer, here }) =>
      here !== undefined && answer.calls[0] === answer.calls[1] && repeatsTimes(answer),
  },
  {
    row: [
      'more steps than training steps, times past the last, so many that times repeat, or several ᾱ of 0',
      'steps of length zero, where the class does not refuse them',
      'refused',
      'they cost evaluations and change nothing',
    ],
    explains: (spec, found) => {
      const train = Number(spec.config.num_train_timesteps ?? 1000);
      if (refusedWith(found, /steps are more than the/)) return spec.steps > train;
      if (!refusedWith(found, /^the grid does not (de|a)scend/)) return false;
      const past = found.answer.calls.some((t) => t > train - 1);
      return past || repeatsTimes(found.answer) || alphaBars(spec).filter((value) => value === 0).length > 1;
    },
  },
  {
    row: [
      '`final_sigmas_type: sigma_min` after levels below the trained ones (a `sigma_min`, flow levels)',
      'the last step goes back up',
      'refused',
      'it would leave noise that was removed',
    ],
    explains: ({ config }, found) =>
      config.final_sigmas_type === 'sigma_min' &&
      (config.sigma_min !== undefined || config.use_flow_sigmas === true) &&
      refusedWith(found, /^the grid does not descend/),
  },
  {
    row: [
      '`trailing` where T/N is rounded down, such as 999/15',
      'NumPy’s `arange` goes one further, to time −1',
      'stops at the last training step',
      'there is no time −1',
    ],
    explains: ({ config }, { answer }) =>
      config.timestep_spacing === 'trailing' && (answer.calls.at(-1) === -1 || answer.calls[0] === -1),
  },
  {
    row: [
      '`v_prediction` with `use_flow_sigmas`',
      'v for α² + σ² = 1, on levels with α + σ = 1',
      'v by the levels’ own α and σ',
      'what v means; no model has both',
    ],
    explains: ({ config }, found) =>
      config.prediction_type === 'v_prediction' && config.use_flow_sigmas === true && sameTimes(found),
  },
  {
    row: [
      'float32 `sigmoid`, `sqrt` in torch',
      'last bit varies by machine, and with it a time that is truncated (exponential, beta and lu levels), and the noisiest times with zero SNR',
      'correctly rounded',
      'one machine’s rounding is not another’s',
    ],
    explains: (spec, found) =>
      ((spec.config.use_exponential_sigmas ?? spec.config.use_beta_sigmas ?? spec.config.use_lu_lambdas) === true &&
        found.answer.exactRoot === false &&
        truncatedOneApart(found)) ||
      (spec.config.rescale_betas_zero_snr === true && apartAtTheEnd(spec, found)),
  },
  {
    row: [
      '`invert_sigmas` in samplers other than flow-match Euler, and with its `stochastic_sampling`',
      'takes the noise for the data',
      'refused',
      'supported in flow-match Euler',
    ],
    explains: ({ config }, found) => config.invert_sigmas === true && refusedWith(found, /^invert_sigmas works with/),
  },
  {
    row: [
      'inverse DPM-Solver on σ spacings and `trailing`',
      'repeats its last level',
      'leaves the repeat out',
      'a step of length zero costs an evaluation',
    ],
    explains: ({ cls }, found) => cls === 'DPMSolverMultistepInverseScheduler' && found.differs?.cause === ONE_MORE,
  },
  {
    row: [
      'inverse DPM-Solver, times repeated by rounding',
      'drops the repeated times but not their levels, and ends early',
      'keeps both',
      'the inversion should reach the noise',
    ],
    explains: ({ cls }, { here, answer }) =>
      cls === 'DPMSolverMultistepInverseScheduler' &&
      here !== undefined &&
      here.calls.some((t, i) => i > 0 && t === here.calls[i - 1]) &&
      new Set(here.calls).size <= answer.calls.length,
  },
  {
    row: [
      'inverse DPM-Solver of one step, on σ spacings and `trailing`',
      'one evaluation and no change',
      'refused',
      'there is nowhere to go',
    ],
    explains: ({ cls }, found) =>
      cls === 'DPMSolverMultistepInverseScheduler' &&
      refusedWith(found, /^these levels run from the first to the last/),
  },
  {
    row: [
      'inverse DPM-Solver on flow levels',
      'runs them from noise to data',
      'refused: `ddimInversion`',
      'that is no inversion',
    ],
    explains: ({ cls, config }, found) =>
      cls === 'DPMSolverMultistepInverseScheduler' &&
      config.use_flow_sigmas === true &&
      refusedWith(found, /does not invert flows/),
  },
  {
    row: [
      'exponential levels of EDM, EDM DPM and cosine DPM, one step',
      'one level at σ_min, for noise of σ_max',
      'one level at σ_max',
      'the level of the noise',
    ],
    explains: ({ cls, config, steps }, { here, answer }) =>
      /^(EDMEuler|EDMDPMSolverMultistep|CosineDPMSolverMultistep)Scheduler$/.test(cls) &&
      (config.sigma_schedule === 'exponential' || cls.startsWith('Cosine')) &&
      steps === 1 &&
      here !== undefined &&
      here.calls[0]! > answer.calls[0]!,
  },
  {
    row: [
      'EDM DPM and cosine DPM, `final_sigmas_type: sigma_min`',
      'computes the last level twice, a rounding apart: NaN, or a little noise',
      'a last step of length zero',
      'the two are one level',
    ],
    explains: ({ cls, config }, found) =>
      /^(EDM|Cosine)DPMSolverMultistepScheduler$/.test(cls) &&
      config.final_sigmas_type === 'sigma_min' &&
      onlyTheLastDiffers(found) &&
      distances(found.here!, found.answer).at(-1)! < 2e-3,
  },
  {
    row: [
      '`sigmas` of EDM Euler',
      'positions from 0 to 1 on its ramp, ignored by exponential levels',
      'noise levels',
      'as the name says; the ramp’s own levels give the same run',
    ],
  },
  {
    row: [
      '`sigmas` of UniPC together with karras, exponential or beta levels',
      'spaces between the given ones, upside down',
      'refused',
      'diffusers refuses the like elsewhere',
    ],
    explains: ({ cls, grid }, found) =>
      cls === 'UniPCMultistepScheduler' && grid.sigmas !== undefined && refusedWith(found, /^sigmas of your own and/),
  },
  {
    row: [
      'learned variance in DPM-Solver, UniPC, DEIS and SA-Solver',
      'the first three channels predict, however many there are',
      'the first half',
      'equal for pictures in colour',
    ],
  },
];
