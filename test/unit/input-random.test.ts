import type { Action, Hotkey } from '../../src/config/config';
import type { GuestInput } from '../../src/guest/sink';
import { InputRouter } from '../../src/input/router';
import { parseTrigger } from '../../src/input/trigger';
import { InputModel, isModifier, seen, type ModelHotkey, type Seen } from './support/input-model';
import { Random } from './support/random';

const EVENTS = 100_000;
const [CTRL, RIGHT_CTRL, ALT, SHIFT, SUPER] = [29, 97, 56, 42, 125];
const SCROLL = 70;
const [ONE, TWO, THREE, A, N] = [2, 3, 4, 30, 49];
const MODIFIERS = { Ctrl: CTRL, Alt: ALT, Shift: SHIFT, Super: SUPER };
const [LEFT, RIGHT] = [0x110, 0x111];

/** A guest that writes down what it gets with which modifiers, and whose keyboard may not be played wrongly. */
class Guest implements GuestInput {
  readonly seen: Seen[] = [];
  readonly down = new Set<number>();
  readonly told = new Map<number, number>();

  key(_head: number, code: number, down: boolean): void {
    this.#hold(code, down);
    if (!down) return;
    if (isModifier(code)) this.told.set(code, (this.told.get(code) ?? 0) + 1);
    else this.#see(`+${code}`);
  }
  button(_head: number, code: number, down: boolean): void {
    this.#hold(code, down);
    if (down) this.#see(`B${code}`);
  }
  wheel(): void {
    this.#see('w');
  }
  motion(): void {
    // Motion decides nothing; its sums are tested elsewhere.
  }
  place(): void {
    // As motion.
  }
  absolute(): boolean {
    return false;
  }

  #see(what: string): void {
    this.seen.push(seen(what, [...this.down].filter(isModifier)));
  }
  #hold(code: number, down: boolean): void {
    if (down === this.down.has(code)) throw new Error(`${code} is ${down ? 'down' : 'up'} already`);
    if (down) this.down.add(code);
    else this.down.delete(code);
  }
}

const HOTKEYS: ModelHotkey[] = [
  { name: 'Ctrl+Alt+1', steps: [[ONE, ['Ctrl', 'Alt']]] },
  { name: 'Ctrl+Alt+2', steps: [[TWO, ['Ctrl', 'Alt']]] },
  { name: 'Super+3', steps: [[THREE, ['Super']]] },
  { name: 'ScrollLock ScrollLock 1', steps: [[SCROLL, []], [SCROLL, []], [ONE, []]] },
  { name: 'ScrollLock ScrollLock N', steps: [[SCROLL, []], [SCROLL, []], [N, []]] },
  { name: 'Ctrl+A N', steps: [[A, ['Ctrl']], [N, []]] },
  { name: 'Ctrl+A Ctrl+A Shift+N', steps: [[A, ['Ctrl']], [A, ['Ctrl']], [N, ['Shift']]] },
]; // prettier-ignore

/** The guest that has the focus after a hotkey; null: none has. */
function moved(hotkey: string, focus: number | null): number | null {
  const at = HOTKEYS.findIndex(({ name }) => name === hotkey);
  if (at === 2) return null;
  return at % 2 === 0 ? focus : ((focus ?? 0) + at) % 3;
}

/** Keys of each keyboard: modifiers are on all, other keys on one, so that no key is typed on two at once. */
const KEYS = [
  [CTRL, ALT, SHIFT, ONE, SCROLL, A],
  [RIGHT_CTRL, ALT, CTRL, SUPER, TWO, N, THREE],
];

test.each([1, 2, 3])(`${EVENTS} random events reach exactly the guest the model says (seed %d)`, (seed) => {
  const random = new Random(seed);
  const guests = [new Guest(), new Guest(), new Guest()];
  const model = new InputModel(guests.length, HOTKEYS, moved);
  const fired: string[] = [];
  let deadline = Infinity;
  let now = 1000;
  let focus: number | null = null;
  const hotkeys = HOTKEYS.map(({ name }): Hotkey => ({
    source: name,
    trigger: parseTrigger(name),
    action: { kind: 'layout', layout: name },
  }));
  let crossings = 0;
  /** All pointers are at the right edge of their screens, beside another guest's. */
  const border = {
    pointer: (at: { x: number }) => {
      at.x = 1;
      return true;
    },
    crossed: () => {
      crossings++;
      if ([...guests[focus!]!.down].some((code) => code >= LEFT)) throw new Error('a drag has crossed');
      const to = (focus! + 1) % guests.length;
      move(to);
      model.moveFocus(to);
    },
  };
  const move = (to: number | null) => {
    focus = to;
    router.focus(to === null ? null : { input: guests[to]!, head: 0, border });
  };
  const router: InputRouter = new InputRouter(
    { hotkeys },
    {
      fired: (action: Action) => {
        const name = action.kind === 'layout' ? action.layout : '';
        fired.push(name);
        move(moved(name, focus));
      },
      released: () => undefined,
    },
    (at) => (deadline = at),
  );
  const key = (device: number, code: number, down: boolean) => {
    router.key(device, code, down, now);
    model.key(device, code, down, now);
  };
  /** What a user does: mostly taps and chords, sometimes anything at all. */
  const type = () => {
    const device = random.below(KEYS.length);
    if (random.chance(0.3)) {
      const { steps } = random.pick(HOTKEYS);
      // All of it, or a part.
      const typed = random.chance(0.5) ? steps : [random.pick(steps)];
      let events = 0;
      for (const [code, families] of typed) {
        const owner = KEYS.findIndex((keys) => keys.includes(code));
        const keys: [number, number][] = families.map((family) => [device, MODIFIERS[family]]);
        keys.push([owner, code]);
        for (const [on, one] of keys) key(on, one, true);
        for (const [on, one] of keys.reverse()) key(on, one, false);
        events += 2 * keys.length;
        now += random.below(200);
      }
      return events;
    }
    const code = random.pick(KEYS[device]!);
    key(device, code, random.chance(0.5));
    return 1;
  };
  for (let events = 0; events < EVENTS;) {
    now += random.chance(0.02) ? random.below(1500) : random.below(120);
    // The alarm may ring late, or not at all before the next event.
    if (now > deadline && random.chance(0.8)) router.expire(now);
    const kind = random.below(100);
    if (kind < 84) events += type();
    else {
      events++;
      const device = random.below(2);
      if (kind < 89) {
        const [button, down] = [random.pick([LEFT, RIGHT]), random.chance(0.5)];
        router.button(device, button, down);
        model.button(device, button, down);
      } else if (kind < 91) {
        router.wheel(false, 120);
        model.wheel();
      } else if (kind < 96) router.motion(256 * random.below(60), 0);
      else if (kind < 98) {
        const to = random.pick([0, 1, 2, 0, 1, 2, null]);
        move(to);
        model.moveFocus(to);
      } else if (kind < 99) {
        router.gone(device);
        model.gone(device);
      } else if (random.chance(0.2)) {
        router.suspend();
        model.gone(0);
        model.gone(1);
      }
    }
    if (random.chance(0.5)) router.done();
    guests.forEach(({ down }, index) => {
      for (const code of down) {
        if (index !== focus) throw new Error(`${code} is down in a guest without the focus`);
        if (code < LEFT && !isModifier(code) && !model.isDown(code)) throw new Error(`${code} is stuck`);
      }
    });
  }
  for (const device of [0, 1]) {
    router.gone(device);
    model.gone(device);
  }
  expect(guests.map(({ down }) => [...down])).toEqual([[], [], []]);
  expect(fired).toEqual(model.fired);
  expect(crossings).toBeGreaterThan(100);
  expect(new Set(fired).size).toBe(HOTKEYS.length);
  guests.forEach((guest, index) => {
    expect(guest.seen).toEqual(model.expected[index]);
    expect(guest.seen.length).toBeGreaterThan(1000);
    for (const code of [CTRL, RIGHT_CTRL, ALT, SHIFT, SUPER]) {
      const told = guest.told.get(code) ?? 0;
      expect(told).toBeGreaterThanOrEqual(model.must.get(`${index}:${code}`) ?? 0);
      expect(told).toBeLessThanOrEqual(model.may.get(`${index}:${code}`) ?? 0);
    }
  });
});
