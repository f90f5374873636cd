import type { BufferLayout } from '../buffers';
import { EVERYTHING, Region, type Placement } from './fit';
import type { Flight } from './flight';
import type { Frame } from './readiness';
import type { Source } from './source';

/** What the next commit has to tell of a buffer, in its pixels; kept until a commit has taken it. */
export class BufferDamage extends Region {
  /** Adds what is new in a frame that lies in the buffer on the panel; of one in another buffer, all is. */
  collect(
    source: Source,
    frame: Frame,
    layout: BufferLayout,
    framebuffer: number,
    placement: Placement,
    shown: Flight,
  ): void {
    const { viewport } = frame;
    // What the source tells is of its newest frame.
    const { left, top, right, bottom } = frame.frame === source.frame ? source.takeDamage() : EVERYTHING;
    const inPlace = shown.scanout.framebuffer === framebuffer && shown.placement === placement;
    if (shown.source !== source || !inPlace || right === EVERYTHING.right) {
      this.addAll(EVERYTHING);
      return;
    }
    const height = bottom - top;
    const y = layout.bottomUp ? layout.height - viewport.y - bottom : viewport.y + top;
    this.add(viewport.x + left, y, viewport.x + right, y + height);
  }
}
