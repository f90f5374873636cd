import type { GuestInput } from '../sink';
import type { Console, QemuDisplay } from './display';
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
const WHEEL_UP = 3;
const WHEEL_DOWN = 4;
const WHEEL_LEFT = 7;
const WHEEL_RIGHT = 8;
/** Notches that one turn of a wheel can have: nobody turns it further at once. */
const MOST_NOTCHES = 16;

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
  readonly keys: Set<number>;
  readonly buttons: Set<number>;
}

/**
 * Keys and pointer by org.qemu.Display1.Keyboard and Mouse. Nobody waits for answers, and all motion of one turn of the
 * event loop goes in one message.
 */
export class QemuInput implements GuestInput {
  readonly #heads = new Map<number, HeadInput>();
  readonly #moved = new Set<number>();
  #flushing: NodeJS.Immediate | undefined;

  constructor(private readonly target: (head: number) => InputTarget | undefined) {}

  key(head: number, code: number, down: boolean): void {
    const number = qnum(code);
    const target = this.target(head);
    if (number === undefined || !target) return;
    this.#flush();
    const { keys } = this.#head(head);
    if (down) keys.add(number);
    else keys.delete(number);
    send(target, 'Keyboard', down ? 'Press' : 'Release', number);
  }

  motion(head: number, dx: number, dy: number): void {
    const target = this.target(head);
    if (!target || !Number.isFinite(dx) || !Number.isFinite(dy)) return;
    const state = this.#head(head);
    state.dx += dx;
    state.dy += dy;
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
    const target = this.target(head);
    if (button === undefined || !target) return;
    // Where it is pressed matters.
    this.#flush();
    const { buttons } = this.#head(head);
    if (down) buttons.add(button);
    else buttons.delete(button);
    send(target, 'Mouse', down ? 'Press' : 'Release', button);
  }

  wheel(head: number, dx: number, dy: number): void {
    const target = this.target(head);
    if (!target || !Number.isFinite(dx) || !Number.isFinite(dy)) return;
    this.#flush();
    const state = this.#head(head);
    state.wheelX = notches(target, state.wheelX + dx, WHEEL_LEFT, WHEEL_RIGHT);
    state.wheelY = notches(target, state.wheelY + dy, WHEEL_UP, WHEEL_DOWN);
  }

  absolute(head: number): boolean {
    return this.target(head)?.console.absolute ?? false;
  }

  /** There is a connection again: what was let go meanwhile is let go in the guest. */
  releaseAll(): void {
    for (const [head, { keys, buttons }] of this.#heads) {
      const target = this.target(head);
      if (!target) continue;
      for (const key of keys) send(target, 'Keyboard', 'Release', key);
      for (const button of buttons) send(target, 'Mouse', 'Release', button);
      keys.clear();
      buttons.clear();
    }
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
        keys: new Set(),
        buttons: new Set(),
      };
      this.#heads.set(head, state);
    }
    return state;
  }

  #soon(head: number): void {
    this.#moved.add(head);
    this.#flushing ??= setImmediate(() => {
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#flushing) return;
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    for (const head of this.#moved) {
      const target = this.target(head);
      if (target) move(target, this.#head(head));
    }
    this.#moved.clear();
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
  device: 'Keyboard' | 'Mouse',
  member: string,
  value: number,
): void {
  display.input(console.id, device, member, 'u', [value]);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
