import * as fs from 'node:fs';
import { EXCHANGE_BYTES, native, type NativeSocket } from '../../../src/native';
import { atTestEnd } from './cleanup';
import { eventually, within } from './eventually';
import { Image } from './image';

// The numbers of docs/vhost-user-gpu.md, on purpose not those of src/.
export const GET_PROTOCOL_FEATURES = 1;
export const SET_PROTOCOL_FEATURES = 2;
export const GET_DISPLAY_INFO = 3;
export const CURSOR_POS = 4;
export const CURSOR_POS_HIDE = 5;
export const CURSOR_UPDATE = 6;
export const SCANOUT = 7;
export const UPDATE = 8;
export const DMABUF_SCANOUT = 9;
export const DMABUF_UPDATE = 10;
export const GET_EDID = 11;
export const DMABUF_SCANOUT2 = 12;

export const XR24 = 0x34325258;
export const AR24 = 0x34325241;
const EAGAIN = -11;
const PAGE = 4096;

/** A real dma-buf with a picture in it. */
export class PixelBuffer {
  readonly fd: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
  #closed = false;

  constructor(
    readonly width: number,
    readonly height: number,
    { stride = width * 4, fd = -1 } = {},
  ) {
    this.stride = stride;
    this.fd = fd >= 0 ? fd : native.createUdmabuf(Math.ceil((stride * height) / PAGE) * PAGE);
    atTestEnd(() => {
      this.close();
    });
  }

  static async of(image: Image, stride?: number): Promise<PixelBuffer> {
    const buffer = new PixelBuffer(image.width, image.height, stride === undefined ? {} : { stride });
    await buffer.write(image);
    return buffer;
  }

  /** Replaces all of it. */
  async write(image: Image): Promise<void> {
    if (this.stride === image.width * 4) {
      await native.writeDmabuf(this.fd, 0, image.bytes);
      return;
    }
    const rows = new Uint8Array(this.stride * image.height).fill(0x5a); // What lies between rows must not be seen.
    for (let y = 0; y < image.height; y++) {
      rows.set(image.bytes.subarray(y * image.width * 4, (y + 1) * image.width * 4), y * this.stride);
    }
    await native.writeDmabuf(this.fd, 0, rows);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    fs.closeSync(this.fd);
  }
}

export interface Reply {
  readonly request: number;
  readonly flags: number;
  readonly payload: Buffer;
}

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A guest that is this test itself: sends exactly the bytes it is told to, and keeps what comes back. */
export class WireGuest {
  readonly #socket: NativeSocket;
  #bytes = Buffer.alloc(0);
  readonly #replies: Reply[] = [];
  #wake: () => void = () => undefined;
  /** Undefined while connected; 0: the daemon closed the connection; else an errno. */
  ended: number | undefined;

  private constructor(path: string) {
    this.#socket = native.connect(path);
    atTestEnd(() => {
      this.close();
    });
    this.#socket.onData((length) => {
      this.#data(length);
    });
  }

  /** Connects; without a handshake. */
  static async connect(path: string): Promise<WireGuest> {
    return await eventually(() => new WireGuest(path));
  }

  /** Connects and agrees on both features. */
  static async join(path: string): Promise<WireGuest> {
    const guest = await WireGuest.connect(path);
    await guest.ask(GET_PROTOCOL_FEATURES);
    await guest.send(SET_PROTOCOL_FEATURES, words(3, 0));
    return guest;
  }

  /** A request with its payload; the fds go with its first byte. */
  async send(
    request: number,
    payload: Uint8Array = new Uint8Array(),
    fds: readonly number[] = [],
  ): Promise<void> {
    await this.sendBytes(Buffer.concat([words(request, 0, payload.length), payload]), fds);
  }

  async sendBytes(bytes: Uint8Array, fds: readonly number[] = []): Promise<void> {
    for (let rest = bytes, first = true; rest.length > 0;) {
      const sent = first ? this.#socket.send(rest, fds) : this.#socket.send(rest);
      if (sent === EAGAIN) {
        await new Promise<void>((resolve) => {
          this.#socket.onceWritable(resolve);
        });
      } else if (sent < 0) {
        throw new Error(`send: errno ${-sent}`);
      } else {
        rest = rest.subarray(sent);
        first = false;
      }
    }
  }

  /** The next message from the daemon. */
  async reply(seconds?: number): Promise<Reply> {
    while (this.#replies.length === 0) {
      if (this.ended !== undefined) throw new Error(`the daemon closed the connection (${this.ended})`);
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      await within('a reply', woken, seconds);
    }
    return this.#replies.shift()!;
  }

  /** Messages that came and nobody has asked for. */
  get waiting(): number {
    return this.#replies.length;
  }

  async ask(request: number, payload?: Uint8Array): Promise<Buffer> {
    await this.send(request, payload);
    const reply = await this.reply();
    expect(reply.request).toBe(request);
    return reply.payload;
  }

  /** The size the daemon wants the first head to be. */
  async toldSize(): Promise<[width: number, height: number]> {
    const info = await this.ask(GET_DISPLAY_INFO);
    // A control header, then x, y, width, height of each head.
    return [info.readUInt32LE(24 + 8), info.readUInt32LE(24 + 12)];
  }

  /** The daemon has closed the connection. */
  async closed(): Promise<void> {
    await eventually(() => {
      expect(this.ended).toBeDefined();
    });
  }

  /** Announces a buffer for the next update. */
  async scanout(
    buffer: PixelBuffer,
    {
      head = 0,
      format = XR24,
      bottomUp = false,
      rectangle = { x: 0, y: 0, width: buffer.width, height: buffer.height },
    } = {},
  ): Promise<void> {
    const { x, y, width, height } = rectangle;
    const layout = [buffer.width, buffer.height, buffer.stride, bottomUp ? 1 : 0, format];
    await this.send(DMABUF_SCANOUT2, words(head, x, y, width, height, ...layout, 0, 0), [buffer.fd]);
  }

  async update(
    head = 0,
    { x, y, width, height }: Rectangle = { x: 0, y: 0, width: 1, height: 1 },
  ): Promise<void> {
    await this.send(DMABUF_UPDATE, words(head, x, y, width, height));
  }

  /** Shows a buffer and waits until the daemon says it is on the panel. */
  async present(
    buffer: PixelBuffer,
    options: { head?: number; format?: number; bottomUp?: boolean; rectangle?: Rectangle } = {},
  ): Promise<void> {
    await this.scanout(buffer, options);
    await this.update(options.head);
    expect(await this.reply()).toEqual({ request: DMABUF_UPDATE, flags: 4, payload: Buffer.alloc(0) });
  }

  /** The head is off. */
  async off(head = 0): Promise<void> {
    await this.send(DMABUF_SCANOUT2, words(head, ...Array<number>(11).fill(0)));
  }

  async pixelScanout(width: number, height: number, head = 0): Promise<void> {
    await this.send(SCANOUT, words(head, width, height));
  }

  async pixels(image: Image, x = 0, y = 0, head = 0): Promise<void> {
    await this.send(UPDATE, Buffer.concat([words(head, x, y, image.width, image.height), image.bytes]));
  }

  async cursorImage(
    pixels: Uint32Array,
    x: number,
    y: number,
    { head = 0, hotX = 0, hotY = 0 } = {},
  ): Promise<void> {
    await this.send(
      CURSOR_UPDATE,
      Buffer.concat([words(head, x, y, hotX, hotY), new Uint8Array(pixels.buffer)]),
    );
  }

  async moveCursor(x: number, y: number, { head = 0, visible = true } = {}): Promise<void> {
    await this.send(visible ? CURSOR_POS : CURSOR_POS_HIDE, words(head, x, y));
  }

  close(): void {
    this.#socket.close();
    this.ended ??= 0;
  }

  #data(length: number): void {
    if (length <= 0) {
      this.ended = length;
    } else {
      this.#bytes = Buffer.concat([
        this.#bytes,
        new Uint8Array(native.exchange, 0, Math.min(length, EXCHANGE_BYTES)),
      ]);
      for (;;) {
        if (this.#bytes.length < 12) break;
        const [request, flags, size] = [0, 4, 8].map((at) => this.#bytes.readUInt32LE(at)) as [
          number,
          number,
          number,
        ];
        if (this.#bytes.length < 12 + size) break;
        this.#replies.push({ request, flags, payload: Buffer.from(this.#bytes.subarray(12, 12 + size)) });
        this.#bytes = this.#bytes.subarray(12 + size);
      }
    }
    this.#wake();
  }
}

/** 32-bit numbers as they lie in a message; negative ones as two's complement. */
export function words(...numbers: number[]): Buffer {
  return Buffer.from(Uint32Array.from(numbers, (number) => number >>> 0).buffer);
}
