import { expect, test } from 'vitest';
import { parseEvents } from './events.ts';

const line = (event: object): string => JSON.stringify(event);
const steps = (text: string): number[] =>
  parseEvents(text).flatMap((event) => (event.type === 'step' ? event.step : []));

test('forgets what a resumed run does again', () => {
  const text = [
    line({ type: 'start', resumed: false, step: 0 }),
    ...[1, 2, 3].map((step) => line({ type: 'step', step })),
    line({ type: 'start', resumed: true, step: 2 }),
    line({ type: 'step', step: 3 }),
  ].join('\n');
  expect(steps(text)).toEqual([1, 2, 3]);
  expect(parseEvents(text)).toHaveLength(5);
});

test('reads past lines that a crash cut short', () => {
  expect(steps(`${line({ type: 'step', step: 1 })}\n{"type":"st\n${line({ type: 'step', step: 2 })}\n`)).toEqual([
    1, 2,
  ]);
});
