/** One key, pressed and released while modifiers are held. Codes are evdev's. */
export interface Stroke {
  readonly code: number;
  readonly modifiers: readonly number[];
}

export const KEY_LEFTSHIFT = 42;
export const KEY_RIGHTALT = 100;
