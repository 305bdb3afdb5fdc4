/** @file Reads ONNX Runtime's profile of a session: the time of every kind of node, per run. */
import { median } from './statistics.ts';

/** The parts of an event that are read here; times in microseconds. */
interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

/** Nodes of one kind, in one run. */
export interface NodeTime {
  readonly key: string;
  readonly count: number;
  readonly ms: number;
  /** Arithmetic of convolutions and matrix products; 0 for other nodes. */
  readonly flops: number;
}

export interface TraceSummary {
  readonly sessionCreationMs: number;
  /** Whole run, median. */
  readonly runMs: number;
  /** Of the whole run, what no node accounts for. */
  readonly betweenNodesMs: number;
  /** Most expensive first. */
  readonly byOp: readonly NodeTime[];
  readonly byShape: readonly NodeTime[];
}

type Shape = readonly number[];

function shapes(list: TraceEvent['args']['input_type_shape']): Shape[] {
  return (list ?? []).map((entry) => Object.values(entry)[0] ?? []);
}

const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Operations of a node, from its shapes. */
function flopsOf({ args }: TraceEvent): number {
  const [a = [], b = []] = shapes(args.input_type_shape);
  const [out = []] = shapes(args.output_type_shape);
  switch (args.op_name) {
    case 'Conv':
    case 'FusedConv':
      return (2 * sizeOf(out) * sizeOf(b)) / (b[0] ?? 1);
    case 'ConvTranspose':
      return (2 * sizeOf(a) * sizeOf(b)) / (b[0] ?? 1);
    case 'MatMul':
    case 'FusedMatMul':
    case 'Gemm': {
      // the inner extent, whichever way round the first operand is
      const inner = sizeOf(a.slice(-2)) / (out.at(-2) ?? 1);
      return 2 * sizeOf(out) * inner;
    }
    default:
      return 0;
  }
}

function opOf({ args }: TraceEvent): string {
  return args.op_name ?? '?';
}

function shapeKeyOf(event: TraceEvent): string {
  const text = (list: Shape[]): string => list.map((shape) => shape.join('×') || '·').join(' ');
  const { input_type_shape: inputs, output_type_shape: outputs } = event.args;
  return `${opOf(event)}  ${text(shapes(inputs))} → ${text(shapes(outputs))}`;
}

function summarize(runs: readonly (readonly TraceEvent[])[], keyOf: (event: TraceEvent) => string): NodeTime[] {
  const times = new Map<string, { perRun: number[]; count: number; flops: number }>();
  runs.forEach((events, run) => {
    for (const event of events) {
      const key = keyOf(event);
      const entry = times.get(key) ?? { perRun: runs.map(() => 0), count: 0, flops: 0 };
      times.set(key, entry);
      entry.perRun[run]! += event.dur / 1000;
      entry.count += 1 / runs.length;
      entry.flops += flopsOf(event) / runs.length;
    }
  });
  return [...times]
    .map(([key, { perRun, count, flops }]) => ({ key, count: Math.round(count), ms: median(perRun), flops }))
    .sort((x, y) => y.ms - x.ms);
}

/** Summarises the trace of a session, leaving out the first `warmUp` runs. Throws when there are no others. */
export function summarizeTrace(json: string, warmUp: number): TraceSummary {
  const events = JSON.parse(json) as TraceEvent[];
  const named = (name: string): TraceEvent[] => events.filter((event) => event.name === name);
  const runs = named('model_run')
    .sort((a, b) => a.ts - b.ts)
    .slice(warmUp);
  if (runs.length === 0) throw new Error(`the profile holds no run after the first ${warmUp}`);
  const nodes = events.filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'));
  const nodesOfRuns = runs.map(({ ts, dur }) => nodes.filter((node) => node.ts >= ts && node.ts < ts + dur));
  const between = runs.map(({ dur }, i) => dur - nodesOfRuns[i]!.reduce((total, node) => total + node.dur, 0));
  return {
    sessionCreationMs: named('session_initialization').reduce((total, { dur }) => total + dur / 1000, 0),
    runMs: median(runs.map(({ dur }) => dur / 1000)),
    betweenNodesMs: median(between) / 1000,
    byOp: summarize(nodesOfRuns, opOf),
    byShape: summarize(nodesOfRuns, shapeKeyOf),
  };
}
