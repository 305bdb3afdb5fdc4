/** @file An exported network on disk. */
import { basename, dirname, join } from 'node:path';
import { atomicWrite, type OverwriteOptions } from '../formats/index.node.ts';
import { PROTOBUF_LIMIT } from '../onnx/index.ts';
import { type ExportOnnxOptions, exportOnnx, type NetworkToExport } from './export-onnx.ts';

/** The files an export wrote, the model first. */
export interface SavedOnnx {
  readonly files: readonly string[];
  readonly bytes: number;
}

/**
 * Writes `network` (that of a pipeline, or one alone) as an ONNX model (weights over 2 GB go to a file beside it, named in the model). An
 * older model at `path` is replaced; a file in the place of the weights only with `overwrite`.
 * Throws `DataError` when one is there, or a file cannot be written.
 */
export async function saveOnnx(
  path: string,
  network: NetworkToExport,
  options: Omit<ExportOnnxOptions, 'externalName'> & OverwriteOptions & { readonly externalWeights?: boolean } = {},
): Promise<SavedOnnx> {
  const { externalWeights = 4 * network.unet.parameterCount() > PROTOBUF_LIMIT, overwrite, ...rest } = options;
  // named after the model: another one in the same folder keeps its own
  const beside = `${basename(path)}.data`;
  const model = await exportOnnx(network, { ...rest, ...(externalWeights && { externalName: beside }) });
  const files = [path];
  if (model.externalName !== undefined) {
    const data = join(dirname(path), model.externalName);
    await atomicWrite(data, model.external, { overwrite: overwrite ?? false });
    files.push(data);
  }
  await atomicWrite(path, [model.bytes], { overwrite: overwrite ?? true });
  const bytes = model.external.reduce((total, part) => total + part.byteLength, model.bytes.byteLength);
  return { files, bytes };
}
