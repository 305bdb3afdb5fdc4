/** @file Compiles an elementwise kernel to WebAssembly SIMD: one loop, four elements at a time. */
import type { Kernel, KernelOp } from './kernel.ts';
import { type LinearMemory, webAssembly } from './webassembly.ts';

/** Runs over `length` elements (rounded up to whole vectors): byte addresses of loads and stores, then scalars. */
export type CompiledKernel = (...args: number[]) => void;

/** Bytes of a SIMD vector; arrays are padded to whole vectors. */
const VECTOR_BYTES = 16;

const I32 = 0x7f;
const F32 = 0x7d;
const V128 = 0x7b;

/** SIMD opcodes, f32x4. */
const OPCODE: Readonly<Record<KernelOp, number>> = {
  abs: 0xe0,
  neg: 0xe1,
  sqrt: 0xe3,
  add: 0xe4,
  sub: 0xe5,
  mul: 0xe6,
  div: 0xe7,
};
const SPLAT = 0x13;
const LOAD = 0x00;
const STORE = 0x0b;

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(rest >= 0x80 ? (rest & 0x7f) | 0x80 : rest);
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
}

function float32(value: number): number[] {
  return [...new Uint8Array(Float32Array.of(value).buffer)];
}

const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
const get = (local: number): number[] => [0x20, ...unsigned(local)];
const set = (local: number): number[] => [0x21, ...unsigned(local)];
const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, body: readonly number[]): number[] => [id, ...unsigned(body.length), ...body];
const text = (value: string): number[] => [...unsigned(value.length), ...new TextEncoder().encode(value)];

/** Parameters: the addresses of loads, those of stores, the scalars, and the number of bytes. */
function moduleBytes({ loads, scalars, constants, ops, stores }: Kernel): Uint8Array<ArrayBuffer> {
  const parameters = [
    ...new Array<number>(loads + stores.length).fill(I32),
    ...new Array<number>(scalars).fill(F32),
    I32,
  ];
  const bytesLocal = parameters.length - 1;
  const at = parameters.length;
  const firstValue = at + 1;
  const value = (number: number): number => firstValue + number;
  const count = loads + scalars + constants.length + ops.length;
  const memory = unsigned(0); // no alignment hint, offset 0
  const address = (pointer: number): number[] => [...get(pointer), ...get(at), 0x6a];

  const prologue = [
    ...Array.from({ length: scalars }, (_, i) => [
      ...get(loads + stores.length + i),
      ...simd(SPLAT),
      ...set(value(loads + i)),
    ]),
    ...constants.map((constant, i) => [0x43, ...float32(constant), ...simd(SPLAT), ...set(value(loads + scalars + i))]),
  ].flat();
  const firstOp = loads + scalars + constants.length;
  const body = [
    ...Array.from({ length: loads }, (_, i) => [...address(i), ...simd(LOAD), ...memory, ...memory, ...set(value(i))]),
    ...ops.map(({ op, args }, i) => [
      ...args.flatMap((arg) => get(value(arg))),
      ...simd(OPCODE[op]),
      ...set(value(firstOp + i)),
    ]),
    ...stores.map((stored, i) => [...address(loads + i), ...get(value(stored)), ...simd(STORE), ...memory, ...memory]),
  ].flat();
  // block { loop { if (at >= bytes) leave; body; at += 16; again } }
  const loop = [
    ...[0x02, 0x40, 0x03, 0x40],
    ...[...get(at), ...get(bytesLocal), 0x4f, 0x0d, 1],
    ...body,
    ...[...get(at), 0x41, VECTOR_BYTES, 0x6a, ...set(at), 0x0c, 0],
    ...[0x0b, 0x0b],
  ];
  const locals = vector([
    [1, I32],
    [...unsigned(count), V128],
  ]);
  const code = [...locals, ...prologue, ...loop, 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector([[0x60, ...vector(parameters.map((type) => [type])), 0]])),
    ...section(2, vector([[...text('host'), ...text('memory'), 0x02, 0x00, 0x00]])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...text('run'), 0x00, 0x00]])),
    ...section(10, vector([[...unsigned(code.length), ...code]])),
  ]);
}

/** Compiles `kernel` over `memory`. Throws `WebAssembly.CompileError` where SIMD is missing. */
export function compileKernel(kernel: Kernel, memory: LinearMemory): CompiledKernel {
  const module = new webAssembly.Module(moduleBytes(kernel));
  const instance = new webAssembly.Instance(module, { host: { memory } });
  return instance.exports.run as CompiledKernel;
}
