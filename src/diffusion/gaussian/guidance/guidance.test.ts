import { describe, expect, it } from 'vitest';
import {
  adaptiveProjectedGuidance,
  cfgPlusPlus,
  cfgZeroStar,
  classifierFree,
  classifierGuidance,
  composeConditions,
  convertPrediction,
  cosineProcess,
  ddim,
  denoiser,
  gaussianDenoiser,
  insideInterval,
  type Network,
  perturbedGuidance,
  pointAt,
  rescaleGuidance,
  type State,
} from '../index.ts';

const point = { t: 5, alpha: 0.8, sigma: 0.6 };
const x: State = Float64Array.of(0.5, -1, 2, 0.1);
const constant =
  (...values: number[]): Network =>
  () =>
    Float64Array.from(values);
const cond = constant(1, 2, 3, 4);
const uncond = constant(0, 1, 1, 2);
const near = (actual: State, expected: number[]): void => {
  expected.forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, 10);
  });
};

describe('classifier-free guidance', () => {
  it('extrapolates from the negative to the conditional output', async () => {
    near(await classifierFree(cond, uncond, { scale: 3 })(x, point, 0), [3, 4, 7, 8]);
  });

  it('evaluates the conditional network alone at scale 1 and outside its interval', async () => {
    const never: Network = () => {
      throw new Error('not needed');
    };
    near(await classifierFree(cond, never, { scale: 1 })(x, point, 0), [1, 2, 3, 4]);
    near(await classifierFree(cond, never, { scale: 5, interval: { from: 1 } })(x, point, 0), [1, 2, 3, 4]);
    expect(insideInterval(point, { from: 0.5, to: 1 })).toBe(true);
  });

  it('takes a scale that depends on the step', async () => {
    const network = classifierFree(cond, uncond, { scale: (_point, step) => step });
    near(await network(x, point, 0), [0, 1, 1, 2]);
    near(await network(x, point, 2), [2, 3, 5, 6]);
  });

  it('gives the rescaled output the conditional standard deviation', () => {
    const std = (v: State) => {
      const mean = Array.from(v).reduce((a, b) => a + b, 0) / v.length;
      return Math.sqrt(Array.from(v).reduce((a, b) => a + (b - mean) ** 2, 0) / (v.length - 1));
    };
    const guided: State = Float64Array.of(3, 4, 7, 9);
    const plain: State = Float64Array.of(1, 2, 3, 4);
    expect(std(rescaleGuidance(guided, plain, 1))).toBeCloseTo(std(plain), 12);
    near(rescaleGuidance(guided, plain, 0), [3, 4, 7, 9]);
  });

  it('is the same in ε and in v', async () => {
    const toV =
      (network: Network): Network =>
      async (x, at, step) =>
        convertPrediction('epsilon', 'v_prediction', await network(x, at, step), x, at);
    const inEps = await denoiser(classifierFree(cond, uncond, { scale: 4 }))(x, point, 0);
    const inV = await denoiser(classifierFree(toV(cond), toV(uncond), { scale: 4 }), { prediction: 'v_prediction' })(
      x,
      point,
      0,
    );
    near(inV.x0, Array.from(inEps.x0));
    near(inV.eps, Array.from(inEps.eps));
  });
});

describe('composition', () => {
  it('adds what every condition changes, and subtracts what is negated', async () => {
    const other = constant(1, 1, 1, 1);
    const network = composeConditions(uncond, [
      { network: cond, weight: 2 },
      { network: other, weight: -1 },
    ]);
    near(await network(x, point, 0), [0 + 2 - 1, 1 + 2 - 0, 1 + 4 - 0, 2 + 4 + 1]);
  });

  it('is classifier-free guidance for one condition', async () => {
    near(
      await composeConditions(uncond, [{ network: cond, weight: 3 }])(x, point, 0),
      Array.from(await classifierFree(cond, uncond, { scale: 3 })(x, point, 0)),
    );
  });
});

describe('perturbed guidance', () => {
  it('moves away from the perturbed network, on top of other guidance', async () => {
    near(await perturbedGuidance(uncond, cond, uncond, { scale: 2 })(x, point, 0), [2, 3, 5, 6]);
    near(await perturbedGuidance(cond, cond, uncond, { scale: 0 })(x, point, 0), [1, 2, 3, 4]);
  });
});

describe('classifier guidance', () => {
  it('turns the ideal denoiser of a prior into that of the posterior', async () => {
    // prior N(0, 1), "classifier" N(x₀; 1, 1) seen through the noise: the posterior is N(1/2, 1/2)
    const prior = gaussianDenoiser({ std: 1 });
    const ideal = await gaussianDenoiser({ mean: 0.5, std: Math.SQRT1_2 })(x, point, 0);
    const network: Network = async (x, at, step) => (await prior(x, at, step)).eps;
    const { alpha, sigma } = point;
    // x₀ | x_t ~ N(αx, σ²) under the prior at α² + σ² = 1, so y | x_t ~ N(αx, 1 + σ²) with y = 1
    const gradient: Network = (x) => x.map((v: number) => (alpha * (1 - alpha * v)) / (1 + sigma ** 2)) as State;
    for (const prediction of ['epsilon', 'sample', 'v_prediction', 'flow_prediction']) {
      const spoken: Network = async (x, at, step) =>
        convertPrediction('epsilon', prediction, await network(x, at, step), x, at);
      const guided = denoiser(classifierGuidance(spoken, gradient, { prediction }), { prediction });
      near((await guided(x, point, 0)).x0, Array.from(ideal.x0));
    }
  });
});

describe('adaptive projected guidance', () => {
  it('is classifier-free guidance with η = 1, no threshold and no momentum', async () => {
    const apg = adaptiveProjectedGuidance(cond, uncond, { scale: 3, eta: 1, momentum: 0 });
    near(await apg(x, point, 0), [3, 4, 7, 8]);
  });

  it('leaves the conditional x̂₀ unchanged along itself with η = 0', async () => {
    const options = { scale: 4, momentum: 0, prediction: 'sample' } as const;
    const guided = await adaptiveProjectedGuidance(cond, uncond, options)(x, point, 0);
    const direction = [1, 2, 3, 4];
    const along = direction.reduce((sum, c, i) => sum + c * (guided[i]! - c), 0);
    expect(along).toBeCloseTo(0, 9);
  });

  it('limits the norm of the difference', async () => {
    const options = { scale: 2, eta: 1, momentum: 0, normThreshold: 0.1, prediction: 'sample' } as const;
    const guided = await adaptiveProjectedGuidance(cond, uncond, options)(x, point, 0);
    expect(Math.hypot(...[1, 2, 3, 4].map((c, i) => guided[i]! - c))).toBeCloseTo(0.1, 10);
  });
});

describe('CFG++', () => {
  it('keeps the unconditional noise', async () => {
    const guided = cfgPlusPlus(denoiser(cond), denoiser(uncond), { scale: 0.6 });
    const { x0, eps } = await guided(x, point, 0);
    near(eps, [0, 1, 1, 2]);
    const plain = await denoiser(classifierFree(cond, uncond, { scale: 0.6 }))(x, point, 0);
    near(x0, Array.from(plain.x0));
  });
});

describe('CFG-Zero*', () => {
  it('stands still in its first steps, then scales the unconditional velocity', async () => {
    const network = cfgZeroStar(cond, uncond, { scale: 2 });
    near(await network(x, point, 0), [0, 0, 0, 0]);
    const star = (0 + 2 + 3 + 8) / (0 + 1 + 1 + 4 + 1e-8);
    near(await network(x, point, 1), [2, 4 - star, 6 - star, 8 - 2 * star]);
  });
});

describe('guidance with a solver', () => {
  it('samples the sharpened distribution that the ideal denoisers imply', async () => {
    const process = cosineProcess();
    const grid = Array.from({ length: 41 }, (_, i) => pointAt(process, 0.97 - (0.95 * i) / 40));
    const eps =
      (mean: number): Network =>
      async (x, at, step) =>
        (await gaussianDenoiser({ mean, std: 0.5 })(x, at, step)).eps;
    const guided = denoiser(classifierFree(eps(1), eps(0), { scale: 2 }));
    const y = await ddim(guided, Float64Array.of(0), grid);
    // both components have one width, so guidance moves the mean from 1 to 2
    expect(y[0]).toBeGreaterThan(1.5);
  });
});
