import type { NativeCard } from '../native';
import type { CursorChange } from './cursor-plane';

/**
 * Changes the pointer by the legacy cursor ioctls, at once; 0 or `-errno`, ENXIO where there is none. For cards that
 * have nothing else, and for cursor planes that the kernel hides from atomic commits.
 */
export function callCursor(card: NativeCard, crtc: number, { now, next }: CursorChange): number {
  if (!next.image) return card.setCursor(crtc, null, 0, 0);
  // Moved before it is set, so that a new pointer does not flash where the last one was.
  if (!now.image || now.x !== next.x || now.y !== next.y) card.moveCursor(crtc, next.x, next.y);
  return now.image === next.image ? 0 : card.setCursor(crtc, next.image, next.hotX, next.hotY);
}
