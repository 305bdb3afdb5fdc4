/** @file Objectives against the formulas of their papers, computed by hand from the same draws. */
import { describe, expect, it } from 'vitest';
import { gradients } from '../../../autodiff/index.ts';
import { concat, input, random, type Tensor, Variable } from '../../../graph/index.ts';
import { referenceEngine } from '../../../runtime/index.ts';
import {
  fillNormal,
  fillUniform,
  type NdArray,
  ndArray,
  type Shape,
  sizeOf,
  toFloat64,
} from '../../../tensor/index.ts';
import {
  continuousLoss,
  type DenoisingOptions,
  denoisingLoss,
  discreteProcess,
  discretizedLogLikelihood,
  edmLoss,
  edmPreconditioning,
  edmWeight,
  epsilonPrediction,
  flowMatchingLoss,
  huberDistance,
  hybridLoss,
  minSnrWeight,
  pointAt,
  posterior,
  pseudoHuberDistance,
  readout,
  type TimeDensity,
  tracedCosmapWeight,
  tracedFlow,
  tracedFlowPrediction,
  tracedTrigFlow,
  tracedVPrediction,
  uncertaintyWeighted,
  uniformTimes,
} from '../index.ts';

const process = discreteProcess();
const shape = [4, 1, 2, 2];
const seed = 3;

/** Draw number `draw` of a program at step 0. */
function drawn(kind: 'normal' | 'uniform', dims: Shape, draw: number): Float32Array {
  const out = new Float32Array(sizeOf(dims));
  return kind === 'normal' ? fillNormal(out, { seed, step: 0, draw }) : fillUniform(out, { seed, step: 0, draw });
}

/** Runs a traced function of x0 once. */
async function run(body: (x0: Tensor) => Record<string, Tensor>, dims: Shape = shape, x0 = data(dims)) {
  const program = await referenceEngine().compile(() => body(input('x0', dims)));
  const results = await program.run({ x0: ndArray(x0, dims) }, { seed, step: 0 });
  return Object.fromEntries(Object.entries(results).map(([name, array]) => [name, toFloat64(array as NdArray)]));
}

const data = (dims: Shape): Float32Array => Float32Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(1.7 * i));
const half = (x: Tensor): Tensor => x.mul(0.5);

/** The stratified timesteps and the noise that `denoisingLoss` draws, in its order. */
function draws() {
  const u = drawn('uniform', [4], 0);
  const t = Array.from(u, (value, i) => Math.min(999, Math.floor(((value + i) / 4) * 1000)));
  return { t, noise: drawn('normal', shape, 1) };
}

/** Mean over the elements of a sample. */
function perSample(value: (element: number, sample: number) => number): number[] {
  return Array.from({ length: 4 }, (_, b) => {
    let sum = 0;
    for (let i = 0; i < 4; i++) sum += value(b * 4 + i, b);
    return sum / 4;
  });
}

describe('the denoising loss', () => {
  const expected = (
    options: { prediction?: string; weight?: (t: number) => number; distance?: (e: number) => number } = {},
  ) => {
    const { t, noise } = draws();
    const x0 = data(shape);
    const { weight = () => 1, distance = (e: number) => e * e } = options;
    return perSample((i, b) => {
      const { alpha, sigma } = pointAt(process, t[b]!);
      const x = alpha * x0[i]! + sigma * noise[i]!;
      const target = options.prediction === 'v_prediction' ? alpha * noise[i]! - sigma * x0[i]! : noise[i]!;
      return weight(t[b]!) * distance(0.5 * x - target);
    });
  };
  const actual = async (options: Partial<DenoisingOptions>) => {
    const { each, loss } = await run((x0) => {
      const result = denoisingLoss(half, x0, { process, ...options });
      return { each: result.perSample, loss: result.loss };
    });
    expect(loss![0]).toBeCloseTo(each!.reduce((a, b) => a + b, 0) / 4, 6);
    return Array.from(each!);
  };
  const near = (a: number[], b: number[]) => {
    a.forEach((value, i) => {
      expect(Math.abs(value - b[i]!)).toBeLessThan(1e-5 * (1 + Math.abs(b[i]!)));
    });
  };

  it('is the mean squared error of ε', async () => near(await actual({}), expected()));

  it('is the mean squared error of v', async () => {
    near(await actual({ prediction: 'v_prediction' }), expected({ prediction: 'v_prediction' }));
  });

  it('weighs by min-SNR', async () => {
    const weight = minSnrWeight(5, 'epsilon');
    near(await actual({ weight }), expected({ weight: (t) => weight(pointAt(process, t)) }));
  });

  it('measures by Huber and by pseudo-Huber', async () => {
    const huber = (e: number) => (Math.abs(e) <= 0.3 ? e * e : 0.6 * Math.abs(e) - 0.09);
    near(await actual({ distance: huberDistance(0.3) }), expected({ distance: huber }));
    const pseudo = (e: number) => 0.2 * (Math.sqrt(e * e + 0.01) - 0.1);
    near(await actual({ distance: pseudoHuberDistance(0.1) }), expected({ distance: pseudo }));
  });

  it('perturbs the input and not the target', async () => {
    const { t, noise } = draws();
    const [x0, xi] = [data(shape), drawn('normal', shape, 2)];
    near(
      await actual({ inputPerturbation: 0.1 }),
      perSample((i, b) => {
        const { alpha, sigma } = pointAt(process, t[b]!);
        return (0.5 * (alpha * x0[i]! + sigma * (noise[i]! + 0.1 * xi[i]!)) - noise[i]!) ** 2;
      }),
    );
  });

  it('takes noise that the host has coupled to the data', async () => {
    const { each } = await run((x0) => ({ each: denoisingLoss((x) => x, x0, { process, noise: x0 }).perSample }));
    const { t } = draws();
    const x0 = data(shape);
    near(
      Array.from(each!),
      perSample((i, b) => {
        const { alpha, sigma } = pointAt(process, t[b]!);
        return ((alpha + sigma - 1) * x0[i]!) ** 2;
      }),
    );
  });

  it('vanishes for the network that knows the answer', async () => {
    const { loss } = await run((x0) => {
      const noise = random.normal(shape);
      return { loss: denoisingLoss(() => noise, x0, { process, noise }).loss };
    });
    expect(loss![0]).toBe(0);
  });
});

describe('continuous objectives', () => {
  it('is zero for the network that knows the velocity', async () => {
    const { loss } = await run((x0) => {
      const noise = random.normal(shape);
      return { loss: flowMatchingLoss(() => noise.sub(x0), x0, { noise }).loss };
    });
    expect(loss![0]).toBe(0);
  });

  it('tells the network the flow time in training steps', async () => {
    const { t, told } = await run((x0) => {
      let told: Tensor | undefined;
      const { timesteps } = flowMatchingLoss((x, time) => {
        told = time;
        return x;
      }, x0);
      return { t: timesteps, told: told! };
    });
    told!.forEach((value, i) => {
      expect(value).toBeCloseTo(1000 * t![i]!, 2);
    });
  });

  it('weighs by cosmap', async () => {
    const { plain, weighted, t } = await run((x0) => {
      const noise = random.normal(shape);
      const times: TimeDensity = () =>
        input('x0', shape).slice(1, 0, 1).reshape([4, 4]).slice(1, 0, 1).reshape([4]).abs();
      const options = { process: tracedFlow, prediction: tracedFlowPrediction, noise, times };
      const first = continuousLoss(half, x0, options);
      const second = continuousLoss(half, x0, { ...options, weight: tracedCosmapWeight });
      return { plain: first.perSample, weighted: second.perSample, t: first.timesteps };
    });
    plain!.forEach((value, i) => {
      const time = t![i]!;
      expect(weighted![i]! / value).toBeCloseTo(2 / (Math.PI * (1 - 2 * time + 2 * time * time)), 4);
    });
  });

  it('is the weighted error of EDM’s denoiser', async () => {
    const { each, sigmas } = await run((x0) => {
      const { perSample: each, timesteps } = edmLoss(half, x0);
      return { each, sigmas: timesteps };
    });
    const [x0, noise] = [data(shape), drawn('normal', shape, 1)];
    const expected = perSample((i, b) => {
      const sigma = sigmas![b]!;
      const { cSkip, cOut, cIn } = edmPreconditioning(sigma, 0.5);
      const x = x0[i]! + sigma * noise[i]!;
      const denoised = cSkip * x + cOut * 0.5 * cIn * x;
      return edmWeight(0.5)({ t: 0, alpha: 1, sigma }) * (denoised - x0[i]!) ** 2;
    });
    each!.forEach((value, i) => {
      expect(value / expected[i]!).toBeCloseTo(1, 4);
    });
  });

  it('trains v on TrigFlow', async () => {
    const { loss } = await run((x0) => {
      const noise = random.normal(shape);
      const times: TimeDensity = (n) => uniformTimes(n).mul(Math.PI / 2);
      const t = { value: undefined as Tensor | undefined };
      const result = continuousLoss(
        (x, time) => {
          t.value = time.reshape([4, 1, 1, 1]);
          // x = cos·x₀ + sin·ε, so v = cos·ε − sin·x₀ = (cos·x − x₀)/sin
          return t.value.cos().mul(x).sub(x0).div(t.value.sin());
        },
        x0,
        { process: tracedTrigFlow, prediction: tracedVPrediction, times, noise },
      );
      return { loss: result.loss };
    });
    expect(loss![0]!).toBeLessThan(1e-8);
  });

  it('has its least uncertainty-weighted loss at u = ln L', async () => {
    const variance = new Variable([4], { name: 'u' });
    const { each, gradient } = await run((x0) => {
      const result = denoisingLoss(half, x0, { process });
      const weighted = uncertaintyWeighted(result, variance);
      return { each: result.perSample, gradient: gradients(weighted.loss, [variance])[0]! };
    });
    // d/du (L·e^{-u} + u) at u = 0 is 1 − L
    gradient!.forEach((value, i) => {
      expect(value).toBeCloseTo((1 - each![i]!) / 4, 5);
    });
  });
});

describe('the hybrid loss', () => {
  const network = (x: Tensor): Tensor => concat([x.mul(0.5), x.mul(0.3)], 1);

  it('is the simple loss and the KL between the posteriors', async () => {
    const { simple, bound } = await run((x0) => {
      const result = hybridLoss(network, x0, { process });
      return { simple: result.simple, bound: result.bound };
    });
    const { t, noise } = draws();
    const x0 = data(shape);
    const expected = perSample((i, b) => {
      const [point, before] = [pointAt(process, t[b]!), pointAt(process, t[b]! - 1)];
      const { x0Weight, xWeight, variance: small } = posterior(before, point);
      const x = point.alpha * x0[i]! + point.sigma * noise[i]!;
      const { x0: read } = readout(epsilonPrediction, point);
      const estimate = read[0] * x + read[1] * 0.5 * x;
      const logVariance = Math.log(small) + ((0.3 * x + 1) / 2) * (Math.log(process.betas[t[b]!]!) - Math.log(small));
      const difference = x0Weight * x0[i]! + xWeight * x - (x0Weight * estimate + xWeight * x);
      const kl =
        0.5 *
        (logVariance - Math.log(small) - 1 + small / Math.exp(logVariance) + difference ** 2 / Math.exp(logVariance));
      return kl / Math.LN2;
    });
    expect(bound![0]! / (expected.reduce((a, b) => a + b, 0) / 4)).toBeCloseTo(1, 3);
    const mse = perSample((i, b) => {
      const { alpha, sigma } = pointAt(process, t[b]!);
      return (0.5 * (alpha * x0[i]! + sigma * noise[i]!) - noise[i]!) ** 2;
    });
    expect(simple![0]).toBeCloseTo(mse.reduce((a, b) => a + b, 0) / 4, 4);
  });

  it('does not let the bound move the mean', async () => {
    const [mean, variance] = [new Variable(shape, { name: 'mean' }), new Variable(shape, { name: 'variance' })];
    const { ofMean, ofVariance } = await run((x0) => {
      const { bound } = hybridLoss(() => concat([mean.value, variance.value], 1), x0, { process });
      const [a, b] = gradients(bound, [mean, variance]);
      return { ofMean: a!, ofVariance: b! };
    });
    expect(Math.max(...ofMean!.map(Math.abs))).toBe(0);
    expect(Math.max(...ofVariance!.map(Math.abs))).toBeGreaterThan(0);
  });

  it('puts all mass of a sharp Gaussian on its own level', async () => {
    const { log } = await run((x0) => {
      const level = x0
        .mul(127.5)
        .round()
        .mul(1 / 127.5);
      return { log: discretizedLogLikelihood(level, level, level.mul(0).add(-12)) };
    });
    log!.forEach((value) => {
      expect(Math.abs(value)).toBeLessThan(1e-5);
    });
  });
});
