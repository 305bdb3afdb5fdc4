/** @file A denoising network as a standalone ONNX model of standard operators, for any runtime. */
import { formatPythonJson } from '../formats/index.ts';
import { input, trace } from '../graph/index.ts';
import type { ImageModelNotes } from '../models/image-model-notes.ts';
import { timeInput } from '../models/network-program.ts';
import type { UNet2DModel } from '../models/unet2d.ts';
import { lower, renameValues, type SerializedModel, serializeModel } from '../onnx/index.ts';
import type { Engine } from '../runtime/index.ts';

/** What is exported: a pipeline, or a network alone. */
export interface NetworkToExport {
  readonly engine: Engine;
  readonly unet: UNet2DModel;
  /** The JSON of its scheduler, kept in the metadata. */
  readonly scheduler?: Readonly<Record<string, unknown>> | undefined;
  readonly notes?: ImageModelNotes;
}

/** Options of `exportOnnx`. */
export interface ExportOnnxOptions {
  /** Shapes in the model are fixed. Default 1. */
  readonly batchSize?: number;
  /** Name of a file beside the model for its weights; by default they are inside unless they pass 2 GB. */
  readonly externalName?: string;
}

/**
 * The network as ONNX: inputs `sample` float32 [B, C, H, W], `timestep` [B], float32, or int64 where the network looks times
 * up, and, where it takes classes, `class_labels` int64 [B] (float32 [B] or [B, T] where classes are times or embeddings);
 * output `out_sample`, the raw prediction. The metadata holds the scheduler's configuration, which says how to read it.
 */
export async function exportOnnx(
  { engine, unet, scheduler, notes = {} }: NetworkToExport,
  { batchSize = 1, externalName }: ExportOnnxOptions = {},
): Promise<SerializedModel> {
  const classes = unet.classInput;
  const graph = trace(() => ({
    out_sample: unet.forward(
      input('sample', [batchSize, ...unet.sampleShape]),
      timeInput(unet, batchSize),
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
      ...(scheduler && { scheduler: formatPythonJson(scheduler) }),
      ...(notes.classNames && { class_names: JSON.stringify(notes.classNames) }),
    },
  };
  return serializeModel(model, externalName === undefined ? {} : { externalName });
}
