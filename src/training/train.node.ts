/** @file `trainDiffusion`: trains an image model into a run folder, resumable to the bit. */
import type { DataSplits } from '../data/index.node.ts';
import { type Engine, nodeEngine } from '../runtime/index.node.ts';
import { ConfigError, type NdArray } from '../tensor/index.ts';
import { restoreCheckpoint } from './checkpoint.node.ts';
import type { TrainingConfig, TrainingConfigInput } from './config.ts';
import { DiffusionTrainer } from './diffusion-trainer.ts';
import type { TrainingEvent } from './events.ts';
import { type FoundCheckpoint, findIntactCheckpoint, setAside } from './intact-checkpoint.node.ts';
import { type OpenDataCallbacks, openTrainingData } from './open-training-data.node.ts';
import { presetData } from './presets.ts';
import { configHash, normalizeConfig, resolveConfig, resumeConfig } from './resolve-config.ts';
import { freeRunFolder, RunFolder, readRunConfig, refuseExisting } from './run-folder.node.ts';
import { TrainingLoop, type TrainingResult } from './training-loop.node.ts';

export interface TrainOptions extends OpenDataCallbacks {
  /** Folder of the run. Default: `runs/<name of the data>`, with a number where that is taken. */
  readonly out?: string;
  /** Continue the run in `out` from its newest intact checkpoint. Default false. */
  readonly resume?: boolean;
  /** Stops after the step in progress, with a checkpoint. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
  /** Pictures sampled on the way, [N, C, H, W] in [-1, 1]. */
  readonly onPreview?: (images: NdArray) => void;
  /** What opening the data converted and skipped. */
  readonly onData?: (data: DataSplits) => void;
  /** Default: a Node engine in a worker thread, on the device and with the threads of the configuration. */
  readonly engine?: Engine;
}

/** Where a new or resumed run begins. */
interface Beginning extends FoundCheckpoint {
  readonly config: TrainingConfig;
  readonly data: DataSplits;
  readonly lengthChanged: boolean;
}

/**
 * Trains on `config.data` and writes everything to `out`. Settings left out come from the preset of the data set.
 * Throws `ConfigError` and `DataError` before anything is written when the request is impossible: unknown settings,
 * unknown data, a size the network cannot halve, a batch larger than the data, a folder that holds a run, a resumed
 * configuration that differs, checkpoints of which none is intact. Throws `EngineError` naming the last good checkpoint when the loss is not finite.
 */
export async function trainDiffusion(
  config: TrainingConfigInput,
  {
    out = defaultOut(config),
    resume = false,
    signal,
    onEvent = () => undefined,
    onPreview,
    onData,
    engine,
    ...callbacks
  }: TrainOptions = {},
): Promise<TrainingResult> {
  const started = performance.now();
  const begin = resume ? await resumeRun(config, out, callbacks) : await newRun(config, out, callbacks);
  onData?.(begin.data);
  const own = engine ? undefined : await nodeEngine(engineOptions(begin.config, callbacks));
  const chosen = engine ?? own!;
  try {
    const trainer = await DiffusionTrainer.create(chosen, begin.config, begin.data);
    if (begin.checkpoint) await restoreCheckpoint(begin.checkpoint.path, chosen, trainer.state);
    const folder = resume ? await RunFolder.open(out, onEvent) : await RunFolder.create(out, begin.config, onEvent);
    if (resume) await folder.writeConfig(begin.config);
    await setDamagedAside(begin, folder);
    const loop = new TrainingLoop({
      trainer,
      folder,
      data: begin.data,
      state: begin.checkpoint?.state,
      lengthChanged: begin.lengthChanged,
      resumed: resume,
      started,
      signal,
      onPreview,
    });
    return await loop.run();
  } finally {
    await own?.dispose();
  }
}

/** Throws `ConfigError` when the configuration names no data. */
function defaultOut({ data }: TrainingConfigInput): string {
  const spec = typeof data === 'string' ? data : data?.spec;
  if (!spec) throw new ConfigError('there is nothing to train on', "give data, e.g. 'avatars' or the path of a folder");
  return freeRunFolder(spec);
}

async function newRun(input: TrainingConfigInput, out: string, callbacks: OpenDataCallbacks): Promise<Beginning> {
  refuseExisting(out);
  const wishes = normalizeConfig(input) as { data?: TrainingConfigInput['data'] & object };
  if (!wishes.data?.spec) {
    throw new ConfigError('there is nothing to train on', "give data, e.g. 'avatars' or the path of a folder");
  }
  const data = await openTrainingData({ ...presetData(wishes.data.spec), ...wishes.data }, callbacks);
  const { imageShape, length, classNames } = data.train;
  const config = resolveConfig(input, { imageShape, count: length, classNames });
  return { config, data, checkpoint: undefined, damaged: [], lengthChanged: false };
}

async function resumeRun(input: TrainingConfigInput, out: string, callbacks: OpenDataCallbacks): Promise<Beginning> {
  const { config, changed } = resumeConfig(await readRunConfig(out), input);
  const data = await openTrainingData(config.data, callbacks);
  const { checkpoint, damaged } = await findIntactCheckpoint(out);
  if (!checkpoint) return { config, data, checkpoint, damaged, lengthChanged: false };
  const { path, state } = checkpoint;
  if (state.config !== configHash(config)) {
    throw new ConfigError(
      `config.json of ${out} was changed since ${path} was written`,
      'restore it, or start another run',
    );
  }
  if (state.data !== data.train.fingerprint) {
    throw new ConfigError(
      `the pictures of ${config.data.spec} are not those the run was trained on: fingerprint ${state.data} → ${data.train.fingerprint}`,
      'restore the pictures, or start another run with --out',
    );
  }
  const lengthChanged = changed.some(({ key }) => key === 'steps' || key === 'minutes' || key === 'epochs');
  return { config, data, checkpoint, damaged, lengthChanged };
}

/** Moves what cannot be continued from out of the way, and says so. */
async function setDamagedAside({ checkpoint, damaged }: Beginning, folder: RunFolder): Promise<void> {
  if (!checkpoint) return;
  const { step } = checkpoint.state;
  for (const { path, reason } of damaged) {
    const message = `going on from step ${step}, because ${reason}; the damaged checkpoint is now ${await setAside(path)}`;
    folder.record({ type: 'warning', step, message });
  }
}

function engineOptions({ device, threads }: TrainingConfig, { onWarning }: OpenDataCallbacks) {
  return {
    device,
    worker: true,
    ...(threads !== null && { threads }),
    ...(onWarning && { onFallback: onWarning }),
  };
}

export type { TrainingResult };
