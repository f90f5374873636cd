import type { BufferLayout, CursorImage, PixelMemory, Viewport } from '../buffers';
import { clamp } from '../clamp';
import type { GuestLink, HeadSink, Place } from '../guest/sink';
import type { HeadRef, HiddenRate } from '../config/config';
import type { Framebuffer, FramebufferCache } from '../kms/framebuffers';
import type { Size } from '../kms/fitting';
import type { Imports } from '../kms/imports';
import type { Output } from '../kms/output';
import type { Source } from '../kms/source';
import { Showings, type Screen } from './showings';

/** How often a guest that nobody sees is told that its frames were shown, so that it neither stalls nor runs free. */
const HIDDEN_PERIOD_MS = 16;
/** The longest a guest is kept waiting: QEMU gives up on an answer after a second, and a busy host may be late. */
const LONGEST_PERIOD_MS = 700;
/** A guest that set a buffer and sent no update for this long means it as it is. */
const SETTLE_MS = 250;

/** What a view tells the switcher; the rest goes straight to its outputs. */
export interface ViewOwner {
  /** The output that is to show a head, the first if there are several. */
  leader(head: HeadRef): Output | undefined;
  /** The head has its first picture, one of another size, or none any more. */
  contentChanged(view: HeadView): void;
}

/**
 * One head between its link and the outputs that show it: what the guest sent last, kept imported while hidden, so
 * that a switch need not wait for the guest to draw.
 */
export class HeadView implements HeadSink {
  readonly #cursor = {
    image: null as CursorImage | null,
    generation: 0,
    hotX: 0,
    hotY: 0,
    x: 0,
    y: 0,
    visible: false,
  };
  // Two rectangles that change places: a flip allocates nothing.
  #viewport = { x: 0, y: 0, width: 0, height: 0 };
  #nextViewport = { x: 0, y: 0, width: 0, height: 0 };
  readonly #screen: Screen = {
    framebuffer: null,
    canvas: null,
    viewport: this.#viewport,
    frame: 0,
    cursor: this.#cursor,
  };
  readonly #showings = new Showings(
    this.#screen,
    (frame) => {
      this.link.shown(this.index, frame);
    },
    (reason) => {
      // The guest has moved on already: what cannot be shown is not what it shows now.
      if (this.#next) this.#showNext();
      else this.link.refuse(this.index, reason);
    },
  );
  readonly #shower = (): Imports | undefined =>
    this.owner.leader({ guest: this.guest, head: this.index })?.card.imports;
  #next: Framebuffer | null = null;
  /** Tells the link that its memory is not read any more. */
  #releaseCanvas: (() => void) | undefined;
  #hidden: NodeJS.Timeout | undefined;
  readonly #hiddenPeriod: number;
  #settle: NodeJS.Timeout | undefined;

  constructor(
    private readonly owner: ViewOwner,
    private readonly link: GuestLink,
    /** Whose framebuffers these are: one connection of the guest. */
    private readonly session: object,
    private readonly framebuffers: FramebufferCache,
    readonly index: number,
    hidden: HiddenRate,
  ) {
    // prettier-ignore
    this.#hiddenPeriod =
      hidden === 'full' ? HIDDEN_PERIOD_MS
      : hidden === 0 ? LONGEST_PERIOD_MS
      : Math.min(1000 / hidden, LONGEST_PERIOD_MS);
  }

  get guest(): string {
    return this.link.guest;
  }
  /** What it shows now. */
  get screen(): Readonly<Screen> {
    return this.#screen;
  }
  get hasContent(): boolean {
    return this.#screen.framebuffer !== null || this.#screen.canvas !== null;
  }
  /** The size of what it shows now; null: nothing. */
  get size(): Size | null {
    const { width, height } = this.#viewport;
    return this.hasContent ? { width, height } : null;
  }
  /** Frames the guest has asked to be shown. */
  get frames(): number {
    return this.#screen.frame;
  }

  get visible(): boolean {
    return this.#showings.size > 0;
  }

  /** Turns `at` into where the guest shows its pointer on the screen; false: it shows none. */
  pointer(at: Place): boolean {
    const { x, y, hotX, hotY, visible } = this.#cursor;
    if (!visible || !this.hasContent) return false;
    const { width, height } = this.#viewport;
    at.x = clamp((x + hotX) / Math.max(width - 1, 1), 0, 1);
    at.y = clamp((y + hotY) / Math.max(height - 1, 1), 0, 1);
    return true;
  }

  isOn(output: Output): boolean {
    return this.#showings.has(output);
  }

  /** An output shows it from now on, by reading this; others may do so at the same time. */
  showOn(output: Output): Source {
    return this.#showings.add(output);
  }

  /** The output shows something else. */
  leave(output: Output): void {
    this.#showings.remove(output);
    if (!this.visible) this.#answerHidden();
  }

  /** The output is no more. */
  forget(output: Output): void {
    this.leave(output);
    this.#showings.forget(output);
  }

  scanout(layout: BufferLayout, screen: Viewport): void {
    const framebuffer = this.framebuffers.get(this.session, layout, this.#shower);
    framebuffer.retain();
    this.#next?.release();
    this.#next = framebuffer;
    const viewport = this.#nextViewport;
    viewport.x = screen.x;
    viewport.y = screen.y;
    viewport.width = screen.width;
    viewport.height = screen.height;
    // From this scanout on, not from the first: between two messages of a guest that flips it must never fire.
    if (this.#settle) this.#settle.refresh();
    else {
      this.#settle = setTimeout(() => {
        if (this.#next) this.#showNext();
      }, SETTLE_MS);
    }
  }

  canvas(memory: PixelMemory, released?: () => void): void {
    const { width, height } = this.#viewport;
    const was = this.hasContent && width === memory.width && height === memory.height;
    this.#drop();
    this.#screen.canvas = memory;
    this.#releaseCanvas = released;
    Object.assign(this.#viewport, { x: 0, y: 0, width: memory.width, height: memory.height });
    this.#showings.damageAll();
    if (!was) this.owner.contentChanged(this);
  }

  update(frame: number, x: number, y: number, width: number, height: number): void {
    const screen = this.#screen;
    screen.frame = frame;
    const was = this.hasContent;
    let resized = false;
    if (this.#next) {
      screen.framebuffer?.release();
      screen.framebuffer = this.#next;
      this.#next = null;
      this.#dropCanvas();
      const viewport = this.#nextViewport;
      this.#nextViewport = this.#viewport;
      this.#viewport = viewport;
      screen.viewport = viewport;
      const { width, height } = this.#nextViewport;
      resized = viewport.width !== width || viewport.height !== height;
      // Another buffer: whatever the update says, a copy of the last one tells nothing about this one.
      this.#showings.damageAll();
    } else this.#showings.damage(x, y, x + width, y + height);
    // An output that is only now given this to show reads it anyway.
    if (this.hasContent !== was || resized) this.owner.contentChanged(this);
    if (!this.visible) this.#answerHidden();
    else if (was) this.#showings.changed();
  }

  off(): void {
    const had = this.hasContent;
    this.#drop();
    if (had) this.owner.contentChanged(this);
    this.#answerHidden();
  }

  cursorImage(image: CursorImage, hotX: number, hotY: number): void {
    const cursor = this.#cursor;
    cursor.image = image;
    cursor.hotX = hotX;
    cursor.hotY = hotY;
    cursor.generation++;
  }

  cursorMove(x: number, y: number, visible: boolean): void {
    const cursor = this.#cursor;
    cursor.x = x;
    cursor.y = y;
    cursor.visible = visible;
    this.#showings.cursorChanged();
  }

  /** The guest has gone. */
  close(): void {
    clearTimeout(this.#hidden);
    clearTimeout(this.#settle);
    this.#showings.close();
    this.#drop();
  }

  /** Shows the buffer that was announced as it is, without waiting for its update. */
  #showNext(): void {
    this.update(this.#screen.frame, 0, 0, this.#nextViewport.width, this.#nextViewport.height);
  }

  #drop(): void {
    this.#next?.release();
    this.#next = null;
    this.#screen.framebuffer?.release();
    this.#screen.framebuffer = null;
    this.#dropCanvas();
  }

  #dropCanvas(): void {
    this.#screen.canvas = null;
    const released = this.#releaseCanvas;
    this.#releaseCanvas = undefined;
    released?.();
  }

  #answerHidden(): void {
    this.#hidden ??= setTimeout(() => {
      this.#hidden = undefined;
      // An output that lost its content to `off` commits nothing of this head any more.
      if (!this.visible || !this.hasContent) this.link.shown(this.index, this.frames);
    }, this.#hiddenPeriod);
  }
}
