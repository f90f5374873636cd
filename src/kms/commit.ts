import type { ModeInfo } from '../native';
import type { Edges } from './fit';
import type { Scanout } from './scanout';

/** A CRTC, and what it is or will be lit with. */
export interface Target {
  readonly crtc: number;
  readonly connector: number;
  readonly mode: ModeInfo;
}

/** One way of telling a card what to show, chosen once per card. */
export interface Commit {
  readonly name: string;
  /** Whether a slow commit to one CRTC holds the locks that flips of the others need. */
  readonly exclusive: boolean;
  /** Whether the kernel waits for the fences that a buffer has at the moment of the commit. */
  readonly implicit: boolean;
  /** Lights a CRTC with a mode, or points it elsewhere; may take seconds. */
  set(target: Target, scanout: Scanout): Promise<void>;
  off(crtc: number): Promise<void>;
  /**
   * Shows `next` instead of `now` from the next vblank on, without a modeset; a flip event with `cookie` says when.
   * `damage` is what is new in the framebuffer since then, where it is known and {@link takesDamage}. 0, or `-errno`:
   * EBUSY a commit is in flight, EINVAL this change needs {@link set}, EACCES not master.
   */
  flip(crtc: number, now: Scanout, next: Scanout, cookie: number, damage?: Edges): number;
  /** Whether a CRTC has a use for the damage of its frames: it costs something to tell. */
  takesDamage(crtc: number): boolean;
  /** Whether the hardware takes a scanout that does not simply fill the panel. Asked without changing anything. */
  accepts(target: Target, lit: boolean, scanout: Scanout): boolean;
  /** Leaves nothing behind that who comes next would not expect. */
  release(crtc: number): Promise<void>;
  close(): void;
}
