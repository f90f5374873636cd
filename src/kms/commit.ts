import type { ModeInfo } from '../native';
import type { CursorChange } from './cursor-plane';
import type { Edges } from './fit';
import type { Scanout } from './scanout';
import type { Signal } from './signal';

/** A CRTC, and what it is or will be lit with. */
export interface Target {
  readonly crtc: number;
  readonly connector: number;
  readonly mode: ModeInfo;
  /** What else is set along with the mode. */
  readonly signal?: Pick<Signal, 'changes' | 'refused'> | undefined;
}

/** A target and what it shows from then on. */
export interface Light {
  readonly target: Target;
  readonly scanout: Scanout;
}

/** One way of telling a card what to show, chosen once per card. */
export interface Commit {
  readonly name: string;
  /** Whether a slow commit to one CRTC holds the locks that flips of the others need. */
  readonly exclusive: boolean;
  /** Whether the kernel waits for the fences that a buffer has at the moment of the commit. */
  readonly implicit: boolean;
  /** Whether flips carry the pointer. Else it is moved between them: a call during one would wait for the vblank. */
  carriesCursor(crtc: number): boolean;
  /**
   * Lights a CRTC with a mode, or points it elsewhere; may take seconds. Leaves nothing on the cursor plane. Whether it
   * was seamless: no modeset.
   */
  set(target: Target, scanout: Scanout): Promise<boolean>;
  /** The same of several CRTCs at once: all, or none and nothing is changed. Absent: one can only follow the other. */
  setAll?(lights: readonly Light[]): Promise<boolean>;
  off(crtc: number): Promise<void>;
  /**
   * Shows `next` instead of `now` from the next vblank on, without a modeset; a flip event with `cookie` says when.
   * `damage` is what is new in the framebuffer since then, where it is known and {@link takesDamage}; `cursor` goes
   * along where flips carry it. 0, or `-errno`: EBUSY a commit is in flight, EINVAL this change needs {@link set} or
   * the cursor plane does not take it, EACCES not master.
   */
  flip(
    crtc: number,
    now: Scanout,
    next: Scanout,
    cookie: number,
    damage?: Edges,
    cursor?: CursorChange,
  ): number;
  /** Changes the pointer alone: like a flip, with its event, where flips carry it; else at once. 0, or `-errno`. */
  point(crtc: number, cursor: CursorChange, cookie: number): number;
  /** Whether a CRTC has a use for the damage of its frames: it costs something to tell. */
  takesDamage(crtc: number): boolean;
  /** Whether {@link set} would be seamless. Asked without changing anything. */
  isSeamless(target: Target, scanout: Scanout): boolean;
  /** Whether the hardware takes a scanout. Asked without changing anything. */
  accepts(target: Target, lit: boolean, scanout: Scanout): boolean;
  /**
   * Rejects where a CRTC cannot be lit, whatever guests do: asked with a buffer of ours that fills the mode. Asking may
   * do it.
   */
  lights(target: Target, scanout: Scanout): Promise<void>;
  /** Leaves nothing behind that who comes next would not expect. */
  release(crtc: number): Promise<void>;
  close(): void;
}
