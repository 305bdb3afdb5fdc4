/** @file NumPy's rounding, to the bit, from tools/oracle/numpy_rounding.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { logFloat32, spacedTimesteps } from '../index.ts';

const { trailing, logs } = JSON.parse(
  readFileSync(new URL('../../../../test/golden/schedulers/numpy.json', import.meta.url), 'utf8'),
) as { trailing: Record<string, number[]>; logs: [x: number, log: number][] };

describe('the rounding of NumPy', () => {
  it.each(Object.entries(trailing))('spaces %s trailing times as arange does', (steps, times) => {
    expect(spacedTimesteps(1000, Number(steps), { spacing: 'trailing' })).toEqual(times);
  });

  it('takes float32 logarithms as numpy.log does, which is not always the nearest', () => {
    expect(logs.map(([x]) => logFloat32(x))).toEqual(logs.map(([, log]) => log));
    expect(logs.filter(([x, log]) => Math.fround(Math.log(x)) !== log).length).toBeGreaterThan(50);
  });
});
