import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { ask } from '../../../src/control/client';
import type { Typed } from '../../../src/control/protocol';
import { qnum } from '../../../src/guest/qemu/qnum';
import { readKeymap } from '../../../src/input/keymap';
import {
  Child,
  Daemon,
  EvdevReader,
  eventually,
  Keyboard,
  linkTo,
  mirrors,
  Mouse,
  type NestedQemu,
  pause,
  PictureGuest,
  repository,
  scancodes,
  scratch,
  shows,
  startBare,
  Touchscreen,
} from '../harness';

const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];
const TEXT = 'Hello, World! (It is #1: "quick" & {b}rown_fox\\~^`)\n\tThe end?\n';
const MOVES = 1500;
/** KEY_MICMUTE: what comes after it are buttons. */
const LAST_KEY = 248;

let daemon: Daemon;
let alpha: NestedQemu;
let bravo: NestedQemu;
let sensors: PictureGuest;
let keyboard: Keyboard;
let mouse: Mouse;
/** The devices of `sensors`, taken as by a virtual machine monitor. */
let keys: EvdevReader;
let motion: EvdevReader;

const device = (guest: string, kind: string): string =>
  path.join(daemon.directory, 'input', `${guest}-${kind}`);

/** Evdev's keys as a PS/2 keyboard says them: `+29 -29`. */
function ps2(keysOf: string): string[] {
  return keysOf.split(' ').flatMap((key) => {
    const number = qnum(Number(key.slice(1)))!;
    const code = (number & 0x7f) | (key.startsWith('-') ? 0x80 : 0);
    const hex = code.toString(16).padStart(2, '0');
    return (number & 0x80) === 0 ? [hex] : ['e0', hex];
  });
}

/** Every key of a text on a layout, as it goes down and up. */
async function keysOf(text: string, layout = 'us'): Promise<string> {
  return (await readKeymap(layout))
    .strokes(text)
    .flatMap(({ code, modifiers }) => [
      ...[...modifiers, code].map((key) => `+${key}`),
      ...[code, ...modifiers.toReversed()].map((key) => `-${key}`),
    ])
    .join(' ');
}

/** Waits for what a guest has got since it was last looked at, and nothing else came with it. */
function expectScancodes(qemu: NestedQemu, before: number, expected: string[]): Promise<void> {
  return eventually(() => {
    expect(scancodes(qemu).slice(before)).toEqual(expected);
  });
}

/** A command line that is given its standard input. */
function typeByCli(text: string, ...args: string[]): Child {
  const file = path.join(scratch(), 'text');
  fs.writeFileSync(file, text);
  const command = 'file=$1; shift; exec node --no-memory-reducer dist/cli/main.js "$@" < "$file"';
  return new Child('sh', ['-c', command, 'sh', file, ...args, '--control', daemon.control]);
}

const focus = async (output: string, chord: 'Digit1' | 'Digit2' | 'Digit3'): Promise<void> => {
  keyboard.chord('LeftCtrl', 'LeftAlt', chord);
  await daemon.outputIs(output, { focused: true });
};

const RULES = '72-kms-switcher.rules';
const RULE = `/run/udev/rules.d/${RULES}`;

beforeAll(async () => {
  fs.mkdirSync(path.dirname(RULE), { recursive: true });
  fs.copyFileSync(path.join(repository, 'config/udev', RULES), RULE);
  execFileSync('udevadm', ['control', '--reload']);
  const folder = scratch();
  const place = (name: string): { name: string; qmp: string } => ({ name, qmp: path.join(folder, name) });
  const [first, second] = [place('alpha'), place('bravo')];
  daemon = await Daemon.start({
    guests: [linkTo(first), { name: 'sensors', input: 'uinput' }, linkTo(second, { input: 'uinput' })],
    outputs: { [FIRST]: { show: 'alpha' }, [SECOND]: { show: 'sensors' }, [THIRD]: { show: 'bravo' } },
    hotkeys: {
      'Ctrl+Alt+1': { focus: FIRST },
      'Ctrl+Alt+2': { focus: SECOND },
      'Ctrl+Alt+3': { focus: THIRD },
      'ScrollLock ScrollLock S': { send: 'Ctrl+Alt+Del', to: 'alpha' },
      'ScrollLock ScrollLock P': 'panic',
    },
  });
  keys = await EvdevReader.grab(device('sensors', 'keyboard'));
  motion = await EvdevReader.grab(device('sensors', 'mouse'));
  alpha = await startBare('alpha', 'static device=vga', { qmp: first.qmp });
  const evdev = `input-linux,id=keys,evdev=${device('bravo', 'keyboard')},grab-toggle=scrolllock`;
  bravo = await startBare('bravo', 'static device=vga', { qmp: second.qmp, extra: ['-object', evdev] });
  sensors = new PictureGuest(daemon.socket('sensors'), 'sensors', '--static');
  keyboard = await Keyboard.plug(daemon);
  mouse = await Mouse.plug(daemon);
  for (const output of [FIRST, SECOND, THIRD]) await daemon.outputIs(output, { link: 'connected' });
});
afterAll(async () => {
  await bravo.stop();
  await alpha.stop();
  fs.rmSync(RULE);
  execFileSync('udevadm', ['control', '--reload']);
});

describe('virtual devices', () => {
  test('are named and linked after their guest, and nobody reads them back', async () => {
    expect([keys.name, motion.name]).toEqual(['kms-switcher sensors keyboard', 'kms-switcher sensors mouse']);
    expect(await daemon.guest('sensors')).toMatchObject({
      input: 'uinput',
      devices: ['keyboard', 'mouse', 'tablet', 'touchscreen'].map((kind) => device('sensors', kind)),
    });
    expect((await daemon.guest('alpha')).input).toBe('link');
    await daemon.said(/guest sensors: its input devices are/);
    expect(
      daemon.log.filter((line) => /(keyboard|pointer|touchscreen) \d+: kms-switcher/.test(line)),
    ).toEqual([]);
  });

  test('are linked by udev too, and are nothing for other programs that read devices', async () => {
    for (const kind of ['keyboard', 'mouse', 'tablet', 'touchscreen']) {
      const node = fs.realpathSync(device('sensors', kind));
      await eventually(() => {
        expect(fs.realpathSync(`/dev/input/by-id/kms-switcher-sensors-${kind}`)).toBe(node);
      });
      const known = execFileSync('udevadm', ['info', '--query=property', node], { encoding: 'utf8' });
      expect(known).toMatch(/^LIBINPUT_IGNORE_DEVICE=1$/m);
    }
  });

  test('have every key of a keyboard', async () => {
    await focus(SECOND, 'Digit2');
    keys.news();
    const all = Array.from({ length: LAST_KEY }, (_, index) => index + 1);
    // The kernel keeps 64 events for a reader that is late, four for each tap.
    for (let first = 0; first < all.length; first += 12) {
      const some = all.slice(first, first + 12);
      for (const code of some) {
        keyboard.code(code, true);
        keyboard.code(code, false);
      }
      // What might begin a hotkey waits for the next key.
      keyboard.tap('A');
      await keys.tells([...some, 30].map((code) => `+${code} -${code}`).join(' '), 30);
    }
  });

  test(`have all of a mouse's motion: ${MOVES} reports`, async () => {
    await focus(SECOND, 'Digit2');
    const before = [motion.sum(0), motion.sum(1)];
    const sent = [0, 0];
    for (let move = 0; move < MOVES; move++) {
      const [dx, dy] = [(move % 7) - 2, 3 - (move % 5)];
      mouse.move(dx, dy);
      sent[0]! += dx;
      sent[1]! += dy;
      // The kernel keeps some twenty reports for a reader that is late, and drops the rest.
      if (move % 10 !== 9) continue;
      await eventually(
        () => {
          expect([motion.sum(0) - before[0]!, motion.sum(1) - before[1]!]).toEqual(sent);
        },
        60,
        1,
      );
    }
    mouse.wheel(-2);
    mouse.click('right');
    await eventually(() => {
      expect(motion.events.filter(([type, code]) => type === 1 && code === 0x111)).toHaveLength(2);
      expect([motion.sum(8), motion.sum(11)]).toEqual([-2, -240]);
    });
  });

  test('have what fingers do, at their places', async () => {
    const touches = await EvdevReader.grab(device('sensors', 'touchscreen'));
    const screen = await Touchscreen.plug(daemon);
    screen.touch(0, 1 / 4, 1 / 2);
    await pause(50);
    screen.lift(0);
    await eventually(() => {
      const of = (code: number): number[] =>
        touches.events.filter(([, known]) => known === code).map(([, , value]) => value!);
      expect([of(330), of(57)[1], of(53).length, of(54).length]).toEqual([[1, 0], -1, 1, 1]);
      expect(Math.abs(of(53)[0]! - 0x7fff / 4)).toBeLessThan(4);
      expect(Math.abs(of(54)[0]! - 0x7fff / 2)).toBeLessThan(4);
    });
    screen.unplug();
    touches.stop();
  });
});

describe('a text is typed', () => {
  test('into a QEMU, by the command line, exactly, and nowhere else', async () => {
    keys.news();
    const before = { alpha: scancodes(alpha).length, bravo: scancodes(bravo).length };
    const child = typeByCli(TEXT, 'type', 'alpha');
    await child.ended();
    expect([child.stderr, child.stdout]).toEqual([[], [`alpha: ${TEXT.length} characters typed`]]);
    await expectScancodes(alpha, before.alpha, ps2(await keysOf(TEXT)));
    expect([keys.news(), scancodes(bravo).length]).toEqual(['', before.bravo]);
  });

  test('through virtual devices, and by a QEMU that takes them, in the layout named', async () => {
    const text = 'Grüße: 5 €, a@b [x] ^ é\n';
    const before = { alpha: scancodes(alpha).length, bravo: scancodes(bravo).length };
    const type = (guest: string, what: string): Promise<Typed> =>
      ask<Typed>(daemon.control, { command: 'type', guest, text: what, layout: 'de' });
    const expected = await keysOf(text, 'de');
    // One has the focus, and the user holds a key, which goes up first.
    keyboard.press('LeftShift');
    await keys.tells('+42');
    expect(await type('sensors', text)).toEqual({
      characters: text.length,
      keys: expected.match(/\+(?!42|100)/g)!.length,
    });
    await keys.tells(`-42 ${expected}`);
    keyboard.release('LeftShift');
    // QEMU's PS/2 keyboard holds 16 bytes, and nobody tells when it has taken what input-linux gives it.
    for (const some of text.match(/.{1,2}/gsu)!) {
      const at = scancodes(bravo).length;
      await type('bravo', some);
      await expectScancodes(bravo, at, ps2(await keysOf(some, 'de')));
    }
    expect(ps2(expected)).toEqual(scancodes(bravo).slice(before.bravo));
    expect(scancodes(alpha).length).toBe(before.alpha);
  });

  test('or refused whole, with the character that cannot be', async () => {
    const child = typeByCli('ab字', 'type', 'sensors', '--layout', 'fr');
    await child.ended();
    expect(child.exit?.code).toBe(1);
    expect(child.stderr.join()).toContain(
      'no key of layout fr makes "字" (U+5B57), character 3 (line 1, column 3)',
    );
    await expect(
      ask(daemon.control, { command: 'type', guest: 'alpha', text: 'a', layout: 'xx' }),
    ).rejects.toThrow('there is no keyboard layout "xx"');
    expect(keys.news()).toBe('');
  });

  test('until whoever asked for it goes, with all keys up', async () => {
    const child = typeByCli('hello\n'.repeat(500), 'type', 'sensors');
    await eventually(() => {
      expect(keys.events.length).toBeGreaterThan(10);
      expect(keys.news()).toContain('+35');
    });
    const more = ask(daemon.control, { command: 'send', guest: 'sensors', keys: 'A' });
    await expect(more).rejects.toThrow('keys are being sent to sensors already');
    child.kill('SIGINT');
    await child.ended();
    await eventually(async () => {
      await ask(daemon.control, { command: 'send', guest: 'sensors', keys: 'F24' });
    });
    await eventually(() => {
      expect(keys.events.slice(-2)).toEqual([
        [1, 194, 1],
        [1, 194, 0],
      ]);
    });
    expect(keys.news().split(' ').length).toBeLessThan(500);
  });

  test('with CapsLock off, which the guest says by its light', async () => {
    for (const [on, lights, expected] of [
      [true, 2, '+58 -58 +30 -30 +58 -58'],
      [false, 0, '+30 -30'],
    ] as const) {
      keys.light(1, on);
      // The guest has the keyboard, which shows its lights when the daemon has seen them.
      await eventually(() => {
        expect(keyboard.leds).toBe(lights);
      });
      await ask(daemon.control, { command: 'type', guest: 'sensors', text: 'a' });
      await keys.tells(expected);
    }
  });
});

describe('keys are sent', () => {
  test('by command and by hotkey: Ctrl+Alt+Del', async () => {
    const expected = ps2('+29 +56 +111 -111 -56 -29');
    let before = scancodes(alpha).length;
    const child = typeByCli('', 'send', 'alpha', 'Ctrl+Alt+Del', 'Enter', '--json');
    await child.ended();
    expect(child.stdout).toEqual(['{"guest":"alpha","sent":["Ctrl+Alt+Del","Enter"]}']);
    await expectScancodes(alpha, before, [...expected, '1c', '9c']);
    before = scancodes(alpha).length;
    keyboard.tap('ScrollLock', 'ScrollLock', 'S');
    await expectScancodes(alpha, before, expected);
    expect(keys.news().replace(/[+-]70 ?/g, '')).toBe('');
  });

  test('to nobody who takes none, and it is said why', async () => {
    const send = (guest: string, what: string): Promise<unknown> =>
      ask(daemon.control, { command: 'send', guest, keys: what });
    await expect(send('nobody', 'A')).rejects.toThrow('there is no guest nobody');
    await expect(send('alpha', 'Foo')).rejects.toThrow('unknown key "Foo"');
    await alpha.execute('stop');
    await eventually(async () => {
      await expect(send('alpha', 'A')).rejects.toThrow('alpha is paused: it takes no keys now');
    });
    await alpha.execute('cont');
    await eventually(async () => {
      expect((await daemon.guest('alpha')).condition).toBe('running');
    });
  });
});

test('panic takes picture and input from all guests, and gives them back', async () => {
  await focus(FIRST, 'Digit1');
  await shows(SECOND, await sensors.pictures());
  keys.news();
  keyboard.tap('ScrollLock', 'ScrollLock', 'P');
  for (const output of [FIRST, SECOND, THIRD]) await daemon.outputIs(output, { path: 'picture' });
  expect((await daemon.status()).panic).toBe(true);
  const before = [scancodes(alpha).length, scancodes(bravo).length];
  keyboard.tap('A');
  await expect(ask(daemon.control, { command: 'type', guest: 'sensors', text: 'a' })).rejects.toThrow(
    'panic is on',
  );
  await pause(300);
  expect([scancodes(alpha).length, scancodes(bravo).length, keys.news()]).toEqual([...before, '']);
  const child = typeByCli('', 'panic', '--off');
  await child.ended();
  expect(child.exit?.code).toBe(0);
  await shows(SECOND, await sensors.pictures());
  await mirrors(FIRST, alpha);
  keyboard.tap('A');
  await expectScancodes(alpha, before[0]!, ps2('+30 -30'));
});

describe('at the end', () => {
  test('of the focused guest, killed with keys and buttons held: none is stuck', async () => {
    await focus(SECOND, 'Digit2');
    keys.news();
    keyboard.press('A');
    keyboard.press('LeftShift');
    mouse.press('left');
    await eventually(() => {
      expect(keys.events.slice(-2)).toEqual([
        [1, 30, 1],
        [1, 42, 1],
      ]);
      expect(motion.events.at(-1)).toEqual([1, 0x110, 1]);
    });
    await sensors.kill();
    await daemon.outputIs(SECOND, { link: 'gone' });
    await eventually(() => {
      expect(keys.events.slice(-2)).toEqual([
        [1, 30, 0],
        [1, 42, 0],
      ]);
      expect(motion.events.at(-1)).toEqual([1, 0x110, 0]);
    });
    keyboard.release('A');
    keyboard.release('LeftShift');
    mouse.release('left');
    await expect(ask(daemon.control, { command: 'type', guest: 'sensors', text: 'a' })).rejects.toThrow(
      'sensors is not connected',
    );
  });

  test('of the daemon: no device and no link is left', async () => {
    keyboard.unplug();
    mouse.unplug();
    const [directory] = [path.join(daemon.directory, 'input')];
    expect(fs.readdirSync(directory)).toHaveLength(8);
    expect(await daemon.kill('SIGTERM')).toMatchObject({ code: 0 });
    await keys.ended();
    expect(fs.readdirSync(directory)).toEqual([]);
    const names = fs
      .readdirSync('/sys/class/input')
      .filter((name) => name.startsWith('input'))
      .map((name) => fs.readFileSync(`/sys/class/input/${name}/name`, 'utf8'));
    expect(names.filter((name) => name.startsWith('kms-switcher'))).toEqual([]);
  });
});
