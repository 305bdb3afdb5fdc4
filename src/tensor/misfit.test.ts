import { expect, test } from 'vitest';
import { z } from 'zod';
import { expectation, misfitPath, misfitValue } from './misfit.ts';

test.each([
  [z.number(), 'x', 'a number'],
  [z.int(), 1.5, 'a whole number'],
  [z.int().positive(), -1, 'a number above 0'],
  [z.number().min(0).lt(1), 1, 'a number below 1'],
  [z.number().max(3), 4, 'a number of at most 3'],
  [z.string().min(1), '', 'a text that is not empty'],
  [z.array(z.int()).min(1), [], 'a list of at least 1 entry'],
  [z.tuple([z.int(), z.int()]), 5, 'a list'],
  [z.enum(['a', 'b']), 'c', "one of 'a', 'b'"],
  [z.union([z.int(), z.string()]), true, 'a number or a text'],
  [z.boolean(), 'yes', 'true or false'],
  [z.strictObject({}), { extra: 1 }, "an object without 'extra'"],
])('says in our words what a schema expects (%#)', (schema, value, expected) => {
  expect(expectation(schema.safeParse(value).error!.issues[0]!)).toBe(expected);
});

test('says where it is, and what is there', () => {
  const value = { ema: { decay: 'x'.repeat(200) } };
  const [issue] = z.object({ ema: z.object({ decay: z.number() }) }).safeParse(value).error!.issues;
  expect(misfitPath(issue)).toBe('ema.decay');
  expect(misfitValue(issue, value)).toMatch(/^"x{78}…$/);
  expect(misfitValue(issue, {})).toBe('nothing');
});
