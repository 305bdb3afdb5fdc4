/** @file A process of its own that samples a large U-Net from a folder and prints what that took, as one line of JSON. */
import { readFileSync } from 'node:fs';
import { compileNetwork } from '../src/models/index.ts';
import { loadPipeline, saveOnnx } from '../src/pipelines/index.node.ts';
import { ndArray, sizeOf } from '../src/tensor/index.ts';

/** What `large-model.slow.ts` reads. */
export interface LargeUnetReport {
  /** Peak resident memory in bytes. */
  readonly peak: number;
  readonly seconds: number;
  /** First elements of the output. */
  readonly output: readonly number[];
}

const [what, folder, out] = process.argv.slice(2) as [string, string, string?];

const pipeline = await loadPipeline(folder, { worker: what === 'worker' });
const shape = pipeline.imageShape;
const began = performance.now();
let output: number[] = [];
let seconds: number;
if (what === 'export') {
  await saveOnnx(out!, pipeline);
  seconds = (performance.now() - began) / 1000;
} else {
  const program = await compileNetwork(pipeline.engine, pipeline.unet, { batchSize: 1, shape });
  seconds = (performance.now() - began) / 1000;
  const x = ndArray(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(0.37 * i)),
    [1, ...shape],
  );
  output = [...(await program.predict(x.data, 500)).slice(0, 16)];
}
await pipeline.engine.dispose();
const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
process.stdout.write(
  `${JSON.stringify({ peak: 1024 * Number(kilobytes), seconds, output } satisfies LargeUnetReport)}\n`,
);
