import type { BufferLayout, CursorImage, PixelMemory, Viewport } from '../../src/buffers';
import * as fs from 'node:fs';
import { fourccName } from '../../src/fourcc';
import type { Condition, Display, GuestHost, GuestLink, HeadSink } from '../../src/guest/sink';
import type { Log } from '../../src/log';

/** A head that writes down what it is told, and shows nothing. */
export class FakeHead implements HeadSink {
  readonly events: string[] = [];
  visible = true;
  /** Shows each frame at once. */
  eager = false;
  refusal: string | undefined;
  memory: PixelMemory | undefined;
  image: CursorImage | undefined;
  frame = 0;
  #released: (() => void) | undefined;

  constructor(
    private readonly link: GuestLink,
    private readonly index: number,
  ) {}

  scanout(layout: BufferLayout, screen: Viewport): void {
    const { width, height, format, modifierHigh, modifierLow, bottomUp, planes } = layout;
    const known = planes.every(({ fd, inode }) => fd < 0 || fs.fstatSync(fd).ino === inode);
    for (const { fd } of planes) if (fd >= 0) fs.closeSync(fd);
    if (this.refusal !== undefined) throw new Error(this.refusal);
    const at = `${screen.width}x${screen.height}+${screen.x}+${screen.y}`;
    const laid = planes
      .map(({ fd, offset, pitch }) => `${fd < 0 ? 'same:' : ''}${offset}/${pitch}`)
      .join(' ');
    const notes = `${bottomUp ? ' bottom-up' : ''}${known ? '' : ' unknown'}`;
    this.events.push(
      `scanout ${at} of ${width}x${height} ${fourccName(format)} ${modifierHigh}:${modifierLow} ${laid}${notes}`,
    );
  }
  canvas(memory: PixelMemory, released?: () => void): void {
    this.release();
    this.memory = memory;
    this.#released = released;
    const { width, height, format, offset, pitch, kind } = memory;
    this.events.push(`canvas ${width}x${height} ${fourccName(format)} ${offset}/${pitch} ${kind}`);
  }
  update(frame: number, x: number, y: number, width: number, height: number): void {
    expect(frame).toBeGreaterThan(this.frame);
    this.frame = frame;
    this.events.push(`update ${frame} ${width}x${height}+${x}+${y}`);
    if (this.eager) this.link.shown(this.index, frame);
  }
  off(): void {
    this.release();
    this.events.push('off');
  }
  cursorImage(image: CursorImage, hotX: number, hotY: number): void {
    this.image = image;
    this.events.push(`image ${image.width}x${image.height} ${hotX},${hotY}`);
  }
  cursorMove(x: number, y: number, visible: boolean): void {
    this.events.push(`pointer ${x},${y} ${visible ? 'visible' : 'hidden'}`);
  }
  /** What a view does when it shows something else. */
  release(): void {
    this.memory = undefined;
    const released = this.#released;
    this.#released = undefined;
    released?.();
  }
}

/** A host that writes down what links say. */
export class FakeHost implements GuestHost {
  readonly events: string[] = [];
  readonly heads = new Map<number, FakeHead>();
  readonly displays = new Map<number, Display>();
  readonly troubles: (string | undefined)[] = [];
  isConnected = false;

  connected(): void {
    expect(this.isConnected).toBe(false);
    this.isConnected = true;
    this.events.push('connected');
  }
  disconnected(_link: GuestLink, reason: string): void {
    expect(this.isConnected).toBe(true);
    this.isConnected = false;
    for (const head of this.heads.values()) head.release();
    this.heads.clear();
    this.events.push(`disconnected: ${reason}`);
  }
  condition(_link: GuestLink, condition: Condition): void {
    this.events.push(condition);
  }
  troubled(link: GuestLink): void {
    this.troubles.push(link.trouble);
  }
  head(link: GuestLink, index: number): FakeHead {
    expect(this.isConnected).toBe(true);
    let head = this.heads.get(index);
    if (!head) this.heads.set(index, (head = new FakeHead(link, index)));
    return head;
  }
  display(_link: GuestLink, index: number): Display | undefined {
    return this.displays.get(index);
  }
}

export class FakeLog implements Log {
  readonly lines: string[] = [];
  error = (message: string): unknown => this.lines.push(`error ${message}`);
  warning = (message: string): unknown => this.lines.push(`warning ${message}`);
  notice = (message: string): unknown => this.lines.push(`notice ${message}`);
  info = (message: string): unknown => this.lines.push(`info ${message}`);
  debug = (message: string): unknown => this.lines.push(`debug ${message}`);
  /** Without what is mere information. */
  get warnings(): string[] {
    return this.lines.filter((line) => /^(warning|error)/.test(line));
  }
}

export function display(width: number, height: number): Display {
  return { width, height, refresh: 60_000, mmWidth: 520, mmHeight: 320, edid: undefined };
}
