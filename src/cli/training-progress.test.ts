import { expect, test } from 'vitest';
import { ndArray } from '../tensor/index.ts';
import type { TrainingEvent } from '../training/index.ts';
import type { Terminal } from './terminal.ts';
import { TrainingProgress } from './training-progress.ts';

const terminal = (over: Partial<Terminal>): Terminal => ({
  json: false,
  debug: false,
  interactive: false,
  truecolor: false,
  columns: 120,
  say: () => undefined,
  warn: () => undefined,
  next: () => undefined,
  print: () => undefined,
  printJson: () => undefined,
  ...over,
});

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

function shown(over: Partial<Terminal>, use: (progress: TrainingProgress) => void): string {
  let text = '';
  use(
    new TrainingProgress(terminal(over), (part) => {
      text += part;
    }),
  );
  return text;
}

test('writes plain lines where there is no terminal', () => {
  const text = shown({}, (progress) => {
    for (const one of [start(), plan, step(5)]) progress.show(one);
  });
  expect(text).toBe(
    '1.5 M parameters, 100 pictures of 16×16 to learn from, 10 held out\n' +
      '25 %, step 5/20, 2.0 steps/s, 0:08 left, loss 0.5000\n',
  );
});

test('redraws one line in a terminal, and keeps warnings above it', () => {
  const text = shown({ interactive: true }, (progress) => {
    for (const one of [plan, step(5), event(5, { type: 'warning', message: 'the disk is full' })]) progress.show(one);
  });
  expect(text).toContain('\r\u001b[K');
  expect(text).toContain('step 5/20');
  expect(text.split('\r\u001b[K').at(-1)).toMatch(/the disk is full\n$/);
});

test('goes by the clock until the length of a timed run is fixed', () => {
  const text = shown({}, (progress) => {
    for (const one of [start({ minutes: 2, elapsed: 60 }), step(3)]) progress.show(one);
  });
  expect(text).toContain('50 %, step 3, 2.0 steps/s, 1:00 left');
});

test('shows pictures only where there are colours for them', () => {
  const pictures = ndArray(new Float32Array(4 * 3 * 4 * 4), [4, 3, 4, 4]);
  expect(shown({}, (progress) => progress.showPictures(pictures))).toBe('');
  const drawn = shown({ interactive: true, truecolor: true }, (progress) => progress.showPictures(pictures));
  expect(drawn).toContain('▀');
});
