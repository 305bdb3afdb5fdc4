/**
 * @file jax-js as a peer: in Node it computes in WebAssembly, far too slowly for a whole U-Net, so it does the convolutions alone,
 * forward, and their gradients by its own automatic differentiation, compiled with its `jit`.
 */
import './navigator.ts';
import { readFileSync } from 'node:fs';
import { init, type Array as JaxArray, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax';
import { fillNormal } from '../../src/tensor/index.ts';
import { CONV_CHAIN } from '../works.ts';
import { servePeer } from './serve-peer.ts';

function normal(shape: number[], draw: number, scale = 1): JaxArray {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = fillNormal(new Float32Array(size), { seed: 0, draw }).map((value) => value * scale);
  return np.array(data).reshape(shape);
}

/** Every use of an array but the last takes a reference: jax-js frees what it is given. */
function chain(kernels: JaxArray[], x: JaxArray): JaxArray {
  CONV_CHAIN.forEach(({ stride }, i) => {
    const padding: [number, number][] = [
      [1, 1],
      [1, 1],
    ];
    x = nn.silu(lax.convGeneralDilated(x, kernels[i]!, [stride, stride], padding));
  });
  return x;
}

/** The package exports no package.json: it stands above the entry. */
const manifest = readFileSync(new URL('../package.json', import.meta.resolve('@jax-js/jax')), 'utf8');
const { version } = JSON.parse(manifest) as { version: string };

await init();
await servePeer({
  title: `jax-js ${version} (WebAssembly)`,
  async prepare({ kind, batch, shape }) {
    if (kind === 'train' || kind === 'sample') throw new Error('a whole U-Net takes minutes here');
    const x = normal([batch, ...shape], 0);
    const kernels = CONV_CHAIN.map(({ from, to }, i) => normal([to, from, 3, 3], i, 1 / Math.sqrt(9 * from)));
    const borrowed = (): JaxArray[] => kernels.map((kernel) => kernel.ref);
    const forward = jit(chain);
    const gradient = jit(
      valueAndGrad((weights: JaxArray[], images: JaxArray) => {
        const y = chain(weights, images);
        return np.mean(y.ref.mul(y));
      }),
    );
    return {
      async run() {
        if (kind === 'convs-forward') return forward(borrowed(), x.ref).data();
        const [loss, gradients] = gradient(borrowed(), x.ref);
        await Promise.all((gradients as JaxArray[]).map((one) => one.data()));
        return loss.data();
      },
    };
  },
});
