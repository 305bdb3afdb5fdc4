/** @file A protobuf writer: the wire format ONNX files are made of. */

const utf8 = new TextEncoder();

/** Grows by doubling; nested messages are written in place and their length patched in front. */
export class ProtobufWriter {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;

  #reserve(extra: number): void {
    if (this.#length + extra <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + extra));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  #varint(value: number | bigint): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    if (typeof value === 'number' && value >= 0 && value < 0x80) {
      this.#bytes[this.#length++] = value;
      return;
    }
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  /** An integer, enum or bool field; negative numbers as two's complement int64. */
  integer(field: number, value: number | bigint): this {
    this.#varint(field << 3);
    this.#varint(value);
    return this;
  }

  float(field: number, value: number): this {
    this.#varint((field << 3) | 5);
    this.#reserve(4);
    new DataView(this.#bytes.buffer).setFloat32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint((field << 3) | 2);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  /** A nested message, written by `body`. */
  message(field: number, body: (writer: this) => void): this {
    this.#varint((field << 3) | 2);
    const start = this.#length;
    body(this);
    const length = this.#length - start;
    // make room for the length in front of what was just written
    const prefix: number[] = [];
    let rest = length;
    do {
      prefix.push(rest >= 0x80 ? (rest % 0x80) | 0x80 : rest);
      rest = Math.floor(rest / 0x80);
    } while (rest > 0);
    this.#reserve(prefix.length);
    this.#bytes.copyWithin(start + prefix.length, start, this.#length);
    this.#bytes.set(prefix, start);
    this.#length += prefix.length;
    return this;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}
