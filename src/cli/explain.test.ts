import { expect, test } from 'vitest';
import { explainVerb } from './explain.ts';
import { parseArguments } from './parse-arguments.ts';
import { memoryTerminal } from './terminal.fixture.ts';
import type { Verb } from './verb.ts';

test.each([40, 41, 80])('plots stay within %i columns', async (columns) => {
  const verb: Verb = explainVerb;
  const { flags, written } = parseArguments(verb, {}, []);
  const { terminal, stdout } = memoryTerminal(columns);
  for (const solver of ['ddim', 'FlowMatchEulerDiscreteScheduler', 'EDMEulerScheduler']) {
    await verb.run(solver, flags, terminal, written);
  }
  const plots = stdout.text.split('\n').filter((line) => /[┤\u2801-\u28ff]/.test(line));
  expect(plots.length).toBeGreaterThan(8);
  expect(Math.max(...plots.map((line) => line.length))).toBeLessThanOrEqual(columns);
});
