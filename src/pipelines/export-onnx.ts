/** @file A denoising network as a standalone ONNX model of standard operators, for any runtime. */
import { input, trace } from '../graph/index.ts';
import { lower, renameValues, type SerializedModel, serializeModel } from '../onnx/index.ts';
import type { DiffusionPipeline } from './diffusion-pipeline.ts';

export interface ExportOnnxOptions {
  /** Shapes in the model are fixed. Default 1. */
  readonly batchSize?: number;
  /** Name of a file beside the model for its weights; by default they are inside unless they pass 2 GB. */
  readonly externalName?: string;
}

/**
 * The network as ONNX: inputs `sample` float32 [B, C, H, W], `timestep` float32 [B] and, where it takes classes,
 * `class_labels` int64 [B] (float32 [B] or [B, T] where classes are times or embeddings); output `out_sample`, the raw prediction. The metadata holds the scheduler's configuration,
 * which says how to read it.
 */
export async function exportOnnx(
  pipeline: DiffusionPipeline,
  { batchSize = 1, externalName }: ExportOnnxOptions = {},
): Promise<SerializedModel> {
  const { unet, engine, imageShape, scheduler, notes } = pipeline;
  const classes = unet.classInput;
  const graph = trace(() => ({
    out_sample: unet.forward(
      input('sample', [batchSize, ...imageShape]),
      input('timestep', [batchSize]),
      ...(classes ? [input('class_labels', [batchSize, ...classes.shape], classes.dtype)] : []),
    ),
  }));
  const values = new Map();
  for (const variable of graph.variables.keys()) values.set(variable, await engine.read(variable));
  const lowered = lower(graph, { provider: 'any' }, { frozen: (variable) => values.get(variable) });
  const names = new Map([...lowered.inputs, ...lowered.outputs].map(([name, value]) => [value, name]));
  const model = {
    ...renameValues(lowered.model, names),
    metadata: {
      scheduler: JSON.stringify(scheduler),
      ...(notes.classNames && { class_names: JSON.stringify(notes.classNames) }),
    },
  };
  return serializeModel(model, externalName === undefined ? {} : { externalName });
}
