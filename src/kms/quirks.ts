/**
 * Drivers that put the part of a buffer that is to be shown at its place in the buffer, not at the panel's corner: they
 * copy what has changed to video memory as if plane and buffer began together.
 * https://github.com/torvalds/linux/blob/v6.18/drivers/gpu/drm/tiny/bochs.c (bochs_primary_plane_helper_atomic_update)
 */
const CORNER_ONLY = new Set(['bochs-drm', 'cirrus-qemu']);

/** Whether a driver shows any part of a buffer, as it should. */
export function pans(driver: string): boolean {
  return !CORNER_ONLY.has(driver);
}
