import { EXCHANGE_BYTES, EXCHANGE_FDS, MAX_FDS, native } from '../../native';
import { FLAG_REPLY, HEADER_BYTES, MAX_MESSAGE_BYTES, payloadBytes, Request } from './protocol';

/** What a guest sent makes no sense; it is disconnected with this line. */
export class ProtocolError extends Error {
  override name = 'ProtocolError';
}

/** What the stream calls for each message, while its bytes are in `words`. */
export interface MessageHandler {
  /** `at` is the index of the payload's first word; `size` its bytes. */
  message(request: number, words: Uint32Array, bytes: Uint8Array, at: number): void;
  /** An UPDATE begins: its rectangle; `bytes` of pixels follow. */
  pixelsBegin(words: Uint32Array, at: number, bytes: number): void;
  pixels(bytes: Uint8Array, from: number, to: number): void;
  pixelsEnd(): void;
}

interface Area {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

function area(buffer: ArrayBuffer): Area {
  return {
    bytes: new Uint8Array(buffer, 0, EXCHANGE_BYTES),
    words: new Uint32Array(buffer, 0, EXCHANGE_BYTES / 4),
  };
}

const exchange = area(native.exchange);
const table = new Float64Array(native.exchange, EXCHANGE_FDS * 8, 1 + 3 * MAX_FDS);

/**
 * Cuts what a guest sends into messages and keeps the file descriptors that came along. A whole message is handled
 * where the kernel put it; only a cut one is copied.
 */
export class MessageStream {
  /** What is left of a message that came in parts, at its beginning. */
  #kept: Area | undefined;
  #keptBytes = 0;
  #pixelsLeft = 0;
  #handled = 0;
  readonly #fds = new Float64Array(3 * MAX_FDS);
  #fdCount = 0;

  constructor(private readonly handler: MessageHandler) {}

  /** Handles `length` bytes, and the fds, of the exchange. Throws {@link ProtocolError}. Returns the messages handled. */
  take(length: number): number {
    this.#takeFds();
    this.#handled = 0;
    let from = this.#keptBytes === 0 ? this.#parse(exchange, length) : 0;
    while (from < length) from = this.#carry(from, length);
    if (this.#keptBytes === 0 && this.#pixelsLeft === 0 && this.#fdCount > 0) {
      throw new ProtocolError(`${this.#fdCount} file descriptor(s) came with a message that takes none`);
    }
    return this.#handled;
  }

  /** Whether pixels are on their way, which come in bulk. */
  get expectsPixels(): boolean {
    return this.#pixelsLeft > 0;
  }

  /** The next file descriptor that came along: its number; -1 for none. {@link identity} then tells which file it is. */
  takeFd(): number {
    if (this.#fdCount === 0) return -1;
    const fd = this.#fds[0]!;
    this.identity.device = this.#fds[1]!;
    this.identity.inode = this.#fds[2]!;
    this.#fdCount--;
    if (this.#fdCount > 0) this.#fds.copyWithin(0, 3);
    return fd;
  }

  readonly identity = { device: 0, inode: 0 };

  /** Closes what nobody took. */
  close(): void {
    while (this.#fdCount > 0) native.discard(this.takeFd());
  }

  #takeFds(): void {
    const count = table[0]!;
    for (let index = 0; index < count; index++) {
      const at = 1 + index * 3;
      if (this.#fdCount === MAX_FDS) {
        for (let lost = index; lost < count; lost++) native.discard(table[1 + lost * 3]!);
        throw new ProtocolError('too many file descriptors');
      }
      const to = this.#fdCount * 3;
      this.#fds[to] = table[at]!;
      this.#fds[to + 1] = table[at + 1]!;
      this.#fds[to + 2] = table[at + 2]!;
      this.#fdCount++;
    }
  }

  /** Adds the exchange's bytes to the kept part, as many as fit, and handles what is whole then. Returns the next. */
  #carry(from: number, to: number): number {
    this.#kept ??= area(new ArrayBuffer(EXCHANGE_BYTES));
    const end = Math.min(to, from + EXCHANGE_BYTES - this.#keptBytes);
    this.#kept.bytes.set(exchange.bytes.subarray(from, end), this.#keptBytes);
    const length = this.#keptBytes + end - from;
    const start = this.#parse(this.#kept, length);
    this.#kept.bytes.copyWithin(0, start, length);
    this.#keptBytes = length - start;
    return end;
  }

  /** Handles the whole messages of an area; returns where the rest begins. */
  #parse(from: Area, length: number): number {
    const { words, bytes } = from;
    let at = 0;
    for (;;) {
      if (this.#pixelsLeft > 0) {
        const end = Math.min(length, at + this.#pixelsLeft);
        this.#pixelsLeft -= end - at;
        this.handler.pixels(bytes, at, end);
        at = end;
        if (this.#pixelsLeft > 0) break;
        this.handler.pixelsEnd();
        this.#handled++;
      }
      if ((at & 3) !== 0 || at + HEADER_BYTES > length) break;
      const word = at >> 2;
      const request = words[word]!;
      const size = words[word + 2]!;
      const expected = payloadBytes(request);
      checkHeader(request, words[word + 1]!, size, expected);
      if (at + HEADER_BYTES + expected > length) break;
      at += HEADER_BYTES + expected;
      if (request === Request.UPDATE) {
        this.handler.pixelsBegin(words, word + 3, size - expected);
        this.#pixelsLeft = size - expected;
      } else {
        this.handler.message(request, words, bytes, word + 3);
        this.#handled++;
      }
    }
    return at;
  }
}

function checkHeader(request: number, flags: number, size: number, expected: number): void {
  if (expected < 0) throw new ProtocolError(`unknown request ${request}`);
  if ((flags & FLAG_REPLY) !== 0) throw new ProtocolError(`request ${request} is marked as a reply`);
  const pixels = request === Request.UPDATE;
  const fits = pixels ? size > expected && (size - expected) % 4 === 0 : size === expected;
  if (!fits) {
    const wanted = pixels ? `${expected} and whole pixels` : expected;
    throw new ProtocolError(`request ${request} has ${size} bytes of payload instead of ${wanted}`);
  }
}

// A kept part is less than one message, so there is always room for more of it.
if (MAX_MESSAGE_BYTES > EXCHANGE_BYTES / 2)
  throw new Error('the exchange is too small for the largest message');
