/** @file Elementwise kernels as data: one pass that loads arrays, computes, and stores arrays. */
import type { BinaryOp, UnaryOp } from '../../graph/index.ts';
import type { Shape } from '../../tensor/index.ts';

/** Ops a kernel may contain: those with one SIMD instruction, exact in IEEE single precision. */
export type KernelUnary = Extract<UnaryOp, 'neg' | 'abs' | 'sqrt'>;
export type KernelBinary = Extract<BinaryOp, 'add' | 'sub' | 'mul' | 'div'>;
export type KernelOp = KernelUnary | KernelBinary;

export const KERNEL_OPS: ReadonlySet<string> = new Set<KernelOp>(['neg', 'abs', 'sqrt', 'add', 'sub', 'mul', 'div']);

/**
 * Values are numbered: first the loads, then the scalars, then the constants, then one per op.
 * All loads of an element come before its stores, so arrays may be updated in place.
 */
export interface Kernel {
  readonly loads: number;
  readonly scalars: number;
  readonly constants: readonly number[];
  readonly ops: readonly { readonly op: KernelOp; readonly args: readonly number[] }[];
  /** Values to store, one per array stored to. */
  readonly stores: readonly number[];
}

/** A result of the run that a kernel loads. */
export interface Operand {
  readonly output: string;
  readonly shape: Shape;
}

/** A kernel applied to particular arrays. Variables go by number, run results by name. */
export interface UpdateSpec {
  readonly kernel: Kernel;
  /** Elements. */
  readonly length: number;
  readonly loads: readonly ({ readonly variable: number } | Operand)[];
  /** Names of results of one element. */
  readonly scalars: readonly string[];
  readonly stores: readonly { readonly variable: number }[];
}
