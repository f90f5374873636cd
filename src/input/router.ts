import type { Action, Hotkey } from '../config/config';
import {
  TOUCH_CANCEL,
  TOUCH_DOWN,
  TOUCH_MOVE,
  type GuestInput,
  type Place,
  type TouchPhase,
} from '../guest/sink';
import type { InputEvents } from './devices';
import { HeldKeys } from './held';
import { HotkeyMatcher, TAP_MS } from './hotkeys';
import { modifierBits } from './keys';
import { EdgePush, type Border, type Edge } from './seamless';
import { SharedKeys } from './shared-keys';
import type { Step } from './trigger';
import { WithheldKeys } from './withheld';

/** How long modifiers that may begin a hotkey are kept from the guest: who holds them longer means the guest. */
export const MODIFIER_MS = 200;
/** How long a key is held for a hotkey that wants it held. */
export const HOLD_MS = 500;

/** More fingers than any touchscreen tells. */
const MOST_FINGERS = 16;

/** The head that keyboard and pointer go to. */
export interface InputTarget {
  readonly input: GuestInput;
  readonly head: number;
  /** The panel that absolute devices and touches stand for, all of it; absent: they are the head's own. */
  readonly panel?: Panel;
  /** Absent: the pointer stays on the screen. */
  readonly border?: Border;
}

/** Where a head is shown. */
export interface Panel {
  /** Turns a place on the panel into one on the screen shown there, the nearest; false: it lies beside it. */
  toScreen(place: Place): boolean;
}

/** What is done with keys that are not for guests. */
export interface HotkeyHandler {
  /** `at`: when the key went down, CLOCK_MONOTONIC in ms. */
  fired(action: Action, at: number): void;
  /** The last key of a hotkey that fired is up again. */
  released(action: Action): void;
}

/** Keys that belong to hotkeys, and those that never do. */
export interface Bindings {
  readonly hotkeys: readonly Hotkey[];
  /** Keys that go to the guest whatever the hotkeys say; with code 0 modifiers that are not withheld. */
  readonly passthrough?: readonly Step[];
}

/**
 * Brings keys and pointer to the guest that has the focus, and hotkeys to the daemon.
 *
 * What a guest has seen pressed it sees released: when the key goes up, when the focus moves, when the device goes. A
 * key that is down meanwhile is nobody's until it is pressed again: no guest gets half a key of another's.
 *
 * Keys that may be the beginning of a hotkey wait until that is decided: by the next key, by a button or wheel, by the
 * focus that moves, or by time. They are part of a hotkey then, and no guest gets them; or they are not, and the guest
 * that had the focus gets them all, in order. Only what it knows to be down is let go at once.
 */
export class InputRouter implements InputEvents {
  readonly #matcher: HotkeyMatcher;
  readonly #keys = new HeldKeys();
  readonly #buttons = new HeldKeys();
  readonly #withheld = new WithheldKeys();
  #target: InputTarget | null = null;
  /** When the waiting ends without a key; Infinity: nothing waits. */
  #deadline = Infinity;
  /** The hotkey that fired last, while its last key is down, and that key. */
  #active: Hotkey | undefined;
  #activeCode = 0;
  /** The newest key. */
  #lastCode = 0;
  /** Motion since it was last sent, in 1/256 of a pixel. */
  #dx = 0;
  #dy = 0;
  /** The same before acceleration. */
  #rawDx = 0;
  #rawDy = 0;
  /** The newest place that is not sent yet, in 1/65536; -1: there is none. */
  #x = -1;
  #y = -1;
  /** The fingers that the guest has seen go down and not up, as bits. */
  #fingers = 0;
  readonly #place: Place = { x: 0, y: 0 };
  readonly #push = new EdgePush();

  constructor(
    { hotkeys, passthrough }: Bindings,
    private readonly handler: HotkeyHandler,
    /** When `expire` is to be called, CLOCK_MONOTONIC in ms; Infinity: need not be. */
    private readonly wake: (at: number) => void,
    /** What all users have down. */
    private readonly shared = new SharedKeys(),
  ) {
    this.#matcher = new HotkeyMatcher(hotkeys, passthrough);
  }

  /** Everything goes to another head from now on, or to none: the guest has gone, or takes no input. */
  focus(target: InputTarget | null): void {
    const before = this.#target;
    this.#push.reset();
    if (before?.input === target?.input && before?.head === target?.head) {
      this.#target = target;
      return;
    }
    this.#letGo();
    this.#target = target;
  }

  /** No keyboard or pointer is read any more: all keys and buttons are up, for the guest too. */
  suspend(): void {
    this.#letGo();
    for (const device of [...this.#keys.devices, ...this.#buttons.devices]) this.gone(device);
  }

  key(device: number, code: number, down: boolean, at: number): void {
    this.expire(at);
    if (down) this.#press(device, code, at);
    else this.#release(device, code);
  }

  /** Whether a device has a key or button down. */
  busy(device: number): boolean {
    return this.#keys.holdsAny(device) || this.#buttons.holdsAny(device);
  }

  /** Ends the waiting that has lasted long enough. */
  expire(now: number): void {
    if (now <= this.#deadline) return;
    if (this.#matcher.holding) {
      this.#matcher.fireHeld();
      this.#fire(this.#lastCode, this.#deadline);
    } else {
      this.#decide();
    }
  }

  #press(device: number, code: number, at: number): void {
    if (!this.#keys.press(device, code)) return;
    this.#lastCode = code;
    switch (this.#matcher.press(code, at)) {
      case 'fired':
        this.#fire(code, at);
        return;
      case 'open':
        this.#withheld.take(this.#withheld.startOf(this.#matcher.start), this.#deliver);
        if (this.#withhold(device, code, at)) return;
    }
    this.#decide();
    this.#deliver(device, code, true);
  }

  #release(device: number, code: number): void {
    if (!this.#keys.lift(device, code)) return;
    if (!this.#keys.isDown(code)) {
      this.#matcher.release(code);
      if (!this.#matcher.open) this.#decide();
      else if (this.#matcher.taps > 0 && !this.#matcher.holding) this.#wait(this.#matcher.tapMs + TAP_MS);
      if (this.#active && code === this.#activeCode) this.#end();
    }
    // A modifier that the guest has down is part of what waits: Ctrl+A must not become an A.
    const waits =
      this.#withheld.holds(device, code) ||
      (this.#withheld.length > 0 && modifierBits.has(code) && this.#keys.passed(device, code));
    if (waits && this.#withheld.push(device, code, false)) return;
    if (waits) this.#decide();
    this.#deliver(device, code, false);
  }

  /** false: too much waits. */
  #withhold(device: number, code: number, at: number): boolean {
    const { tap, taps, tapMs, holding } = this.#matcher;
    if (!this.#withheld.push(device, code, true, modifierBits.has(code) ? 0 : tap)) return false;
    if (holding) this.#wait(at + HOLD_MS);
    else this.#wait(taps > 0 ? tapMs + TAP_MS : at + MODIFIER_MS);
    return true;
  }

  #wait(until: number): void {
    if (until === this.#deadline) return;
    this.#deadline = until;
    this.wake(until);
  }

  /** What waits is no hotkey. */
  #decide(): void {
    this.#matcher.forget();
    if (this.#withheld.length === 0) return;
    this.#wait(Infinity);
    this.#withheld.take(this.#withheld.length, this.#deliver);
  }

  #fire(code: number, at: number): void {
    this.#end();
    this.#wait(Infinity);
    this.#withheld.take(this.#withheld.startOf(this.#matcher.start), this.#deliver);
    // Of what was the hotkey the guest learns no more than that keys it knows of are up.
    this.#withheld.take(this.#withheld.length, this.#swallow);
    for (const modifier of modifierBits.keys()) {
      if (this.#keys.withhold(modifier)) this.#sendKey(modifier, false);
    }
    const hotkey = this.#matcher.fired!;
    this.#active = hotkey;
    this.#activeCode = code;
    this.handler.fired(hotkey.action, at);
  }

  #end(): void {
    const hotkey = this.#active;
    this.#active = undefined;
    if (hotkey) this.handler.released(hotkey.action);
  }

  readonly #deliver = (device: number, code: number, down: boolean): void => {
    const told = down
      ? this.#target !== null && this.#keys.pass(device, code)
      : this.#keys.drop(device, code);
    if (told) this.#sendKey(code, down);
  };

  readonly #swallow = (device: number, code: number, down: boolean): void => {
    if (!down) this.#deliver(device, code, false);
  };

  button(device: number, code: number, down: boolean): void {
    this.#decide();
    const told = down
      ? this.#buttons.press(device, code) && this.#target !== null && this.#buttons.pass(device, code)
      : this.#buttons.lift(device, code) && this.#buttons.drop(device, code);
    if (told) this.#sendButton(code, down);
  }

  motion(dx: number, dy: number, rawDx = dx, rawDy = dy): void {
    if (this.#x >= 0) this.#flush();
    this.#dx += dx;
    this.#dy += dy;
    this.#rawDx += rawDx;
    this.#rawDy += rawDy;
  }

  place(x: number, y: number): void {
    if (this.#moved) this.#flush();
    this.#x = x;
    this.#y = y;
  }

  wheel(horizontal: boolean, distance: number): void {
    this.#decide();
    this.#flush();
    const notches = distance / 120;
    this.#target?.input.wheel(this.#target.head, horizontal ? notches : 0, horizontal ? 0 : notches);
  }

  touch(finger: number, phase: TouchPhase, x: number, y: number): void {
    this.#flush();
    const bit = 1 << finger;
    const target = this.#target;
    if (finger >= MOST_FINGERS || !target?.input.touch) return;
    // What is beside the guest's screen begins no touch, and one that moves there stays at the edge.
    const inside = this.#onScreen(target, x, y);
    if (phase === TOUCH_DOWN ? !inside : (this.#fingers & bit) === 0) return;
    if (phase === TOUCH_DOWN) this.#fingers |= bit;
    else if (phase !== TOUCH_MOVE) this.#fingers &= ~bit;
    target.input.touch(target.head, finger, phase, this.#place.x, this.#place.y);
  }

  gone(device: number): void {
    this.#decide();
    this.#keys.eachDown(device, (code) => {
      this.#release(device, code);
    });
    this.#buttons.eachDown(device, (code) => {
      this.button(device, code, false);
    });
    this.#keys.forget(device);
    this.#buttons.forget(device);
  }

  /** A pointer that is pushed over the edge of its screen leaves it here only, where nothing is half told. */
  done(): void {
    const border = this.#target?.border;
    const edge = border && this.#moved ? this.#edgeCrossed(border) : undefined;
    this.#flush();
    if (edge) border!.crossed(edge, this.#place);
  }

  /** Who drags something, or touches it, stays. */
  #edgeCrossed(border: Border): Edge | undefined {
    if (!this.#buttons.any && this.#fingers === 0 && border.pointer(this.#place))
      return this.#push.move(this.#place, this.#dx / 256, this.#dy / 256);
    this.#push.reset();
    return undefined;
  }

  /** Sends where the pointer has come to: at the end of a batch, and before what happens there. */
  #flush(): void {
    const target = this.#target;
    if (this.#x >= 0 && target) {
      this.#onScreen(target, this.#x, this.#y);
      target.input.place(target.head, this.#place.x, this.#place.y);
    }
    if (this.#moved && target) {
      const { input, head } = target;
      // A guest that is told motion accelerates it by itself.
      const absolute = input.absolute(head);
      input.motion(
        head,
        (absolute ? this.#dx : this.#rawDx) / 256,
        (absolute ? this.#dy : this.#rawDy) / 256,
      );
    }
    this.#x = this.#y = -1;
    this.#dx = this.#dy = this.#rawDx = this.#rawDy = 0;
  }

  get #moved(): boolean {
    return this.#dx !== 0 || this.#dy !== 0 || this.#rawDx !== 0 || this.#rawDy !== 0;
  }

  /** Puts the place on the target's screen into `#place`; whether it is within. */
  #onScreen({ panel }: InputTarget, x: number, y: number): boolean {
    this.#place.x = x / 65536;
    this.#place.y = y / 65536;
    return panel?.toScreen(this.#place) ?? true;
  }

  /** The guest gets what it is still to get, and has all keys and buttons up then. */
  #letGo(): void {
    this.#decide();
    this.#flush();
    if (!this.#target) return;
    // Modifiers last: a C that is held with Ctrl must not become a letter.
    this.#keys.withholdAll((code) => {
      this.#sendKey(code, false);
    }, modifierBits);
    this.#buttons.withholdAll((code) => {
      this.#sendButton(code, false);
    });
    for (let finger = 0; this.#fingers !== 0; finger++) this.touch(finger, TOUCH_CANCEL, 0, 0);
  }

  #sendKey(code: number, down: boolean): void {
    this.#flush();
    const target = this.#target;
    if (target && this.shared.change(target.input, target.head, code, down))
      target.input.key(target.head, code, down);
  }

  #sendButton(code: number, down: boolean): void {
    this.#flush();
    const target = this.#target;
    if (target && this.shared.change(target.input, target.head, code, down))
      target.input.button(target.head, code, down);
  }
}
