/** @file `inkwash export`: a model for other programs. */
import { join } from 'node:path';
import { checkWritable } from '../formats/index.node.ts';
import { loadNetwork, modelFolderOf, type SavedOnnx, saveOnnx } from '../pipelines/index.node.ts';
import { type Flags, type FlagValues, outFile, toggle, whole } from './flags.ts';
import { formatBytes } from './format.ts';
import { MODEL_FLAGS, modelOptions, modelWords } from './model-flags.ts';
import { saveNamed } from './save-named.ts';
import { shellLine } from './shell-line.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { defineVerb } from './verb.ts';

const flags = {
  onnx: toggle('As an ONNX model of standard operators'),
  out: outFile(
    'Where; an older file is replaced (default: unet.onnx in the model folder, with a number where that is taken)',
    ['onnx'],
  ),
  overwrite: toggle('Replace a file of weights beside --out, and a model that was not named'),
  batch: whole('Batch size, fixed in the file (default: 1)', { least: 1 }),
  ...MODEL_FLAGS,
} satisfies Flags;

export const exportVerb = defineVerb({
  name: 'export',
  subject: '<model>',
  about: 'Write the network of a run or a model folder for other programs',
  flags,
  examples: ['inkwash export runs/avatars --onnx'],
  run: exportModel,
});

async function exportModel(path: string, given: FlagValues<typeof flags>, terminal: Terminal): Promise<number> {
  if (!given.onnx) {
    const command = shellLine(['inkwash', 'export', path, '--onnx']);
    throw new UsageError('no format was asked for', `the format is --onnx: ${command}`);
  }
  const { batch = 1, overwrite = false } = given;
  const standard = join(modelFolderOf(path), 'unet.onnx');
  await checkWritable(given.out?.path ?? standard);
  const network = await loadNetwork(path, modelOptions(given, terminal));
  try {
    let saved: SavedOnnx | undefined;
    await saveNamed(given.out?.path, standard, {
      overwrite,
      save: async (file, replace) => {
        saved = await saveOnnx(file, network, {
          batchSize: batch,
          ...(overwrite || !replace ? { overwrite } : {}),
        });
      },
    });
    const { files, bytes } = saved!;
    const { sampleShape, classInput, timeRows } = network.unet;
    const inputs = [
      `sample float32 [${[batch, ...sampleShape].join(', ')}]`,
      `timestep ${timeRows === undefined ? 'float32' : 'int64'} [${batch}]`,
      ...(classInput ? [`class_labels ${classInput.dtype} [${[batch, ...classInput.shape].join(', ')}]`] : []),
    ];
    terminal.say(`${formatBytes(bytes)} of standard ONNX operators; inputs: ${inputs.join(', ')}; output: out_sample`);
    terminal.printJson({ files, bytes, inputs, outputs: ['out_sample'] });
    terminal.print(files.join('\n'));
    if (network.scheduler) terminal.next(['sample', path, ...modelWords(given)]);
    return 0;
  } finally {
    await network.engine.dispose();
  }
}
