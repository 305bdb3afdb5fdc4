/** @file A session host in a worker thread: the calling thread stays free while ONNX Runtime works. */
import { Worker } from 'node:worker_threads';
import { EngineError, type Hint, type NdArray } from '../tensor/index.ts';
import type { ProgramSpec, SessionHost } from './host.ts';
import type { HostSettings } from './host-settings.node.ts';
import { appliesUpdates } from './host-settings.node.ts';

/** A call to a method of the host in the worker, and its answer. */
export interface HostCall {
  readonly id: number;
  readonly method: 'create' | 'run' | 'release' | 'read' | 'write' | 'close';
  readonly args: readonly unknown[];
}
export interface HostAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly problem: string; readonly hint?: Hint };
}

/** The compiled worker: TypeScript sources run it from the build, since workers load plain JavaScript. */
function workerUrl(): URL {
  const path = import.meta.url.endsWith('.ts') ? '../../dist/runtime/worker.node.js' : './worker.node.js';
  return new URL(path, import.meta.url);
}

/** Talks to the host in a worker. Calls are answered in order. */
export class WorkerHost implements SessionHost {
  readonly name: string;
  readonly appliesUpdates: boolean;
  readonly #worker: Worker;
  readonly #pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #calls = 0;
  #failure: EngineError | undefined;

  private constructor(worker: Worker, { device }: HostSettings) {
    this.#worker = worker;
    this.name = `node/${device}`;
    this.appliesUpdates = appliesUpdates(device);
    worker.on('message', (answer: HostAnswer) => this.#settle(answer));
    worker.on('error', (error) => this.#fail(`the engine's worker failed: ${error.message}`));
    worker.on('exit', (code) => this.#fail(`the engine's worker stopped (code ${code})`));
    // an idle engine does not keep the process alive
    worker.unref();
  }

  static async start(settings: HostSettings): Promise<WorkerHost> {
    // flags of this process, such as --input-type or loaders, are not meant for the worker
    return new WorkerHost(new Worker(workerUrl(), { workerData: settings, execArgv: [] }), settings);
  }

  create(spec: ProgramSpec): Promise<number> {
    const buffers = new Set(spec.constants.map(([, { data }]) => data.buffer as ArrayBuffer));
    return this.#call('create', [spec], [...buffers]) as Promise<number>;
  }
  run(
    program: number,
    inputs: Readonly<Record<string, NdArray>>,
    seed: number,
    step: number,
  ): Promise<Record<string, NdArray>> {
    return this.#call('run', [program, inputs, seed, step]) as Promise<Record<string, NdArray>>;
  }
  /** Does nothing once the worker is gone: its programs went with it. */
  async release(program: number): Promise<void> {
    if (this.#failure) return;
    await this.#call('release', [program]);
  }
  read(variable: number): Promise<NdArray> {
    return this.#call('read', [variable]) as Promise<NdArray>;
  }
  write(variable: number, value: NdArray): Promise<void> {
    return this.#call('write', [variable, value]) as Promise<void>;
  }
  async close(): Promise<void> {
    if (this.#failure) return;
    await this.#call('close', []);
    this.#failure = new EngineError('the engine was disposed');
    await this.#worker.terminate();
  }

  /** `moved`: buffers of the arguments that become the worker's; the others are copied. */
  #call(method: HostCall['method'], args: readonly unknown[], moved: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#calls++;
    return new Promise((resolve, reject) => {
      if (this.#pending.size === 0) this.#worker.ref();
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ id, method, args } satisfies HostCall, moved);
    });
  }

  #settle({ id, result, error }: HostAnswer): void {
    const call = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
    if (error) call?.reject(new EngineError(error.problem, error.hint));
    else call?.resolve(result);
  }

  #fail(message: string): void {
    this.#failure ??= new EngineError(message, 'a run that was training can be resumed from its last checkpoint');
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
}
