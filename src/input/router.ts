import type { Action, Hotkey } from '../config/config';
import type { GuestInput } from '../guest/sink';
import type { InputEvents } from './devices';
import { HeldKeys } from './held';
import { HotkeyMatcher } from './hotkeys';
import { modifierBits } from './keys';

/** The head that keyboard and pointer go to. */
export interface InputTarget {
  readonly input: GuestInput;
  readonly head: number;
}

/**
 * Brings keys and pointer to the guest that has the focus, and hotkeys to the daemon.
 *
 * What a guest has seen pressed it sees released: when the key goes up, when the focus moves, when the device goes. A
 * key that is down meanwhile is nobody's until it is pressed again: no guest gets half a key of another's.
 */
export class InputRouter implements InputEvents {
  readonly #matcher: HotkeyMatcher;
  readonly #keys = new HeldKeys();
  readonly #buttons = new HeldKeys();
  #target: InputTarget | null = null;
  /** Motion since it was last sent, in 1/256 of a pixel. */
  #dx = 0;
  #dy = 0;
  /** The newest place that is not sent yet, in 1/65536; -1: there is none. */
  #x = -1;
  #y = -1;

  constructor(
    hotkeys: readonly Hotkey[],
    private readonly onAction: (action: Action, at: number) => void,
  ) {
    this.#matcher = new HotkeyMatcher(hotkeys);
  }

  /** Everything goes to another head from now on, or to none: the guest has gone, or takes no input. */
  focus(target: InputTarget | null): void {
    const before = this.#target;
    if (before?.input === target?.input && before?.head === target?.head) return;
    this.done();
    if (before) {
      const { input, head } = before;
      // Modifiers last: a C that is held with Ctrl must not become a letter.
      this.#keys.withholdAll((code) => {
        input.key(head, code, false);
      }, modifierBits);
      this.#buttons.withholdAll((code) => {
        input.button(head, code, false);
      });
    }
    this.#target = target;
  }

  key(device: number, code: number, down: boolean, at: number): void {
    if (down) this.#press(device, code, at);
    else this.#release(code, this.#keys.release(device, code), at);
  }

  #press(device: number, code: number, at: number): void {
    if (!this.#keys.press(device, code)) return;
    const action = this.#matcher.key(code, 1, at);
    if (action) {
      // The guest saw the chord begin: for it that ends here. The key itself stays withheld, its release too.
      for (const modifier of modifierBits.keys()) {
        if (this.#keys.withhold(modifier)) this.#sendKey(modifier, false);
      }
      this.onAction(action, at);
    } else if (this.#target && this.#keys.pass(device, code)) {
      this.#sendKey(code, true);
    }
  }

  #release(code: number, told: boolean, at: number): void {
    if (!this.#keys.isDown(code)) this.#matcher.key(code, 0, at);
    if (told) this.#sendKey(code, false);
  }

  button(device: number, code: number, down: boolean): void {
    const told = down
      ? this.#buttons.press(device, code) && this.#target !== null && this.#buttons.pass(device, code)
      : this.#buttons.release(device, code);
    if (told) this.#sendButton(code, down);
  }

  motion(dx: number, dy: number): void {
    if (this.#x >= 0) this.done();
    this.#dx += dx;
    this.#dy += dy;
  }

  place(x: number, y: number): void {
    if (this.#dx !== 0 || this.#dy !== 0) this.done();
    this.#x = x;
    this.#y = y;
  }

  wheel(horizontal: boolean, distance: number): void {
    this.done();
    const notches = distance / 120;
    this.#target?.input.wheel(this.#target.head, horizontal ? notches : 0, horizontal ? 0 : notches);
  }

  gone(device: number): void {
    this.#keys.drop(device, (code, told) => {
      this.#release(code, told, 0);
    });
    this.#buttons.drop(device, (code, told) => {
      if (told) this.#sendButton(code, false);
    });
  }

  /** Sends where the pointer has come to: at the end of a batch, and before what happens there. */
  done(): void {
    const target = this.#target;
    if (this.#x >= 0) target?.input.place(target.head, this.#x / 65536, this.#y / 65536);
    if (this.#dx !== 0 || this.#dy !== 0) target?.input.motion(target.head, this.#dx / 256, this.#dy / 256);
    this.#x = this.#y = -1;
    this.#dx = this.#dy = 0;
  }

  #sendKey(code: number, down: boolean): void {
    this.done();
    this.#target?.input.key(this.#target.head, code, down);
  }

  #sendButton(code: number, down: boolean): void {
    this.done();
    this.#target?.input.button(this.#target.head, code, down);
  }
}
