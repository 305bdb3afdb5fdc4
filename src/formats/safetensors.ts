/** @file safetensors files as bytes: 8-byte little-endian header length, JSON header, tensors back to back. */
import { DataError, formatShape, type NdArray, type Shape, sizeOf } from '../tensor/index.ts';
import { plural } from '../tensor/plural.ts';
import { refuseLfsPointer } from './lfs-pointer.ts';
import {
  decodeTensor,
  encodeTensor,
  isSafetensorsDtype,
  SAFETENSORS_BYTES,
  type SafetensorsDtype,
  storedDtype,
} from './safetensors-dtype.ts';

/** Where one tensor lies: bytes `begin … end` counted from the end of the header. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

/** A checked header. `dataStart` is the file position of the first tensor byte. */
export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly dataStart: number;
}

/** The longest header the format allows. */
export const MAX_HEADER_BYTES = 100_000_000;

const FETCH_AGAIN = 'the file is damaged or incomplete: copy or download it again';
const NOT_SAFETENSORS = 'this is not a safetensors file; export the weights again with safetensors';

/**
 * Length of the JSON header, from the beginning of a file of `fileSize` bytes: 8 bytes of it, or a whole small file.
 * Throws `DataError` when the length cannot be that of a whole safetensors file, and for a Git LFS pointer in its place.
 */
export function safetensorsHeaderLength(prefix: Uint8Array, fileSize: number, file: string): number {
  if (prefix.byteLength >= fileSize) refuseLfsPointer(prefix, file);
  if (fileSize < 8 || prefix.byteLength < 8) {
    throw new DataError(`${file} has ${plural(fileSize, 'byte')}, a safetensors file has at least 8`, FETCH_AGAIN);
  }
  const view = new DataView(prefix.buffer, prefix.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > MAX_HEADER_BYTES) {
    throw new DataError(
      `${file} announces a header of ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed`,
      NOT_SAFETENSORS,
    );
  }
  if (length < 2)
    throw new DataError(`${file} announces a header of ${plural(length, 'byte')}, an empty one has 2`, NOT_SAFETENSORS);
  if (8 + length > fileSize) {
    throw new DataError(
      `${file} is truncated inside its header: ${fileSize} bytes, the header ends at ${8 + length}`,
      FETCH_AGAIN,
    );
  }
  return length;
}

/**
 * Reads and checks the JSON `header` of a file of `fileSize` bytes: every dtype known, every shape times dtype equal to
 * its bytes, no overlap, no hole, no byte beyond the end. Throws `DataError` naming the file and the tensor.
 */
export function parseSafetensorsHeader(header: Uint8Array, fileSize: number, file: string): SafetensorsHeader {
  let json: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(header);
    if (!text.startsWith('{')) throw new SyntaxError('it does not start with "{"');
    json = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`the header of ${file} is not JSON: ${reason}`, NOT_SAFETENSORS, { cause });
  }
  const dataStart = 8 + header.byteLength;
  let metadata: Readonly<Record<string, string>> = {};
  const entries: SafetensorsEntry[] = [];
  for (const [name, value] of Object.entries(json as object)) {
    if (name === '__metadata__') metadata = checkMetadata(value, file);
    else entries.push(checkEntry(name, value, file));
  }
  checkLayout(entries, fileSize - dataStart, file);
  return { entries: new Map(entries.map((entry) => [entry.name, entry])), metadata, dataStart };
}

function checkMetadata(value: unknown, file: string): Record<string, string> {
  if (value === null || typeof value !== 'object' || Object.values(value).some((text) => typeof text !== 'string')) {
    throw new DataError(
      `__metadata__ of ${file} must map names to strings, got ${JSON.stringify(value)}`,
      NOT_SAFETENSORS,
    );
  }
  return { ...value } as Record<string, string>;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function checkEntry(name: string, value: unknown, file: string): SafetensorsEntry {
  const where = `tensor "${name}" of ${file}`;
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (!isSafetensorsDtype(dtype)) {
    throw new DataError(
      `${where} has the unknown dtype ${JSON.stringify(dtype)}`,
      `convert it to one of ${Object.keys(SAFETENSORS_BYTES).join(', ')}`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw new DataError(`${where} has the shape ${JSON.stringify(shape)}, expected whole numbers`, FETCH_AGAIN);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw new DataError(`${where} has data_offsets ${JSON.stringify(offsets)}, expected [begin, end]`, FETCH_AGAIN);
  }
  const [begin, end] = offsets as [number, number];
  const expected = sizeOf(shape) * SAFETENSORS_BYTES[dtype];
  if (end - begin !== expected) {
    throw new DataError(
      `${where} is ${dtype} ${formatShape(shape)} = ${expected} bytes, its data_offsets span ${end - begin}`,
      FETCH_AGAIN,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** Tensors must follow each other without gap or overlap and fill the data area exactly. */
function checkLayout(entries: readonly SafetensorsEntry[], dataBytes: number, file: string): void {
  let position = 0;
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin < position) {
      throw new DataError(
        `tensor "${entry.name}" of ${file} overlaps another: it begins at ${entry.begin}, before ${position}`,
        FETCH_AGAIN,
      );
    }
    if (entry.begin > position) {
      throw new DataError(
        `${file} has a hole of ${plural(entry.begin - position, 'byte')} before tensor "${entry.name}"`,
        FETCH_AGAIN,
      );
    }
    if (entry.end > dataBytes) {
      throw new DataError(
        `${file} is truncated: tensor "${entry.name}" ends at byte ${entry.end} of the data, the file has ${dataBytes}`,
        FETCH_AGAIN,
      );
    }
    position = entry.end;
  }
  if (position !== dataBytes) {
    throw new DataError(`${file} has ${plural(dataBytes - position, 'byte')} after its last tensor`, FETCH_AGAIN);
  }
}

/** Options of every reader. */
export interface SafetensorsReadOptions {
  /** Name used in error messages. */
  readonly file?: string;
  /** Convert every tensor to float32. */
  readonly toFloat32?: boolean;
}

/** A whole file in memory. */
export interface SafetensorsContents {
  readonly header: SafetensorsHeader;
  readonly tensors: ReadonlyMap<string, NdArray>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * All tensors of the file `bytes`, as views of `bytes` where the host has the dtype and alignment allows.
 * Throws `DataError` for anything malformed, see `parseSafetensorsHeader`.
 */
export function parseSafetensors(bytes: Uint8Array, options: SafetensorsReadOptions = {}): SafetensorsContents {
  const { file = 'safetensors data', toFloat32 = false } = options;
  const length = safetensorsHeaderLength(bytes, bytes.byteLength, file);
  const header = parseSafetensorsHeader(bytes.subarray(8, 8 + length), bytes.byteLength, file);
  const tensors = new Map<string, NdArray>();
  for (const { name, dtype, shape, begin, end } of header.entries.values()) {
    const data = bytes.subarray(header.dataStart + begin, header.dataStart + end);
    tensors.set(name, decodeTensor(data, dtype, shape, toFloat32));
  }
  return { header, tensors, metadata: header.metadata };
}

/** A tensor to write; `storeAs` converts on the way, e.g. float32 stored as `'BF16'`. */
export interface SafetensorsTensor extends NdArray {
  readonly storeAs?: SafetensorsDtype;
}

/** Named tensors to write, in any order. */
export type SafetensorsInput = ReadonlyMap<string, SafetensorsTensor> | Readonly<Record<string, SafetensorsTensor>>;

/** Options of every writer. */
export interface SafetensorsWriteOptions {
  /** Free text kept in the header under `__metadata__`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Store all floating-point tensors without their own `storeAs` as this dtype. */
  readonly floatsAs?: 'F64' | 'F32' | 'F16' | 'BF16';
}

/** The header bytes (length prefix included) and the tensors in file order, each encoded when `bytes()` is called. */
export interface SafetensorsPlan {
  readonly prefix: Uint8Array;
  readonly totalBytes: number;
  readonly parts: readonly { readonly name: string; readonly bytes: () => Uint8Array }[];
}

/**
 * Lays a file out: widest dtype first, then by name, header padded to 8 bytes, so that every tensor is aligned and equal
 * contents give equal bytes.
 */
export function planSafetensors(tensors: SafetensorsInput, options: SafetensorsWriteOptions = {}): SafetensorsPlan {
  const { metadata, floatsAs } = options;
  const named: [string, SafetensorsTensor][] = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  const items = named.map(([name, tensor]) => {
    if (name === '__metadata__') throw new DataError('a tensor cannot be called __metadata__', 'rename it');
    const isFloat = tensor.dtype.startsWith('float');
    const dtype = tensor.storeAs ?? (isFloat && floatsAs ? floatsAs : storedDtype(tensor.dtype));
    if (tensor.data.length !== sizeOf(tensor.shape)) {
      throw new DataError(
        `tensor "${name}" of shape ${formatShape(tensor.shape)} holds ${tensor.data.length} elements`,
      );
    }
    return { name, tensor, dtype };
  });
  items.sort((a, b) => SAFETENSORS_BYTES[b.dtype] - SAFETENSORS_BYTES[a.dtype] || (a.name < b.name ? -1 : 1));
  const fields: string[] = [];
  if (metadata && Object.keys(metadata).length > 0) {
    const sorted = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
    fields.push(
      `"__metadata__":{${sorted.map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`).join(',')}}`,
    );
  }
  let position = 0;
  for (const { name, tensor, dtype } of items) {
    const end = position + sizeOf(tensor.shape) * SAFETENSORS_BYTES[dtype];
    fields.push(
      `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape: tensor.shape, data_offsets: [position, end] })}`,
    );
    position = end;
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const length = Math.ceil(json.byteLength / 8) * 8;
  const prefix = new Uint8Array(8 + length).fill(0x20, 8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(length), true);
  prefix.set(json, 8);
  const parts = items.map(({ name, tensor, dtype }) => ({ name, bytes: () => encodeTensor(name, tensor, dtype) }));
  return { prefix, totalBytes: prefix.byteLength + position, parts };
}

/** A whole safetensors file as bytes; equal contents give equal bytes. */
export function encodeSafetensors(tensors: SafetensorsInput, options: SafetensorsWriteOptions = {}): Uint8Array {
  const plan = planSafetensors(tensors, options);
  const out = new Uint8Array(plan.totalBytes);
  out.set(plan.prefix);
  let at = plan.prefix.byteLength;
  for (const part of plan.parts) {
    const bytes = part.bytes();
    out.set(bytes, at);
    at += bytes.byteLength;
  }
  return out;
}
