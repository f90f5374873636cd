import { isPath } from './names';
import { MAX_ARRAY, typeOf, typesOf, type Type } from './signature';
import type { BusValue } from './values';

const SMALL = 4096;
/** Kept between messages; a larger one is let go. */
const MOST_KEPT = 256 * 1024;

/** Writes values as D-Bus has them, little-endian, and collects the file descriptors among them. */
export class Writer {
  #bytes = Buffer.alloc(SMALL);
  #length = 0;
  readonly fds: number[] = [];

  begin(): void {
    this.#length = 0;
    this.fds.length = 0;
    if (this.#bytes.length > MOST_KEPT) this.#bytes = Buffer.alloc(SMALL);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written, until the next is. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  align(alignment: number): void {
    const padding = -this.#length & (alignment - 1);
    const at = this.#room(padding);
    this.#bytes.fill(0, at, at + padding);
  }

  uint8(value: number): void {
    this.#grown(1).writeUInt8(value, this.#length - 1);
  }

  uint32(value: number): void {
    this.align(4);
    this.#grown(4).writeUInt32LE(value, this.#length - 4);
  }

  setUint32(at: number, value: number): void {
    this.#bytes.writeUInt32LE(value, at);
  }

  string(text: string): void {
    const length = Buffer.byteLength(text);
    this.uint32(length);
    this.#text(text, length);
  }

  signature(text: string): void {
    this.uint8(text.length);
    this.#text(text, text.length);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** All values of a signature. Throws a TypeError or RangeError for others. */
  body(signature: string, values: readonly BusValue[]): void {
    const types = typesOf(signature);
    if (!types) throw new TypeError('signature is none of D-Bus');
    this.#all(types, asArray(values));
  }

  #all(types: readonly Type[], values: readonly BusValue[]): void {
    if (values.length < types.length) throw new TypeError('values are fewer than the signature says');
    if (values.length > types.length) throw new TypeError('values are more than the signature says');
    types.forEach((type, index) => {
      this.#value(type, values[index]!);
    });
  }

  #value(type: Type, value: BusValue): void {
    switch (type.code) {
      case 'y':
        this.uint8(asInteger(value, 0, 0xff));
        break;
      case 'n':
        this.align(2);
        this.#grown(2).writeInt16LE(asInteger(value, -0x8000, 0x7fff), this.#length - 2);
        break;
      case 'q':
        this.align(2);
        this.#grown(2).writeUInt16LE(asInteger(value, 0, 0xffff), this.#length - 2);
        break;
      case 'i':
        this.align(4);
        this.#grown(4).writeInt32LE(asInteger(value, -0x8000_0000, 0x7fff_ffff), this.#length - 4);
        break;
      case 'u':
        this.uint32(asInteger(value, 0, 0xffff_ffff));
        break;
      case 'h':
        this.uint32(this.fds.push(asInteger(value, 0, 0x7fff_ffff)) - 1);
        break;
      case 'b':
        if (typeof value !== 'boolean') throw new TypeError('values must be a boolean');
        this.uint32(value ? 1 : 0);
        break;
      case 'x':
      case 't':
        this.#large(type.code, value);
        break;
      case 'd':
        if (typeof value !== 'number') throw new TypeError('values must be a number');
        this.align(8);
        this.#grown(8).writeDoubleLE(value, this.#length - 8);
        break;
      case 's':
      case 'o':
        this.string(asText(value, type.code));
        break;
      case 'g':
        this.signature(asText(value, 'g'));
        break;
      case 'v':
        this.#variant(value);
        break;
      case 'a':
        this.#array(type.inner[0]!, value);
        break;
      default:
        this.align(8);
        this.#all(type.inner, asArray(value));
    }
  }

  #large(code: 'x' | 't', value: BusValue): void {
    if (typeof value !== 'bigint') throw new TypeError('values must be a bigint');
    if ((code === 'x' ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)) !== value) {
      throw new RangeError('values must be a bigint of 64 bits');
    }
    this.align(8);
    this.#grown(8).writeBigUInt64LE(BigInt.asUintN(64, value), this.#length - 8);
  }

  #variant(value: BusValue): void {
    if (typeof value !== 'object' || !('signature' in value)) {
      throw new TypeError('values must be an object with a signature and a value');
    }
    const type = typeOf(value.signature);
    if (!type) throw new TypeError('values.signature must be one type of D-Bus');
    this.signature(value.signature);
    this.#value(type, value.value);
  }

  #array(element: Type, value: BusValue): void {
    this.uint32(0);
    const lengthAt = this.#length - 4;
    this.align(element.alignment);
    const from = this.#length;
    if (element.code === 'y') {
      if (!isBytes(value)) throw new TypeError('values must be a Uint8Array');
      this.bytes(value);
    } else if (element.code === '{') {
      if (!isMap(value)) throw new TypeError('values must be a Map');
      for (const entry of value) {
        this.align(8);
        this.#all(element.inner, entry);
      }
    } else for (const item of asArray(value)) this.#value(element, item);
    if (this.#length - from > MAX_ARRAY)
      throw new RangeError(`values must have less than ${MAX_ARRAY >> 20} MiB`);
    this.setUint32(lengthAt, this.#length - from);
  }

  #text(text: string, length: number): void {
    const at = this.#room(length + 1);
    this.#bytes.write(text, at);
    this.#bytes[at + length] = 0;
  }

  /** The bytes, with room for so many more at their end. */
  #grown(bytes: number): Buffer {
    this.#room(bytes);
    return this.#bytes;
  }

  /** Makes room for so many bytes; returns where they go. */
  #room(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(2 * this.#bytes.length, this.#length));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }
}

function asInteger(value: BusValue, least: number, most: number): number {
  if (typeof value !== 'number') throw new TypeError('values must be a number');
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`values must be an integer from ${least} to ${most}`);
  }
  return value;
}

function asText(value: BusValue, code: 's' | 'o' | 'g'): string {
  if (typeof value !== 'string') throw new TypeError('values must be a string');
  if (value.includes('\0')) throw new TypeError('values must not contain null characters');
  if (code === 'o' && !isPath(value)) throw new TypeError('values must be an object path');
  if (code === 'g' && !typesOf(value)) throw new TypeError('values must be a signature of D-Bus');
  return value;
}

function asArray(value: BusValue): readonly BusValue[] {
  if (!Array.isArray(value)) throw new TypeError('values must be an array');
  return value as readonly BusValue[];
}

/** `instanceof` would ask for one of this realm, which Jest's tests are not in. */
function isBytes(value: BusValue): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}

function isMap(value: BusValue): value is ReadonlyMap<BusValue, BusValue> {
  return Object.prototype.toString.call(value) === '[object Map]';
}
