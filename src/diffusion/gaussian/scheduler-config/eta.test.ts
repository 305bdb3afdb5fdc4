import { expect, test } from 'vitest';
import { planForSolver } from '../plan-for-solver.ts';
import { sampleWithPlan } from '../sampling.ts';
import { checkEta, takesEta } from './eta.ts';
import { SOLVER_NAMES } from './solver-names.ts';

const model = { _class_name: 'DDPMScheduler', prediction_type: 'epsilon' };
const classes = [
  'TCDScheduler',
  'LCMScheduler',
  'DDPMScheduler',
  'KDPM2AncestralDiscreteScheduler',
  'DPMSolverSDEScheduler',
];

test.each([...SOLVER_NAMES, ...classes])('%s takes η exactly where it changes the samples', async (solver) => {
  const plan = planForSolver(model, solver);
  const network = async (x: ArrayLike<number>) => Float64Array.from(x, (value) => 0.3 * value);
  const sampled = (eta: number) => sampleWithPlan(plan, network, { seeds: [1], sampleSize: 4, steps: 4, eta });
  const [few, many] = [await sampled(0.2), await sampled(0.9)];
  expect(takesEta(plan.config)).toBe(few.join() !== many.join());
});

test('says what is wrong with an η before anything is sampled', () => {
  const { config } = planForSolver(model, 'ddim');
  expect(() => checkEta(1.5, config)).toThrow("'eta' is a number from 0, no noise, to 1, got 1.5");
  expect(() => checkEta(Number.NaN, config)).toThrow('got NaN');
  expect(() => checkEta(0.5, planForSolver(model, 'heun').config, 'heun')).toThrow("'eta' is nothing that heun has");
  expect(() => checkEta(0.5, config)).not.toThrow();
});
