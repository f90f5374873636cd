import { native, type NativeUinput } from '../../../src/native';
import type { Daemon } from './daemon';
import { eventually } from './eventually';

const [EV_KEY, EV_REL, EV_ABS] = [1, 2, 3];
const [X, Y] = [0, 1];
const [MT_SLOT, MT_X, MT_Y, MT_TRACKING_ID] = [0x2f, 0x35, 0x36, 0x39];
const BTN_TOUCH = 0x14a;
/** <linux/input-event-codes.h> */
const WHEELS = { vertical: 8, horizontal: 6 } as const;
const BUTTONS = { left: 0x110, right: 0x111, middle: 0x112, side: 0x113, extra: 0x114 } as const;

export type Button = keyof typeof BUTTONS;

/** What mouse and tablet have alike. */
class Pointer {
  protected constructor(protected readonly device: NativeUinput) {}

  press(button: Button): void {
    this.device.emit(EV_KEY, BUTTONS[button], 1);
  }

  release(button: Button): void {
    this.device.emit(EV_KEY, BUTTONS[button], 0);
  }

  click(button: Button = 'left'): void {
    this.press(button);
    this.release(button);
  }

  unplug(): void {
    this.device.close();
  }
}

/** A mouse plugged in through uinput. libinput accelerates it: only slow motion arrives as it was. */
export class Mouse extends Pointer {
  static async plug(daemon: Pick<Daemon, 'said'>, name = 'lab mouse'): Promise<Mouse> {
    return new Mouse(await plugIn(daemon, name, 'mouse'));
  }

  /** Two events, one per axis. */
  move(dx: number, dy: number): void {
    if (dx !== 0) this.device.emit(EV_REL, X, dx);
    if (dy !== 0) this.device.emit(EV_REL, Y, dy);
  }

  /** Notches; positive is away from the user, or to the right, as the kernel has it. */
  wheel(notches: number, which: keyof typeof WHEELS = 'vertical'): void {
    this.device.emit(EV_REL, WHEELS[which], notches);
  }
}

/** A pointer that says where it is, as virtual machines have. */
export class Tablet extends Pointer {
  /** The largest value of each axis. */
  static readonly MOST = 0xffff;

  static async plug(daemon: Pick<Daemon, 'said'>, name = 'lab tablet'): Promise<Tablet> {
    return new Tablet(await plugIn(daemon, name, 'tablet'));
  }

  /** From 0 to 1, of its width and height. Two events; the kernel drops one that changes nothing. */
  place(x: number, y: number): void {
    this.device.emit(EV_ABS, X, Math.round(x * Tablet.MOST));
    this.device.emit(EV_ABS, Y, Math.round(y * Tablet.MOST));
  }
}

/** A screen that feels several fingers, by the kernel's protocol of slots. */
export class Touchscreen {
  static readonly MOST = 0xffff;
  /** Which fingers are on it. */
  readonly #down = new Set<number>();
  #last = 0;

  private constructor(private readonly device: NativeUinput) {}

  static async plug(daemon: Pick<Daemon, 'said'>, name = 'lab touchscreen'): Promise<Touchscreen> {
    return new Touchscreen(await plugIn(daemon, name, 'touchscreen'));
  }

  /** Puts a finger (0 to 9) on a place, from 0 to 1 of width and height, or moves it there. */
  touch(finger: number, x: number, y: number): void {
    const events = [EV_ABS, MT_SLOT, finger];
    if (!this.#down.has(finger)) events.push(EV_ABS, MT_TRACKING_ID, ++this.#last);
    const [toX, toY] = [x, y].map((part) => Math.round(part * Touchscreen.MOST));
    events.push(EV_ABS, MT_X, toX!, EV_ABS, MT_Y, toY!);
    if (this.#down.size === 0) events.push(EV_KEY, BTN_TOUCH, 1);
    this.#down.add(finger);
    this.#write(events);
  }

  lift(finger: number): void {
    this.#down.delete(finger);
    const events = [EV_ABS, MT_SLOT, finger, EV_ABS, MT_TRACKING_ID, -1];
    if (this.#down.size === 0) events.push(EV_KEY, BTN_TOUCH, 0);
    this.#write(events);
  }

  unplug(): void {
    this.device.close();
  }

  #write(events: readonly number[]): void {
    this.device.write(new Int32Array(events), events.length / 3);
  }
}

/** Plugs one in and waits until the daemon has taken it. */
async function plugIn(
  daemon: Pick<Daemon, 'said'>,
  name: string,
  kind: 'mouse' | 'tablet' | 'touchscreen',
): Promise<NativeUinput> {
  const device = native.createUinput(name, kind);
  await eventually(() => {
    if (device.devnode === '') throw new Error(`udev has made no device of ${name}`);
  });
  await daemon.said(new RegExp(`(pointer|touchscreen) \\d+: ${name}`));
  return device;
}
