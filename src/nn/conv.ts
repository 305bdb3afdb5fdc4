/** @file Convolution layers, with PyTorch's weight layouts and defaults. */
import { type ConvOptions, conv, convTranspose, type PerAxis, type Tensor } from '../graph/index.ts';
import { sizeOf } from '../tensor/index.ts';
import { fanInUniform } from './initializers.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

export interface ConvLayerOptions extends ConvOptions {
  /** Default true. */
  readonly bias?: boolean;
}

function kernelShape(kernel: PerAxis<number>, rank: number): number[] {
  return typeof kernel === 'number' ? new Array<number>(rank).fill(kernel) : [...kernel];
}

class Conv extends Module {
  /** [O, C / groups, ...kernel] */
  readonly weight: Parameter;
  /** [O] */
  readonly bias: Parameter | undefined;
  readonly options: ConvOptions;

  constructor(
    inChannels: number,
    outChannels: number,
    kernel: readonly number[],
    { bias = true, ...options }: ConvLayerOptions,
  ) {
    super();
    const perGroup = inChannels / (options.groups ?? 1);
    this.weight = new Parameter([outChannels, perGroup, ...kernel]);
    const initializer = fanInUniform(perGroup * sizeOf(kernel));
    this.bias = bias ? new Parameter([outChannels], { initializer }) : undefined;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return conv(x, this.weight, this.bias, this.options);
  }
}

/** Convolution over one axis. x: [B, inChannels, L] → [B, outChannels, L']. */
export class Conv1d extends Conv {
  constructor(inChannels: number, outChannels: number, kernel: PerAxis<number>, options: ConvLayerOptions = {}) {
    super(inChannels, outChannels, kernelShape(kernel, 1), options);
  }
}

/** Convolution over two axes. x: [B, inChannels, H, W] → [B, outChannels, H', W']. */
export class Conv2d extends Conv {
  constructor(inChannels: number, outChannels: number, kernel: PerAxis<number>, options: ConvLayerOptions = {}) {
    super(inChannels, outChannels, kernelShape(kernel, 2), options);
  }
}

export interface ConvTransposeLayerOptions extends ConvLayerOptions {
  /** Extra pixels at the far side. Default 0. */
  readonly outputPadding?: PerAxis<number>;
}

/** Transposed convolution over two axes. x: [B, inChannels, H, W] → [B, outChannels, H', W']. */
export class ConvTranspose2d extends Module {
  /** [inChannels, outChannels / groups, ...kernel] */
  readonly weight: Parameter;
  /** [outChannels] */
  readonly bias: Parameter | undefined;
  readonly options: ConvTransposeLayerOptions;

  constructor(
    inChannels: number,
    outChannels: number,
    kernel: PerAxis<number>,
    { bias = true, ...options }: ConvTransposeLayerOptions = {},
  ) {
    super();
    const window = kernelShape(kernel, 2);
    const perGroup = outChannels / (options.groups ?? 1);
    this.weight = new Parameter([inChannels, perGroup, ...window]);
    const initializer = fanInUniform(perGroup * sizeOf(window));
    this.bias = bias ? new Parameter([outChannels], { initializer }) : undefined;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return convTranspose(x, this.weight, this.bias, this.options);
  }
}
