/** @file First values of parameters: each a function of shape, seed and checkpoint key, never of construction order. */
import { fillNormal, fillUniform, type NdArray, type Shape, sizeOf, zeros as zeroArray } from '../tensor/index.ts';

/** What makes a parameter's first value reproducible: the network's seed and the parameter's checkpoint key. */
export interface InitializerKey {
  readonly seed: number;
  readonly key: string;
}

/** Makes the first value of a parameter of `shape`. */
export type Initializer = (shape: Shape, key: InitializerKey) => NdArray;

/** The draw that initialisers use, apart from those of traced programs, which count from 0. */
const INITIAL_DRAW = 0x40000000;

/** 53 bits of a string: two FNV-1a hashes of different offsets, each finished with an avalanche. */
export function keyHash(key: string): number {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let i = 0; i < key.length; i++) {
    a = Math.imul(a ^ key.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ key.charCodeAt(i), 0x85ebca6b);
  }
  const mix = (h: number): number => {
    const first = Math.imul(h ^ (h >>> 16), 0xc2b2ae35);
    return (first ^ (first >>> 13)) >>> 0;
  };
  return mix(a) + (mix(b) >>> 11) * 2 ** 32;
}

function drawKey({ seed, key }: InitializerKey): { seed: number; step: number; draw: number } {
  return { seed, step: keyHash(key), draw: INITIAL_DRAW };
}

/** How many inputs one output of `weight` sums: [O, I, ...kernel] → I · kernel size (PyTorch's fan-in). */
export function fanIn(weight: Shape): number {
  return sizeOf(weight.slice(1));
}

/** All zeros. */
export const zeros: Initializer = (shape) => zeroArray(shape);

/** All ones. */
export const ones: Initializer = (shape) => filled(shape, 1);

function filled(shape: Shape, value: number): NdArray {
  return { dtype: 'float32', shape: [...shape], data: new Float32Array(sizeOf(shape)).fill(value) };
}

/** Uniform in [-bound, bound). */
export function uniform(bound: number): Initializer {
  return (shape, key) => {
    const data = fillUniform(new Float32Array(sizeOf(shape)), drawKey(key));
    for (let i = 0; i < data.length; i++) data[i] = (2 * data[i]! - 1) * bound;
    return { dtype: 'float32', shape: [...shape], data };
  };
}

/** Normal with mean 0 and the given standard deviation. */
export function normal(deviation = 1): Initializer {
  return (shape, key) => {
    const data = fillNormal(new Float32Array(sizeOf(shape)), drawKey(key));
    for (let i = 0; i < data.length; i++) data[i] = data[i]! * deviation;
    return { dtype: 'float32', shape: [...shape], data };
  };
}

/**
 * PyTorch's default for linear and convolution layers: kaiming-uniform with `a = √5`, that is U(-1/√fanIn, 1/√fanIn).
 * `inputs`: the fan-in, by default that of the shape; give the weight's for a bias.
 */
export function fanInUniform(inputs?: number): Initializer {
  return (shape, key) => uniform(1 / Math.sqrt(Math.max(1, inputs ?? fanIn(shape))))(shape, key);
}

/** Xavier-uniform (Glorot & Bengio 2010): `U(-b, b)`, `b = gain · √(6 / (fanIn + fanOut))`. */
export function xavierUniform(gain = 1): Initializer {
  return (shape, key) => {
    const fanOut = (shape[0] ?? 1) * sizeOf(shape.slice(2));
    return uniform(gain * Math.sqrt(6 / (fanIn(shape) + fanOut)))(shape, key);
  };
}
