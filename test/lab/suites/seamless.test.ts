/** A mouse that is pushed over the edge of a guest's screen, and the keyboard that comes along. */
import * as path from 'node:path';
import { cli, Daemon, eventually, Keyboard, linkTo, MockGuest, Mouse, pause, scratch } from '../harness';

const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];
const NAMES = ['alpha', 'beta'] as const;
type Name = (typeof NAMES)[number];
/** Of the guests' screens. */
const SIZES = { alpha: { width: 1024, height: 768 }, beta: { width: 800, height: 600 } } as const;

const directory = scratch();
const qmpOf = (name: string): string => path.join(directory, `${name}.qmp`);

let daemon: Daemon;
let guests: Readonly<Record<Name, MockGuest>>;
let keyboard: Keyboard;
let mouse: Mouse;

beforeAll(async () => {
  const [alpha, beta] = NAMES.map(
    (name) => new MockGuest(qmpOf(name), { consoles: [{ ...SIZES[name], absolute: true }] }),
  );
  guests = { alpha: alpha!, beta: beta! };
  // The one in the middle shows no guest: the pointer passes over it.
  daemon = await Daemon.start({
    guests: NAMES.map((name) => linkTo({ name, qmp: qmpOf(name) })),
    outputs: { [FIRST]: { show: 'alpha' }, [SECOND]: { show: 'beta' }, [THIRD]: {} },
    seamless: [[FIRST, THIRD, SECOND]],
  });
  keyboard = await Keyboard.plug(daemon);
  mouse = await Mouse.plug(daemon);
  for (const name of NAMES) {
    await eventually(async () => {
      expect(await daemon.guest(name)).toMatchObject({ connected: true });
    });
  }
});
afterAll(async () => {
  for (const device of [keyboard, mouse]) device.unplug();
  await daemon.stop();
  for (const guest of Object.values(guests)) guest.close();
});

const calls = (name: Name): readonly string[] => guests[name].console.calls;
/** Where a guest was told its pointer is, one time after the other. */
function places(name: Name): [x: number, y: number][] {
  return calls(name).flatMap((call): [number, number][] => {
    const place = /^Mouse.SetAbsPosition (\d+) (\d+)$/.exec(call);
    return place ? [[Number(place[1]), Number(place[2])]] : [];
  });
}
/** Keys and buttons that a guest was told. */
const pressed = (name: Name): string[] => calls(name).filter((call) => /\.(Press|Release) /.test(call));

/** All that the devices have said has been read, and gone where it belongs. */
async function settled(): Promise<void> {
  let before = -1;
  await eventually(
    () => {
      const now = NAMES.reduce((sum, name) => sum + calls(name).length, 0);
      const same = now === before;
      before = now;
      expect(same).toBe(true);
    },
    undefined,
    200,
  );
}

/** Moves the mouse until an output has the focus. */
async function pushTo(output: string, dx: number): Promise<void> {
  await eventually(async () => {
    mouse.move(dx, 0);
    await pause(20);
    expect(await daemon.output(output)).toMatchObject({ focused: true });
  });
  await settled();
}

/** Moves the mouse step by step until a guest's pointer is at the right edge of its screen, and no further. */
async function toRightEdge(name: Name): Promise<void> {
  while (places(name).at(-1)?.[0] !== SIZES[name].width - 1) {
    const { length } = places(name);
    mouse.move(8, 0);
    await eventually(
      () => {
        expect(places(name).length).toBeGreaterThan(length);
      },
      10,
      5,
    );
  }
}

test('passes to the next guest at the same height, and no motion reaches both', async () => {
  // Where nothing was told before, it begins in the middle.
  mouse.move(4, -20);
  await toRightEdge('alpha');
  await daemon.outputIs(FIRST, { focused: true });
  expect(places('beta')).toEqual([]);
  const [, y] = places('alpha').at(-1)!;
  expect(y).toBeLessThan(SIZES.alpha.height / 2);
  await pushTo(SECOND, 8);
  await daemon.outputIs(FIRST, { focused: false });
  await daemon.outputIs(THIRD, { focused: false });
  const [x, across] = places('beta')[0]!;
  expect(x).toBeLessThan(SIZES.beta.width / 10);
  expect(Math.abs(across / SIZES.beta.height - y / SIZES.alpha.height)).toBeLessThan(0.01);

  const counts = { alpha: places('alpha').length, beta: places('beta').length };
  for (let i = 0; i < 10; i++) mouse.move(i % 2 ? 3 : 2, 1);
  await settled();
  expect(places('alpha')).toHaveLength(counts.alpha);
  expect(places('beta').length).toBeGreaterThan(counts.beta);
  expect(places('beta').at(-1)![0]).toBeGreaterThan(x);
});

test('takes the keyboard along: what was held goes up, and is nobody’s until pressed again', async () => {
  const marks = { alpha: pressed('alpha').length, beta: pressed('beta').length };
  keyboard.press('A');
  await settled();
  await pushTo(FIRST, -20);
  keyboard.release('A');
  keyboard.tap('B');
  await settled();
  mouse.click();
  await settled();
  expect(pressed('beta').slice(marks.beta)).toEqual(['Keyboard.Press 30', 'Keyboard.Release 30']);
  expect(pressed('alpha').slice(marks.alpha)).toEqual([
    'Keyboard.Press 48',
    'Keyboard.Release 48',
    'Mouse.Press 0',
    'Mouse.Release 0',
  ]);
});

test('stays while a button is down, and where nothing stands beyond', async () => {
  await toRightEdge('alpha');
  const before = places('beta').length;
  mouse.press('left');
  for (let i = 0; i < 20; i++) mouse.move(20, 0);
  mouse.release('left');
  await settled();
  await daemon.outputIs(FIRST, { focused: true });
  expect(places('beta')).toHaveLength(before);
  await pushTo(SECOND, 8);
  await pushTo(FIRST, -20);
  const alpha = places('alpha').length;
  const beta = places('beta').length;
  for (let burst = 0; burst < 15; burst++) {
    for (let i = 0; i < 10; i++) mouse.move(-20, 0);
    await pause(20);
  }
  await settled();
  await daemon.outputIs(FIRST, { focused: true });
  expect(places('alpha').length).toBeGreaterThan(alpha);
  expect(places('alpha').at(-1)![0]).toBe(0);
  expect(places('beta')).toHaveLength(beta);
});

test('status says where the monitors stand', async () => {
  const [seat] = (await daemon.status()).seats;
  expect(seat).toMatchObject({ seat: 'default', seamless: [[FIRST, THIRD, SECOND]], focused: FIRST });
  const { stdout } = await cli('status', '--control', daemon.control);
  expect(stdout).toContain(`\nseamless: ${FIRST}, ${THIRD}, ${SECOND}\n`);
});
