import type { UinputShape } from '../native';

/** Codes of <linux/input-event-codes.h>. */
export const EV_KEY = 1;
export const EV_REL = 2;
export const EV_ABS = 3;
export const REL_X = 0;
export const REL_Y = 1;
export const REL_HWHEEL = 6;
export const REL_WHEEL = 8;
export const REL_WHEEL_HI_RES = 11;
export const REL_HWHEEL_HI_RES = 12;
export const ABS_X = 0;
export const ABS_Y = 1;
export const ABS_MT_SLOT = 0x2f;
export const ABS_MT_POSITION_X = 0x35;
export const ABS_MT_POSITION_Y = 0x36;
export const ABS_MT_TRACKING_ID = 0x39;
export const BTN_TOUCH = 0x14a;
const INPUT_PROP_DIRECT = 1;

/** The largest value of an axis that says where: as QEMU's tablet has it. */
export const MOST_PLACE = 0x7fff;
export const MOST_TRACKING_ID = 0xffff;
/** Fingers of the touchscreen. */
export const FINGERS = 10;

export const deviceKinds = ['keyboard', 'mouse', 'tablet', 'touchscreen'] as const;
export type DeviceKind = (typeof deviceKinds)[number];

/** What tells these devices from those that somebody has plugged in: the beginning of their `phys`. */
export const PHYS_PREFIX = 'kms-switcher-';

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
const place = (code: number) => ({ code, maximum: MOST_PLACE });

/** BTN_LEFT to BTN_TASK. */
const buttons = range(0x110, 0x117);
const wheels = [REL_WHEEL, REL_HWHEEL, REL_WHEEL_HI_RES, REL_HWHEEL_HI_RES];

/**
 * What each device can do. The keyboard has every key below the buttons, and those of remote controls and laptops from
 * KEY_OK to KEY_LIGHTS_TOGGLE. None repeats keys by itself (EV_REP): whoever reads them does.
 */
const abilities: Readonly<Record<DeviceKind, Partial<UinputShape>>> = {
  keyboard: { keys: [...range(1, 248), ...range(0x160, 0x21e)], leds: [0, 1, 2] },
  mouse: { keys: buttons, relative: [REL_X, REL_Y, ...wheels] },
  tablet: { keys: buttons, relative: wheels, absolute: [place(ABS_X), place(ABS_Y)] },
  touchscreen: {
    keys: [BTN_TOUCH],
    properties: [INPUT_PROP_DIRECT],
    absolute: [
      place(ABS_X),
      place(ABS_Y),
      { code: ABS_MT_SLOT, maximum: FINGERS - 1 },
      { code: ABS_MT_TRACKING_ID, maximum: MOST_TRACKING_ID },
      place(ABS_MT_POSITION_X),
      place(ABS_MT_POSITION_Y),
    ],
  },
};

/** A device of a guest's: stable names, whatever number the kernel gives it. */
export function shapeOf(guest: string, kind: DeviceKind): UinputShape {
  return {
    name: `kms-switcher ${guest} ${kind}`,
    phys: `${PHYS_PREFIX}${guest}-${kind}`,
    keys: [],
    relative: [],
    absolute: [],
    leds: [],
    properties: [],
    ...abilities[kind],
  };
}
