/** @file Window settings as ONNX attributes. */
import type { ConvAttrs, PoolAttrs } from '../graph/index.ts';

/** ONNX lists all paddings before, then all after. */
export function onnxPadding(padding: PoolAttrs['padding']): number[] {
  return [...padding.map(([before]) => before), ...padding.map(([, after]) => after)];
}

/** `strides`, `pads`, `dilations` and `group` of a convolution. */
export function windowAttributes({ stride, padding, dilation, groups }: ConvAttrs) {
  return { strides: stride, pads: onnxPadding(padding), dilations: dilation, group: groups };
}
