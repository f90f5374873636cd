import { EXCHANGE_FDS, MAX_FDS, native } from '../native';
import { Broken, TooMuch } from './broken';

const table = new Float64Array(native.exchange, EXCHANGE_FDS * 8, 1 + 3 * MAX_FDS);

/** Numbers that one message of 255 types can have: an array takes two of them, and has {@link MAX_ELEMENTS}. */
const MAX_NUMBERS = 16384;
/** Most elements of one array of numbers: nobody has that many planes, or anything else of which a frame tells. */
export const MAX_ELEMENTS = 64;

/**
 * The numbers of the call that is being served, where its signature has numbers, fds and arrays of them alone; valid
 * during the callback. Integers, booleans and doubles take one each, `t` and `x` two (high and low 32 bits), arrays
 * their length and then their elements; file descriptors none.
 */
export const numbers = new Float64Array(MAX_NUMBERS);

/** The file descriptors of the call that is being served. Who takes none of them need not care: they are closed. */
class ReceivedFds {
  /** Of the message: fd (-1: taken), st_dev, st_ino. */
  readonly #files = new Float64Array(3 * MAX_FDS);
  #held = 0;
  /** Of the arguments, in order: which of them each is. */
  readonly #arguments = new Int8Array(MAX_FDS);
  #count = 0;
  #named = 0;

  /** How many the arguments have. */
  get count(): number {
    return this.#count;
  }

  /** Hands over one: it is the caller's to close. */
  take(index: number): number {
    const at = 3 * this.#arguments[index]!;
    const fd = this.#files[at]!;
    this.#files[at] = -1;
    return fd;
  }

  device(index: number): number {
    return this.#files[3 * this.#arguments[index]! + 1]!;
  }

  inode(index: number): number {
    return this.#files[3 * this.#arguments[index]! + 2]!;
  }

  /** The message has these, from the beginning of `files`. */
  begin(files: Float64Array, count: number): void {
    for (let at = 0; at < 3 * count; at++) this.#files[at] = files[at]!;
    this.#held = count;
    this.none();
  }

  /** An argument is one of the message's. */
  add(index: number): void {
    checkFd(index, this.#held);
    const bit = 1 << index;
    if ((this.#named & bit) !== 0) throw new TooMuch('a file descriptor is named twice');
    this.#named |= bit;
    this.#arguments[this.#count++] = index;
  }

  /** No argument is one. */
  none(): void {
    this.#count = 0;
    this.#named = 0;
  }

  /** How many the message has. */
  get held(): number {
    return this.#held;
  }

  /** Closes what nobody took. */
  end(): void {
    for (let index = 0; index < this.#held; index++) {
      if (this.#files[3 * index]! >= 0) native.discard(this.#files[3 * index]!);
    }
    this.#held = 0;
    this.none();
  }
}

/** There is one: a message is done with before the next is looked at. */
export const fds = new ReceivedFds();

export function checkFd(index: number, held: number): void {
  if (index >= held) throw new Broken(`file descriptor ${index} is named, and ${held} came`);
}

/** File descriptors that came and belong to messages that are not whole yet. */
export class FdQueue {
  readonly #files = new Float64Array(3 * MAX_FDS);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Takes those in the exchange. */
  arrive(): void {
    const count = table[0]!;
    if (count === 0) return;
    if (this.#count + count > MAX_FDS) {
      for (let index = 0; index < count; index++) native.discard(table[1 + 3 * index]!);
      throw new Broken(`more than ${MAX_FDS} file descriptors came at once`);
    }
    for (let at = 0; at < 3 * count; at++) this.#files[3 * this.#count + at] = table[1 + at]!;
    this.#count += count;
  }

  /** Makes the first of them those of the message that is looked at next. */
  claim(count: number): void {
    if (count > this.#count) {
      throw new Broken(`a message has ${count} file descriptors, and ${this.#count} came`);
    }
    fds.begin(this.#files, count);
    if (count === 0) return;
    this.#files.copyWithin(0, 3 * count);
    this.#count -= count;
  }

  close(): void {
    for (; this.#count > 0; this.#count--) native.discard(this.#files[3 * (this.#count - 1)]!);
  }
}
