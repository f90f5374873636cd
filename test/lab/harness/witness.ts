import * as fs from 'node:fs/promises';
import { eventually, PATIENCE_SECONDS } from './eventually';
import type { Image } from './image';
import { crtcOf } from './kernel';
import { Panels } from './panels';

/**
 * What vkms itself says a panel shows: a checksum of every frame it composes, cursor and all, from debugfs. Nothing of
 * the code under test is involved. Composing is slow under emulation (several vblanks a frame), so it is on only while
 * somebody looks.
 */
export async function look<T>(
  connector: string,
  judge: (next: () => Promise<number>) => Promise<T>,
  panels: Panels = Panels.lab,
): Promise<T> {
  const crtc = crtcOf(connector, panels);
  if (!crtc) throw new Error(`${connector} is dark`);
  const folder = `/sys/kernel/debug/dri/${panels.minor}/crtc-${crtc.index}/crc`;
  await fs.writeFile(`${folder}/control`, 'auto');
  const file = await fs.open(`${folder}/data`);
  const buffer = Buffer.alloc(4096);
  try {
    return await judge(async () => {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      const crc = /^0x[0-9a-f]+ (0x[0-9a-f]+)/.exec(buffer.toString('latin1', 0, bytesRead))?.[1];
      if (crc === undefined)
        throw new Error(`${folder}/data ended: ${buffer.toString('latin1', 0, bytesRead)}`);
      return Number(crc);
    });
  } finally {
    await file.close();
  }
}

/** The checksums of `count` frames in a row. */
export function frames(connector: string, count: number, panels?: Panels): Promise<number[]> {
  return look(
    connector,
    async (next) => {
      const found: number[] = [];
      // The first was on its way when we came.
      await next();
      while (found.length < count) found.push(await next());
      return found;
    },
    panels,
  );
}

/** Waits until a panel shows one of the pictures; fails with what it showed instead. */
export async function shows(
  connector: string,
  pictures: number | ReadonlySet<number>,
  { seconds = PATIENCE_SECONDS, panels = Panels.lab }: { seconds?: number; panels?: Panels } = {},
): Promise<void> {
  const wanted = typeof pictures === 'number' ? new Set([pictures]) : pictures;
  const deadline = Date.now() + seconds * 1000;
  const seen = new Set<number>();
  for (;;) {
    try {
      const found = await look(
        connector,
        async (next) => {
          while (Date.now() < deadline) {
            const crc = await next();
            if (wanted.has(crc)) return true;
            seen.add(crc);
          }
          return false;
        },
        panels,
      );
      if (found) return;
    } catch (error) {
      // Dark for a moment, or lost its CRTC while we looked.
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    throw new Error(`${connector} shows ${list(seen)} instead of ${list(wanted)}`);
  }
}

/** Waits until a panel shows what QEMU itself says a guest shows; returns that picture. */
export function mirrors(output: string, guest: { screendump(): Promise<Image> }): Promise<Image> {
  return eventually(async () => {
    const image = await guest.screendump();
    await shows(output, image.crc, { seconds: 5 });
    return image;
  });
}

/** Looks at `count` frames: each has to be one of the pictures. */
export async function showsOnly(
  connector: string,
  pictures: number | ReadonlySet<number>,
  count = 6,
  panels?: Panels,
): Promise<void> {
  const wanted = typeof pictures === 'number' ? new Set([pictures]) : pictures;
  const found = await frames(connector, count, panels);
  const strange = new Set(found.filter((crc) => !wanted.has(crc)));
  if (strange.size > 0) throw new Error(`${connector} also shows ${list(strange)}, not only ${list(wanted)}`);
}

/** Looks until three of the pictures were there, and nothing else: a guest that moves, exactly. */
export async function moves(
  connector: string,
  pictures: ReadonlySet<number>,
  panels?: Panels,
): Promise<void> {
  await look(
    connector,
    async (next) => {
      const seen = new Set<number>();
      await next(); // On its way when we came.
      const deadline = Date.now() + PATIENCE_SECONDS * 1000;
      while (seen.size < 3) {
        const crc = await next();
        if (!pictures.has(crc))
          throw new Error(`${connector} shows ${list([crc])}, none of ${list(pictures)}`);
        seen.add(crc);
        if (Date.now() > deadline) throw new Error(`${connector} stands still at ${list(seen)}`);
      }
    },
    panels,
  );
}

function list(crcs: Iterable<number>): string {
  return [...crcs].map((crc) => `0x${crc.toString(16).padStart(8, '0')}`).join(' ') || 'nothing';
}
