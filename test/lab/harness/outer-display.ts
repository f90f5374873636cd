import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { pause } from './eventually';
import type { Image } from './image';
import { decodePpm } from './ppm';

const run = promisify(execFile);

/** Nothing here takes long, and a failure waits for all of it. */
const PATIENCE_MS = 30_000;

/** A display device of the lab's own machine (`run --device`), photographed by the QEMU that emulates it. */
export class OuterDisplay {
  #dumps = 0;

  private constructor(
    /** QEMU's name for it. */
    readonly id: string,
    readonly device: string,
    /** Names of the connectors, in order. */
    readonly connectors: readonly string[],
  ) {}

  /** The card that a kernel driver drives. */
  static of(id: string, driver: string): OuterDisplay {
    const cards = fs.readdirSync('/sys/class/drm').filter((name) => /^card\d+$/.test(name));
    const card = cards.find((name) => driverOf(`/sys/class/drm/${name}`) === driver);
    if (card === undefined) throw new Error(`this machine has no card of ${driver}: ${cards.join(' ')}`);
    const connectors = fs
      .readdirSync(`/sys/class/drm/${card}`)
      .filter((name) => name.startsWith(`${card}-`))
      .map((name) => name.slice(card.length + 1))
      .sort((a, b) => Number(a.split('-').at(-1)) - Number(b.split('-').at(-1)));
    return new OuterDisplay(id, `/dev/dri/${card}`, connectors);
  }

  /** What is on a monitor, without the pointer, which QEMU leaves to whoever shows the screen. */
  async photograph(head = 0): Promise<Image> {
    const { image, file } = await this.#photograph(head);
    fs.rmSync(file, { force: true });
    return image;
  }

  async #photograph(head: number): Promise<{ image: Image; file: string }> {
    const name = `${this.id}-${head}-${process.pid}-${this.#dumps++}.ppm`;
    const file = path.join(process.env.LAB_OUT ?? '/out', name);
    await run('screendump', [this.id, `${head}`, name]);
    return { image: decodePpm(fs.readFileSync(file)), file };
  }

  /** Waits until a monitor shows one of the pictures; fails with the file that holds what it showed instead. */
  async shows(pictures: number | ReadonlySet<number>, head = 0): Promise<void> {
    const wanted = typeof pictures === 'number' ? new Set([pictures]) : pictures;
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const { image, file } = await this.#photograph(head);
      if (!wanted.has(image.crc) && Date.now() > deadline)
        throw new Error(`${this.id} shows another picture than it should: ${path.basename(file)}`);
      fs.rmSync(file, { force: true });
      if (wanted.has(image.crc)) return;
      await pause(50);
    }
  }
}

/** A virtio device's driver is its parent's: the card of virtio_gpu hangs on the PCI device of virtio-pci. */
function driverOf(card: string): string {
  const uevent = (file: string): string => {
    try {
      return /^DRIVER=(.*)$/m.exec(fs.readFileSync(file, 'utf8'))?.[1] ?? '';
    } catch {
      return '';
    }
  };
  const name = uevent(`${card}/device/uevent`);
  if (name !== 'virtio-pci') return name;
  const child = fs.readdirSync(`${card}/device`).find((entry) => entry.startsWith('virtio'));
  return child === undefined ? name : uevent(`${card}/device/${child}/uevent`);
}
