import * as fs from 'node:fs';
import type { Session } from './session';

/** No seat manager: device files are opened as they are, with the rights this process has. */
export class DirectSession implements Session {
  readonly name = 'no seat manager';
  readonly active = true;

  openDevice(path: string, flags: number): number {
    try {
      return fs.openSync(path, flags);
    } catch (error) {
      return (error as NodeJS.ErrnoException).errno ?? -1;
    }
  }

  closeDevice(fd: number): void {
    fs.closeSync(fd);
  }

  switchTo(): string {
    return 'there is no seat manager: run seatd, or start kms-switcher from a login on a virtual terminal';
  }

  onActive(): void {
    // It always is.
  }

  close(): void {
    // Nothing but files, which their users close.
  }
}
