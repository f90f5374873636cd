import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { clamp } from '../clamp';
import { messageOf } from '../error';
import { TOUCH_CANCEL, TOUCH_DOWN, TOUCH_UP, type GuestInput, type TouchPhase } from '../guest/sink';
import { isNativeError, native, type NativeUinput, type UinputShape } from '../native';
import { VirtualDevice } from './virtual-device';
import {
  ABS_MT_POSITION_X,
  ABS_MT_POSITION_Y,
  ABS_MT_SLOT,
  ABS_MT_TRACKING_ID,
  ABS_X,
  ABS_Y,
  BTN_TOUCH,
  deviceKinds,
  EV_ABS,
  EV_KEY,
  EV_REL,
  FINGERS,
  MOST_PLACE,
  MOST_TRACKING_ID,
  REL_HWHEEL,
  REL_HWHEEL_HI_RES,
  REL_WHEEL,
  REL_WHEEL_HI_RES,
  REL_X,
  REL_Y,
  shapeOf,
  type DeviceKind,
} from './virtual-shapes';

/** Of a notch, in the unit of the fine wheel axes. */
const FINE = 120;

type Open = (shape: UinputShape) => Promise<NativeUinput>;

/**
 * A keyboard, a mouse, a tablet and a touchscreen of a guest's own, made with uinput, for any virtual machine monitor
 * that takes evdev devices. They are there from `open` to `close`, whether the guest is shown, runs, or not.
 *
 * All heads share them: the guest cannot tell on which of its screens something is pointed at.
 */
export class VirtualDevices implements GuestInput {
  readonly undivided = true;
  /** Where the devices are, once open: links that stay the same from start to start. */
  readonly links: readonly string[];
  /** Bits LED_NUML, LED_CAPSL, LED_SCROLLL, as the guest has switched them. */
  leds = 0;
  /** Why there are none. */
  trouble: string | undefined;
  readonly #directory: string;
  #devices: Readonly<Record<DeviceKind, VirtualDevice>> | undefined;
  #closed = false;
  #onLeds: ((leds: number) => void) | undefined;
  /** Where buttons and wheels go: to what was moved last. */
  #pointer: 'mouse' | 'tablet' = 'mouse';
  /** Buttons that are down, and on which. */
  readonly #pressed = new Map<number, 'mouse' | 'tablet'>();
  /** What is left of a pixel, of 1/120 of a notch, and of a notch in 1/120. */
  #dx = 0;
  #dy = 0;
  #fineX = 0;
  #fineY = 0;
  #notchX = 0;
  #notchY = 0;
  /** The fingers that are down, as bits. */
  #fingers = 0;
  #trackingId = 0;

  /** `directory`: for the links. */
  constructor(
    private readonly guest: string,
    directory: string,
    private readonly openDevice: Open = (shape) => native.openUinput(shape),
  ) {
    this.#directory = directory;
    this.links = deviceKinds.map((kind) => this.#link(kind));
  }

  /** Makes the devices, then the links to them. Rejects in words for the user; there is no device then. */
  async open(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      this.trouble = (error as Error).message;
      throw error;
    }
  }

  /** Removes the devices; their readers see all keys go up. */
  close(): void {
    this.#closed = true;
    if (!this.#devices) return;
    for (const device of Object.values(this.#devices)) device.native.close();
    this.#devices = undefined;
    for (const link of this.links) void fs.rm(link, { force: true }).catch(() => undefined);
  }

  onLeds(listener: ((leds: number) => void) | undefined): void {
    this.#onLeds = listener;
  }

  key(_head: number, code: number, down: boolean): void {
    this.#devices?.keyboard.add(EV_KEY, code, down ? 1 : 0).send();
  }

  motion(_head: number, dx: number, dy: number): void {
    this.#pointer = 'mouse';
    this.#dx += dx;
    this.#dy += dy;
    const [x, y] = [Math.trunc(this.#dx), Math.trunc(this.#dy)];
    this.#dx -= x;
    this.#dy -= y;
    if (x === 0 && y === 0) return;
    const mouse = this.#devices?.mouse;
    if (x !== 0) mouse?.add(EV_REL, REL_X, x);
    if (y !== 0) mouse?.add(EV_REL, REL_Y, y);
    mouse?.send();
  }

  place(_head: number, x: number, y: number): void {
    this.#pointer = 'tablet';
    this.#devices?.tablet.add(EV_ABS, ABS_X, toAxis(x)).add(EV_ABS, ABS_Y, toAxis(y)).send();
  }

  button(_head: number, code: number, down: boolean): void {
    // Where it went down it goes up.
    const device = down ? this.#pointer : (this.#pressed.get(code) ?? this.#pointer);
    if (down) this.#pressed.set(code, device);
    else this.#pressed.delete(code);
    this.#devices?.[device].add(EV_KEY, code, down ? 1 : 0).send();
  }

  wheel(_head: number, dx: number, dy: number): void {
    this.#fineX += dx * FINE;
    this.#fineY += dy * FINE;
    const [x, y] = [Math.trunc(this.#fineX), Math.trunc(this.#fineY)];
    this.#fineX -= x;
    this.#fineY -= y;
    this.#notchX += x;
    this.#notchY += y;
    const [notchesX, notchesY] = [Math.trunc(this.#notchX / FINE), Math.trunc(this.#notchY / FINE)];
    this.#notchX -= notchesX * FINE;
    this.#notchY -= notchesY * FINE;
    const device = this.#devices?.[this.#pointer];
    if (!device || (x === 0 && y === 0)) return;
    if (x !== 0) device.add(EV_REL, REL_HWHEEL_HI_RES, x);
    if (notchesX !== 0) device.add(EV_REL, REL_HWHEEL, notchesX);
    // Up is positive for the kernel.
    if (y !== 0) device.add(EV_REL, REL_WHEEL_HI_RES, -y);
    if (notchesY !== 0) device.add(EV_REL, REL_WHEEL, -notchesY);
    device.send();
  }

  touch(_head: number, finger: number, phase: TouchPhase, x: number, y: number): void {
    if (finger >= FINGERS || (phase !== TOUCH_DOWN && (this.#fingers & (1 << finger)) === 0)) return;
    const screen = this.#devices?.touchscreen;
    if (!screen) return;
    const before = this.#fingers;
    screen.add(EV_ABS, ABS_MT_SLOT, finger);
    if (phase === TOUCH_UP || phase === TOUCH_CANCEL) {
      this.#fingers &= ~(1 << finger);
      screen.add(EV_ABS, ABS_MT_TRACKING_ID, -1);
    } else {
      if (phase === TOUCH_DOWN) {
        this.#fingers |= 1 << finger;
        this.#trackingId = (this.#trackingId + 1) & MOST_TRACKING_ID;
        screen.add(EV_ABS, ABS_MT_TRACKING_ID, this.#trackingId);
      }
      screen.add(EV_ABS, ABS_MT_POSITION_X, toAxis(x)).add(EV_ABS, ABS_MT_POSITION_Y, toAxis(y));
      // What readers of single touches go by: the first finger.
      if (((before | this.#fingers) & ((1 << finger) - 1)) === 0)
        screen.add(EV_ABS, ABS_X, toAxis(x)).add(EV_ABS, ABS_Y, toAxis(y));
    }
    if ((before === 0) !== (this.#fingers === 0)) screen.add(EV_KEY, BTN_TOUCH, before === 0 ? 1 : 0);
    screen.send();
  }

  /** The guest moves its pointer by itself, and as fast as it likes. */
  absolute(): boolean {
    return false;
  }

  async #open(): Promise<void> {
    const made = await Promise.allSettled(
      deviceKinds.map(async (kind) => [kind, await this.openDevice(shapeOf(this.guest, kind))] as const),
    );
    const opened = made.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failed = made.find((result) => result.status === 'rejected');
    if (failed || this.#closed) {
      for (const [, device] of opened) device.close();
      if (failed) throw new Error(whyNot(failed.reason), { cause: failed.reason });
      return;
    }
    const devices = opened.map(([kind, device]) => [kind, new VirtualDevice(device)]);
    this.#devices = Object.fromEntries(devices) as Record<DeviceKind, VirtualDevice>;
    this.#devices.keyboard.native.onLeds((leds) => {
      this.leds = leds;
      this.#onLeds?.(leds);
    });
    try {
      await fs.mkdir(this.#directory, { recursive: true, mode: 0o755 });
      for (const [kind, device] of opened) await replaceLink(device.devnode, this.#link(kind));
    } catch (error) {
      this.close();
      throw new Error(`its links in ${this.#directory} cannot be made: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  #link(kind: DeviceKind): string {
    return path.join(this.#directory, `${this.guest}-${kind}`);
  }
}

function toAxis(fraction: number): number {
  return Math.round(clamp(fraction, 0, 1) * MOST_PLACE);
}

/** In one step, so that nobody finds no link. */
async function replaceLink(target: string, link: string): Promise<void> {
  const fresh = `${link}.new`;
  await fs.rm(fresh, { force: true });
  await fs.symlink(target, fresh);
  await fs.rename(fresh, link);
}

function whyNot(error: unknown): string {
  if (isNativeError(error, 'ENOENT'))
    return 'there is no /dev/uinput: load the kernel module (modprobe uinput)';
  if (isNativeError(error, 'EACCES') || isNativeError(error, 'EPERM'))
    return 'no permission for /dev/uinput: run as root, or give this user the right to it by a udev rule';
  return messageOf(error);
}
