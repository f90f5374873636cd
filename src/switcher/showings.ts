import type { CursorImage, PixelMemory, Viewport } from '../buffers';
import { monotonic } from '../clock';
import { EVERYTHING, Region, type Edges } from '../kms/fit';
import type { Framebuffer } from '../kms/framebuffers';
import type { Output } from '../kms/output';
import type { Cursor, Source } from '../kms/source';

/** Once one output has a frame, the others are waited for so long: two vblanks of a panel at 40 Hz. */
const PATIENCE_MS = 50;
/** An output that was waited for in vain is waited for no more for so long. */
const EXCUSED_MS = 1000;

/** What a head shows now, whoever looks at it. */
export interface Screen {
  framebuffer: Framebuffer | null;
  canvas: PixelMemory | null;
  /** The screen within the framebuffer. */
  viewport: Viewport;
  /** The number of the newest frame. */
  frame: number;
  readonly cursor: Cursor & { image: CursorImage | null };
}

/** A head on one output: the same screen for all of them, with what this one has not read yet and what it has shown. */
class Showing implements Source {
  readonly picture = null;
  /** Whether its output is to show the head now. */
  active = false;
  /** The newest frame that is on the panel. */
  presentedFrame = 0;
  /** Until then the guest does not wait for this output (CLOCK_MONOTONIC, ms). */
  excusedUntil = 0;
  /** Its output can show nothing of what the head shows now. */
  hasRefused = false;
  // Two rectangles that change places: a frame allocates nothing.
  #damage = new Region();
  #taken = new Region();

  constructor(
    readonly output: Output,
    private readonly screen: Screen,
    private readonly onPresented: (showing: Showing, frame: number) => void,
    private readonly onRefused: (showing: Showing, reason: string) => void,
  ) {}

  get framebuffer(): Framebuffer | null {
    return this.screen.framebuffer;
  }
  get canvas(): PixelMemory | null {
    return this.screen.canvas;
  }
  get viewport(): Viewport {
    return this.screen.viewport;
  }
  get frame(): number {
    return this.screen.frame;
  }
  get cursor(): Cursor {
    return this.screen.cursor;
  }

  begin(): void {
    this.active = true;
    this.presentedFrame = this.excusedUntil = 0;
    this.hasRefused = false;
    this.#damage.addAll(EVERYTHING);
  }

  damage(left: number, top: number, right: number, bottom: number): void {
    this.#damage.add(left, top, right, bottom);
  }

  takeDamage(): Edges {
    const damage = this.#damage;
    this.#damage = this.#taken;
    this.#damage.clear();
    this.#taken = damage;
    return damage;
  }

  presented(frame: number): void {
    this.onPresented(this, frame);
  }

  refused(reason: string): void {
    this.onRefused(this, reason);
  }
}

/**
 * The outputs that show one head. The guest is told of a frame when all of them have it, for only then none scans out
 * the buffer before; but an output that takes its time, or is busy with a modeset, does not make the guest wait for
 * long.
 */
export class Showings {
  /** Of outputs that show the head or have, so that a panel that comes back finds the source it had. */
  readonly #all: Showing[] = [];
  #size = 0;
  /** The last frame that the guest was told of. */
  #told = 0;
  /** Some outputs have this frame, and the rest is waited for; 0: nothing is. */
  #awaited = 0;
  #patience: NodeJS.Timeout | undefined;

  constructor(
    private readonly screen: Screen,
    /** Every output has this frame, and all before it. */
    private readonly onShown: (frame: number) => void,
    /** No output can show what the head shows. */
    private readonly onRefused: (reason: string) => void,
  ) {}

  /** How many outputs show the head. */
  get size(): number {
    return this.#size;
  }

  has(output: Output): boolean {
    return this.#find(output)?.active === true;
  }

  /** The output, which has been removed, is no more. */
  forget(output: Output): void {
    const at = this.#all.findIndex((showing) => showing.output === output);
    if (at >= 0) this.#all.splice(at, 1);
  }

  /** The head as this output is to read it from now on. */
  add(output: Output): Source {
    let showing = this.#find(output);
    if (!showing) {
      showing = new Showing(output, this.screen, this.#presented, this.#refused);
      this.#all.push(showing);
    }
    if (!showing.active) {
      showing.begin();
      this.#size++;
    }
    return showing;
  }

  remove(output: Output): void {
    const showing = this.#find(output);
    if (!showing?.active) return;
    showing.active = false;
    this.#size--;
    this.#tell();
    // Those that are left ask once more, and it is for them alone to say that nothing can be shown.
    if (this.#all.every(({ active, hasRefused }) => !active || hasRefused)) this.changed();
  }

  /** The outputs have something new to read. */
  changed(): void {
    for (const { active, output } of this.#all) if (active) output.changed();
  }

  cursorChanged(): void {
    for (const { active, output } of this.#all) if (active) output.cursorChanged();
  }

  damage(left: number, top: number, right: number, bottom: number): void {
    for (const showing of this.#all) if (showing.active) showing.damage(left, top, right, bottom);
  }

  damageAll(): void {
    const { left, top, right, bottom } = EVERYTHING;
    this.damage(left, top, right, bottom);
  }

  close(): void {
    clearTimeout(this.#patience);
  }

  #find(output: Output): Showing | undefined {
    for (const showing of this.#all) if (showing.output === output) return showing;
    return undefined;
  }

  readonly #presented = (showing: Showing, frame: number): void => {
    showing.presentedFrame = frame;
    showing.hasRefused = false;
    if (showing.active) this.#tell();
    // It was on its way when the head was taken from the last output that showed it.
    else if (this.#size === 0) this.onShown(frame);
  };

  readonly #refused = (showing: Showing, reason: string): void => {
    showing.hasRefused = true;
    if (this.#all.some(({ active, hasRefused }) => active && !hasRefused)) this.#tell();
    else this.onRefused(reason);
  };

  /** Tells the guest what all outputs have, and sees to it that those which have more do not wait for ever. */
  #tell(): void {
    const now = this.#size > 1 ? monotonic() : 0;
    let newest = 0;
    let oldest = Infinity;
    for (const { active, presentedFrame, hasRefused, excusedUntil } of this.#all) {
      if (!active) continue;
      newest = Math.max(newest, presentedFrame);
      if (!hasRefused && now >= excusedUntil) oldest = Math.min(oldest, presentedFrame);
    }
    oldest = Math.min(oldest, newest);
    // One that has just joined, or is waited for again, is behind what the guest has been told.
    if (oldest > 0 && oldest >= this.#told) {
      this.#told = oldest;
      this.onShown(oldest);
    }
    if (oldest === newest) this.#awaited = 0;
    else if (oldest >= this.#awaited) {
      this.#awaited = newest;
      if (this.#patience) this.#patience.refresh();
      else
        this.#patience = setTimeout(() => {
          this.#excuse();
        }, PATIENCE_MS);
    }
  }

  /** The outputs that do not have the frame that was waited for are not waited for any more. */
  #excuse(): void {
    // Of a wait that is over: the timer is not stopped for every frame.
    if (this.#awaited === 0) return;
    for (const showing of this.#all)
      if (showing.active && showing.presentedFrame < this.#awaited)
        showing.excusedUntil = monotonic() + EXCUSED_MS;
    this.#awaited = 0;
    this.#tell();
  }
}
