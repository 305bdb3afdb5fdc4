/** @file `trainDiffusion`: trains an image model into a run folder, resumable to the bit. */
import type { DataSplits } from '../data/index.node.ts';
import { type Engine, nodeEngine } from '../runtime/index.node.ts';
import { ConfigError, type NdArray } from '../tensor/index.ts';
import { rehearseSampling, remarksOn } from './check-combinations.ts';
import { restoreCheckpoint } from './checkpoint.node.ts';
import type { TrainingConfig, TrainingConfigInput } from './config.ts';
import { DiffusionTrainer } from './diffusion-trainer.ts';
import type { TrainingEvent } from './events.ts';
import { type FoundCheckpoint, findIntactCheckpoint, setAside } from './intact-checkpoint.node.ts';
import { type OpenDataCallbacks, openTrainingData } from './open-training-data.node.ts';
import { presetData } from './presets.ts';
import { isHashOf, normalizeConfig, resolveConfig, resumeConfig } from './resolve-config.ts';
import { locate, openResumedData } from './resumed-data.node.ts';
import { RunFolder, readEvents, readRunConfig, refuseExisting } from './run-folder.node.ts';
import { defaultRunFolder, refuseInsideData } from './run-path.node.ts';
import { TrainingLoop, type TrainingResult } from './training-loop.node.ts';

export interface TrainOptions extends OpenDataCallbacks {
  /** Folder of the run. Default: `runs/<name of the data>`, with a number where that is taken; never inside the data. */
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
  /** `performance.now()` when the time of a run of minutes began. Default: when this is called; 0 counts the start of the process. */
  readonly started?: number;
  /** Default: a Node engine in a worker thread, on the device and with the threads of the configuration. */
  readonly engine?: Engine;
}

/** Where a new or resumed run begins. */
interface Beginning extends FoundCheckpoint {
  readonly config: TrainingConfig;
  readonly data: DataSplits;
  readonly lengthChanged: boolean;
  /** Worth saying at the start. */
  readonly remarks: readonly string[];
}

/**
 * Trains on `config.data` and writes everything to `out`. Settings left out come from the preset of the data set. A run
 * may be resumed from anywhere, moved, and with its pictures in another place: their contents decide.
 * Throws `ConfigError` and `DataError` before anything is written when the request is impossible: unknown settings,
 * unknown data, a size the network cannot halve, a batch larger than the data, a folder that holds a run or lies inside
 * the data, a run that is in use, a resumed configuration that differs, other pictures, checkpoints of which none is intact.
 * Throws `EngineError` naming the last good checkpoint when the loss is not finite.
 */
export async function trainDiffusion(
  config: TrainingConfigInput,
  {
    out,
    resume = false,
    signal,
    onEvent = () => undefined,
    onPreview,
    onData,
    started = performance.now(),
    engine,
    ...callbacks
  }: TrainOptions = {},
): Promise<TrainingResult> {
  let folder = resume ? await RunFolder.open(requireOut(out), onEvent) : undefined;
  let own: Engine | undefined;
  try {
    const begin = folder ? await resumeRun(config, folder.path, callbacks) : await newRun(config, out, callbacks);
    await rehearseSampling(begin.config);
    onData?.(begin.data);
    own = engine ? undefined : await nodeEngine(engineOptions(begin.config, callbacks));
    const chosen = engine ?? own!;
    const trainer = await DiffusionTrainer.create(chosen, begin.config, begin.data);
    if (begin.checkpoint) await restoreCheckpoint(begin.checkpoint.path, chosen, trainer.state);
    if (folder) await folder.writeConfig(begin.config);
    else folder = await RunFolder.create(out, begin.config, onEvent);
    await setDamagedAside(begin, folder);
    const step = begin.checkpoint?.state.step ?? 0;
    for (const message of [...begin.remarks, ...remarksOn(begin.config)])
      folder.record({ type: 'warning', step, message });
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
    folder?.close();
    await own?.dispose();
  }
}

function requireOut(out: string | undefined): string {
  if (out !== undefined) return out;
  throw new ConfigError('which run should go on?', {
    api: 'give its folder as out',
    cli: 'give its folder: inkwash train --resume --out runs/avatars',
  });
}

async function newRun(
  input: TrainingConfigInput,
  out: string | undefined,
  callbacks: OpenDataCallbacks,
): Promise<Beginning> {
  const wishes = normalizeConfig(input) as { data?: TrainingConfigInput['data'] & object };
  if (!wishes.data?.spec) {
    throw new ConfigError('there is nothing to train on', "give data, e.g. 'avatars' or the path of a folder");
  }
  const { spec } = wishes.data;
  if (out !== undefined) refuseExisting(out);
  refuseInsideData(out ?? defaultRunFolder(spec), spec);
  const data = await openTrainingData({ ...presetData(spec), ...wishes.data }, callbacks);
  const { imageShape, length, classNames } = data.train;
  const config = resolveConfig(input, { imageShape, count: length, classNames });
  const located = { ...config, data: { ...config.data, spec: locate(spec) } };
  return { config: located, data, checkpoint: undefined, damaged: [], lengthChanged: false, remarks: [] };
}

async function resumeRun(input: TrainingConfigInput, out: string, callbacks: OpenDataCallbacks): Promise<Beginning> {
  const stored = await readRunConfig(out);
  const { config: wanted, changed } = resumeConfig(stored, input);
  const { checkpoint, damaged } = await findIntactCheckpoint(out);
  if (checkpoint && !isHashOf(stored, checkpoint.state.config)) {
    throw new ConfigError(
      `config.json of ${out} was changed since ${checkpoint.path} was written`,
      'restore it, or start another run',
    );
  }
  const noted = (await readEvents(out)).findLast((event) => event.type === 'start')?.data;
  const known = {
    asked: changed.some(({ key }) => key === 'data.spec') ? wanted.data.spec : undefined,
    fingerprint: checkpoint?.state.data ?? noted?.fingerprint,
    fromRun: checkpoint?.state.dataFromRun ?? null,
    noted,
  };
  const { data, spec } = await openResumedData(out, { ...wanted, data: stored.data }, known, callbacks);
  refuseInsideData(out, spec);
  const moved =
    spec === locate(stored.data.spec) ? [] : [`the pictures are in ${spec} now, they were in ${stored.data.spec}`];
  return {
    config: { ...wanted, data: { ...wanted.data, spec } },
    data,
    checkpoint,
    damaged,
    lengthChanged: changed.some(({ key }) => key === 'steps' || key === 'minutes' || key === 'epochs'),
    remarks: moved,
  };
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
