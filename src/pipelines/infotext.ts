/** @file How a picture was made, as the text that image tools keep in a PNG's `parameters`. */
import type { Generation } from './diffusion-pipeline.ts';

/** E.g. `Steps: 20, Sampler: dpm++2m, CFG scale: 1, Seed: 7, Size: 16x16`; the seed is that of the first picture. */
export function generationText(
  { steps, solver, guidance, seeds, labels }: Generation,
  [, height, width]: readonly number[],
  index = 0,
): string {
  const facts = {
    Steps: steps,
    Sampler: solver,
    'CFG scale': guidance,
    Seed: seeds[index],
    Size: `${width}x${height}`,
    ...(labels && { Class: labels[index] }),
    Generator: 'inkwash',
  };
  return Object.entries(facts)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ');
}
