import * as fs from 'node:fs';
import type { OutputStatus } from '../../src/control/protocol';
import { Image, look } from '../lab/harness';

/** What a panel is to show. */
export type Sight =
  | { readonly kind: 'guest' | 'waiting' | 'gone'; readonly guest: string }
  | { readonly kind: 'nothing' | 'unplugged' | 'console' };

export function wordsFor(sight: Sight): string {
  if (sight.kind === 'guest') return sight.guest;
  if (sight.kind === 'waiting') return `waiting for ${sight.guest}`;
  if (sight.kind === 'gone') return `${sight.guest} is gone`;
  return sight.kind === 'nothing' ? 'no guest here' : sight.kind;
}

/** Why the daemon does not yet say that an output shows this; undefined: it does. */
export function difference(output: OutputStatus | undefined, sight: Sight): string | undefined {
  const is = output ? stateOf(output) : 'no such output';
  const wanted = wordsFor(sight);
  return is === wanted ? undefined : `the daemon's status says "${is}" instead of "${wanted}"`;
}

function stateOf({ connected, lit, guest, link, path, frame }: OutputStatus): string {
  if (!connected) return lit ? 'unplugged, but lit' : 'unplugged';
  if (guest === null) return path === 'picture' ? 'no guest here' : 'dark';
  if (link === 'connected') return frame && path !== 'picture' ? guest : `${guest} without a picture`;
  if (path !== 'picture') return `the last frame of ${guest}`;
  return link === 'gone' ? `${guest} is gone` : `waiting for ${guest}`;
}

/** A moving picture has this long to move; on a machine with much else to do, guests come to nothing for a while. */
const MOVES_WITHIN_MS = 20_000;

/**
 * Asks the witness: everything it sees on the panel has to be one of the guest's pictures, and they have to move.
 * Throws with what else there was.
 */
export function watchGuest(connector: string, pictures: ReadonlySet<number>): Promise<void> {
  const deadline = performance.now() + MOVES_WITHIN_MS;
  return look(connector, async (next) => {
    const seen = new Set<number>();
    // The first was on its way when we came.
    await next();
    for (let frames = 0; frames < 3 || seen.size < 2; frames++) {
      const crc = await next();
      if (!pictures.has(crc)) throw new Error(`vkms saw ${hex(crc)}, none of the guest's pictures`);
      seen.add(crc);
      if (performance.now() > deadline)
        throw new Error(`the picture stands still at ${[...seen].map(hex).join()}`);
    }
  });
}

/** Fails unless the witness sees exactly this, twice in a row. */
export function watchStill(connector: string, picture: number): Promise<void> {
  return look(connector, async (next) => {
    await next();
    for (let frames = 0; frames < 2; frames++) {
      const crc = await next();
      if (crc !== picture) throw new Error(`vkms saw ${hex(crc)} instead of ${hex(picture)}`);
    }
  });
}

/** The text console, as the kernel keeps it: what every panel shows when nobody else has them. */
export function consolePicture(): Image {
  const modes = fs.readFileSync('/sys/class/graphics/fb0/modes', 'utf8');
  const [width, height] = modes.split(/\D+/).filter(Boolean).map(Number);
  const image = new Image(width!, height!);
  image.bytes.set(fs.readFileSync('/dev/fb0').subarray(0, image.bytes.length));
  return image;
}

function hex(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`;
}
