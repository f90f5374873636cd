import * as os from 'node:os';
import { EXCHANGE_BYTES, native } from '../native';
import { Broken } from './broken';
import { FIXED_BYTES, messageBytes } from './header';
import { areaOf, type Area } from './reader';

const { ENOBUFS } = os.constants.errno;

/** Longest message that is not read into memory of its own. */
const SMALL_BYTES = EXCHANGE_BYTES;
/** Longest line of an authentication. */
const MAX_LINE = 16384;
const NEWLINE = 0x0a;

const exchange = areaOf(new Uint8Array(native.exchange, 0, EXCHANGE_BYTES), false);

/** Handles a message of `size` bytes; returns whether the next may follow at once. */
export type MessageHandler = (area: Area, at: number, size: number) => boolean;

/**
 * Cuts what a peer sends into messages. A whole message is handled where the kernel put it; what is cut, or has to
 * wait, is copied. What is announced takes no memory before it comes: the kernel gives a large message its pages one by
 * one.
 */
export class MessageStream {
  /** What waits, from #at to #end: part of a message, or whole ones. */
  #kept: Area | undefined;
  #at = 0;
  #end = 0;
  /** A large message, as far as it has come. */
  #large: Uint8Array | undefined;
  #filled = 0;
  #missing = 0;
  #closed = false;

  constructor(
    private readonly handle: MessageHandler,
    private readonly mostBytes: number,
  ) {}

  /** Nothing of a message is here. */
  get empty(): boolean {
    return this.#at === this.#end && !this.#large;
  }

  /** Bytes that the message is short of that is here in part, as far as is known. */
  get missing(): number {
    return this.#missing;
  }

  /** Handles `length` bytes of the exchange. Returns whether nothing whole is left. */
  take(length: number): boolean {
    let at = 0;
    if (this.#large) {
      at = this.#fill(this.#large, length);
      if (this.#missing > 0) return true;
      const area = areaOf(this.#large, true);
      this.#large = undefined;
      if (!this.handle(area, 0, area.bytes.length)) {
        this.keep(at, length);
        return this.empty;
      }
    }
    if (this.empty) return this.#parse(exchange, at, length);
    this.keep(at, length);
    return this.more();
  }

  /** Handles what waits. Returns whether nothing whole is left. */
  more(): boolean {
    return !this.#kept || this.#parse(this.#kept, this.#at, this.#end);
  }

  /** Lets bytes of the exchange wait. */
  keep(from: number, to: number): void {
    if (from >= to || this.#closed) return;
    this.#kept ??= areaOf(new Uint8Array(2 * EXCHANGE_BYTES), false);
    const { bytes } = this.#kept;
    bytes.copyWithin(0, this.#at, this.#end);
    this.#end -= this.#at;
    this.#at = 0;
    bytes.set(exchange.bytes.subarray(from, to), this.#end);
    this.#end += to - from;
  }

  /** The first of what waits, taken from there; -1: nothing does. */
  byte(): number {
    return this.#at === this.#end ? -1 : this.#kept!.bytes[this.#at++]!;
  }

  /** The same for a line, without its end; undefined: there is no whole one. */
  line(): string | undefined {
    const bytes = this.#kept?.bytes.subarray(this.#at, this.#end) ?? new Uint8Array();
    const end = bytes.indexOf(NEWLINE);
    if (end < 0 && bytes.length > MAX_LINE) {
      throw new Broken('a line of the authentication does not end', ENOBUFS);
    }
    if (end < 0) return undefined;
    this.#at += end + 1;
    return Buffer.from(bytes.subarray(0, end)).toString('latin1').replace(/\r$/, '');
  }

  close(): void {
    this.#closed = true;
    this.#kept = this.#large = undefined;
    this.#at = this.#end = 0;
  }

  #parse(area: Area, from: number, end: number): boolean {
    let at = from;
    let goesOn = true;
    this.#missing = 0;
    while (goesOn && end - at >= FIXED_BYTES) {
      const size = messageBytes(area, at, this.mostBytes);
      if (size > end - at) {
        this.#missing = size - (end - at);
        if (size <= SMALL_BYTES) break;
        this.#large = new Uint8Array(size);
        this.#large.set(area.bytes.subarray(at, end));
        this.#filled = end - at;
        at = end;
        break;
      }
      at += size;
      goesOn = this.handle(area, at - size, size);
    }
    if (area === exchange) this.keep(at, end);
    else this.#at = Math.min(at, this.#end);
    return goesOn || this.empty;
  }

  /** Adds to the large message; returns how many of the exchange's bytes were its. */
  #fill(large: Uint8Array, length: number): number {
    const taken = Math.min(length, large.length - this.#filled);
    large.set(exchange.bytes.subarray(0, taken), this.#filled);
    this.#filled += taken;
    this.#missing = large.length - this.#filled;
    return taken;
  }
}
