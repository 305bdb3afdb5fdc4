import { expect, test } from 'vitest';
import { checkConfigKeys, parseTrainingConfig } from './config.ts';

const minimal = { data: { spec: 'avatars' }, steps: 10 };

test('fills in every default, so that a stored configuration says everything', () => {
  const config = parseTrainingConfig(minimal);
  expect(config.diffusion.num_train_timesteps).toBe(1000);
  expect(config.optimizer.betas).toEqual([0.9, 0.999]);
  expect(config.minutes).toBeNull();
  expect(parseTrainingConfig(config)).toEqual(config);
});

test('survives JSON', () => {
  const config = parseTrainingConfig({
    ...minimal,
    model: { block_out_channels: [8, 16] },
    data: { spec: 'x', size: 8 },
  });
  expect(parseTrainingConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
});

test('names the nearest setting for one that does not exist', () => {
  const hintFor = (config: object): string | undefined => {
    try {
      checkConfigKeys(config);
    } catch (error) {
      return (error as { hint?: string }).hint;
    }
    return undefined;
  };
  expect(hintFor({ learning_rate: 1 })).toBe("did you mean 'learningRate'?");
  expect(hintFor({ optimizer: { weigthDecay: 0 } })).toBe("did you mean 'optimizer.weightDecay'?");
  expect(hintFor({ weightDecay: 0 })).toBe("did you mean 'optimizer.weightDecay'?");
  expect(hintFor({ ema: { bananas: 1 } })).toContain('the settings are: decay, power');
  expect(hintFor({ model: { anything: 1 } })).toBeUndefined();
});

test('wants exactly one length', () => {
  expect(() => parseTrainingConfig({ data: { spec: 'x' } })).toThrow(/length of the run is not given/);
  expect(() => parseTrainingConfig({ ...minimal, minutes: 2 })).toThrow(/given 2 times: 'steps', 'minutes'/);
});

test('names the setting whose value does not fit, and the value', () => {
  expect(() => parseTrainingConfig({ ...minimal, ema: { decay: 1 } })).toThrow(/'ema.decay' does not fit: got 1/);
  expect(() => parseTrainingConfig({ ...minimal, batchSize: 'many' })).toThrow(/'batchSize' does not fit: got "many"/);
  expect(() => parseTrainingConfig({ steps: 1 })).toThrow(/'data' does not fit: got nothing/);
  expect(() => parseTrainingConfig({ ...minimal, seed: 1.5 })).toThrow(/'seed' does not fit/);
});
