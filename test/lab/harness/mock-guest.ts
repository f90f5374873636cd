import { MockQemu, type MockOptions } from '../../mock-qemu/mock-qemu';
import type { MockConsole } from '../../mock-qemu/mock-console';
import { atTestEnd } from './cleanup';
import { eventually } from './eventually';
import type { Image } from './image';
import { XR24, type PixelBuffer, type Rectangle } from './wire-guest';

/** DRM_FORMAT_MOD_INVALID: what QEMU says of a buffer whose modifier it does not know. */
export const IMPLICIT = 0x00ff_ffff_ffff_ffffn;
/** pixman's x8r8g8b8. */
export const X8R8G8B8 = 0x20020888;

/** What ScanoutDMABUF2 says of a buffer, where it is not what the buffer is. */
export interface Said {
  readonly fds: readonly number[];
  readonly screen: Rectangle;
  readonly offsets: readonly number[];
  readonly strides: readonly number[];
  readonly planes: number;
  readonly format: number;
  readonly size: readonly [width: number, height: number];
  readonly modifier: bigint;
  readonly bottomUp: boolean;
}

/** A stand-in for QEMU in this very process: for what a real one would never do, or not when it is wanted. */
export class MockGuest {
  readonly qemu: MockQemu;

  /** `qmp`: where the daemon looks for it. */
  constructor(qmp: string, options: Partial<MockOptions> = {}) {
    this.qemu = new MockQemu({ qmp, ...options });
    atTestEnd(() => {
      this.close();
    });
  }

  get console(): MockConsole {
    return this.qemu.console;
  }

  /** The daemon has registered its listener, and is listening. */
  ready(): Promise<void> {
    return eventually(() => {
      if (!this.console.ready) throw new Error('the daemon has registered no listener');
    });
  }

  /** A dma-buf, by ScanoutDMABUF2. */
  scanout(buffer: PixelBuffer, said: Partial<Said> = {}): void {
    const { width, height, stride, fd } = buffer;
    const { fds = [fd], screen = { x: 0, y: 0, width, height }, offsets = [0], strides = [stride] } = said;
    const { planes = offsets.length, format = XR24, size = [width, height], modifier = 0n } = said;
    const part = [screen.x, screen.y, screen.width, screen.height];
    const values = [
      fds,
      ...part,
      offsets,
      strides,
      planes,
      format,
      ...size,
      modifier,
      said.bottomUp ?? false,
    ];
    this.console.send('ScanoutDMABUF2', 'ahuuuuauauuuuutb', values);
  }

  /** Says that a part has changed; resolves with the milliseconds until the answer. */
  update(x = 0, y = 0, width = 64, height = 64): Promise<number> {
    return this.console.updateDmabuf(x, y, width, height);
  }

  disable(): void {
    this.console.send('Disable', '', []);
  }

  /** Shared memory; the fd stays the caller's. Resolves with the milliseconds until the answer, rejects as it does. */
  map(fd: number, width: number, height: number, { offset = 0, stride = width * 4 } = {}): Promise<number> {
    return this.console.call('ScanoutMap', 'huuuuu', [fd, offset, width, height, stride, X8R8G8B8]);
  }

  updateMap(x: number, y: number, width: number, height: number): void {
    this.console.send('UpdateMap', 'iiii', [x, y, width, height]);
  }

  /** A whole picture in bytes. */
  bytes({ width, height, bytes }: Image): void {
    this.console.scanout(width, height, width * 4, X8R8G8B8, bytes);
  }

  /** A part of a picture in bytes. */
  part(x: number, y: number, { width, height, bytes }: Image): void {
    this.console.send('Update', 'iiiiuuay', [x, y, width, height, width * 4, X8R8G8B8, bytes]);
  }

  close(): void {
    this.qemu.close();
  }
}
