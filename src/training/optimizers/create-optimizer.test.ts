/** @file Tests of the optimizer a configuration names. */
import { expect, test } from 'vitest';
import { Variable } from '../../graph/index.ts';
import { parseTrainingConfig } from '../config.ts';
import { createOptimizer } from './create-optimizer.ts';

const config = (optimizer: object) => parseTrainingConfig({ data: { spec: 'avatars' }, steps: 1, optimizer });

const parameters = [
  new Variable([8, 3, 3, 3], { name: 'conv_in.weight' }),
  new Variable([8, 8, 3, 3], { name: 'mid_block.resnets.0.conv1.weight' }),
  new Variable([8], { name: 'mid_block.resnets.0.conv1.bias' }),
  new Variable([5, 32], { name: 'class_embedding.weight' }),
];

test('gives Muon the inner matrices and AdamW the rest, with state names a checkpoint can tell apart', () => {
  const { state } = createOptimizer(parameters, config({ name: 'muon' }).optimizer);
  const names = state.map(({ name }) => name);
  expect(names.filter((name) => name.startsWith('muon.'))).toEqual(['muon.m.mid_block.resnets.0.conv1.weight']);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('adamw.m.conv_in.weight');
});

test('is AdamW by default', () => {
  const { state } = createOptimizer(parameters, config({}).optimizer);
  expect(state.every(({ name }) => name.startsWith('adamw.'))).toBe(true);
});

test.each([
  [{ name: 'moun' }, /optimizer\.name/],
  [{ muonRate: 0 }, /optimizer\.muonRate/],
  [{ momentum: 1 }, /optimizer\.momentum/],
  [{ muonrate: 2 }, /muonRate/],
])('refuses %j', (optimizer, message) => {
  expect(() => config(optimizer)).toThrow(message);
});
