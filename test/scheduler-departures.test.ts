/** @file The document lists the departures from diffusers that the fuzz allows, and no others. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../tools/oracle/fuzz/random.ts';
import { drawScheduler } from '../tools/oracle/fuzz/scheduler-configs.ts';
import { SCHEDULER_DEPARTURES } from '../tools/oracle/fuzz/scheduler-departures.ts';

const document = readFileSync(new URL('../docs/diffusion.md', import.meta.url), 'utf8');

/** Rows of the table in the section on parity, without its head. */
function rowsOfDocument(): string[] {
  const section = document.split('## Parity with diffusers')[1]!.split('\n## ')[0]!;
  return section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1);
}

describe('departures from the schedulers of diffusers', () => {
  it('are the rows of the table in docs/diffusion.md, in order', () => {
    expect(rowsOfDocument()).toEqual(SCHEDULER_DEPARTURES.map(({ row }) => `| ${row.join(' | ')} |`));
  });

  it('have a subject each', () => {
    const subjects = SCHEDULER_DEPARTURES.map(({ row: [subject] }) => subject);
    expect(new Set(subjects).size).toBe(subjects.length);
  });
});

describe('the fuzz of schedulers', () => {
  const drawn = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 1000 }, () => drawScheduler(random));
  };

  it('draws the same configurations from the same seed', () => {
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
  });

  it('draws every class, and some that are asked for own times, levels and run options', () => {
    const specs = drawn(3);
    expect(new Set(specs.map(({ cls }) => cls)).size).toBe(46);
    expect(specs.some(({ grid }) => grid.timesteps !== undefined)).toBe(true);
    expect(specs.some(({ grid }) => grid.sigmas !== undefined)).toBe(true);
    expect(specs.some(({ step }) => step.eta !== undefined)).toBe(true);
  });
});
