import { messageOf } from '../error';
import type { Log } from '../log';
import type { Commit, Light } from './commit';
import { isPassing, Withdrawn } from './set-failure';

/** Those that are not ready when the last bracket closes are waited for so long; later they are set alone. */
const PATIENCE_MS = 50;

/** A CRTC that is to be set. */
export interface Wish extends Light {
  /** Its place among those that cannot all be lit. */
  readonly rank: number;
  /** Whether it is still to be lit that way. */
  isWanted(): boolean;
}

interface Joined {
  readonly wish: Wish;
  readonly resolve: (seamless: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** What of a card a gathering needs. */
export interface Gathered {
  readonly commit: Pick<Commit, 'set' | 'setAll'>;
  /** Whether nobody sees what it shows, or it is not ours. */
  readonly hidden: boolean;
  readonly exists: boolean;
  /** Whether an output that has not joined is to be set, and nothing is known that keeps it. */
  isAwaited(): boolean;
  exclusive<T>(work: () => Promise<T>): Promise<T>;
  /** Nothing is waited for any more. */
  settle(): void;
}

/**
 * Brings the CRTCs of a card that are to be set at the same time into one commit. While a bracket is open, whoever
 * wants its CRTC set joins:
 *
 *     gather( … set A … set B … )   set C          set D
 *                               └──── 50 ms ────┘     alone
 *                                one commit: A, B, C
 *
 * If that is refused nothing has changed, and each is set alone, so that as many as possible are lit. Flips are not
 * gathered: each CRTC has its own vblank, and none should wait for another's.
 */
export class Gathering {
  /** Brackets that are open. */
  #open = 0;
  #patience: NodeJS.Timeout | undefined;
  #joined: Joined[] = [];

  constructor(
    private readonly card: Gathered,
    private readonly log: Pick<Log, 'info'>,
  ) {}

}
