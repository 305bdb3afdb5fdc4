/** @file Activation functions by the names that configurations use. */
import type { Tensor } from '../graph/index.ts';

/** An elementwise function. */
export type Activation = (x: Tensor) => Tensor;

/** `x · sigmoid(x)`, also called swish (Ramachandran et al. 2017). */
export const silu: Activation = (x) => x.silu();
/** `x · Φ(x)`, exact (Hendrycks & Gimpel 2016). */
export const gelu: Activation = (x) => x.gelu();
/** `max(x, 0)`. */
export const relu: Activation = (x) => x.relu();
/** `x · tanh(log(1 + exp(x)))` (Misra 2019). */
export const mish: Activation = (x) => x.mul(x.softplus().tanh());

/** diffusers' names. */
export const activations = { silu, swish: silu, mish, gelu, relu } as const;
export type ActivationName = keyof typeof activations;
