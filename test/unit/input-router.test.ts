import type { Action, Hotkey } from '../../src/config/config';
import {
  TOUCH_CANCEL,
  TOUCH_DOWN,
  TOUCH_MOVE,
  TOUCH_UP,
  type GuestInput,
  type TouchPhase,
} from '../../src/guest/sink';
import { InputRouter, type Bindings, type InputTarget } from '../../src/input/router';
import { parsePassthrough, parseTrigger } from '../../src/input/trigger';

const CTRL = 29;
const ALT = 56;
const SHIFT = 42;
const A = 30;
const B = 48;
const ONE = 2;
const SCROLL = 70;
const LEFT = 0x110;
const RIGHT = 0x111;

/** A guest that writes down what it gets, and whose keyboard may not be played wrongly. */
class Guest implements GuestInput {
  readonly got: string[] = [];
  readonly held = new Set<string>();

  key(head: number, code: number, down: boolean): void {
    this.#hold(`${head}:${code}`, down);
    this.got.push(`${down ? '+' : '-'}${code}`);
  }
  button(head: number, code: number, down: boolean): void {
    this.#hold(`${head}:${code}`, down);
    this.got.push(`${down ? '+' : '-'}B${code - LEFT}`);
  }
  motion(_head: number, dx: number, dy: number): void {
    this.got.push(`m${dx},${dy}`);
  }
  place(_head: number, x: number, y: number): void {
    this.got.push(`p${x},${y}`);
  }
  wheel(_head: number, dx: number, dy: number): void {
    this.got.push(`w${dx},${dy}`);
  }
  touch(_head: number, finger: number, phase: TouchPhase, x: number, y: number): void {
    this.got.push(`t${finger}${'+m-x'[phase]}${phase < 2 ? `${x},${y}` : ''}`);
  }
  takesPlaces = false;
  absolute(): boolean {
    return this.takesPlaces;
  }

  /** What it got since it was last asked. */
  get news(): string {
    return this.got.splice(0).join(' ');
  }

  #hold(key: string, down: boolean): void {
    if (down === this.held.has(key)) throw new Error(`${key} is ${down ? 'down' : 'up'} already`);
    if (down) this.held.add(key);
    else this.held.delete(key);
  }
}

let windows: Guest;
let linux: Guest;
let fired: string[];
let onAction: (source: string) => void;
let router: InputRouter;
let ended: string[];
let deadline: number;
let now = 0;

/** A router with these hotkeys, and the focus on the first guest. */
function play(...hotkeys: string[]): void {
  playBindings({ hotkeys: hotkeys.map(hotkey) });
}

function playBindings(bindings: Bindings): void {
  const source = (action: Action) => (action.kind === 'next' ? action.on! : '');
  const handler = {
    fired: (action: Action) => {
      fired.push(source(action));
      onAction(source(action));
    },
    released: (action: Action) => void ended.push(source(action)),
  };
  deadline = Infinity;
  router = new InputRouter(bindings, handler, (at) => (deadline = at));
  router.focus(on(windows));
}

/** Time passes: the alarm rings if it is set. */
const wait = (ms: number) => {
  now += ms;
  if (now > deadline) router.expire(now);
};

const hotkey = (source: string): Hotkey => ({
  source,
  trigger: parseTrigger(source),
  action: { kind: 'next', on: source },
});
const on = (input: GuestInput, head = 0): InputTarget => ({ input, head });

beforeEach(() => {
  windows = new Guest();
  linux = new Guest();
  fired = [];
  onAction = () => undefined;
  ended = [];
  play('Ctrl+Alt+1', 'ScrollLock ScrollLock 1', 'Pause');
});

const down = (code: number, device = 1) => {
  router.key(device, code, true, (now += 20));
  router.done();
};
const up = (code: number, device = 1) => {
  router.key(device, code, false, (now += 20));
  router.done();
};
const tap = (code: number) => {
  down(code);
  up(code);
};

describe('keys', () => {
  test('go to the guest with the focus, and to no other', () => {
    down(SHIFT);
    tap(A);
    up(SHIFT);
    expect(windows.news).toBe('+42 +30 -30 -42');
    router.focus(on(linux));
    tap(B);
    expect(windows.news).toBe('');
    expect(linux.news).toBe('+48 -48');
  });

  test('go nowhere without a focus', () => {
    router.focus(null);
    tap(A);
    expect([windows.news, linux.news]).toEqual(['', '']);
  });

  test('that repeat are passed once', () => {
    down(A);
    down(A);
    down(A);
    up(A);
    up(A);
    expect(windows.news).toBe('+30 -30');
  });

  test('that were down before anyone listened are not released', () => {
    up(A);
    expect(windows.news).toBe('');
  });

  test('of no table do no harm', () => {
    for (const code of [0x2ff, 0x300, 0xffff, 0x7fffffff]) tap(code);
    expect(windows.news).toBe('+767 -767');
  });

  test('on two keyboards are one: the first press and the last release count', () => {
    down(A, 1);
    down(A, 2);
    up(A, 1);
    expect(windows.news).toBe('+30');
    up(A, 2);
    expect(windows.news).toBe('-30');
  });
});

describe('a moved focus', () => {
  test('releases in the old guest what it held, modifiers last, then buttons', () => {
    down(CTRL);
    expect(windows.news).toBe('');
    down(A);
    router.button(2, LEFT, true);
    expect(windows.news).toBe('+29 +30 +B0');
    router.focus(on(linux));
    expect(windows.news).toBe('-30 -29 -B0');
    expect(windows.held.size).toBe(0);
  });

  test('presses nothing in the new guest, nor releases what it has not seen pressed', () => {
    down(A);
    router.button(2, LEFT, true);
    router.focus(on(linux));
    up(A);
    router.button(2, LEFT, false);
    expect(linux.news).toBe('');
    tap(A);
    router.button(2, LEFT, true);
    expect(linux.news).toBe('+30 -30 +B0');
  });

  test('to another head of the same guest releases on the old head', () => {
    down(A);
    router.focus(on(windows, 1));
    expect(windows.news).toBe('+30 -30');
    expect(windows.held.size).toBe(0);
    up(A);
    down(B);
    expect(windows.held).toEqual(new Set(['1:48']));
  });

  test('that did not move changes nothing', () => {
    down(A);
    router.focus({ input: windows, head: 0 });
    expect(windows.news).toBe('+30');
    up(A);
    expect(windows.news).toBe('-30');
  });

  test('away and back leaves held keys up until they are pressed again', () => {
    down(A);
    router.focus(null);
    expect(windows.news).toBe('+30 -30');
    router.focus(on(windows));
    up(A);
    expect(windows.news).toBe('');
    tap(A);
    expect(windows.news).toBe('+30 -30');
  });

  test('a key held on one keyboard may be pressed in the new guest on another', () => {
    down(A, 1);
    router.focus(on(linux));
    down(A, 2);
    expect(linux.news).toBe('+30');
    up(A, 2);
    expect(linux.news).toBe('-30');
    up(A, 1);
    expect(linux.news).toBe('');
  });

  test('sends motion that came before to the old guest', () => {
    router.motion(256, 0);
    router.focus(on(linux));
    router.done();
    expect([windows.news, linux.news]).toEqual(['m1,0', '']);
  });
});

describe('a hotkey', () => {
  test('keeps all of its keys to itself', () => {
    down(CTRL);
    down(ALT);
    down(ONE);
    expect(fired).toEqual(['Ctrl+Alt+1']);
    expect(windows.news).toBe('');
    up(ONE);
    up(ALT);
    up(CTRL);
    expect(windows.news).toBe('');
    tap(CTRL);
    tap(ONE);
    expect(windows.news).toBe('+29 -29 +2 -2');
  });

  test('fires again while its modifiers stay down', () => {
    down(CTRL);
    down(ALT);
    tap(ONE);
    tap(ONE);
    expect(fired).toHaveLength(2);
    expect(windows.news).toBe('');
  });

  test('ends in the guest the modifiers that it knows to be down', () => {
    down(CTRL);
    wait(201);
    down(ALT);
    expect(windows.news).toBe('+29');
    down(ONE);
    expect(fired).toHaveLength(1);
    expect(windows.news).toBe('-29');
    up(ONE);
    up(CTRL);
    up(ALT);
    expect(windows.news).toBe('');
  });

  test('leaves other keys alone where the focus stays', () => {
    down(A);
    down(CTRL);
    down(ALT);
    tap(ONE);
    expect(windows.held).toEqual(new Set([`0:${A}`]));
  });

  test('that moves the focus leaves the new guest without a key of the chord', () => {
    onAction = () => {
      router.focus(on(linux));
    };
    down(CTRL);
    down(ALT);
    down(A);
    down(ONE);
    up(ONE);
    up(A);
    up(ALT);
    up(CTRL);
    expect(windows.news).toBe('+29 +56 +30 -29 -56 -30');
    expect(linux.news).toBe('');
    tap(B);
    expect(linux.news).toBe('+48 -48');
  });

  test('of taps withholds them all', () => {
    tap(SCROLL);
    tap(SCROLL);
    tap(ONE);
    expect(fired).toEqual(['ScrollLock ScrollLock 1']);
    expect(windows.news).toBe('');
  });

  test('works without a focus', () => {
    router.focus(null);
    down(CTRL);
    down(ALT);
    down(ONE);
    expect(fired).toEqual(['Ctrl+Alt+1']);
  });

  test('is not fired by a repeat', () => {
    down(CTRL);
    down(ALT);
    down(ONE);
    down(ONE);
    expect(fired).toHaveLength(1);
  });

  test('takes its keys from several keyboards', () => {
    down(CTRL, 1);
    down(CTRL, 2);
    up(CTRL, 2);
    down(ALT, 2);
    down(ONE, 3);
    expect(fired).toEqual(['Ctrl+Alt+1']);
  });
});

describe('keys that may begin a hotkey', () => {
  test('wait for the next key, and come before it when it makes none', () => {
    down(CTRL);
    expect(windows.news).toBe('');
    down(A);
    expect(windows.news).toBe('+29 +30');
    up(A);
    up(CTRL);
    expect(windows.news).toBe('-30 -29');
  });

  test('come with their own release when they were all', () => {
    down(CTRL);
    down(ALT);
    expect(windows.news).toBe('');
    up(CTRL);
    expect(windows.news).toBe('+29 +56 -29');
    up(ALT);
    expect(windows.news).toBe('-56');
  });

  test.each([
    ['a button', () => { router.button(2, LEFT, true); }, '+29 +B0'],
    ['a wheel', () => { router.wheel(false, 120); }, '+29 w0,1'],
  ])('come before %s', (_what, act, seen) => {
    down(CTRL);
    act();
    expect(windows.news).toBe(seen);
    down(ALT);
    down(ONE);
    expect(fired).toEqual(['Ctrl+Alt+1']);
    expect(windows.news).toBe('-29');
  }); // prettier-ignore

  test('are not decided by motion', () => {
    down(CTRL);
    router.motion(256, 0);
    router.done();
    expect(windows.news).toBe('m1,0');
    down(ALT);
    down(ONE);
    expect(windows.news).toBe('');
  });

  test('come when they are held for a while, to whoever had the focus', () => {
    down(CTRL);
    wait(200);
    expect(windows.news).toBe('');
    wait(1);
    expect(windows.news).toBe('+29');
    expect(deadline).toBe(Infinity);
    down(ALT);
    router.focus(on(linux));
    expect(windows.news).toBe('+56 -29 -56');
    up(ALT);
    up(CTRL);
    wait(1000);
    expect(linux.news).toBe('');
  });

  test('come late at the latest with the next event, when nobody rang', () => {
    down(CTRL);
    now += 300;
    down(ALT);
    expect(windows.news).toBe('+29');
  });

  test('are passed at once where no hotkey can begin with them', () => {
    down(SHIFT);
    expect(windows.news).toBe('+42');
    down(CTRL);
    expect(windows.news).toBe('+29');
  });

  test('of a sequence come in order once it is broken', () => {
    tap(SCROLL);
    tap(SCROLL);
    expect(windows.news).toBe('');
    down(A);
    expect(windows.news).toBe('+70 -70 +70 -70 +30');
  });

  test('of a sequence come once it has taken too long', () => {
    tap(SCROLL);
    wait(990);
    expect(windows.news).toBe('+70 -70');
    down(SCROLL);
    wait(1001);
    expect(windows.news).toBe('+70');
    up(SCROLL);
    expect(windows.news).toBe('-70');
    tap(ONE);
    expect(fired).toEqual([]);
  });

  test('come as soon as the hotkey begins later than with them', () => {
    tap(SCROLL);
    tap(SCROLL);
    down(SCROLL);
    expect(windows.news).toBe('+70 -70');
    up(SCROLL);
    tap(ONE);
    expect(fired).toEqual(['ScrollLock ScrollLock 1']);
    expect(windows.news).toBe('');
  });

  test('do not hold up the release of a key that the guest has down', () => {
    down(A);
    windows.got.length = 0;
    tap(SCROLL);
    up(A);
    expect(windows.news).toBe('-30');
    tap(B);
    expect(windows.news).toBe('+70 -70 +48 -48');
  });

  test('keep the modifiers they were pressed with', () => {
    play('Ctrl+A N');
    down(CTRL);
    wait(201);
    down(A);
    up(CTRL);
    up(A);
    expect(windows.news).toBe('+29');
    down(B);
    expect(windows.news).toBe('+30 -29 -30 +48');
  });

  test('of a chord in a sequence begin with its modifiers', () => {
    play('Ctrl+A Ctrl+B');
    down(CTRL);
    tap(A);
    tap(A);
    expect(windows.news).toBe('+29 +30 -30');
    down(B);
    expect(fired).toEqual(['Ctrl+A Ctrl+B']);
    expect(windows.news).toBe('-29');
  });

  test('are let go by the hotkey where the guest has them down', () => {
    play('Ctrl+A N');
    down(CTRL);
    wait(201);
    tap(A);
    up(CTRL);
    tap(1 + 48); // N
    expect(fired).toEqual(['Ctrl+A N']);
    expect(windows.news).toBe('+29 -29');
  });

  test('are nobody’s without a focus', () => {
    router.focus(null);
    down(CTRL);
    tap(SCROLL);
    router.focus(on(linux));
    wait(2000);
    up(CTRL);
    expect([windows.news, linux.news]).toEqual(['', '']);
  });

  test('are never more than can wait', () => {
    play('ScrollLock ScrollLock 1');
    down(SCROLL);
    for (let i = 0; i < 200; i++) {
      down(SCROLL, 2 + i);
      up(SCROLL, 2 + i);
    }
    up(SCROLL);
    wait(2000);
    expect(windows.held.size).toBe(0);
  });
});

describe('keys that always go to the guest', () => {
  const bindings = (passthrough: string[], ...hotkeys: string[]) => {
    playBindings({ hotkeys: hotkeys.map(hotkey), passthrough: passthrough.map(parsePassthrough) });
  };

  test('fire nothing, and end what has begun', () => {
    bindings(['Ctrl+Alt+1', 'ScrollLock'], 'Ctrl+Alt+1', 'Ctrl+Alt+2', 'ScrollLock ScrollLock 1');
    down(CTRL);
    down(ALT);
    tap(ONE);
    expect(windows.news).toBe('+29 +56 +2 -2');
    tap(3);
    expect(fired).toEqual(['Ctrl+Alt+2']);
    up(CTRL);
    up(ALT);
    windows.got.length = 0;
    down(SCROLL);
    expect(windows.news).toBe('+70');
    up(SCROLL);
    tap(SCROLL);
    tap(ONE);
    expect(fired).toHaveLength(1);
  });

  test('may be modifiers, which are not waited for then', () => {
    bindings(['Ctrl'], 'Ctrl+Alt+1');
    down(CTRL);
    expect(windows.news).toBe('+29');
    down(ALT);
    down(ONE);
    expect(fired).toEqual(['Ctrl+Alt+1']);
    expect(windows.news).toBe('-29');
  });
});

describe('a hotkey that wants its key held', () => {
  const holding = (source: string): Hotkey => ({ ...hotkey(source), hold: true });

  test('fires after a while, once, and ends with the key', () => {
    playBindings({ hotkeys: [holding('ScrollLock'), hotkey('ScrollLock ScrollLock 1')] });
    down(SCROLL);
    wait(500);
    expect(fired).toEqual([]);
    wait(1);
    expect(fired).toEqual(['ScrollLock']);
    wait(5000);
    expect(ended).toEqual([]);
    up(SCROLL);
    expect(ended).toEqual(['ScrollLock']);
    expect(fired).toHaveLength(1);
    expect(windows.news).toBe('');
  });

  test('leaves a tap of its key to others', () => {
    playBindings({ hotkeys: [holding('ScrollLock'), hotkey('ScrollLock ScrollLock 1')] });
    tap(SCROLL);
    wait(600);
    tap(SCROLL);
    wait(600);
    expect(windows.news).toBe('');
    tap(ONE);
    expect(fired).toEqual(['ScrollLock ScrollLock 1']);
    playBindings({ hotkeys: [holding('Pause')] });
    down(119);
    expect(windows.news).toBe('');
    up(119);
    expect(windows.news).toBe('+119 -119');
  });

  test('fires on time even if nobody rang, and not once another key is pressed', () => {
    playBindings({ hotkeys: [holding('Ctrl+Alt+A')] });
    down(CTRL);
    down(ALT);
    down(A);
    now += 600;
    up(A);
    expect(fired).toEqual(['Ctrl+Alt+A']);
    expect(ended).toEqual(['Ctrl+Alt+A']);
    down(A);
    down(B);
    wait(600);
    expect(fired).toHaveLength(1);
    expect(windows.news).toBe('+30 +48');
  });
});

describe('a suspended router', () => {
  test('lets go of everything, and begins anew', () => {
    down(A, 1);
    down(CTRL, 2);
    down(ALT, 2);
    router.button(3, LEFT, true);
    windows.got.length = 0;
    router.suspend();
    expect(windows.held.size).toBe(0);
    expect(windows.news).toBe('-30 -29 -56 -B0');
    for (const [device, code] of [[1, A], [2, CTRL], [2, ALT]] as const) router.key(device, code, false, now); // prettier-ignore
    expect(windows.news).toBe('');
    down(ONE);
    expect(fired).toEqual([]);
    expect(windows.news).toBe('+2');
  });

  test('ends the hotkey whose key was held', () => {
    down(119);
    router.suspend();
    expect(ended).toEqual(['Pause']);
  });
});

describe('an unplugged device', () => {
  test('lets go of its keys and buttons, and of no others', () => {
    down(A, 1);
    down(B, 1);
    down(B, 2);
    router.button(1, LEFT, true);
    router.button(2, RIGHT, true);
    windows.got.length = 0;
    router.gone(1);
    expect(windows.news).toBe('-30 -B0');
    router.gone(2);
    expect(windows.news).toBe('-48 -B1');
    expect(windows.held.size).toBe(0);
  });

  test('holds no modifier any more', () => {
    down(CTRL, 1);
    router.gone(1);
    down(ALT, 2);
    down(ONE, 2);
    expect(fired).toEqual([]);
    down(CTRL, 2);
    up(ONE, 2);
    down(ONE, 2);
    expect(fired).toEqual(['Ctrl+Alt+1']);
  });

  test('leaves the modifiers of others held', () => {
    down(CTRL, 1);
    down(ALT, 2);
    router.gone(3);
    down(SHIFT, 4);
    router.gone(4);
    down(ONE, 1);
    expect(fired).toEqual(['Ctrl+Alt+1']);
  });

  test('that comes again under its number has all keys up', () => {
    down(A, 1);
    router.gone(1);
    tap(A);
    expect(windows.news).toBe('+30 -30 +30 -30');
  });
});

describe('the pointer', () => {
  test('moves once a batch, by the sum', () => {
    router.motion(256, -128);
    router.motion(128, -128);
    expect(windows.news).toBe('');
    router.done();
    router.done();
    expect(windows.news).toBe('m1.5,-1');
  });

  test('comes to the newest place of a batch', () => {
    router.place(0, 0);
    router.place(32768, 65536);
    router.done();
    router.done();
    expect(windows.news).toBe('p0.5,1');
  });

  test('is where it was when a button, wheel or key came', () => {
    router.motion(256, 0);
    router.button(1, LEFT, true);
    router.motion(512, 0);
    router.button(1, LEFT, false);
    router.place(65536, 0);
    router.wheel(false, 120);
    router.motion(0, 256);
    router.key(2, A, true, 0);
    router.done();
    expect(windows.news).toBe('m1,0 +B0 m2,0 -B0 p1,0 w0,1 m0,1 +30');
  });

  test('keeps the order of mouse and tablet', () => {
    router.motion(256, 0);
    router.place(65536, 0);
    router.motion(0, 256);
    router.done();
    expect(windows.news).toBe('m1,0 p1,0 m0,1');
  });

  test('that moved there and back sends nothing', () => {
    router.motion(256, 256);
    router.motion(-256, -256);
    router.done();
    expect(windows.news).toBe('');
  });

  test('turns wheels in notches, down and right', () => {
    router.wheel(false, 120);
    router.wheel(false, -60);
    router.wheel(true, 240);
    expect(windows.news).toBe('w0,1 w0,-0.5 w2,0');
  });

  test('moves nothing without a focus, nor later', () => {
    router.focus(null);
    router.motion(256, 0);
    router.place(1, 1);
    router.wheel(true, 120);
    router.button(1, LEFT, true);
    router.focus(on(linux));
    router.done();
    router.button(1, LEFT, false);
    expect([windows.news, linux.news]).toEqual(['', '']);
  });

  test('presses a button of two mice once', () => {
    router.button(1, LEFT, true);
    router.button(2, LEFT, true);
    router.button(1, LEFT, false);
    router.button(2, LEFT, false);
    expect(windows.news).toBe('+B0 -B0');
  });
});

describe('motion', () => {
  test('is as the mouse told it, but for a guest whose pointer takes places', () => {
    router.focus(on(windows));
    router.motion(512, -512, 256, -256);
    router.motion(512, 0, 256, 0);
    router.done();
    windows.takesPlaces = true;
    router.motion(512, -512, 256, -256);
    router.done();
    expect(windows.news).toBe('m2,-1 m2,-2');
  });
});

describe('a place on the panel', () => {
  /** Shows the guest's screen in the middle half of its width. */
  const panel = {
    toScreen: (at: { x: number; y: number }): boolean => {
      const x = at.x * 2 - 0.5;
      at.x = Math.min(Math.max(x, 0), 1);
      return x === at.x;
    },
  };

  test('is one on the screen that is shown there', () => {
    router.focus({ ...on(windows), panel });
    router.place(32768, 16384);
    router.done();
    router.place(0, 0);
    router.done();
    expect(windows.news).toBe('p0.5,0.25 p0,0');
  });

  test('changes with the panel, and no key goes up for that', () => {
    router.focus(on(windows));
    router.key(1, A, true, now);
    router.focus({ ...on(windows), panel });
    router.place(49152, 0);
    router.done();
    expect(windows.news).toBe(`+${A} p1,0`);
  });

  test('beside the screen begins no touch; one that moves there stays at its edge', () => {
    router.focus({ ...on(windows), panel });
    router.touch(0, TOUCH_DOWN, 0, 0);
    router.touch(0, TOUCH_MOVE, 32768, 0);
    router.touch(0, TOUCH_UP, 0, 0);
    expect(windows.news).toBe('');
    router.touch(1, TOUCH_DOWN, 32768, 32768);
    router.touch(1, TOUCH_MOVE, 65535, 32768);
    router.touch(1, TOUCH_UP, 0, 0);
    expect(windows.news).toBe('t1+0.5,0.5 t1m1,0.5 t1-');
  });
});

describe('a pointer that is pushed against the edge of its screen', () => {
  let at: { x: number; y: number } | undefined;
  let crossed: string[];
  const border = {
    pointer: (place: { x: number; y: number }): boolean => {
      if (at) Object.assign(place, at);
      return at !== undefined;
    },
    crossed: (edge: string, place: { x: number; y: number }): void => {
      crossed.push(`${edge} ${place.x},${place.y}`);
      router.focus(on(linux));
    },
  };
  const push = (dx: number, dy = 0): void => {
    router.motion(dx * 256, dy * 256);
    router.done();
  };
  beforeEach(() => {
    at = { x: 1, y: 0.25 };
    crossed = [];
    router.focus({ ...on(windows), border });
  });

  test('leaves it, and no motion reaches both guests', () => {
    push(20);
    expect(crossed).toEqual([]);
    push(20);
    expect(crossed).toEqual(['right 1,0.25']);
    expect(windows.news).toBe('m20,0 m20,0');
    push(3);
    expect([windows.news, linux.news]).toEqual(['', 'm3,0']);
  });

  test('takes the keyboard along: what was held goes up', () => {
    router.key(1, A, true, now);
    router.key(1, CTRL, true, now);
    push(100);
    router.key(1, CTRL, false, now);
    router.key(1, A, false, now);
    tap(B);
    expect(windows.news).toMatch(/^\+30 (\+29 )?m100,0 (\+29 )?-30 -29$/);
    expect(linux.news).toBe('+48 -48');
    expect(windows.held.size).toBe(0);
  });

  test('stays while a button or a finger is down, and has been pushed none then', () => {
    push(20);
    router.button(1, LEFT, true);
    push(100);
    router.button(1, LEFT, false);
    router.touch(0, TOUCH_DOWN, 0, 0);
    push(100);
    router.touch(0, TOUCH_UP, 0, 0);
    push(20);
    expect(crossed).toEqual([]);
    push(20);
    expect(crossed).toEqual(['right 1,0.25']);
  });

  test('stays while a button that went down at another guest is down', () => {
    router.focus(on(linux));
    router.button(1, LEFT, true);
    router.focus({ ...on(windows), border });
    push(100);
    expect(crossed).toEqual([]);
    router.button(1, LEFT, false);
    push(100);
    expect(crossed).toEqual(['right 1,0.25']);
  });

  test('stays where nobody knows the place, or there is nothing around it', () => {
    at = undefined;
    push(100);
    at = { x: 0.5, y: 0.5 };
    push(100);
    router.focus(on(windows));
    at = { x: 1, y: 0.5 };
    push(100);
    expect(crossed).toEqual([]);
    expect(windows.news).toBe('m100,0 m100,0 m100,0');
  });

  test('crosses at the end of a batch only, when no key or button is half told', () => {
    router.motion(100 * 256, 0);
    router.key(1, A, true, now);
    router.motion(100 * 256, 0);
    router.wheel(false, 120);
    expect(crossed).toEqual([]);
    expect(windows.news).toBe('m100,0 +30 m100,0 w0,1');
    push(100);
    expect(windows.news).toBe('m100,0 -30');
    expect(crossed).toHaveLength(1);
  });

  test('is held anew after a switch', () => {
    push(20);
    router.focus(on(linux));
    router.focus({ ...on(windows), border });
    push(20);
    expect(crossed).toEqual([]);
  });

  test('is not told by what says places', () => {
    router.place(65535, 0);
    router.done();
    expect(crossed).toEqual([]);
  });
});

test('fingers that are down when the focus moves are lifted there, and begin nothing elsewhere', () => {
  router.focus(on(windows));
  router.touch(0, TOUCH_DOWN, 0, 0);
  router.touch(3, TOUCH_DOWN, 0, 0);
  router.touch(0, TOUCH_CANCEL, 0, 0);
  expect(windows.news).toBe('t0+0,0 t3+0,0 t0x');
  router.focus(on(linux));
  expect(windows.news).toBe('t3x');
  router.touch(3, TOUCH_MOVE, 0, 0);
  router.touch(3, TOUCH_UP, 0, 0);
  router.touch(99, TOUCH_DOWN, 0, 0);
  expect(linux.news).toBe('');
  router.touch(3, TOUCH_DOWN, 0, 0);
  expect(linux.news).toBe('t3+0,0');
});
