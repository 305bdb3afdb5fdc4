/** @file No solver evaluates the network more often than its method needs, and adaptive ones meet their tolerance. */
import { describe, expect, it } from 'vitest';
import { EngineError } from '../../../tensor/index.ts';
import {
  cosineProcess,
  countEvaluations,
  dpmAdaptive,
  fastOrders,
  fromSchedulerConfig,
  gaussianDenoiser,
  gaussianFlow,
  levelOf,
  noiseSource,
  pointAt,
  probabilityFlow,
  SCHEDULER_DEFAULTS,
  SOLVER_NAMES,
  type State,
  schedulerForSolver,
  singlestepOrders,
} from '../index.ts';

/** Options that have no default. */
const NEEDED: Readonly<Record<string, object>> = {
  RFD4ProteinaScheduler: { schedule_mode: 'log', noise_mode: 'tan', tsr_k: 2, tsr_sigma: 1 },
};
const STAGE: Readonly<Record<string, object>> = { HeliosScheduler: { stage: 1 }, HeliosDMDScheduler: { stage: 1 } };

describe('evaluations per run', () => {
  it.each(Object.keys(SCHEDULER_DEFAULTS))('%s spends what its plan announces', async (_class_name) => {
    const plan = fromSchedulerConfig({ _class_name, ...NEEDED[_class_name] });
    const grid = plan.grid({ steps: _class_name === 'ConsistencyDecoderScheduler' ? 2 : 20, ...STAGE[_class_name] });
    const several = plan.predictions ?? 1;
    const network = (x: State) => Float32Array.from({ length: several * x.length }, (_, i) => 0.1 * x[i % x.length]!);
    const denoise = countEvaluations(plan.denoiser(network, { lastAxis: 4 }));
    const known = { x0: new Float32Array(8), mask: new Float32Array(8) };
    await plan.solve(denoise, new Float32Array(8).fill(0.5), grid, { noise: noiseSource('philox', 1), known });
    expect(denoise.calls).toBe(plan.evaluations(grid));
  });

  it.each(SOLVER_NAMES)('%s spends what its plan announces at any number of steps', async (name) => {
    const plan = fromSchedulerConfig(schedulerForSolver({ _class_name: 'DDPMScheduler' }, name));
    for (const steps of [3, 4, 5, 7, 10, 20, 50]) {
      const grid = plan.grid({ steps });
      const denoise = countEvaluations(plan.denoiser((x) => x.map((value: number) => 0.1 * value) as Float32Array));
      await plan.solve(denoise, new Float32Array(4).fill(0.5), grid, { noise: noiseSource('philox', 1) });
      expect([steps, denoise.calls]).toEqual([steps, plan.evaluations(grid)]);
      // a method of several evaluations per step is one by its definition, never by waste
      const perStep = name === 'heun' ? 2 * steps - 1 : name === 'pndm' ? steps + 9 : steps;
      expect(denoise.calls).toBe(perStep);
    }
  });

  it('calls back once per step with the state and the preview', async () => {
    const plan = fromSchedulerConfig({ _class_name: 'UniPCMultistepScheduler' });
    const steps: number[] = [];
    const final = await plan.solve(
      plan.denoiser((x) => x),
      new Float32Array(4).fill(1),
      plan.grid({ steps: 5 }),
      {
        onStep: ({ step, x, x0 }) => {
          steps.push(step);
          expect(x).toHaveLength(4);
          expect(x0).toHaveLength(4);
        },
      },
    );
    expect(steps).toEqual([0, 1, 2, 3, 4]);
    expect(final).toHaveLength(4);
  });

  it('leaves the state it was given untouched', async () => {
    const plan = fromSchedulerConfig({ _class_name: 'DDIMScheduler' });
    const x = new Float32Array(4).fill(1);
    await plan.solve(
      plan.denoiser((state) => state),
      x,
      plan.grid({ steps: 3 }),
      {},
    );
    expect(Array.from(x)).toEqual([1, 1, 1, 1]);
  });

  it('stops between steps when its signal is aborted', async () => {
    const plan = fromSchedulerConfig({ _class_name: 'DDIMScheduler' });
    const controller = new AbortController();
    const run = plan.solve(
      plan.denoiser((x) => x),
      new Float32Array(4),
      plan.grid({ steps: 10 }),
      { signal: controller.signal, onStep: ({ step }) => void (step === 2 && controller.abort(new Error('enough'))) },
    );
    await expect(run).rejects.toThrow('enough');
  });
});

describe('adaptive solvers', () => {
  const data = { mean: 0.4, std: 0.5 };
  const process = cosineProcess();
  const ends = [pointAt(process, 0.95), pointAt(process, 0.05)];
  const x = Float64Array.from([1, -1, 0.3]);
  const exact = gaussianFlow(x, ends[0]!, ends[1]!, data);
  const level = levelOf(process);
  const error = (y: ArrayLike<number>) => Math.max(...Array.from(exact, (value, i) => Math.abs(value - y[i]!)));

  it('solves the probability-flow ODE to the tolerance asked for', async () => {
    for (const tolerance of [1e-3, 1e-5, 1e-7]) {
      const y = await probabilityFlow(gaussianDenoiser(data), x, ends, { level, rtol: tolerance, atol: tolerance });
      expect(error(y)).toBeLessThan(5 * tolerance);
    }
  });

  it('takes more evaluations for a tighter tolerance', async () => {
    const loose = countEvaluations(gaussianDenoiser(data));
    const tight = countEvaluations(gaussianDenoiser(data));
    await dpmAdaptive(loose, x, ends, { level, rtol: 0.05, atol: 0.01 });
    const y = await dpmAdaptive(tight, x, ends, { level, rtol: 1e-4, atol: 1e-4 });
    expect(tight.calls).toBeGreaterThan(loose.calls);
    expect(error(y)).toBeLessThan(1e-3);
  });

  it('gives up after the evaluations it may spend, saying where it stands', async () => {
    const run = probabilityFlow(gaussianDenoiser(data), x, ends, { level, rtol: 1e-9, atol: 1e-9, maxEvaluations: 50 });
    await expect(run).rejects.toThrow(EngineError);
    await expect(run).rejects.toThrow(/stands at/);
  });
});

describe('orders of singlestep solvers', () => {
  it('fills blocks and closes with lower orders', () => {
    expect(singlestepOrders(6, 3, true, false)).toEqual([1, 2, 3, 1, 2, 1]);
    expect(singlestepOrders(7, 3, true, false)).toEqual([1, 2, 3, 1, 2, 3, 1]);
    expect(singlestepOrders(8, 2, true, false)).toEqual([1, 2, 1, 2, 1, 2, 1, 1]);
    expect(singlestepOrders(6, 3, false, false)).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it('sums to the evaluations that DPM fast is given', () => {
    for (let n = 1; n < 30; n++) expect(fastOrders(n).reduce((a, b) => a + b, 0)).toBe(n);
  });
});
