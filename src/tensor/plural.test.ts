import { expect, test } from 'vitest';
import { plural, withArticle } from './plural.ts';

test('counts one thing, and several', () => {
  expect([0, 1, 2].map((count) => plural(count, 'step'))).toEqual(['0 steps', '1 step', '2 steps']);
  expect(['class', 'batch', 'box'].map((noun) => plural(2, noun))).toEqual(['2 classes', '2 batches', '2 boxes']);
  expect(plural(12_345, 'picture', '12 k')).toBe('12 k pictures');
});

test('gives nouns the article they are said with', () => {
  const nouns = ['LDMPipeline', 'DDPMPipeline', 'SVG', 'UNet2DModel', 'AutoencoderKL', 'web page'];
  expect(nouns.map(withArticle)).toEqual([
    'an LDMPipeline',
    'a DDPMPipeline',
    'an SVG',
    'a UNet2DModel',
    'an AutoencoderKL',
    'a web page',
  ]);
});
