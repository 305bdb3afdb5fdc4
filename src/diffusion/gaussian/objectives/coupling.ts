/** @file Coupling noise to data within a batch, on the host: mini-batch optimal transport and immiscible diffusion. */
import { ShapeError } from '../../../tensor/index.ts';
import type { State } from '../state.ts';

/**
 * The assignment of rows to columns with the least total cost (Kuhn 1955, Munkres 1957, in the O(n³) shortest-path form
 * of Jonker & Volgenant 1987). `cost[i·n + j]`; returns the column of every row.
 */
export function leastCostAssignment(cost: ArrayLike<number>, n: number): Uint32Array {
  const u = new Float64Array(n + 1);
  const v = new Float64Array(n + 1);
  const rowOf = new Int32Array(n + 1).fill(-1);
  for (let row = 0; row < n; row++) {
    const least = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY);
    const cameFrom = new Int32Array(n + 1).fill(-1);
    const done = new Uint8Array(n + 1);
    // column n is a virtual start that holds the new row
    let column = n;
    rowOf[n] = row;
    do {
      done[column] = 1;
      const i = rowOf[column]!;
      let delta = Number.POSITIVE_INFINITY;
      let next = -1;
      for (let j = 0; j < n; j++) {
        if (done[j]) continue;
        const reduced = cost[i * n + j]! - u[i]! - v[j]!;
        if (reduced < least[j]!) {
          least[j] = reduced;
          cameFrom[j] = column;
        }
        if (least[j]! < delta) {
          delta = least[j]!;
          next = j;
        }
      }
      for (let j = 0; j <= n; j++) {
        if (done[j]) {
          u[rowOf[j]!] = u[rowOf[j]!]! + delta;
          v[j] = v[j]! - delta;
        } else least[j] = least[j]! - delta;
      }
      column = next;
    } while (rowOf[column] !== -1);
    while (column !== n) {
      const previous = cameFrom[column]!;
      rowOf[column] = rowOf[previous]!;
      column = previous;
    }
  }
  const columnOf = new Uint32Array(n);
  for (let j = 0; j < n; j++) columnOf[rowOf[j]!] = j;
  return columnOf;
}

/**
 * Reorders the noises of a batch so that the total squared distance to their data is least: the coupling of OT-CFM
 * (Tong et al. 2024; Pooladian et al. 2023) for flows, and immiscible diffusion (Li et al. 2024) for any process.
 * Marginally the noise stays normal; paths cross less. `x0`, `noise`: [batch, …] flattened.
 */
export function coupleNoise(x0: State, noise: State, batch: number): State {
  const size = x0.length / batch;
  if (x0.length !== noise.length || !Number.isInteger(size)) {
    throw new ShapeError(`${x0.length} data and ${noise.length} noise elements do not make a batch of ${batch}`);
  }
  // |x − z|² differs from −2⟨x, z⟩ by terms that every assignment shares
  const cost = new Float64Array(batch * batch);
  for (let i = 0; i < batch; i++) {
    for (let j = 0; j < batch; j++) {
      let product = 0;
      for (let k = 0; k < size; k++) product += x0[i * size + k]! * noise[j * size + k]!;
      cost[i * batch + j] = -product;
    }
  }
  const order = leastCostAssignment(cost, batch);
  const coupled = noise.slice();
  order.forEach((j, i) => {
    coupled.set(noise.subarray(j * size, (j + 1) * size), i * size);
  });
  return coupled;
}
