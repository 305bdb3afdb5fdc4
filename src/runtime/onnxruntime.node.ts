/**
 * @file The one door to onnxruntime-node. Its builds for Linux and macOS report their use to their makers: they keep a device
 * id and a database of events below the home folder and upload them. Loaded through here they keep and send nothing; the
 * build for browsers has no telemetry.
 */
import { Session } from 'node:inspector';
import { isMainThread } from 'node:worker_threads';
import { EngineError } from '../tensor/index.ts';

/** Read once by native code, when the process opens its first session. Only words such as 1 and true turn telemetry off. */
const SWITCH = 'ORT_DISABLE_TELEMETRY';

/** JavaScript in the main thread is interrupted to answer; only a long native call keeps it. */
const ANSWER_MS = 30_000;

/** onnxruntime-node, silent. Throws `EngineError` where its telemetry cannot be turned off. */
export async function loadOnnxRuntime(): Promise<typeof import('onnxruntime-node')> {
  await disableTelemetry();
  const module = await import('onnxruntime-node');
  const ort = module.default ?? module;
  // it throws what it would log as an error
  ort.env.logLevel = 'fatal';
  return ort;
}

async function disableTelemetry(): Promise<void> {
  const inherited = process.env[SWITCH] === '1';
  process.env[SWITCH] = '1';
  if (isMainThread) return;
  try {
    await setInMainThread();
  } catch (error) {
    if (inherited) return;
    throw new EngineError(
      `ONNX Runtime's telemetry cannot be turned off from this worker thread: ${(error as Error).message}`,
      `start the process with the environment variable ${SWITCH}=1`,
    );
  }
}

/** In a worker, `process.env` is a copy that native code never sees; the environment itself is the main thread's to change. */
async function setInMainThread(): Promise<void> {
  const session = new Session();
  session.connectToMainThread();
  try {
    await new Promise<void>((resolve, reject) => {
      // a question to the main thread alone does not keep this thread alive
      const limit = setTimeout(() => reject(new Error('the main thread does not answer')), ANSWER_MS);
      const expression = `process.env.${SWITCH} = '1'`;
      session.post('Runtime.evaluate', { expression }, (error, answer) => {
        clearTimeout(limit);
        const problem = error?.message ?? answer?.exceptionDetails?.text;
        if (problem === undefined) resolve();
        else reject(new Error(problem));
      });
    });
  } finally {
    session.disconnect();
  }
}
