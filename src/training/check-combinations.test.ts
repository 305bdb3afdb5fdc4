import { expect, test } from 'vitest';
import { checkCombinations, rehearseSampling, remarksOn } from './check-combinations.ts';
import type { TrainingConfig, TrainingConfigInput } from './config.ts';
import { resolveConfig } from './resolve-config.ts';

const facts = { imageShape: [3, 8, 8], count: 64, classNames: ['a', 'b'] } as const;
const resolved = (over: TrainingConfigInput): TrainingConfig =>
  resolveConfig({ data: 'pictures', model: { block_out_channels: [8, 8], norm_num_groups: 4 }, ...over }, facts);
const model = (over: object): TrainingConfigInput =>
  ({ model: { block_out_channels: [8, 8], norm_num_groups: 4, ...over } }) as TrainingConfigInput;
const linear = { beta_schedule: 'linear' } as const;

test.each<[string, TrainingConfigInput, RegExp]>([
  [
    'the noise of a picture that is all noise',
    { diffusion: { rescale_betas_zero_snr: true, prediction_type: 'epsilon' } },
    /epsilon says nothing of the picture where the SNR is zero, as it is at step 999 with .*\n.*hint: set .*v_prediction/,
  ],
  [
    'a schedule that ends in zero by itself',
    { diffusion: { ...linear, beta_end: 0.99, prediction_type: 'epsilon' } },
    /epsilon says nothing of the picture where the SNR is zero, as it is at step \d+\n/,
  ],
  [
    'a single step that is rescaled',
    { diffusion: { num_train_timesteps: 1, rescale_betas_zero_snr: true }, sampling: { steps: 1 } },
    /has no level for step 0 of 1/,
  ],
  ['pictures of another size', model({ sample_size: 16 }), /model.sample_size is 16, the pictures are 8×8/],
  ['logarithms of step 0', model({ time_embedding_type: 'fourier' }), /takes the logarithm of a noise level/],
  [
    'steps without an embedding',
    model({ time_embedding_type: 'learned', num_train_timesteps: 100 }),
    /embeddings for 100 steps, diffusion.num_train_timesteps is 1000/,
  ],
  [
    'guidance away from what is never trained',
    { conditioning: { labels: true, dropout: 0 }, sampling: { guidance: 2 } },
    /guidance 2 compares with pictures of no class, which conditioning.dropout 0 never trains/,
  ],
])('refuses %s', (_, over, message) => {
  expect(() => resolved(over)).toThrow(message);
});

test.each<TrainingConfigInput>([
  { diffusion: { rescale_betas_zero_snr: true } },
  { diffusion: { rescale_betas_zero_snr: true, prediction_type: 'sample' }, objective: { snrGamma: 5 } },
  { diffusion: { prediction_type: 'epsilon' }, objective: { snrGamma: 5 } },
  { ...model({ time_embedding_type: 'learned', num_train_timesteps: 1000 }) },
  { conditioning: { labels: true, dropout: 0 } },
])('takes %j', async (over) => {
  const config = resolved(over);
  checkCombinations(config, facts.imageShape);
  await rehearseSampling(config);
  expect(remarksOn(config)).toEqual([]);
});

test.each<[TrainingConfigInput, RegExp]>([
  [{ diffusion: { ...linear, beta_end: 0.99 } }, /cannot sample in 10 steps: the grid does not descend/],
  [
    { diffusion: { num_train_timesteps: 10 } },
    /sampling.solver dpm\+\+2m cannot sample in 20 steps: 20 steps are more than the 10/,
  ],
  [{ sampling: { solver: 'dpm++2m', steps: 2000 } }, /cannot sample in 2000 steps/],
])('rehearses how pictures will be sampled: %j', async (over, message) => {
  await expect(rehearseSampling(resolved(over))).rejects.toThrow(message);
});

test('says that guidance does nothing without classes', () => {
  const config = resolved({ conditioning: { labels: false }, sampling: { guidance: 2 } });
  expect(remarksOn(config)).toEqual([expect.stringContaining('sampling.guidance 2 does nothing')]);
});
