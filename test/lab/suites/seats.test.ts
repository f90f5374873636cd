/** Several users at one machine: each with devices, outputs, focus and hotkeys of their own. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { ask } from '../../../src/control/client';
import { cliAll, Daemon, eventually, Keyboard, linkTo, MockGuest, Mouse, scratch } from '../harness';

const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];
const NAMES = ['alpha', 'beta', 'gamma', 'delta'] as const;
type Name = (typeof NAMES)[number];
const UDEV_RULE = '/run/udev/rules.d/99-lab-seats.rules';
/** For devices that are there before the daemon. */
const nobody = { said: () => Promise.resolve('') };

const directory = scratch();
const socket = (name: string): string => path.join(directory, `${name}.qmp`);

let daemon: Daemon;
let guests: Readonly<Record<Name, MockGuest>>;
let left: { keyboard: Keyboard; mouse: Mouse };
let right: { keyboard: Keyboard; mouse: Mouse };
let third: Keyboard;

beforeAll(async () => {
  fs.mkdirSync(path.dirname(UDEV_RULE), { recursive: true });
  fs.writeFileSync(UDEV_RULE, 'SUBSYSTEM=="input", ATTRS{name}=="tagged *", ENV{ID_SEAT}="seat1"\n');
  execFileSync('udevadm', ['control', '--reload']);
  const [alpha, beta, gamma, delta] = NAMES.map((name) => new MockGuest(socket(name)));
  guests = { alpha: alpha!, beta: beta!, gamma: gamma!, delta: delta! };
  // One seat is told by names, the other by a path and a seat of udev's.
  const rightKeyboard = await Keyboard.plug(nobody, 'right keyboard');
  daemon = await Daemon.start({
    guests: NAMES.map((name) => linkTo({ name, qmp: socket(name) })),
    outputs: { [FIRST]: { show: 'alpha' }, [SECOND]: { show: 'beta' }, [THIRD]: { show: 'gamma' } },
    seats: {
      left: { devices: ['Left *'], outputs: [FIRST] },
      right: {
        devices: [rightKeyboard.devnode, 'right m*', 'udev:seat1'],
        outputs: [SECOND],
        hotkeys: { 'Ctrl+Alt+Right': 'next', 'Ctrl+Alt+Left': 'previous', 'Ctrl+Alt+N': { show: 'delta' } },
      },
    },
  });
  left = {
    keyboard: await Keyboard.plug(daemon, 'left keyboard'),
    mouse: await Mouse.plug(daemon, 'left mouse'),
  };
  right = { keyboard: rightKeyboard, mouse: await Mouse.plug(daemon, 'right mouse') };
  third = await Keyboard.plug(daemon, 'third keyboard');
  await daemon.said(/keyboard \d+: right keyboard .*, seat right/);
  for (const name of NAMES) {
    await eventually(async () => {
      expect(await daemon.guest(name)).toMatchObject({ connected: true });
    });
  }
});
afterAll(async () => {
  for (const device of [left.keyboard, left.mouse, right.keyboard, right.mouse, third]) device.unplug();
  if (!daemon.exit) await daemon.stop();
  for (const guest of Object.values(guests)) guest.close();
  fs.rmSync(UDEV_RULE);
  execFileSync('udevadm', ['control', '--reload']);
});

/** What a guest's keyboard and mouse were told, from `from` on: `+30 -30 +B0`; of motion only that there was some. */
function told(name: Name, from = 0): string[] {
  const words = guests[name].console.calls.flatMap((call): string[] => {
    const match = /^(Keyboard|Mouse)\.(Press|Release) (\d+)$/.exec(call);
    if (match) return [`${match[2] === 'Press' ? '+' : '-'}${match[1] === 'Mouse' ? 'B' : ''}${match[3]}`];
    return call.startsWith('Mouse.') ? ['motion'] : [];
  });
  return words.slice(from).filter((word, i, all) => word !== 'motion' || all[i - 1] !== word);
}

/** How much each guest has been told so far. */
const marks = (): Readonly<Record<Name, number>> => {
  const entries = NAMES.map((name) => [name, told(name).length] as const);
  return Object.fromEntries(entries) as Record<Name, number>;
};

/** Waits until the guests have been told exactly this since `from`; those that are not named: nothing. */
async function got(from: ReturnType<typeof marks>, expected: Partial<Record<Name, string>>): Promise<void> {
  await eventually(() => {
    const since = Object.fromEntries(NAMES.map((name) => [name, told(name, from[name]).join(' ')]));
    const nothing = Object.fromEntries(NAMES.map((name) => [name, '']));
    expect(since).toEqual({ ...nothing, ...expected });
  });
}

test('what two type at once reaches the guest of each, and no other', async () => {
  const from = marks();
  // As many events as a device keeps for its reader, and no more, in each burst.
  const [bursts, rounds] = [4, 8];
  const many = (word: string, times: number): string => Array<string>(times).fill(word).join(' ');
  for (let burst = 1; burst <= bursts; burst++) {
    for (let i = 0; i < rounds; i++) {
      left.keyboard.press('A');
      right.keyboard.press('B');
      left.keyboard.release('A');
      right.keyboard.release('B');
    }
    await got(from, { alpha: many('+30 -30', burst * rounds), beta: many('+48 -48', burst * rounds) });
  }
});

test('each has a pointer, and keys of one are no chord with those of the other', async () => {
  const from = marks();
  left.keyboard.press('LeftCtrl');
  right.mouse.move(3, 0);
  right.mouse.click();
  await got(from, { alpha: '+29', beta: 'motion +B0 -B0' });
  left.keyboard.press('LeftAlt');
  right.keyboard.tap('Right');
  left.keyboard.release('LeftAlt');
  left.keyboard.release('LeftCtrl');
  left.mouse.click('right');
  await got(from, { alpha: '+29 +56 -56 -29 +B2 -B2', beta: 'motion +B0 -B0 +205 -205' });
  await daemon.outputIs(FIRST, { guest: 'alpha', focused: true, seat: 'left' });
  await daemon.outputIs(SECOND, { guest: 'beta', focused: true, seat: 'right' });
});

test('a hotkey switches the panel of its own seat, to a guest that no other has', async () => {
  const from = marks();
  left.keyboard.chord('LeftCtrl', 'LeftAlt', 'Right');
  await daemon.outputIs(FIRST, { guest: 'delta' });
  right.keyboard.tap('S');
  left.keyboard.tap('A');
  await got(from, { delta: '+30 -30', beta: '+31 -31' });
  // beta is the neighbour's.
  left.keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit2');
  await daemon.said(/hotkey show: beta is on Virtual-2, which is of another seat: it stays there/);
  right.keyboard.chord('LeftCtrl', 'LeftAlt', 'Left');
  await daemon.outputIs(SECOND, { guest: 'alpha' });
  right.keyboard.chord('LeftCtrl', 'LeftAlt', 'Right');
  await daemon.outputIs(SECOND, { guest: 'beta' });
  await daemon.outputIs(FIRST, { guest: 'delta' });
  left.keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit1');
  await daemon.outputIs(FIRST, { guest: 'alpha' });
  await daemon.outputIs(THIRD, { guest: 'gamma' });
});

test('a seat has hotkeys of its own: those of the file are no more than keys there, and its are none elsewhere', async () => {
  const from = marks();
  right.keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit1');
  left.keyboard.chord('LeftCtrl', 'LeftAlt', 'N');
  await got(from, { alpha: '+29 +56 +49 -49 -56 -29', beta: '+29 +56 +2 -2 -56 -29' });
  await daemon.outputIs(SECOND, { guest: 'beta' });
  right.keyboard.chord('LeftCtrl', 'LeftAlt', 'N');
  await daemon.outputIs(SECOND, { guest: 'delta' });
  right.keyboard.tap('S');
  await got(from, {
    alpha: '+29 +56 +49 -49 -56 -29',
    beta: '+29 +56 +2 -2 -56 -29',
    delta: '+31 -31',
  });
  await daemon.show('beta', SECOND);
  await daemon.outputIs(FIRST, { guest: 'alpha' });
});

test('a keyboard that is unplugged with keys held leaves none down, and is its seat’s again when it is back', async () => {
  const from = marks();
  left.keyboard.press('LeftShift');
  left.keyboard.press('A');
  right.keyboard.press('S');
  await got(from, { alpha: '+42 +30', beta: '+31' });
  left.keyboard.unplug();
  await got(from, { alpha: '+42 +30 -30 -42', beta: '+31' });
  left.keyboard = await Keyboard.plug(daemon, 'left keyboard, again');
  left.keyboard.tap('B');
  right.keyboard.release('S');
  await got(from, { alpha: '+42 +30 -30 -42 +48 -48', beta: '+31 -31' });
});

test('what no seat names is of the default seat, with the output that is left', async () => {
  const from = marks();
  third.tap('A');
  await got(from, { gamma: '+30 -30' });
  const tagged = await Keyboard.plug(daemon, 'tagged keyboard');
  tagged.tap('B');
  await got(from, { gamma: '+30 -30', beta: '+48 -48' });
  const { seats } = await daemon.status();
  expect(
    seats.map(({ seat, outputs, focused, devices }) => ({
      ...{ seat, outputs, focused },
      devices: devices.map(({ device }) => device).filter((name) => / (keyboard|mouse)/.test(name)),
    })),
  ).toEqual([
    { seat: 'left', outputs: [FIRST], focused: FIRST, devices: ['left mouse', 'left keyboard, again'] },
    {
      ...{ seat: 'right', outputs: [SECOND], focused: SECOND },
      devices: ['right keyboard', 'right mouse', 'tagged keyboard'],
    },
    expect.objectContaining({ seat: 'default', outputs: [THIRD], focused: THIRD }),
  ]);
  expect(seats[1]!.devices.at(-1)).toMatchObject({ device: 'tagged keyboard', udevSeat: 'seat1' });
  tagged.unplug();
});

test('the way out works from every seat, for all', async () => {
  const from = marks();
  for (const { keyboard } of [left, right, { keyboard: third }]) {
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Esc');
    await eventually(async () => {
      expect((await daemon.status()).escaped).toBe(true);
    });
    left.keyboard.tap('A');
    right.keyboard.tap('A');
    third.chord('LeftCtrl', 'LeftAlt', 'Esc');
    await eventually(async () => {
      expect((await daemon.status()).escaped).toBe(false);
    });
  }
  right.keyboard.tap('N');
  await got(from, { beta: '+49 -49' });
});

test('commands find a seat by its output, or name it', async () => {
  const { control } = daemon;
  const show = (more: object): Promise<unknown> => ask(control, { command: 'show', guest: 'delta', ...more });
  await expect(show({})).rejects.toThrow(
    'there are several seats: name an output, or one of the seats left, right, default',
  );
  await expect(show({ seat: 'middle' })).rejects.toThrow(
    'there is no seat middle: the config has left, right, default',
  );
  const [named, focused, status] = await cliAll([
    ['show', 'delta', '--seat', 'right', '--control', control],
    ['focus', THIRD, '--control', control],
    ['status', '--control', control],
  ]);
  expect([named, focused]).toMatchObject([{ code: 0 }, { code: 0 }]);
  await daemon.outputIs(SECOND, { guest: 'delta' });
  expect(status!.stdout).toContain(`seat left: ${FIRST} *; left mouse, left keyboard, again`);
  expect(status!.stdout).toContain(`seat right: ${SECOND} *; right keyboard, right mouse`);
  expect(status!.stdout).toMatch(new RegExp(`^seat default: ${THIRD} \\*; .*third keyboard`, 'm'));
});

test('one guest on the panels of two: a key goes down with the first who holds it, and up with the last', async () => {
  await daemon.stop();
  daemon = await Daemon.start({
    guests: [linkTo({ name: 'alpha', qmp: socket('alpha') })],
    outputs: { [FIRST]: { show: 'alpha' }, [SECOND]: { show: 'alpha' } },
    seats: {
      left: { devices: ['left *'], outputs: [FIRST] },
      right: { devices: ['right *'], outputs: [SECOND] },
    },
  });
  for (const seat of ['left', 'right']) await daemon.said(new RegExp(`: ${seat} keyboard.*, seat ${seat}`));
  await eventually(async () => {
    expect(await daemon.guest('alpha')).toMatchObject({ connected: true });
  });
  const from = marks();
  left.keyboard.press('A');
  await got(from, { alpha: '+30' });
  right.keyboard.press('A');
  right.keyboard.tap('B');
  await got(from, { alpha: '+30 +48 -48' });
  left.keyboard.release('A');
  left.keyboard.tap('S');
  await got(from, { alpha: '+30 +48 -48 +31 -31' });
  right.keyboard.release('A');
  await got(from, { alpha: '+30 +48 -48 +31 -31 -30' });
  await daemon.stop();
});
