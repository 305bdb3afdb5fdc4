/** @file `inkwash export`: a model for other programs. */
import { join } from 'node:path';
import { loadPipeline, modelFolderOf, saveOnnx } from '../pipelines/index.node.ts';
import { formatBytes } from './format.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Flags of `inkwash export`, as parsed. */
export interface ExportFlags {
  readonly onnx?: boolean;
  readonly out?: string;
  readonly batch?: number;
  readonly variant?: string;
}

/** Runs the command; returns the exit code. */
export async function exportModel(path: string, flags: ExportFlags, terminal: Terminal): Promise<number> {
  if (flags.onnx !== true) {
    throw new UsageError('no format was asked for', `the format is --onnx: inkwash export ${path} --onnx`);
  }
  const { out = join(modelFolderOf(path), 'unet.onnx'), batch = 1, variant } = flags;
  if (!(Number.isInteger(batch) && batch >= 1)) {
    throw new UsageError(`--batch is a whole number of at least 1, got ${JSON.stringify(batch)}`);
  }
  const pipeline = await loadPipeline(path, variant === undefined ? {} : { variant: String(variant) });
  try {
    const { files, bytes } = await saveOnnx(out, pipeline, { batchSize: batch });
    const [channels, height, width] = pipeline.imageShape;
    const inputs = [
      `sample float32 [${batch}, ${channels}, ${height}, ${width}]`,
      `timestep float32 [${batch}]`,
      ...(pipeline.takesLabels ? [`class_labels int64 [${batch}]`] : []),
    ];
    terminal.say(`${formatBytes(bytes)} of standard ONNX operators; inputs: ${inputs.join(', ')}; output: out_sample`);
    terminal.printJson({ files, bytes, inputs, outputs: ['out_sample'] });
    terminal.print(files.join('\n'));
    terminal.next(`inkwash sample ${path}`);
    return 0;
  } finally {
    await pipeline.engine.dispose();
  }
}
