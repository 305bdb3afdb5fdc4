/** @file What a model is lowered for. */

/** The engine, and the freedoms a lowering has there. */
export interface OnnxTarget {
  /** Which kernels exist and which form is fastest. 'any' stays within standard ONNX, for export. */
  readonly provider: 'cpu' | 'webgpu' | 'any';
}

/** Operator sets the lowering writes. */
export const OPSETS = { '': 21, 'com.microsoft': 1 } as const;

/** Whether ONNX Runtime's own operators may be used. */
export function hasContribOps(target: OnnxTarget): boolean {
  return target.provider !== 'any';
}
