import type { BufferLayout, CursorImage, PixelMemory, Viewport } from '../../buffers';
import { native, type NativeMemfd } from '../../native';
import * as fs from 'node:fs';
import { clamp } from '../../clamp';
import { monotonic } from '../../clock';
import type { HeadSink } from '../sink';
import { Answers } from './answers';
import {
  BytesCanvas,
  checkPixels,
  isSide,
  MAX_CANVAS_BYTES,
  MAX_SIDE,
  Refusal,
  type PixelShape,
} from './pixels';
import { reasonOf } from './words';

/** QEMU switches a head off after every flip of some guests; on a busy host their next picture may take its time. */
const OFF_MS = 1000;
/** A layout that no output could show is not tried again for so long. */
const REFUSED_MS = 2000;
const MAX_CURSOR_SIDE = 512;
const MAX_PLACE = 32767;

/** Most planes of a buffer. */
const MAX_PLANES = 4;

/** What a head tells the attachment it belongs to. */
export interface HeadOwner {
  /** Answers a frame. */
  reply(serial: number): void;
  /** Why the head's picture is not shown; undefined: it is. */
  headTrouble(reason: string | undefined): void;
  /** A picture came, or a part of one. */
  drawn(): void;
  /** An update came while there is no picture. */
  stray(): void;
  /** Bytes of pixels that the guest's other heads have. */
  otherBytes(): number;
}

/** Where a head's picture is. */
type Content = 'nothing' | 'buffer' | 'map' | 'bytes';

/** One screen of the guest between QEMU's messages and its sink: outlives the listener they come through. */
export class Head {
  readonly #answers: Answers;
  #content: Content = 'nothing';
  /** Something has been put on the screen, or would have been. */
  #shows = false;
  #frame = 0;
  #width = 0;
  #height = 0;
  #cropped = false;
  #bytes: BytesCanvas | undefined;
  /** The memory behind a buffer that was made of it, in case the buffer cannot be shown. */
  #fallback: { readonly memfd: NativeMemfd; readonly memory: PixelMemory } | undefined;
  #offPending = false;
  #offTimer: NodeJS.Timeout | undefined;
  #consoleWidth = 0;
  #consoleHeight = 0;
  #refused = { until: 0, reason: '', kind: newKind() };
  /** Of the layout that was shown last. */
  #latest = newKind();

  constructor(
    readonly index: number,
    private readonly sink: HeadSink,
    private readonly owner: HeadOwner,
  ) {
    this.#answers = new Answers(
      () => sink.visible,
      (serial) => {
        owner.reply(serial);
      },
    );
  }

  /** Bytes of pixels kept for this head. */
  get bytes(): number {
    return this.#bytes?.bytes.length ?? 0;
  }

  /** Another buffer. Takes over the planes' fds. */
  scanout(layout: BufferLayout, screen: Viewport): void {
    if (this.#wasRefused(layout)) {
      for (const { fd } of layout.planes) if (fd >= 0) native.discard(fd);
      // What was shown in between is not what the guest shows now.
      this.#refuse(this.#refused.reason);
      return;
    }
    try {
      this.sink.scanout(layout, screen);
    } catch (error) {
      this.#refuse(reasonOf(error));
      return;
    }
    this.#drop();
    this.#cropped = screen.x !== 0 || screen.y !== 0;
    this.#accept('buffer', screen.width, screen.height);
  }

  /** Shared memory; the fd stays the caller's. Throws {@link Refusal}. Returns what is to be done after the answer. */
  map(fd: number, offset: number, shape: PixelShape): () => void {
    const { width, height, stride } = shape;
    const bytes = stride * height;
    const fourcc = checkPixels(shape, MAX_CANVAS_BYTES);
    let memfd: NativeMemfd;
    try {
      memfd = native.openMemfd(fd, offset + bytes);
    } catch (error) {
      throw new Refusal(
        `QEMU sent shared memory that does not hold ${width}x${height} pixels at ${offset}: ${reasonOf(error)}`,
      );
    }
    const memory: PixelMemory = {
      width,
      height,
      format: fourcc,
      offset,
      pitch: stride,
      source: memfd,
      kind: 'shared memory',
    };
    const buffer = native.memfdToDmabuf(fd, offset, bytes);
    return () => {
      if (buffer < 0 || !this.#scanoutOf(buffer, memory, memfd)) this.#canvas('map', memory, memfd);
    };
  }

  /** A whole picture in bytes, which are the head's from now on. Throws {@link Refusal}. */
  picture(shape: PixelShape, pixels: Uint8Array): void {
    const fourcc = checkPixels(shape, pixels.length);
    // Newer than what the console told.
    this.#consoleWidth = shape.width;
    this.#consoleHeight = shape.height;
    if (this.#content === 'bytes' && this.#bytes?.sameShape(shape)) {
      this.#bytes.bytes.set(pixels.subarray(0, this.#bytes.bytes.length));
      this.#alive();
      this.#update(0, 0, shape.width, shape.height);
    } else this.#showBytes(new BytesCanvas(shape, fourcc, pixels));
  }

  /** A part of a picture in bytes. Throws {@link Refusal}. */
  draw(x: number, y: number, shape: PixelShape, pixels: Uint8Array): void {
    const fourcc = checkPixels(shape, pixels.length);
    const right = x + shape.width;
    const bottom = y + shape.height;
    if (x < 0 || y < 0 || right > MAX_SIDE || bottom > MAX_SIDE) {
      throw new Refusal(`QEMU sent a part of ${shape.width}x${shape.height} at ${x},${y}`);
    }
    this.#fit(right, bottom, shape.format, fourcc);
    this.#bytes!.draw(x, y, shape, pixels);
    this.#alive();
    this.#update(x, y, shape.width, shape.height);
  }

  /** The rectangle of a buffer has changed; `serial` is answered when it is on the panel. */
  bufferUpdate(serial: number, x: number, y: number, width: number, height: number): void {
    if (this.#content !== 'buffer') {
      if (serial !== 0) this.owner.reply(serial);
      if (this.#content === 'nothing') this.owner.stray();
      return;
    }
    this.#alive();
    if (serial !== 0) this.#answers.add(serial, this.#frame + 1);
    // QEMU does not agree with itself on where rectangles of a part of a buffer begin.
    if (this.#cropped) this.#update(0, 0, this.#width, this.#height);
    else this.#update(x, y, width, height);
  }

  /** The rectangle of the shared memory has changed. */
  mapUpdate(x: number, y: number, width: number, height: number): void {
    if (this.#content !== 'map') return;
    this.#alive();
    this.#update(x, y, width, height);
  }

  /** QEMU says the head is off, which it often takes back at once. */
  disable(): void {
    if (this.#content === 'nothing') return;
    this.#offPending = true;
    if (this.#offTimer) this.#offTimer.refresh();
    else
      this.#offTimer = setTimeout(() => {
        if (this.#offPending) this.#off();
      }, OFF_MS);
  }

  /** Throws {@link Refusal}. */
  cursor(image: CursorImage, hotX: number, hotY: number): void {
    const { width, height, pixels } = image;
    if (width < 1 || height < 1 || width > MAX_CURSOR_SIDE || height > MAX_CURSOR_SIDE) {
      throw new Refusal(`QEMU sent a pointer of ${width}x${height}: sides are 1 to ${MAX_CURSOR_SIDE}`);
    }
    if (pixels.length < width * height * 4) {
      throw new Refusal(`QEMU sent ${pixels.length} bytes for a pointer of ${width}x${height}`);
    }
    const whole = pixels.length === width * height * 4 ? pixels : pixels.slice(0, width * height * 4);
    this.sink.cursorImage(
      { width, height, pixels: whole },
      clamp(hotX, 0, width - 1),
      clamp(hotY, 0, height - 1),
    );
  }

  pointer(x: number, y: number, visible: boolean): void {
    this.sink.cursorMove(clamp(x, -MAX_PLACE, MAX_PLACE), clamp(y, -MAX_PLACE, MAX_PLACE), visible);
  }

  /** Size of the console, which QEMU may tell before, or instead of, sending a picture of that size. */
  resized(width: number, height: number): void {
    this.#consoleWidth = isSide(width) ? width : 0;
    this.#consoleHeight = isSide(height) ? height : 0;
  }

  shown(frame: number): void {
    this.#answers.shown(frame);
  }

  /** What came instead of the picture cannot be shown. */
  fail(reason: string): void {
    this.#refuse(reason);
  }

  /** An output could not show what is here. */
  refuse(reason: string): void {
    const fallback = this.#fallback;
    if (fallback) {
      this.#fallback = undefined;
      this.#canvas('map', fallback.memory, fallback.memfd);
      return;
    }
    // Pixels in memory have no layout that another buffer could have.
    if (this.#content === 'buffer') {
      this.#refused = { until: monotonic() + REFUSED_MS, reason, kind: this.#latest };
      this.#latest = newKind();
    }
    this.#refuse(reason);
  }

  /** The listener has gone: nobody waits for answers; the picture stays. */
  detached(): void {
    this.#answers.forget();
    this.#offPending = false;
  }

  close(): void {
    this.#answers.close();
    clearTimeout(this.#offTimer);
    this.#drop();
  }

  /** Makes the picture in bytes large enough for a part that ends there, and of its format. */
  #fit(right: number, bottom: number, format: number, fourcc: number): void {
    const old = this.#bytes;
    // Before 9.0 QEMU may tell of a new size only by the console's properties, and go on with parts.
    const width = Math.max(right, this.#consoleWidth);
    const height = Math.max(bottom, this.#consoleHeight);
    const { shape } = old ?? {};
    if (this.#content === 'bytes' && shape?.format === format) {
      if (shape.width === width && shape.height === height) return;
    }
    if (!this.#hasRoom(width * height * 4)) throw new Refusal(tooLarge(width, height));
    this.#showBytes(BytesCanvas.sized(width, height, format, fourcc, old));
  }

  #showBytes(canvas: BytesCanvas): void {
    const { width, height, stride } = canvas.shape;
    if (!this.#hasRoom(canvas.bytes.length)) throw new Refusal(tooLarge(width, height));
    const memory: PixelMemory = {
      width,
      height,
      format: canvas.fourcc,
      offset: 0,
      pitch: stride,
      source: canvas.bytes,
      kind: 'bytes in messages',
    };
    this.#canvas('bytes', memory);
    this.#bytes = canvas;
  }

  /** Shows shared memory as the buffer that was made of it; false: it cannot be. */
  #scanoutOf(fd: number, memory: PixelMemory, memfd: NativeMemfd): boolean {
    const { width, height, format, pitch } = memory;
    const { dev, ino } = fs.fstatSync(fd);
    const planes = [{ fd, device: dev, inode: ino, offset: 0, pitch }];
    try {
      this.sink.scanout(
        { width, height, format, modifierHigh: 0, modifierLow: 0, bottomUp: false, planes },
        { x: 0, y: 0, width, height },
      );
    } catch {
      return false;
    }
    this.#drop();
    this.#fallback = { memory, memfd };
    this.#shows = false;
    this.#accept('map', width, height);
    return true;
  }

  #canvas(content: 'map' | 'bytes', memory: PixelMemory, memfd?: NativeMemfd): void {
    this.#drop();
    this.sink.canvas(memory, () => memfd?.close());
    // What is in it is there already: nobody says so once more.
    this.#shows = false;
    this.#accept(content, memory.width, memory.height);
  }

  #accept(content: Content, width: number, height: number): void {
    this.#content = content;
    this.#cropped &&= content === 'buffer';
    this.#width = width;
    this.#height = height;
    this.#alive();
    this.owner.headTrouble(undefined);
    if (this.#shows) return;
    // Nothing is there that it could be torn against: shown without waiting for the guest to say that it has drawn.
    this.#shows = true;
    this.#update(0, 0, width, height);
  }

  /** Whatever comes after `Disable` takes it back. */
  #alive(): void {
    this.#offPending = false;
    this.owner.drawn();
  }

  #update(x: number, y: number, width: number, height: number): void {
    const left = clamp(x, 0, this.#width);
    const top = clamp(y, 0, this.#height);
    const right = clamp(x + width, left, this.#width);
    const bottom = clamp(y + height, top, this.#height);
    this.sink.update(++this.#frame, left, top, right - left, bottom - top);
  }

  #off(): void {
    this.#offPending = false;
    this.#content = 'nothing';
    this.#shows = false;
    this.#answers.all();
    this.#drop();
    this.sink.off();
  }

  #refuse(reason: string): void {
    this.owner.headTrouble(reason);
    if (this.#content !== 'nothing' || this.#shows) this.#off();
  }

  #wasRefused(layout: BufferLayout): boolean {
    fillKind(this.#latest, layout);
    const { until, kind } = this.#refused;
    return until !== 0 && sameKind(this.#latest, kind) && monotonic() < until;
  }

  #hasRoom(bytes: number): boolean {
    return this.owner.otherBytes() + bytes <= MAX_CANVAS_BYTES;
  }

  /** The head's memory is read no more, or by its sink alone, which says when it is done. */
  #drop(): void {
    this.#bytes = undefined;
    this.#fallback?.memfd.close();
    this.#fallback = undefined;
  }
}

function tooLarge(width: number, height: number): string {
  return `QEMU sent a picture of ${width}x${height}: more than ${MAX_CANVAS_BYTES >> 20} MiB of pixels in memory`;
}

/** What may be the reason why a layout is not shown: numbers of the buffer, then offset and pitch of each plane. */
type Kind = Float64Array;

function newKind(): Kind {
  return new Float64Array(6 + 2 * MAX_PLANES);
}

function fillKind(
  kind: Kind,
  { width, height, format, modifierHigh, modifierLow, planes }: BufferLayout,
): void {
  kind[0] = width;
  kind[1] = height;
  kind[2] = format;
  kind[3] = modifierHigh;
  kind[4] = modifierLow;
  kind[5] = planes.length;
  for (let index = 0; index < MAX_PLANES; index++) {
    kind[6 + 2 * index] = planes[index]?.offset ?? 0;
    kind[7 + 2 * index] = planes[index]?.pitch ?? 0;
  }
}

function sameKind(one: Kind, other: Kind): boolean {
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}
