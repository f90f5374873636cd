import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import type { NativeUinput } from '../native';
import { PHYS_PREFIX } from './virtual-shapes';

/** The largest report any of our devices makes. */
const MOST_EVENTS = 16;

/** One virtual device: collects the events of a report, then sends them as one. No call allocates or waits. */
export class VirtualDevice {
  readonly #events = new Int32Array(3 * MOST_EVENTS);
  #count = 0;

  constructor(readonly native: NativeUinput) {}

  /** One more event of the report in work. */
  add(type: number, code: number, value: number): this {
    const at = 3 * this.#count++;
    this.#events[at] = type;
    this.#events[at + 1] = code;
    this.#events[at + 2] = value;
    return this;
  }

  send(): void {
    // It fails only when memory is short, or with a code the device lacks, which is no key of the guest's then.
    this.native.write(this.#events, this.#count);
    this.#count = 0;
  }
}

/** Whether a /dev/input/eventN is a virtual device of a guest's, ours or another kms-switcher's: not one to read. */
export function isVirtualDevice(devnode: string, sysfs = '/sys/class/input'): boolean {
  try {
    const file = path.join(sysfs, path.basename(devnode), 'device/phys');
    return readFileSync(file, 'latin1').startsWith(PHYS_PREFIX);
  } catch {
    return false;
  }
}
