import * as path from 'node:path';
import { repository } from './child';
import { NestedQemu, type NestedQemuSetup } from './nested-qemu';

/** The kernel of the guest that test/guests/bare is; its words are there. */
export const BARE = path.join(repository, 'build/guests/bare.elf');

/** A QEMU with the bare guest in it: QEMU 11 with `VGA`, unless told otherwise. */
export function startBare(
  name: string,
  append: string,
  options: Partial<NestedQemuSetup> = {},
): Promise<NestedQemu> {
  return NestedQemu.start({ name, version: 11, kernel: BARE, append: `name=${name} ${append}`, ...options });
}

/** What the bare guest's PS/2 keyboard has sent: makes, breaks and e0, in hexadecimal. */
export function scancodes(guest: { console(): readonly string[] }): string[] {
  return guest.console().flatMap((line) => (line.startsWith('key ') ? [line.slice(4)] : []));
}
