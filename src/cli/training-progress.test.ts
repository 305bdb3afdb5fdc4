import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ndArray } from '../tensor/index.ts';
import type { TrainingEvent } from '../training/index.ts';
import { widthOf } from './layout.ts';
import { memoryTerminal, screenOf } from './terminal.fixture.ts';
import { TrainingProgress } from './training-progress.ts';

const event = (step: number, rest: object): TrainingEvent => ({ time: '', step, ...rest }) as TrainingEvent;
const start = (over: object = {}) =>
  event(0, {
    type: 'start',
    resumed: false,
    elapsed: 0,
    minutes: null,
    parameters: 1_500_000,
    data: { train: 100, heldOut: 10, imageShape: [3, 16, 16] },
    ...over,
  });
const step = (number: number) => event(number, { type: 'step', loss: 0.5, seconds: 0.5 });
const plan = event(0, { type: 'schedule', totalSteps: 20, start: 10, end: 20 });
const validation = (number: number) => event(number, { type: 'validation', loss: 0.25, best: true, seconds: 1 });

/** What is written for `events`: to a terminal of `columns`, or to a pipe. */
function shown(columns: number | undefined, events: readonly TrainingEvent[], env: NodeJS.ProcessEnv = {}): string {
  const { terminal, stderr } = memoryTerminal(columns, { env });
  const progress = new TrainingProgress(terminal);
  for (const one of events) progress.show(one);
  return stderr.text;
}

test('writes plain lines where there is no terminal', () => {
  expect(shown(undefined, [start(), plan, step(5)])).toBe(
    '1.5 M parameters, 100 pictures of 16×16 to learn from, 10 held out\n' +
      '25 %, step 5/20, 2.0 steps/s, 0:08 left, loss 0.5000\n',
  );
});

test('a dumb terminal and NO_COLOR get no escapes they did not ask for', () => {
  const dumb = shown(80, [plan, step(5)], { TERM: 'dumb' });
  expect([dumb.includes('\u001b'), dumb.includes('\r')]).toEqual([false, false]);
  // the line is still redrawn, without colours
  expect(
    shown(80, [plan, step(5)], { NO_COLOR: '1' })
      .split('\u001b')
      .join(''),
  ).toMatch(/^\r\[K█/);
  expect(shown(undefined, [plan, step(5)], { FORCE_COLOR: '1' })).not.toContain('\r');
});

test('redraws one line in a terminal, and keeps warnings above it', () => {
  const text = shown(80, [plan, step(5), event(5, { type: 'warning', message: 'the disk is full' })]);
  const [first, second] = screenOf(text, 80);
  expect(first).toBe('warning the disk is full');
  expect(second).toContain('step 5/20');
});

test('goes by the clock until the length of a timed run is fixed', () => {
  expect(shown(undefined, [start({ minutes: 2, elapsed: 60 }), step(3)])).toContain(
    '50 %, step 3, 2.0 steps/s, 1:00 left',
  );
});

test('says how old the held-out loss is', () => {
  expect(shown(undefined, [plan, validation(4), step(4)])).toContain('held-out 0.2500\n');
  expect(shown(undefined, [plan, validation(4), step(5)])).toContain('held-out 0.2500 (1 step ago)\n');
  expect(shown(undefined, [plan, validation(4), step(9)])).toContain('held-out 0.2500 (5 steps ago)\n');
});

test('tells which checkpoints are removed, once, and how many in the end', () => {
  const checkpoint = (number: number) =>
    event(number, { type: 'checkpoint', path: 'x', removed: [`checkpoints/step-00000${number - 2}`], seconds: 1 });
  const text = shown(undefined, [plan, step(3), checkpoint(3), checkpoint(4), event(4, { type: 'end', seconds: 1 })]);
  expect(text.match(/removed checkpoints/g)).toHaveLength(1);
  expect(text).toContain('removed checkpoints/step-000001 (keep more with --set keepCheckpoints=10)\n');
  expect(text).toContain('2 older checkpoints removed\n');
});

test('takes one row of every terminal from 20 to 300 columns, and says the most important there', () => {
  const events = [event(0, { ...plan, totalSteps: 123_456 }), validation(98_765), step(98_770), step(98_771)];
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 300 }), (columns) => {
      const [line = '', ...more] = screenOf(shown(columns, events), columns);
      expect(more).toEqual([]);
      expect(widthOf(line)).toBeLessThan(columns);
      expect(line).toContain('80 %');
    }),
  );
});

test('follows the terminal when it becomes narrower or wider', () => {
  const { terminal, stderr } = memoryTerminal(120);
  const progress = new TrainingProgress(terminal);
  for (const one of [plan, step(5)]) progress.show(one);
  const before = stderr.text.length;
  stderr.columns = 50;
  stderr.emit('resize');
  const redrawn = stderr.text.slice(before);
  // the old line takes up to three rows by now
  expect(redrawn.replaceAll('\u001b', '')).toMatch(/^\[[12]A\r\[J/);
  expect(widthOf(redrawn)).toBeLessThan(50);
});

test('shows pictures only where there are colours for them', () => {
  const pictures = ndArray(new Float32Array(4 * 3 * 4 * 4), [4, 3, 4, 4]);
  const drawn = (columns: number | undefined, env: NodeJS.ProcessEnv): string => {
    const { terminal, stderr } = memoryTerminal(columns, { env });
    new TrainingProgress(terminal).showPictures(pictures);
    return stderr.text;
  };
  expect(drawn(undefined, { COLORTERM: 'truecolor' })).toBe('');
  expect(drawn(80, { COLORTERM: 'truecolor', NO_COLOR: '1' })).toBe('');
  expect(drawn(80, { COLORTERM: 'truecolor' })).toContain('▀');
});
