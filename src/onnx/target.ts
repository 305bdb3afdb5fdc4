/** @file What a model is lowered for. */

/** The engine, and the freedoms a lowering has there. */
export interface OnnxTarget {
  /** Which kernels exist and which form is fastest. 'any' stays within standard ONNX, for export. */
  readonly provider: 'cpu' | 'webgpu' | 'any';
  /**
   * Channels per block of ONNX Runtime's blocked layout on this processor, when it was found to work. It is an
   * internal operator domain, so engines probe it.
   */
  readonly block?: number | undefined;
  /** Elements of the weights of an attention, over its batch and heads, from which they are never kept whole. */
  readonly longAttention?: number;
}

/** Operator sets the lowering writes. */
export const OPSETS = { '': 21, 'com.microsoft': 1, 'com.microsoft.nchwc': 1 } as const;

/** Whether ONNX Runtime's own operators may be used. */
export function hasContribOps(target: OnnxTarget): boolean {
  return target.provider !== 'any';
}
