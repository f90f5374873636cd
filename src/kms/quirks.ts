import type { BufferLayout } from '../buffers';
import { sameMemory } from './plane-bounds';

/**
 * Drivers that put the part of a buffer that is to be shown at its place in the buffer, not at the panel's corner: they
 * copy what has changed to video memory as if plane and buffer began together.
 * https://github.com/torvalds/linux/blob/v6.18/drivers/gpu/drm/tiny/bochs.c (bochs_primary_plane_helper_atomic_update)
 */
const CORNER_ONLY = new Set(['bochs-drm', 'cirrus-qemu']);

/**
 * Drivers that look for all planes of a buffer in the memory of the first, and count that one's offset twice: they show
 * something else, or read beyond the memory, of which the kernel dies.
 * https://github.com/torvalds/linux/blob/v6.18/drivers/gpu/drm/vkms/vkms_formats.c (packed_pixels_addr)
 */
const ONE_MEMORY_FROM_ITS_START = new Set(['vkms']);

/** Whether a driver finds all planes of a buffer. */
export function findsPlanes(driver: string, { planes }: BufferLayout): boolean {
  if (!ONE_MEMORY_FROM_ITS_START.has(driver)) return true;
  const [first] = planes;
  return first!.offset === 0 && planes.every((plane) => sameMemory(plane, first!));
}

/** Whether a driver shows any part of a buffer, as it should. */
export function pans(driver: string): boolean {
  return !CORNER_ONLY.has(driver);
}
