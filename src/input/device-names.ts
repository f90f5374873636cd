import type { NativeInputDevice } from '../native';
import { wildcard } from '../wildcard';

/** What devices of a seat of udev's are named by: `udev:seat1`. */
export const UDEV_SEAT = 'udev:';
/** The seat of udev's that a device is of when nobody says so. */
export const defaultUdevSeat = 'seat0';

/** How much each way of naming a device says, before how many characters of it do. */
const [BY_PATH, BY_NAME, BY_SEAT] = [3_000_000, 2_000_000, 1_000_000];

/**
 * How much a config says of a device by a path (/dev/input/…), the device's own name, both with `*` for any text, or
 * `udev:` and a seat; 0: it does not mean this one.
 */
export function saysOf(named: string, { name, sysname, seat, links }: NativeInputDevice): number {
  if (named.startsWith(UDEV_SEAT)) return named.slice(UDEV_SEAT.length) === seat ? BY_SEAT : 0;
  const pattern = wildcard(named);
  const letters = named.replace(/[\s*]/g, '').length;
  const meant = named.startsWith('/')
    ? pattern.test(`/dev/input/${sysname}`) || links.some((link) => pattern.test(link))
    : pattern.test(name.trim().replace(/\s+/g, ' '));
  if (!meant) return 0;
  if (named.startsWith('/')) return BY_PATH + letters;
  return letters > 0 ? BY_NAME + letters : 1;
}

/** Whose a device is: of all who name it, the one who says most; of equals, the first. */
export function ownerOf<T extends { readonly devices: readonly string[] }>(
  owners: readonly T[],
  device: NativeInputDevice,
): T | undefined {
  let owner: T | undefined;
  let most = 0;
  for (const candidate of owners) {
    const says = Math.max(0, ...candidate.devices.map((named) => saysOf(named, device)));
    if (says > most) [owner, most] = [candidate, says];
  }
  return owner;
}
