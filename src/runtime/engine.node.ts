/** @file The Node engine: onnxruntime-node in this thread or in a worker. */
import { ConfigError } from '../tensor/index.ts';
import { probeBlock } from './blocked-layout.ts';
import type { Engine } from './engine.ts';
import { createHost, DEVICES, type Device, type HostSettings } from './host-settings.node.ts';
import { OnnxEngine } from './onnx-engine.ts';
import { loadOnnxRuntime } from './onnxruntime.node.ts';
import type { OrtHost } from './ort-host.ts';
import { WorkerHost } from './worker-host.node.ts';

export interface NodeEngineOptions {
  /** Where programs run. Default cpu. */
  readonly device?: Device;
  /** Threads of one op. Default: as many as ONNX Runtime finds physical cores. */
  readonly threads?: number;
  /** Runs in a worker thread, so that this thread stays responsive. Results are identical. Default false. */
  readonly worker?: boolean;
  /** Called when the device is not available and the CPU is used instead. Default: a line on stderr. */
  readonly onFallback?: (message: string) => void;
  /** Writes a profile of every run to files of this prefix (ONNX Runtime's JSON trace). */
  readonly profile?: string;
}

/**
 * An engine on onnxruntime-node. An unavailable device falls back to the CPU with a message.
 * Throws `ConfigError` for an unknown device or a thread count below 1.
 */
export async function nodeEngine({
  device = 'cpu',
  threads,
  worker = false,
  onFallback = (message) => process.stderr.write(`${message}\n`),
  profile,
}: NodeEngineOptions = {}): Promise<Engine> {
  if (!DEVICES.includes(device))
    throw new ConfigError(`there is no device '${device}'`, `choose one of ${DEVICES.join(', ')}`);
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new ConfigError(`threads must be a whole number of at least 1, got ${threads}`);
  }
  const open = async (chosen: Device): Promise<OrtHost | WorkerHost> => {
    const settings: HostSettings = { device: chosen, threads, profile };
    return worker ? WorkerHost.start(settings) : createHost(settings);
  };
  let host: OrtHost | WorkerHost | undefined;
  let chosen = device;
  if (device !== 'cpu') {
    if (await isBuiltIn(device)) host = await open(device);
    const problem = host ? await probe(host) : "this platform's ONNX Runtime is built without it";
    if (problem !== undefined) {
      await host?.close();
      onFallback(`device '${device}' is not available here (${problem}); using the CPU`);
      host = undefined;
      chosen = 'cpu';
    }
  }
  host ??= await open(chosen);
  if (chosen === 'webgpu') return new OnnxEngine(host, { provider: 'webgpu' });
  return new OnnxEngine(host, { provider: 'cpu', block: await probeBlock(host) });
}

/** Whether the installed ONNX Runtime knows `device`: it leaves out what it does not know without an error. */
async function isBuiltIn(device: Device): Promise<boolean> {
  const { listSupportedBackends } = await loadOnnxRuntime();
  return listSupportedBackends().some(({ name }) => name === device);
}

/** Runs a tiny program; returns what went wrong, if anything. */
async function probe(host: OrtHost | WorkerHost): Promise<string | undefined> {
  const { input } = await import('../graph/index.ts');
  const engine = new OnnxEngine(host, { provider: 'cpu' });
  try {
    const program = await engine.compile(() => input('x', [1]).add(1), { name: 'probe' });
    const { output } = await program.run({ x: { dtype: 'float32', shape: [1], data: Float32Array.of(1) } });
    await program.dispose();
    return output?.data[0] === 2 ? undefined : 'it computed 1 + 1 wrongly';
  } catch (error) {
    return deviceProblem(error instanceof Error ? error.message : String(error));
  }
}

/** Why a device cannot be used, in a few words: a runtime tells where in its sources it noticed. */
function deviceProblem(message: string): string {
  const [line = ''] = message.split('\n');
  if (/librar(y|ies)\b/i.test(line)) return 'its libraries are not installed';
  if (/\b(adapters?|devices?)\b/i.test(line)) return 'no such device was found';
  return line.split(': ').at(-1)!.replaceAll(/[()]/g, '').slice(0, 80);
}
