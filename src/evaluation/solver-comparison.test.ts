import { describe, expect, it } from 'vitest';
import { gaussianDenoiser, type Network, SOLVER_NAMES } from '../diffusion/gaussian/index.ts';
import { ConfigError, DataError, fillNormal } from '../tensor/index.ts';
import { applicableSolvers } from './applicable-solvers.ts';
import { solverPage, solverSvg, solverTable } from './pages/solver-page.ts';
import { recommend } from './recommendation.ts';
import { compareSolvers, type SolverResult } from './solver-comparison.ts';

/** The perfect network for independent Gaussian pixels, at whatever scale it is asked. */
const data = { mean: 0.2, std: 0.3 };
const network: Network = async (x, { t, alpha, sigma }, step) => {
  const norm = Math.hypot(alpha, sigma);
  return (await gaussianDenoiser(data)(x, { t, alpha: alpha / norm, sigma: sigma / norm }, step)).eps;
};
const sampleSize = 6;
const draw = (count: number, seed: number): Float32Array =>
  fillNormal(new Float32Array(count * sampleSize), { seed }).map((value) => data.mean + data.std * value);

const options = {
  scheduler: { _class_name: 'DDPMScheduler', clip_sample: false },
  networkFor: () => network,
  sampleSize,
  heldOut: draw(300, 1),
  train: draw(300, 2),
  count: 24,
  steps: [4, 8, 16],
  referenceSteps: 100,
};

describe('comparing solvers', () => {
  it('measures every solver that fits, and orders them by cost', async () => {
    const seen: number[] = [];
    const found = await compareSolvers({ ...options, steps: [4, 8], onProgress: ({ done }) => void seen.push(done) });
    expect(new Set(found.results.map(({ solver }) => solver))).toEqual(new Set(SOLVER_NAMES));
    expect(found.results.map(({ evaluations }) => evaluations)).toEqual(
      found.results.map(({ evaluations }) => evaluations).sort((a, b) => a - b),
    );
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    for (const { stochastic, rms, distance } of found.results) {
      expect(rms === null).toBe(stochastic);
      expect(distance).toBeGreaterThan(0);
    }
    expect(found.results.filter(({ grid }) => grid === 'searched').map(({ steps }) => steps)).toEqual([4, 8]);
    const onGrids = found.results.filter(({ grid }) => grid === 'karras');
    expect(onGrids.map(({ solver }) => solver)).toEqual([found.gridSolver, found.gridSolver]);
    expect(found.verdicts.map(({ steps }) => steps)).toEqual([4, 8]);
    for (const { steps, rms } of found.verdicts) {
      const of = (which: string) =>
        found.results.find((one) => one.steps === steps && one.grid === which && one.solver === found.gridSolver)!.rms!;
      const others = found.results.filter(
        (one) => one.steps === steps && one.solver === found.gridSolver && one.grid !== 'searched',
      );
      expect(of(rms.over)).toBe(Math.min(...others.map((one) => one.rms!)));
      expect(rms.by).toBe(of(rms.over) - of('searched'));
      expect(rms.by).toBeGreaterThan(0);
    }
    expect(found.floor.mean).toBeGreaterThan(0);
    expect(found.reference.error).toBeLessThan(0.01);
  });

  it('counts exactly the network runs it reports', async () => {
    let elements = 0;
    const networkFor = (): Network => (x, point, step) => {
      elements += x.length;
      return network(x, point, step);
    };
    const { results, reference } = await compareSolvers({
      ...options,
      networkFor,
      search: false,
      solvers: ['heun', 'ddim'],
    });
    const half = 50;
    const reported = results.reduce((sum, one) => sum + one.evaluations, reference.evaluations + half);
    expect(elements / (options.count * sampleSize)).toBe(reported);
  });

  it('foresees what comparing and searching grids costs', async () => {
    const totals: number[] = [];
    let done = 0;
    await compareSolvers({
      ...options,
      steps: [4, 8],
      solvers: ['unipc'],
      onProgress: (progress) => {
        totals.push(progress.total);
        done = progress.done;
      },
    });
    // never raised on the way, and for the most part used
    expect(new Set(totals).size).toBe(1);
    expect(done).toBeGreaterThan(0.5 * totals[0]!);
  });

  it('comes nearer to the reference with more steps, and sooner at higher order', async () => {
    const { results } = await compareSolvers({ ...options, search: false, solvers: ['ddim', 'dpm++2m'] });
    const of = (name: string) => results.filter(({ solver }) => solver === name).map(({ rms }) => rms!);
    for (const errors of [of('ddim'), of('dpm++2m')]) expect(errors).toEqual([...errors].sort((a, b) => b - a));
    expect(of('dpm++2m')[2]).toBeLessThan(of('ddim')[2]!);
  });

  it('tends to one picture with every deterministic solver, also where x̂₀ is clipped', async () => {
    // clipped at a standard deviation or so of the data
    const scheduler = { _class_name: 'DDPMScheduler', clip_sample: true, clip_sample_range: 0.4 };
    const { results, reference } = await compareSolvers({
      ...options,
      scheduler,
      steps: [25, 50, 200],
      referenceSteps: 500,
      search: false,
    });
    for (const solver of SOLVER_NAMES) {
      const errors = results.filter((one) => one.solver === solver && one.rms !== null).map(({ rms }) => rms!);
      if (errors.length === 0) continue;
      expect([solver, ...errors]).toEqual([solver, ...[...errors].sort((a, b) => b - a)]);
      expect(errors[2], solver).toBeLessThan(0.02 * reference.spread);
    }
  });

  it('gives the same numbers for the same seed', async () => {
    const few = { ...options, steps: [4], solvers: ['ddim', 'euler-a'], seed: 7 };
    expect(await compareSolvers(few)).toEqual(await compareSolvers(few));
  });

  it('leaves out numbers of steps a solver cannot take, saying why', async () => {
    const scheduler = { _class_name: 'DDPMScheduler', clip_sample: false, num_train_timesteps: 20 };
    const found = await compareSolvers({ ...options, scheduler, steps: [5, 30], solvers: ['ddim'], search: false });
    expect(found.results.map(({ steps }) => steps)).toEqual([5]);
    expect(found.skipped).toMatchObject([{ solver: 'ddim', steps: 30, reason: expect.stringMatching(/30/) }]);
    expect(found.reference.steps).toBeLessThanOrEqual(20);
  });

  it('measures a flow model with the solvers of flows', async () => {
    const flow: Network = async (x, point, step) => {
      const { x0, eps } = await gaussianDenoiser(data)(x, point, step);
      return eps.map((value: number, i: number) => value - x0[i]!) as Float32Array;
    };
    const scheduler = { _class_name: 'FlowMatchEulerDiscreteScheduler' };
    const found = await compareSolvers({ ...options, scheduler, networkFor: () => flow });
    expect(new Set(found.results.map(({ solver }) => solver))).toEqual(
      new Set(['FlowMatchEulerDiscreteScheduler', 'FlowMatchHeunDiscreteScheduler']),
    );
    expect(found.recommendation.result.rms).toBeLessThan(0.2);
  });

  it('says what is wrong with a request', async () => {
    const refused = (changed: object, error: typeof ConfigError | typeof DataError, message: RegExp) => {
      const run = compareSolvers({ ...options, ...changed });
      return Promise.all([expect(run).rejects.toThrow(error), expect(run).rejects.toThrow(message)]);
    };
    await refused({ heldOut: new Float32Array(sampleSize) }, DataError, /1 held-out pictures are too few/);
    await refused({ solvers: ['ddmi'] }, ConfigError, /did you mean 'ddim'/);
    await refused({ steps: [] }, ConfigError, /no steps/);
    await refused({ steps: [0] }, ConfigError, /at least 1, got 0/);
    await refused({ steps: [5000] }, ConfigError, /no solver can take these steps/);
    await refused({ count: 1 }, ConfigError, /count is a whole number/);
    await refused({ within: -1 }, ConfigError, /percentage/);
  });

  it('stops between steps when it is told to', async () => {
    const controller = new AbortController();
    const run = compareSolvers({
      ...options,
      signal: controller.signal,
      onProgress: ({ done }) => void (done > 30 && controller.abort(new Error('enough'))),
    });
    await expect(run).rejects.toThrow('enough');
  });
});

describe('the recommendation', () => {
  const result = (evaluations: number, distance: number, rms: number | null = 0, noise = 0): SolverResult => ({
    solver: `s${evaluations}`,
    grid: 'own',
    steps: evaluations,
    evaluations,
    stochastic: rms === null,
    rms,
    distance,
    noise,
    times: [],
  });
  const reference = { distance: 0.1, spread: 1 };

  it('is the fewest evaluations that are good enough by both distances, the nearest to the reference among equals', () => {
    const results = [
      result(5, 0.2, 0.01),
      result(6, 0.1, 0.2),
      result(10, 0.102, 0.09),
      result(10, 0.104, 0.05),
      result(20, 0.1, 0.01),
    ];
    expect(recommend(results, reference, 10)).toMatchObject({ result: results[3], within: 10, reached: true });
    expect(recommend(results, reference, 100).result).toBe(results[0]);
  });

  it('takes a distance within the noise for the same', () => {
    const results = [result(5, 0.12, 0.01, 0.011), result(10, 0.1, 0.01, 0.001)];
    expect(recommend(results, reference, 10).result).toBe(results[0]);
    const sure = [result(5, 0.12, 0.01, 0.009), results[1]!];
    expect(recommend(sure, reference, 10).result).toBe(results[1]);
  });

  it('never recommends what has no rms while others have one, but says when it is nearer by more than the noise', () => {
    const results = [result(5, 0.09, null, 0.001), result(10, 0.1, 0.01, 0.001)];
    expect(recommend(results, reference, 10)).toMatchObject({ result: results[1], nearer: results[0] });
    const noisy = [result(5, 0.09, null, 0.01), result(10, 0.1, 0.01, 0.001)];
    expect(recommend(noisy, reference, 10).nearer).toBeUndefined();
    const alone = results.slice(0, 1);
    expect(recommend(alone, reference, 10).result).toBe(results[0]);
  });

  it('is the nearest when none is good enough, and says so', () => {
    const results = [result(5, 0.3), result(10, 0.2)];
    expect(recommend(results, reference, 5)).toMatchObject({ result: results[1], reached: false });
  });
});

describe('solvers that fit a model', () => {
  it('are those of its own process', () => {
    expect(applicableSolvers({ _class_name: 'DDIMScheduler' }).solvers).toEqual(SOLVER_NAMES);
    expect(applicableSolvers({ _class_name: 'EDMEulerScheduler' }).reference).toBe('EDMDPMSolverMultistepScheduler');
    expect(applicableSolvers({ _class_name: 'LCMScheduler' }).solvers).toEqual(['LCMScheduler']);
    const laplace = applicableSolvers({ _class_name: 'DDPMScheduler', beta_schedule: 'laplace' });
    expect(laplace.solvers).toEqual(['ddpm']);
    expect(laplace.reference).toBe('ddpm');
  });
});

describe('the page of a comparison', () => {
  it('shows every result, the recommended one set off, and draws no number that is none', async () => {
    const found = await compareSolvers({ ...options, solvers: ['ddim', 'dpm++2m', 'euler-a'], steps: [4, 8] });
    const page = solverPage(found, 'runs/<mine>', 'inkwash sample runs/<mine> --solver ddim --steps 4');
    expect(page).not.toMatch(/NaN|undefined|Infinity|<mine>/);
    expect(page.match(/<tr/g)).toHaveLength(found.results.length + 1);
    expect(page.match(/<tr class="chosen"/g)).toHaveLength(1);
    expect(page).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(solverTable(found).rows[solverTable(found).chosen]![1]).toContain(found.recommendation.result.solver);
    expect(solverSvg(found).match(/<svg /g)).toHaveLength(5);
  });
});
