import type { Viewport } from '../buffers';
import { native, type NativeWait } from '../native';
import type { Commit } from './commit';
import type { Framebuffer } from './framebuffers';
import type { Source } from './source';

/** A guest is not kept waiting longer for what its GPU does not finish; QEMU gives up on an answer after a second. */
const DEADLINE_MS = 500;

/** A frame of a source: the source itself, or one that has been waited for. */
export interface Frame {
  readonly framebuffer: Framebuffer | null;
  readonly viewport: Viewport;
  readonly frame: number;
}

/**
 * Holds frames back until the guest's GPU has drawn them. A commit of an unfinished buffer would wait in the kernel,
 * where nothing can take it back: a GPU that hangs would keep its monitor, and every switch away from it, waiting.
 *
 * The frame waited for is kept although newer ones come, or a GPU that is always busy with the next would never be
 * seen; a newer one that is finished goes first. After the deadline the guest is answered, and the newest takes over.
 */
export class Readiness {
  readonly #waited = {
    framebuffer: null as Framebuffer | null,
    viewport: { x: 0, y: 0, width: 0, height: 0 },
    frame: 0,
  };
  #source: Source | null = null;
  #wait: NativeWait | undefined;
  #overdue = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(
    private readonly commit: Pick<Commit, 'implicit'>,
    /** A frame can be taken, or the deadline has passed. */
    private readonly onChange: () => void,
  ) {}

  /** Whether what is waited for should have been there long ago. */
  get overdue(): boolean {
    return this.#overdue;
  }

  /** The newest frame of the source that can be committed; undefined: none yet, `onChange` tells. */
  take(source: Source, framebuffer: Framebuffer): Frame | undefined {
    if (this.#source !== source) this.cancel();
    if (isDrawn(framebuffer)) return source;
    const waited = this.#waited;
    if (waited.framebuffer) {
      if (!this.#wait) {
        if (!this.commit.implicit || isDrawn(waited.framebuffer)) return waited;
      } else if (!this.#overdue || waited.frame === source.frame) return undefined;
    }
    this.#begin(source, framebuffer);
    return undefined;
  }

  /** What was waited for has been taken, or is not wanted any more. */
  cancel(): void {
    this.#wait?.close();
    this.#wait = undefined;
    this.#waited.framebuffer?.release();
    this.#waited.framebuffer = null;
    this.#source = null;
    this.#overdue = false;
  }

  close(): void {
    this.cancel();
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  #begin(source: Source, framebuffer: Framebuffer): void {
    const waited = this.#waited;
    // Drawn, and drawn into again before it could be shown: its time goes on.
    const again = waited.framebuffer !== null && this.#wait === undefined;
    const answered = this.#overdue && waited.frame === source.frame;
    framebuffer.retain();
    this.cancel();
    this.#source = source;
    waited.framebuffer = framebuffer;
    Object.assign(waited.viewport, source.viewport);
    waited.frame = source.frame;
    this.#wait = native.awaitFences(fdsOf(framebuffer), () => {
      this.#wait = undefined;
      this.onChange();
    });
    this.#overdue = answered;
    if (again) return;
    if (this.#deadline) this.#deadline.refresh();
    else
      this.#deadline = setTimeout(() => {
        this.#late();
      }, DEADLINE_MS);
  }

  #late(): void {
    const source = this.#source;
    // Of a wait that is over: timers are not stopped for every frame.
    if (!source || this.#overdue) return;
    this.#overdue = true;
    this.onChange();
    source.presented(this.#waited.frame);
  }
}

function isDrawn({ layout }: Framebuffer): boolean {
  for (const { fd } of layout.planes) if (fd >= 0 && !native.fencesSignalled(fd)) return false;
  return true;
}

function fdsOf({ layout }: Framebuffer): number[] {
  return layout.planes.map(({ fd }) => fd).filter((fd) => fd >= 0);
}
