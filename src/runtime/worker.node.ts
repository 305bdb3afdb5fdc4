/** @file The worker's side of a session host: answers calls one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { InkwashError, type NdArray } from '../tensor/index.ts';
import type { ProgramSpec } from './host.ts';
import { createHost, type HostSettings } from './host-settings.node.ts';
import type { OrtHost } from './ort-host.ts';
import type { HostAnswer, HostCall } from './worker-host.node.ts';

const host = createHost(workerData as HostSettings);
let last: Promise<void> = Promise.resolve();

parentPort?.on('message', (call: HostCall) => {
  last = last.then(() => answer(call));
});

async function answer({ id, method, args }: HostCall): Promise<void> {
  try {
    const result = await perform(await host, method, args);
    const transfer = method === 'run' || method === 'read' ? buffersOf(result) : [];
    parentPort?.postMessage({ id, result } satisfies HostAnswer, transfer);
  } catch (error) {
    const told =
      error instanceof InkwashError
        ? { problem: error.problem, hint: { api: error.hint, cli: error.cliHint } }
        : { problem: error instanceof Error ? error.message : String(error) };
    parentPort?.postMessage({ id, error: told } satisfies HostAnswer);
  }
}

function perform(target: OrtHost, method: HostCall['method'], args: readonly unknown[]): Promise<unknown> {
  switch (method) {
    case 'create':
      return target.create(args[0] as ProgramSpec);
    case 'run':
      return target.run(args[0] as number, args[1] as Record<string, NdArray>, args[2] as number, args[3] as number);
    case 'release':
      return target.release(args[0] as number);
    case 'read':
      return target.read(args[0] as number);
    case 'write':
      return target.write(args[0] as number, args[1] as NdArray);
    case 'close':
      return target.close();
  }
}

/** Results are moved, not copied. Outputs of a run are never variables, so nothing the host keeps is lost. */
function buffersOf(result: unknown): ArrayBuffer[] {
  const arrays = isArray(result) ? [result] : Object.values(result as Record<string, NdArray>);
  return [...new Set(arrays.map(({ data }) => data.buffer as ArrayBuffer))];
}

function isArray(value: unknown): value is NdArray {
  return typeof value === 'object' && value !== null && 'data' in value && ArrayBuffer.isView(value.data);
}
