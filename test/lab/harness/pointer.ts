import { native, type NativeUinput } from '../../../src/native';
import type { Daemon } from './daemon';
import { eventually } from './eventually';

const [EV_KEY, EV_REL, EV_ABS] = [1, 2, 3];
const [X, Y] = [0, 1];
const [MT_SLOT, MT_X, MT_Y, MT_TRACKING_ID] = [0x2f, 0x35, 0x36, 0x39];
const [BTN_TOUCH, BTN_TOOL_FINGER, BTN_TOOL_DOUBLETAP] = [0x14a, 0x145, 0x14d];
/** Of tablets and fingers, the largest value of each axis. */
const MOST_PLACE = 0xffff;
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
  static async plug(daemon: Pick<Daemon, 'said'>, name = 'lab tablet'): Promise<Tablet> {
    return new Tablet(await plugIn(daemon, name, 'tablet'));
  }

  /** From 0 to 1, of its width and height. Two events; the kernel drops one that changes nothing. */
  place(x: number, y: number): void {
    this.device.emit(EV_ABS, X, Math.round(x * MOST_PLACE));
    this.device.emit(EV_ABS, Y, Math.round(y * MOST_PLACE));
  }
}

/** What feels several fingers, by the kernel's protocol of slots. */
class Fingers {
  readonly #down = new Set<number>();
  #last = 0;

  /** `tools`: what the kernel says while so many fingers are on it. */
  protected constructor(
    protected readonly device: NativeUinput,
    private readonly tools: readonly number[] = [],
  ) {}

  /** Puts a finger (0 to 9) on a place, from 0 to 1 of width and height, or moves it there. */
  touch(finger: number, x: number, y: number): void {
    const events = [EV_ABS, MT_SLOT, finger];
    if (!this.#down.has(finger)) events.push(EV_ABS, MT_TRACKING_ID, ++this.#last);
    const [toX, toY] = [x, y].map((part) => Math.round(part * MOST_PLACE));
    events.push(EV_ABS, MT_X, toX!, EV_ABS, MT_Y, toY!);
    if (finger === 0) events.push(EV_ABS, X, toX!, EV_ABS, Y, toY!);
    this.#down.add(finger);
    this.#write(events);
  }

  lift(...fingers: number[]): void {
    for (const finger of fingers) this.#down.delete(finger);
    this.#write(fingers.flatMap((finger) => [EV_ABS, MT_SLOT, finger, EV_ABS, MT_TRACKING_ID, -1]));
  }

  unplug(): void {
    this.device.close();
  }

  #write(events: readonly number[]): void {
    const down = this.#down.size;
    const tools = this.tools.flatMap((code, index) => [EV_KEY, code, index + 1 === down ? 1 : 0]);
    const all = [...events, EV_KEY, BTN_TOUCH, down > 0 ? 1 : 0, ...tools];
    this.device.write(new Int32Array(all), all.length / 3);
  }
}

export class Touchscreen extends Fingers {
  static async plug(daemon: Pick<Daemon, 'said'>, name = 'lab touchscreen'): Promise<Touchscreen> {
    return new Touchscreen(await plugIn(daemon, name, 'touchscreen'));
  }
}

/** A touchpad with two buttons, a hand wide: 11 cm each way. */
export class Touchpad extends Fingers {
  static async plug(daemon: Pick<Daemon, 'said'>, name = 'lab touchpad'): Promise<Touchpad> {
    return new Touchpad(await plugIn(daemon, name, 'touchpad'), [BTN_TOOL_FINGER, BTN_TOOL_DOUBLETAP]);
  }

  press(button: 'left' | 'right'): void {
    this.device.emit(EV_KEY, BUTTONS[button], 1);
  }

  release(button: 'left' | 'right'): void {
    this.device.emit(EV_KEY, BUTTONS[button], 0);
  }
}

/** Plugs one in and waits until the daemon has taken it. */
async function plugIn(
  daemon: Pick<Daemon, 'said'>,
  name: string,
  kind: 'mouse' | 'tablet' | 'touchscreen' | 'touchpad',
): Promise<NativeUinput> {
  const device = native.createUinput(name, kind);
  await eventually(() => {
    if (device.devnode === '') throw new Error(`udev has made no device of ${name}`);
  });
  await daemon.said(new RegExp(`(pointer|touchscreen) \\d+: ${name}`));
  return device;
}
