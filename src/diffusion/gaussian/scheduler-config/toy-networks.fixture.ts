/** @file The toy networks that the oracles of diffusers' schedulers run on (tools/oracle/schedulers.py), and how states are compared. */
import type { Network, Point, State } from '../index.ts';

/** Elements of one sample, of two. */
export const SAMPLE_SIZE = 16;

/** Smooth, nonlinear, and made of operations that float32 rounds the same way everywhere. */
const toy = (x: State, { t }: { t: number }): State =>
  x.map((value: number) => (0.5 * value) / (1 + value * value) + 0.1 * value + ((0.05 * t) / 1000 - 0.02));

/** Two channels for one: the toy output, then its tanh as the variance. */
function toyWithVariance(x: State, point: { t: number }): State {
  const output = toy(x, point);
  const both = new Float32Array(2 * x.length);
  for (let at = 0; at < x.length; at += SAMPLE_SIZE) {
    const sample = output.subarray(at, at + SAMPLE_SIZE);
    both.set(sample, 2 * at);
    both.set(sample.map(Math.tanh), 2 * at + SAMPLE_SIZE);
  }
  return both;
}

/** The toy networks of classes whose network is no ordinary one. */
const SPECIAL: Readonly<Record<string, Network>> = {
  ScoreSdeVeScheduler: (x, point) => {
    const output = toy(x, point);
    return x.map((value: number, i: number) => -(value + output[i]!) / (1 + point.t ** 2));
  },
  // a flow map is told where it goes
  FlowMapEulerDiscreteScheduler: (x, point: Point) =>
    toy(x, point).map((value: number) => value + (0.02 * point.target!) / 1000),
};

/** PiFlow's network: `count` predictions in place of every row of 4. */
function widened(count: number): Network {
  return (x, point) => {
    const output = toy(x, point);
    return Float32Array.from({ length: count * x.length }, (_, i) => {
      const [row, k] = [Math.floor(i / (4 * count)), Math.floor(i / 4) % count];
      return output[4 * row + (i % 4)]! * (1 - 0.05 * k);
    });
  };
}

/** The toy network for a scheduler class. */
export function toyNetwork(cls: string, config: Readonly<Record<string, unknown>>, learned: boolean): Network {
  if (cls === 'PiflowScheduler') return widened((config.n_grid as number | undefined) ?? 10);
  return SPECIAL[cls] ?? (learned ? toyWithVariance : toy);
}

/** Every element of rows of 4 twice, and every row twice: from 4×4 to 8×8. */
export function enlargeNearest(x0: State, { factor }: { factor: number }): State {
  const length = x0.length * factor ** 2;
  const width = 4 * factor;
  return Float32Array.from({ length }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return x0[4 * Math.floor(row / factor) + Math.floor(column / factor)]!;
  });
}

/** Float32 numbers as the oracles write them. */
export function float32s(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer);
}

/** Largest difference of two states, relative to the largest element of the expected one. */
export function distance(actual: State, expected: State): number {
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return difference === 0 ? 0 : difference / scale;
}
