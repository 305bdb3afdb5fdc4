/** @file Settings of a host on onnxruntime-node: plain data, so that they can be posted to a worker. */
import type { InferenceSession } from 'onnxruntime-common';
import { defaultThreads } from './default-threads.node.ts';
import { loadOnnxRuntime } from './onnxruntime.node.ts';
import { OrtHost } from './ort-host.ts';

/** Devices a Node engine can ask for. All but 'cpu' depend on the platform and its drivers. */
export const DEVICES = ['cpu', 'webgpu', 'cuda', 'coreml', 'dml'] as const;
export type Device = (typeof DEVICES)[number];

/** What a host is made from: plain data that can be posted to a worker. */
export interface HostSettings {
  readonly device: Device;
  readonly threads: number | undefined;
  readonly profile: string | undefined;
}

/** Session options of ONNX Runtime for these settings. */
export function sessionOptions({ device, threads, profile }: HostSettings): InferenceSession.SessionOptions {
  return {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads ?? defaultThreads(),
    ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
    // planned memory costs a training step 5 % of its time and 40 % more memory: fresh pages instead of warm ones
    enableMemPattern: false,
    logSeverityLevel: 3,
  };
}

/** Whether a device keeps variables where updates can be applied in place. */
export function appliesUpdates(device: Device): boolean {
  return device === 'cpu';
}

/** A host in this thread. */
export async function createHost(settings: HostSettings): Promise<OrtHost> {
  return new OrtHost(await loadOnnxRuntime(), {
    name: `node/${settings.device}`,
    session: sessionOptions(settings),
    appliesUpdates: appliesUpdates(settings.device),
  });
}
