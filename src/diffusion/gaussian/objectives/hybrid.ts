/** @file The hybrid objective of improved DDPM: the simple loss for the mean, the variational bound for the variance. */
import { constant, detach, random, type Tensor, where } from '../../../graph/index.ts';
import { formatShape, ShapeError } from '../../../tensor/index.ts';
import type { DiscreteProcess } from '../discrete.ts';
import { CLEAN } from '../discrete.ts';
import { type Parameterisation, type PredictionType, parameterisation, readout } from '../parameterisation.ts';
import { type Point, pointAt, posterior } from '../process.ts';
import { type DenoisingLoss, drawTimesteps, type TimeSampling, type TracedNetwork } from './denoising.ts';

/** Options of the hybrid loss. */
export interface HybridOptions {
  readonly process: DiscreteProcess;
  readonly prediction?: PredictionType | Parameterisation;
  readonly timeSampling?: TimeSampling;
  /** λ: share of the variational bound (Nichol & Dhariwal 2021 use 0.001). */
  readonly lambda?: number;
}

/** What each training step contributes to the bound: posterior weights and the two log-variances the network mixes. */
function boundTables(process: DiscreteProcess) {
  const points = Array.from({ length: process.steps }, (_, t) => pointAt(process, t));
  const before = (t: number): Point => (t === 0 ? CLEAN : points[t - 1]!);
  const steps = points.map((point, t) => posterior(before(t), point));
  return {
    points,
    x0Weight: steps.map(({ x0Weight }) => x0Weight),
    // the first posterior has no variance; as in the original code it borrows the second's
    logSmall: steps.map(({ variance }, t) => Math.log(t === 0 ? (steps[1] ?? steps[0]!).variance : variance)),
    logLarge: points.map((_, t) => Math.log(process.betas[t]!)),
  };
}

/**
 * `L_simple + λ·T·L_vlb` (Nichol & Dhariwal 2021, eq. 16). The network returns twice the channels, [F, v]: v ∈ [−1, 1]
 * mixes the log-variances β̃ and β (eq. 15). The bound sees F through a stopped gradient, so it trains v alone; it is in
 * bits per dimension, its first term the likelihood of 8-bit pictures in [−1, 1]. x0: [B, C, …].
 */
export function hybridLoss(
  network: TracedNetwork,
  x0: Tensor,
  { process, prediction = 'epsilon', timeSampling = 'stratified', lambda = 0.001 }: HybridOptions,
): DenoisingLoss & { readonly simple: Tensor; readonly bound: Tensor } {
  const [batch = 1, channels = 1] = x0.shape;
  const target = parameterisation(prediction);
  const tables = boundTables(process);
  const timesteps = drawTimesteps(batch, process.steps, timeSampling);
  const index = timesteps.cast('int64');
  const column = [batch, ...x0.shape.slice(1).map(() => 1)];
  const at = (values: readonly number[]): Tensor =>
    constant({ dtype: 'float32', shape: [values.length], data: Float32Array.from(values) })
      .gather(index)
      .reshape(column);
  const each = (value: (point: Point) => number): Tensor => at(tables.points.map(value));

  const noise = random.normal(x0.shape);
  const x = x0.mul(each(({ alpha }) => alpha)).add(noise.mul(each(({ sigma }) => sigma)));
  const output = network(x, timesteps);
  if (output.shape[1] !== 2 * channels) {
    throw new ShapeError(
      `the hybrid loss needs ${2 * channels} output channels, the network returned ${formatShape(output.shape)}`,
      'double the out_channels of the network: prediction and variance',
    );
  }
  const [prediction_, variance] = output.split(2, 1) as [Tensor, Tensor];
  const wanted = x0.mul(each((point) => target(point).p)).add(noise.mul(each((point) => target(point).q)));
  const axes = x0.shape.map((_, axis) => axis).slice(1);
  const simple = prediction_.sub(wanted).square().mean({ axes });

  const frozen = detach(prediction_);
  const estimate = x
    .mul(each((point) => readout(target, point).x0[0]))
    .add(frozen.mul(each((point) => readout(target, point).x0[1])));
  const [small, large] = [at(tables.logSmall), at(tables.logLarge)];
  const logVariance = small.add(variance.add(1).mul(0.5).mul(large.sub(small)));
  // both means share their x part, so only the data estimates differ
  const meanError = estimate.sub(x0).mul(at(tables.x0Weight));
  const kl = small
    .neg()
    .add(logVariance)
    .sub(1)
    .add(small.sub(logVariance).exp())
    .add(meanError.square().mul(logVariance.neg().exp()))
    .mul(0.5 / Math.LN2);
  const decoder = discretizedLogLikelihood(x0, estimate, logVariance.mul(0.5)).mul(-1 / Math.LN2);
  const first = timesteps.reshape(column).equal(0);
  const bound = where(first.expand(x0.shape), decoder, kl).mean({ axes });
  const perSample = simple.add(bound.mul(lambda * process.steps));
  return { loss: perSample.mean(), perSample, timesteps, simple: simple.mean(), bound: bound.mean() };
}

/** log of the mass that `N(mean, e^{2·logStd})` puts on the 8-bit level of x0; the outer levels reach to infinity. */
export function discretizedLogLikelihood(x0: Tensor, mean: Tensor, logStd: Tensor): Tensor {
  const centred = x0.sub(mean);
  const inverse = logStd.neg().exp();
  const cdf = (z: Tensor): Tensor => z.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
  const upper = cdf(centred.add(1 / 255).mul(inverse));
  const lower = cdf(centred.sub(1 / 255).mul(inverse));
  const inside = upper.sub(lower);
  const mass = where(x0.less(-0.999), upper, where(x0.greater(0.999), lower.neg().add(1), inside));
  return mass.maximum(1e-12).log();
}
