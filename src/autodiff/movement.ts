/** @file Derivatives of ops that move elements. */
import { createNode } from '../graph/index.ts';
import { dilate, unbroadcast, type VjpRules } from './rule.ts';

export const movementRules: VjpRules = {
  reshape: ({ inputs: [x] }, [dy]) => [dy!.reshape(x!.shape)],
  transpose: ({ attrs: { perm } }, [dy]) => [dy!.transpose(perm.map((_, i) => perm.indexOf(i)))],
  expand: ({ inputs: [x] }, [dy]) => [unbroadcast(dy!, x!.shape)],
  slice: ({ inputs: [x], attrs: { starts, steps } }, [dy]) => {
    let spread = dy!;
    steps.forEach((step, axis) => {
      spread = dilate(spread, axis, step);
    });
    // the zeros dilation leaves at the end may reach past the input: negative padding crops them
    return [
      spread.pad(
        x!.shape.map((extent, axis) => [starts[axis]!, extent - starts[axis]! - spread.shape[axis]!] as const),
      ),
    ];
  },
  flip: ({ attrs: { axes } }, [dy]) => [dy!.flip(axes)],
  pad: ({ attrs: { padding } }, [dy]) => [dy!.pad(padding.map(([before, after]) => [-before, -after] as const))],
  concat: ({ inputs, attrs: { axis } }, [dy]) =>
    dy!.split(
      inputs.map((tensor) => tensor.shape[axis]!),
      axis,
    ),
  gather: ({ inputs: [x, indices], attrs: { axis } }, [dy]) => {
    // bring the gathered axes to the front, add there, and bring the axis back
    const size = x!.shape[axis]!;
    if (axis === 0) return [createNode('scatterAdd', [indices!, dy!], { size })];
    const rank = indices!.rank;
    const lead = Array.from({ length: axis }, (_, i) => i);
    const middle = Array.from({ length: rank }, (_, i) => axis + i);
    const tail = Array.from({ length: x!.rank - axis - 1 }, (_, i) => axis + rank + i);
    const added = createNode('scatterAdd', [indices!, dy!.transpose([...middle, ...lead, ...tail])], { size });
    return [added.transpose([...lead.map((i) => i + 1), 0, ...tail.map((i) => i - rank + 1)])];
  },
  scatterAdd: ({ inputs: [indices] }, [dOut]) => [undefined, dOut!.gather(indices!)],
};
