import { Broken, TooMuch } from './broken';
import { isPath } from './names';
import { checkFd, fds, MAX_ELEMENTS, numbers } from './received';
import { MAX_ARRAY, MAX_DEPTH, typeOf, typesOf, type Type } from './signature';
import type { BusValue } from './values';

/** Most values of one message: each of its bytes could become an object. */
const MAX_VALUES = 65536;
/** Most bytes of text in one message. */
const MAX_TEXT = 1024 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Memory that messages are in. */
export interface Area {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** It is one message's, and never written to again. */
  readonly lasting: boolean;
}

export function areaOf(bytes: Uint8Array, lasting: boolean): Area {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), lasting };
}

/** Reads one message; everything in it is checked. Throws {@link Broken} or {@link TooMuch}. */
export class Reader {
  #bytes!: Uint8Array;
  #view!: DataView;
  #lasting = false;
  #little = true;
  /** Where the message begins, from which alignment counts. */
  #origin = 0;
  #at = 0;
  #end = 0;
  #values = 0;
  #text = 0;

  /** Reads from `at` to `end`, of a message that begins at `origin`. */
  begin(area: Area, little: boolean, origin: number, at: number, end: number): void {
    this.#bytes = area.bytes;
    this.#view = area.view;
    this.#lasting = area.lasting;
    this.#little = little;
    this.#origin = origin;
    this.#at = at;
    this.#end = end;
    this.#values = 0;
    this.#text = 0;
  }

  get atEnd(): boolean {
    return this.#at === this.#end;
  }

  align(alignment: number): void {
    const to = this.#at + (-(this.#at - this.#origin) & (alignment - 1));
    if (to > this.#end) this.#cut();
    while (this.#at < to) {
      if (this.#bytes[this.#at++] !== 0) throw new Broken('bytes between two values are not zero');
    }
  }

  uint8(): number {
    if (this.#at === this.#end) this.#cut();
    return this.#bytes[this.#at++]!;
  }

  uint32(): number {
    return this.#view.getUint32(this.#fixed(4), this.#little);
  }

  /** A signature, unchecked but for its end. */
  signature(): string {
    return this.#latin1(this.uint8());
  }

  /** An s of ASCII, or an o: names are checked by who knows of what. */
  name(): string {
    return this.#latin1(this.uint32());
  }

  string(): string {
    const from = this.#chars(this.uint32());
    try {
      return utf8.decode(this.#bytes.subarray(from, this.#at - 1));
    } catch {
      throw new Broken('a string is no UTF-8');
    }
  }

  /** The values of a body, which it has to fill. */
  body(signature: string): BusValue[] {
    const types = typesOf(signature);
    if (!types) throw new Broken('the signature of a message is none');
    const values = types.map((type) => this.value(type, 0));
    this.#finish();
    return values;
  }

  /** The same for numbers, fds and arrays of them alone, into {@link numbers} and {@link fds}. */
  flatBody(types: readonly Type[]): void {
    let to = 0;
    for (const type of types) {
      if (type.code !== 'a') {
        to = this.#number(type.code, to);
        continue;
      }
      const element = type.inner[0]!;
      const bytes = this.#arrayBytes(element);
      const length = bytes / element.size;
      if (length > MAX_ELEMENTS) throw new TooMuch(`an array has more than ${MAX_ELEMENTS} elements`);
      if (!Number.isInteger(length)) throw new Broken('an array ends inside an element');
      numbers[to++] = length;
      for (let left = length; left > 0; left--) to = this.#number(element.code, to);
    }
    this.#finish();
  }

  value(type: Type, depth: number): BusValue {
    if (++this.#values > MAX_VALUES) throw new TooMuch(`it has more than ${MAX_VALUES} values`);
    if (depth > MAX_DEPTH) throw new Broken(`values are nested more than ${MAX_DEPTH} deep`);
    switch (type.code) {
      case 'y':
        return this.uint8();
      case 'n':
        return this.#view.getInt16(this.#fixed(2), this.#little);
      case 'q':
        return this.#view.getUint16(this.#fixed(2), this.#little);
      case 'i':
        return this.#view.getInt32(this.#fixed(4), this.#little);
      case 'u':
        return this.uint32();
      case 'h':
        checkFd(this.uint32(), fds.held);
        return -1;
      case 'b':
        return this.#boolean() === 1;
      case 'd':
        return this.#view.getFloat64(this.#fixed(8), this.#little);
      case 'x':
        return this.#view.getBigInt64(this.#fixed(8), this.#little);
      case 't':
        return this.#view.getBigUint64(this.#fixed(8), this.#little);
      case 's':
        return this.string();
      case 'o': {
        const path = this.name();
        if (!isPath(path)) throw new Broken('an object path is none');
        return path;
      }
      case 'g': {
        const signature = this.signature();
        if (!typesOf(signature)) throw new Broken('a signature is none');
        return signature;
      }
      case 'v':
        return this.#variant(depth);
      case 'a':
        return this.#array(type.inner[0]!, depth);
      default:
        this.align(8);
        return type.inner.map((member) => this.value(member, depth + 1));
    }
  }

  #variant(depth: number): BusValue {
    const signature = this.signature();
    const type = typeOf(signature);
    if (!type) throw new Broken('the signature of a variant is not one type');
    return { signature, value: this.value(type, depth + 1) };
  }

  #array(element: Type, depth: number): BusValue {
    const bytes = this.#arrayBytes(element);
    const end = this.#at + bytes;
    if (element.code === 'y') {
      const from = this.#at;
      this.#at = end;
      return this.#lasting ? this.#bytes.subarray(from, end) : this.#bytes.slice(from, end);
    }
    const map = element.code === '{' ? new Map<BusValue, BusValue>() : undefined;
    const values: BusValue[] = [];
    // What is in it ends with it.
    const outer = this.#end;
    this.#end = end;
    while (this.#at < end) {
      if (!map) values.push(this.value(element, depth + 1));
      else {
        this.align(8);
        const key = this.value(element.inner[0]!, depth + 2);
        map.set(key, this.value(element.inner[1]!, depth + 2));
      }
    }
    this.#end = outer;
    return map ?? values;
  }

  /** The length of an array that fits; what comes next is its first element. */
  #arrayBytes(element: Type): number {
    const bytes = this.uint32();
    this.align(element.alignment);
    if (bytes > MAX_ARRAY) throw new Broken(`an array has more than ${MAX_ARRAY >> 20} MiB`);
    if (bytes > this.#end - this.#at) throw new Broken('an array is longer than its message');
    return bytes;
  }

  /** Puts one number of an array or argument at `to`; returns where the next goes. */
  #number(code: string, to: number): number {
    switch (code) {
      case 'i':
        numbers[to] = this.#view.getInt32(this.#fixed(4), this.#little);
        return to + 1;
      case 'u':
        numbers[to] = this.uint32();
        return to + 1;
      case 'h':
        fds.add(this.uint32());
        return to;
      case 'b':
        numbers[to] = this.#boolean();
        return to + 1;
      case 'y':
        numbers[to] = this.uint8();
        return to + 1;
      case 'n':
        numbers[to] = this.#view.getInt16(this.#fixed(2), this.#little);
        return to + 1;
      case 'q':
        numbers[to] = this.#view.getUint16(this.#fixed(2), this.#little);
        return to + 1;
      case 'd':
        numbers[to] = this.#view.getFloat64(this.#fixed(8), this.#little);
        return to + 1;
      default: {
        const at = this.#fixed(8);
        const high = at + (this.#little ? 4 : 0);
        numbers[to] =
          code === 'x' ? this.#view.getInt32(high, this.#little) : this.#view.getUint32(high, this.#little);
        numbers[to + 1] = this.#view.getUint32(at + (this.#little ? 0 : 4), this.#little);
        return to + 2;
      }
    }
  }

  #boolean(): number {
    const value = this.uint32();
    if (value > 1) throw new Broken(`a boolean is ${value}`);
    return value;
  }

  /** Where a number of so many bytes is. */
  #fixed(size: number): number {
    if (((this.#at - this.#origin) & (size - 1)) !== 0) this.align(size);
    const at = this.#at;
    if (at + size > this.#end) this.#cut();
    this.#at = at + size;
    return at;
  }

  /** Steps over so many characters and the NUL that ends them; returns where they begin. */
  #chars(length: number): number {
    const from = this.#at;
    if (length >= this.#end - from) throw new Broken('a string is longer than its message');
    this.#text += length;
    if (this.#text > MAX_TEXT) throw new TooMuch(`it has more than ${MAX_TEXT} bytes of text`);
    this.#at = from + length + 1;
    if (this.#bytes.indexOf(0, from) !== from + length)
      throw new Broken('a string does not end where it says');
    return from;
  }

  #latin1(length: number): string {
    const from = this.#chars(length);
    let text = '';
    for (let at = from; at < this.#at - 1; at++) text += String.fromCharCode(this.#bytes[at]!);
    return text;
  }

  #finish(): void {
    if (this.#at !== this.#end) throw new Broken('a message is longer than its values');
  }

  #cut(): never {
    throw new Broken('a message is shorter than its values');
  }
}
