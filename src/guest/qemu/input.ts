import { clamp } from '../../clamp';
import { MOST_MESSAGES } from '../../dbus/outbox';
import { TOUCH_DOWN, TOUCH_MOVE, TOUCH_UP, type GuestInput, type Place, type TouchPhase } from '../sink';
import type { Console, InputInterface, QemuDisplay } from './display';
import { qnum } from './qnum';

/** QEMU's numbers of the buttons of <linux/input-event-codes.h>. */
const BUTTONS = new Map([
  [0x110, 0], // BTN_LEFT
  [0x112, 1], // BTN_MIDDLE
  [0x111, 2], // BTN_RIGHT
  [0x113, 5], // BTN_SIDE
  [0x114, 6], // BTN_EXTRA
  [0x116, 5], // BTN_BACK
  [0x115, 6], // BTN_FORWARD
]);
const BTN_LEFT = 0x110;
const WHEEL_UP = 3;
const WHEEL_DOWN = 4;
const WHEEL_LEFT = 7;
const WHEEL_RIGHT = 8;
/** Notches that one turn of a wheel can have: nobody turns it further at once. */
const MOST_NOTCHES = 16;

/** While so many messages wait for QEMU, motion adds up instead of going, and wheels turn for nothing. */
const MOST_MOTIONS = 64;
/** While so many wait, nothing is pressed: what is down already finds room to be let go. */
const MOST_PRESSES = MOST_MESSAGES / 2;
/** No screen is wider, in pixels. */
const MOST_PIXELS = 0xffff;

/** As SendEvent takes them: QEMU has so many. */
const TOUCH_SLOTS = Array.from({ length: 10 }, (_, slot) => BigInt(slot));

/** Where a head's keys and pointer go now. */
export interface InputTarget {
  readonly display: QemuDisplay;
  readonly console: Console;
}

/** One head's pointer between two messages, and what is held down. */
interface HeadInput {
  /** Relative motion not sent yet, in pixels. */
  dx: number;
  dy: number;
  /** Where the pointer is, in pixels of the console, for a guest that takes places. */
  x: number;
  y: number;
  placed: boolean;
  wheelX: number;
  wheelY: number;
  /** The finger that is the pointer of a guest without touch; -1: none is down. */
  finger: number;
  /** The fingers that a guest with touch has down, as bits. */
  fingers: number;
  readonly keys: Set<number>;
  readonly buttons: Set<number>;
}

/**
 * Keys, pointer and touches by org.qemu.Display1.Keyboard, Mouse and MultiTouch. Nobody waits for answers, and all
 * motion of one turn of the event loop goes in one message.
 *
 * What the guest has down it is told to let go, sooner or later: a QEMU that hangs when it reads again, one whose
 * display connection is another's when that is ours again.
 */
export class QemuInput implements GuestInput {
  leds = 0;
  readonly #heads = new Map<number, HeadInput>();
  readonly #moved = new Set<number>();
  #flushing: NodeJS.Immediate | undefined;
  #onLeds: ((leds: number) => void) | undefined;

  constructor(private readonly target: (head: number) => InputTarget | undefined) {}

  key(head: number, code: number, down: boolean): void {
    const number = qnum(code);
    if (number !== undefined) this.#change(head, 'Keyboard', this.#head(head).keys, number, down);
  }

  motion(head: number, dx: number, dy: number): void {
    const target = this.target(head);
    if (!target || !Number.isFinite(dx) || !Number.isFinite(dy)) return;
    const state = this.#head(head);
    state.dx = clamp(state.dx + dx, -MOST_PIXELS, MOST_PIXELS);
    state.dy = clamp(state.dy + dy, -MOST_PIXELS, MOST_PIXELS);
    this.#soon(head);
  }

  place(head: number, x: number, y: number): void {
    const target = this.target(head);
    if (!target || !Number.isFinite(x) || !Number.isFinite(y)) return;
    const state = this.#head(head);
    const { width, height, absolute } = target.console;
    const [toX, toY] = [clamp(x, 0, 1) * width, clamp(y, 0, 1) * height];
    if (absolute) {
      state.dx = state.dy = 0;
    } else if (state.placed) {
      // A guest that takes motion only is moved as far as the pointer was.
      state.dx += toX - state.x;
      state.dy += toY - state.y;
    }
    state.x = toX;
    state.y = toY;
    state.placed = true;
    this.#soon(head);
  }

  button(head: number, code: number, down: boolean): void {
    const button = BUTTONS.get(code);
    if (button !== undefined) this.#change(head, 'Mouse', this.#head(head).buttons, button, down);
  }

  wheel(head: number, dx: number, dy: number): void {
    const target = this.target(head);
    if (!target || !Number.isFinite(dx) || !Number.isFinite(dy)) return;
    if (target.display.waiting >= MOST_MOTIONS) return;
    this.#flush();
    const state = this.#head(head);
    state.wheelX = notches(target, state.wheelX + dx, WHEEL_LEFT, WHEEL_RIGHT);
    state.wheelY = notches(target, state.wheelY + dy, WHEEL_UP, WHEEL_DOWN);
  }

  touch(head: number, finger: number, phase: TouchPhase, x: number, y: number): void {
    const target = this.target(head);
    const state = this.#head(head);
    if (state.finger === finger || target?.console.touch === false) {
      this.#touchAsPointer(state, head, finger, phase, x, y);
      return;
    }
    const bit = 1 << finger;
    if (!target || finger >= TOUCH_SLOTS.length) return;
    if (phase !== TOUCH_DOWN && (state.fingers & bit) === 0) return;
    const { waiting } = target.display;
    if (phase === TOUCH_DOWN && waiting >= MOST_PRESSES) return;
    if (phase === TOUCH_MOVE && waiting >= MOST_MOTIONS) return;
    this.#flush();
    if (!sendTouch(target, finger, phase, x, y)) return;
    if (phase === TOUCH_DOWN) state.fingers |= bit;
    else if (phase !== TOUCH_MOVE) state.fingers &= ~bit;
  }

  /** QEMU's emulated PS/2 keyboard holds 16 bytes, and drops what comes on top of that. */
  async taken(head: number): Promise<void> {
    const target = this.target(head);
    await target?.display.taken(target.console.id);
  }

  absolute(head: number): boolean {
    return this.target(head)?.console.absolute ?? false;
  }

  pointer(head: number, at: Place): boolean {
    const state = this.#heads.get(head);
    const console = this.target(head)?.console;
    if (!state?.placed || !console?.absolute) return false;
    at.x = clamp((state.x + state.dx) / Math.max(console.width - 1, 1), 0, 1);
    at.y = clamp((state.y + state.dy) / Math.max(console.height - 1, 1), 0, 1);
    return true;
  }

  onLeds(listener: ((leds: number) => void) | undefined): void {
    this.#onLeds = listener;
  }

  /** The lights of the guest's keyboard have changed. */
  lights(leds: number): void {
    if (leds === this.leds) return;
    this.leds = leds;
    this.#onLeds?.(leds);
  }

  /** There is a connection again: what was let go meanwhile is let go in the guest. */
  releaseAll(): void {
    for (const [head, state] of this.#heads) {
      const target = this.target(head);
      if (!target) continue;
      for (const key of state.keys) if (send(target, 'Keyboard', 'Release', key)) state.keys.delete(key);
      for (const button of state.buttons)
        if (send(target, 'Mouse', 'Release', button)) state.buttons.delete(button);
      for (const finger of TOUCH_SLOTS.keys()) {
        const bit = 1 << finger;
        if ((state.fingers & bit) !== 0 && sendTouch(target, finger, TOUCH_UP, 0, 0)) state.fingers &= ~bit;
      }
    }
  }

  /** QEMU has read all that waited for it. */
  drained(): void {
    this.#flush();
  }

  close(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    this.#heads.clear();
    this.#moved.clear();
  }

  #head(head: number): HeadInput {
    let state = this.#heads.get(head);
    if (!state) {
      state = {
        dx: 0,
        dy: 0,
        x: 0,
        y: 0,
        placed: false,
        wheelX: 0,
        wheelY: 0,
        finger: -1,
        fingers: 0,
        keys: new Set(),
        buttons: new Set(),
      };
      this.#heads.set(head, state);
    }
    return state;
  }

  /** For QEMU before 8.1: the first finger is a pointer with its button down. */
  #touchAsPointer(
    state: HeadInput,
    head: number,
    finger: number,
    phase: TouchPhase,
    x: number,
    y: number,
  ): void {
    if (phase === TOUCH_DOWN && state.finger < 0) state.finger = finger;
    else if (state.finger !== finger) return;
    if (phase === TOUCH_DOWN || phase === TOUCH_MOVE) this.place(head, x, y);
    if (phase === TOUCH_DOWN) this.button(head, BTN_LEFT, true);
    if (phase === TOUCH_DOWN || phase === TOUCH_MOVE) return;
    state.finger = -1;
    this.button(head, BTN_LEFT, false);
  }

  /** Presses a key or button, or lets it go. `held`: what the guest has down of that kind. */
  #change(head: number, device: InputInterface, held: Set<number>, number: number, down: boolean): void {
    const target = this.target(head);
    if (!target || held.has(number) === down) return;
    const room = target.display.waiting < MOST_PRESSES;
    if (down && !room) return;
    // Where a button is pressed matters.
    this.#flush(room ? head : undefined);
    if (!send(target, device, down ? 'Press' : 'Release', number)) return;
    if (down) held.add(number);
    else held.delete(number);
  }

  #soon(head: number): void {
    this.#moved.add(head);
    this.#flushing ??= setImmediate(() => {
      this.#flush();
    });
  }

  /** Sends where the pointers have come to; `urgent`: the head for which that cannot wait, however much does. */
  #flush(urgent?: number): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    for (const head of this.#moved) {
      const target = this.target(head);
      if (target && head !== urgent && target.display.waiting >= MOST_MOTIONS) continue;
      if (target) move(target, this.#head(head));
      this.#moved.delete(head);
    }
  }
}

function move(target: InputTarget, state: HeadInput): void {
  const { display, console } = target;
  const { id, width, height, absolute } = console;
  if (!absolute) {
    const [dx, dy] = [Math.trunc(state.dx), Math.trunc(state.dy)];
    state.dx -= dx;
    state.dy -= dy;
    if (dx !== 0 || dy !== 0) display.input(id, 'Mouse', 'RelMotion', 'ii', [dx, dy]);
    return;
  }
  if (width === 0 || height === 0) return;
  if (!state.placed) {
    // Nobody knows where the guest's pointer is: the middle is as good as anything.
    state.x = width / 2;
    state.y = height / 2;
    state.placed = true;
  }
  state.x = clamp(state.x + state.dx, 0, width - 1);
  state.y = clamp(state.y + state.dy, 0, height - 1);
  state.dx = state.dy = 0;
  display.input(id, 'Mouse', 'SetAbsPosition', 'uu', [Math.floor(state.x), Math.floor(state.y)]);
}

/** Sends the whole notches; returns what is left of one. */
function notches(target: InputTarget, amount: number, back: number, forth: number): number {
  const whole = clamp(Math.trunc(amount), -MOST_NOTCHES, MOST_NOTCHES);
  for (let notch = Math.abs(whole); notch > 0; notch--) {
    send(target, 'Mouse', 'Press', whole < 0 ? back : forth);
    send(target, 'Mouse', 'Release', whole < 0 ? back : forth);
  }
  return amount % 1;
}

function send(
  { display, console }: InputTarget,
  device: InputInterface,
  member: string,
  value: number,
): boolean {
  return display.input(console.id, device, member, 'u', [value]);
}

function sendTouch(
  { display, console }: InputTarget,
  finger: number,
  phase: TouchPhase,
  x: number,
  y: number,
): boolean {
  const { id, width, height } = console;
  // QEMU lifts no finger that is cancelled.
  const kind = Math.min(phase, TOUCH_UP);
  const at = [clamp(x, 0, 1) * width, clamp(y, 0, 1) * height] as const;
  return display.input(id, 'MultiTouch', 'SendEvent', 'utdd', [kind, TOUCH_SLOTS[finger]!, ...at]);
}
