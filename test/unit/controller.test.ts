import * as clock from '../../src/clock';
import type * as os from 'node:os';
import type { BufferLayout } from '../../src/buffers';
import type { Config, Hotkey, OutputConfig, SeatConfig, SecureConfig } from '../../src/config/config';
import type { GuestInput } from '../../src/guest/sink';
import type { InputTarget } from '../../src/input/router';
import { parseTrigger } from '../../src/input/trigger';
import type { Card } from '../../src/kms/card';
import type { Cards } from '../../src/kms/cards';
import { Picture } from '../../src/kms/picture';
import { native, type ModeInfo, type NativeMapping } from '../../src/native';
import { readStatus } from '../../src/control/status';
import { Controller, type SwitcherEvent } from '../../src/switcher/controller';
import { NOBODY } from '../../src/switcher/guest-keys';
import { CommandError } from '../../src/switcher/layout';
import { FakeAtomicCard } from './support/fake-atomic-card';
import { connectorInfo, driving, FakeCard, fakeLog, settle, systemError } from './support/fake-card';
import { mode } from './support/modes';
import { openFds, openNull, until } from './support/wire';

let mockSuspendedSeconds = 0;
jest.mock('node:os', () => {
  const actual = jest.requireActual<typeof os>('node:os');
  return { ...actual, uptime: (): number => actual.uptime() + mockSuspendedSeconds };
});

const small: ModeInfo = mode({ hdisplay: 64, vdisplay: 48, htotal: 80, vtotal: 50, clock: 240 });
const layout: BufferLayout = {
  width: 64,
  height: 48,
  format: 0x34325258,
  modifierHigh: 0,
  modifierLow: 0,
  bottomUp: false,
  planes: [],
};

class Link {
  readonly kind = 'test';
  readonly address = '/run/test.sock';
  readonly shownFrames: number[] = [];
  readonly refusals: string[] = [];
  displayChanges = 0;
  wishes = 0;
  trouble: string | undefined;
  input: GuestInput | undefined;
  constructor(readonly guest: string) {}

  shown(_head: number, frame: number): void {
    this.shownFrames.push(frame);
  }
  refuse(_head: number, reason: string): void {
    this.refusals.push(reason);
  }
  displaysChanged(): void {
    this.displayChanges++;
  }
  wanted(): void {
    this.wishes++;
  }
  close(): void {
    // There is no socket.
  }
}

const quiet: GuestInput = {
  key: () => undefined,
  motion: () => undefined,
  place: () => undefined,
  button: () => undefined,
  wheel: () => undefined,
  absolute: () => false,
};

let before: number;
let kernel: FakeCard;
let cards: Cards;
let card: Card;
let controller: Controller;
let events: SwitcherEvent[];
let links: Record<'windows' | 'linux', Link>;
let targets: (InputTarget | null)[];
/** The same, by seat. */
let told: [seat: string, input: GuestInput | undefined][];
let inode = 0;

/** What the layout of that name shows. */
const both = ['Virtual-1', 'Virtual-3'].map((output) => ({ output, head: { guest: 'windows', head: 0 } }));

async function start(
  outputs: readonly OutputConfig[],
  hotkeys: readonly Hotkey[] = [],
  waits = false,
  seats: readonly SeatConfig[] = [],
  secure?: SecureConfig,
): Promise<void> {
  const config: Config = {
    file: '',
    control: '',
    log: { level: 'info' },
    cards: { by: 'monitor' },
    handover: 'keep',
    power: {},
    guests: [],
    outputs,
    hotkeys,
    passthrough: [],
    escape: { source: 'Ctrl+Alt+Esc', trigger: parseTrigger('Ctrl+Alt+Esc'), action: { kind: 'escape' } },
    layouts: [{ name: 'both', shows: both }],
    seats: [...seats, { name: 'default', devices: [], outputs: [], hotkeys }],
    ...(secure && { secure }),
    notes: [],
  };
  targets = [];
  told = [];
  controller = new Controller(cards, config, fakeLog(), (target, seat) => {
    targets.push(target);
    told.push([seat, target?.input]);
  });
  links = { windows: new Link('windows'), linux: new Link('linux') };
  for (const link of Object.values(links)) controller.addGuest(link, 'full');
  events = [];
  controller.onEvent((event) => events.push(event));
  if (waits) controller.wait();
  await controller.outputs.scan();
  await settle();
}

beforeEach(() => {
  jest.useFakeTimers({
    doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'hrtime', 'Date'],
  });
  before = openFds().length;
  kernel = new FakeCard();
  kernel.connectors = [connectorInfo(1, 1, [small]), connectorInfo(2, 1, [small])];
  cards = driving(kernel);
  card = cards.all[0]!;
});
afterEach(async () => {
  await controller.close();
  for (const link of Object.values(links)) controller.guests.disconnected(link, 'the test is over');
  jest.restoreAllMocks();
  expect(kernel.wrongs).toEqual([]);
  expect([...kernel.openDumbs]).toEqual([]);
  expect(cards.framebuffers.size).toBe(0);
  card.close();
  jest.useRealTimers();
  await until(() => openFds().length <= before);
});

const configured: OutputConfig[] = [
  { name: 'Virtual-1', mode: 'preferred', show: { guest: 'windows', head: 0 } },
  { name: 'Virtual-2', mode: 'preferred', show: { guest: 'linux', head: 0 } },
];

/** The guest draws a frame into a new buffer. */
async function draw(link: Link, frame: number): Promise<void> {
  const sink = controller.guests.head(link, 0);
  const plane = { fd: openNull(), device: 1, inode: ++inode, offset: 0, pitch: 256 };
  sink.scanout({ ...layout, planes: [plane] }, { x: 0, y: 0, width: 64, height: 48 });
  sink.update(frame, 0, 0, 64, 48);
  await settle();
}

async function vblank(): Promise<void> {
  for (const crtc of [...kernel.inFlight.keys()]) kernel.vblank(crtc);
  await settle();
}

const paths = (): string[] => controller.outputs.all().map(({ path }) => path);
const shows = (): (string | null)[] =>
  controller.outputs.all().map(({ source }) => {
    for (const { link, views } of controller.guests.all()) {
      for (const view of views.values()) if (view.screen.cursor === source?.cursor) return link.guest;
    }
    return source?.picture ? 'picture' : null;
  });

test('outputs show a picture until their guests draw', async () => {
  await start(configured);
  expect(shows()).toEqual(['picture', 'picture']);
  expect(paths()).toEqual(['picture', 'picture']);
  controller.guests.connected(links.linux);
  await draw(links.linux, 1);
  await vblank();
  expect(shows()).toEqual(['picture', 'linux']);
  expect(paths()).toEqual(['picture', 'direct']);
  expect(links.linux.shownFrames).toEqual([1]);
});

test('a switch changes places, by one flip each, and tells', async () => {
  await start(configured);
  for (const link of Object.values(links)) {
    controller.guests.connected(link);
    await draw(link, 1);
  }
  await vblank();
  const flips = kernel.flips.length;
  const sets = kernel.sets.length;
  events.length = 0;
  controller.perform({ kind: 'show', head: { guest: 'linux', head: 0 }, on: 'Virtual-1' });
  await vblank();
  expect(shows()).toEqual(['linux', 'windows']);
  expect(kernel.flips.length - flips).toBe(2);
  expect(kernel.sets.length).toBe(sets);
  expect(events).toEqual([
    { event: 'switched', output: 'Virtual-1', guest: 'linux', head: 0, blank: false },
    { event: 'switched', output: 'Virtual-2', guest: 'windows', head: 0, blank: false },
  ]);
});

test('a guest that is hidden is answered on a timer, and is there at once when it is wanted', async () => {
  await start([configured[0]!]);
  for (const link of Object.values(links)) controller.guests.connected(link);
  await draw(links.windows, 1);
  await draw(links.linux, 1);
  await vblank();
  await draw(links.linux, 2);
  expect(links.linux.shownFrames).toEqual([]);
  jest.advanceTimersByTime(20);
  expect(links.linux.shownFrames).toEqual([2]);
  controller.perform({ kind: 'next', on: 'Virtual-1' });
  expect(kernel.inFlight.size).toBe(1);
  await vblank();
  expect(shows()[0]).toBe('linux');
  // Windows is the hidden one now.
  await draw(links.windows, 2);
  jest.advanceTimersByTime(20);
  expect(links.windows.shownFrames.at(-1)).toBe(2);
});

test('while another program has the card nothing is committed, guests are answered, and then all is set anew', async () => {
  await start(configured);
  card.onPaused = () => {
    controller.updateVisibility(card);
  };
  for (const link of Object.values(links)) {
    controller.guests.connected(link);
    await draw(link, 1);
  }
  await vblank();
  kernel.taken = true;
  card.inFront = false;
  expect(kernel.master).toBe(false);
  card.inFront = true;
  expect(card.paused).toBe(true);
  const flips = kernel.flips.length;
  const sets = kernel.sets.length;
  await draw(links.windows, 2);
  controller.perform({ kind: 'swap' });
  await settle();
  expect([kernel.flips.length, kernel.sets.length]).toEqual([flips, sets]);
  jest.advanceTimersByTime(20);
  expect(links.windows.shownFrames.at(-1)).toBe(2);

  kernel.taken = false;
  jest.advanceTimersByTime(1000);
  await settle();
  expect(card.paused).toBe(false);
  expect(kernel.sets.slice(sets).map(({ crtc }) => crtc)).toEqual([40, 41]);
  expect(kernel.cursors.slice(-2)).toEqual(['40 hide', '41 hide']);
  expect(shows()).toEqual(['linux', 'windows']);
  await draw(links.windows, 3);
  await vblank();
  expect(links.windows.shownFrames.at(-1)).toBe(3);
});

test('after the machine was suspended all is set anew', async () => {
  await start(configured);
  const told: (string | null)[] = [];
  card.onPaused = (by) => {
    told.push(by);
    controller.updateVisibility(card);
  };
  jest.advanceTimersByTime(1000);
  const sets = kernel.sets.length;
  mockSuspendedSeconds += 60;
  jest.advanceTimersByTime(1000);
  await settle();
  expect(told).toEqual(['suspend', null]);
  expect(kernel.sets.slice(sets).map(({ crtc }) => crtc)).toEqual([40, 41]);
});

test('asleep the CRTCs are off, guests are answered, and nobody has the keyboard; awake all is as it was', async () => {
  await start(configured);
  links.windows.input = {} as GuestInput;
  for (const link of Object.values(links)) {
    controller.guests.connected(link);
    await draw(link, 1);
  }
  await vblank();
  const sets = kernel.sets.length;
  controller.sleep(true);
  await settle();
  expect(kernel.sets.slice(sets).map(({ crtc, mode: to }) => [crtc, to])).toEqual([
    [40, null],
    [41, null],
  ]);
  expect(targets.at(-1)).toBeNull();
  await draw(links.windows, 2);
  jest.advanceTimersByTime(20);
  expect(links.windows.shownFrames.at(-1)).toBe(2);
  expect(kernel.sets).toHaveLength(sets + 2);

  controller.sleep(false);
  await settle();
  expect(kernel.sets.slice(sets + 2).map(({ crtc, mode: to }) => [crtc, to])).toEqual([
    [40, small],
    [41, small],
  ]);
  expect(shows()).toEqual(['windows', 'linux']);
  expect(targets.at(-1)?.input).toBe(links.windows.input);
});

test('with atomic commits all outputs are set in one: at the start, after another program, after sleep', async () => {
  card.close();
  const atomic = new FakeAtomicCard();
  atomic.connectors = kernel.connectors;
  kernel = atomic;
  cards = driving(kernel);
  card = cards.all[0]!;
  const set = (): (readonly number[])[] => atomic.waited.splice(0).map(({ crtcs }) => crtcs);
  await start(configured);
  expect(set()).toEqual([[40, 41]]);
  card.onPaused = () => {
    controller.updateVisibility(card);
  };
  for (const link of Object.values(links)) {
    controller.guests.connected(link);
    await draw(link, 1);
  }
  await vblank();
  card.inFront = false;
  card.inFront = true;
  await settle();
  expect(set()).toEqual([[40, 41]]);
  controller.sleep(true);
  await settle();
  expect(set()).toEqual([[], []]);
  controller.sleep(false);
  await settle();
  expect(set()).toEqual([[40, 41]]);
  expect(shows()).toEqual(['windows', 'linux']);
  expect([...atomic.modeBlobs]).toEqual([]);
});

test('after a take-over the last pictures stay for a while, until guests draw', async () => {
  await start(configured, [], true);
  jest.advanceTimersByTime(60_000);
  await settle();
  expect(kernel.sets).toEqual([]);
  controller.waitNoLonger(5000);
  controller.guests.connected(links.linux);
  await draw(links.linux, 1);
  expect(shows()).toEqual([null, 'linux']);
  jest.advanceTimersByTime(5000);
  await settle();
  expect(shows()).toEqual(['picture', 'linux']);
});

describe('one head on two outputs', () => {
  const fast: ModeInfo = { ...small, clock: 480 };
  const tall: ModeInfo = mode({ hdisplay: 48, vdisplay: 64, htotal: 60, vtotal: 80, clock: 288 });
  const windows = { guest: 'windows', head: 0 };
  const mirrors: OutputConfig[] = [
    { name: 'Virtual-2', mode: 'preferred', show: windows },
    { name: 'Virtual-1', mode: 'preferred', show: windows },
  ];
  const told = (): number | undefined => controller.displayFor('windows', 0)?.refresh;

  async function mirrored(second: ModeInfo): Promise<void> {
    kernel.connectors = [connectorInfo(1, 1, [small]), connectorInfo(2, 1, [second])];
    await start(mirrors);
    await running(links.windows, links.linux);
  }

  test('is on both, and its guest is told of the monitor that the config has first', async () => {
    await mirrored(fast);
    expect(shows()).toEqual(['windows', 'windows']);
    expect(paths()).toEqual(['direct', 'direct']);
    expect(told()).toBe(120_000);
    const status = readStatus(cards, controller, { devicesOf: () => [] });
    expect(status.outputs.map((output) => output.mirrors)).toEqual(['Virtual-2', undefined]);
    expect(status.guests[0]?.heads[0]).toMatchObject({
      output: 'Virtual-2',
      outputs: ['Virtual-2', 'Virtual-1'],
      path: 'direct',
    });
  });

  test('is answered when both have a frame, and all it had is freed when it goes', async () => {
    await mirrored(fast);
    await draw(links.windows, 2);
    const [first, second] = kernel.inFlight.keys();
    kernel.vblank(first!);
    await settle();
    expect(links.windows.shownFrames).not.toContain(2);
    kernel.vblank(second!);
    await settle();
    expect(links.windows.shownFrames.at(-1)).toBe(2);
    controller.guests.disconnected(links.windows, 'gone');
    await settle();
    await vblank();
    await vblank();
    expect(shows()).toEqual(['picture', 'picture']);
    // The other guest's.
    expect(cards.framebuffers.size).toBe(1);
  });

  test('goes on with one when the other shows something else, and comes back to it', async () => {
    await mirrored(fast);
    controller.perform({ kind: 'show', head: { guest: 'linux', head: 0 }, on: 'Virtual-2' });
    await vblank();
    expect(shows()).toEqual(['windows', 'linux']);
    expect(told()).toBe(60_000);
    await draw(links.windows, 2);
    await vblank();
    expect(links.windows.shownFrames.at(-1)).toBe(2);
    controller.perform({ kind: 'show', head: windows, on: 'Virtual-2' });
    await vblank();
    expect(shows()).toEqual(['windows', 'windows']);
    expect(told()).toBe(120_000);
  });

  test('goes on with one when the other loses its monitor, and has both when that is back', async () => {
    await mirrored(fast);
    kernel.connectors[1] = connectorInfo(2, 2, []);
    await controller.outputs.scan();
    await draw(links.windows, 2);
    await vblank();
    expect(links.windows.shownFrames.at(-1)).toBe(2);
    expect(told()).toBe(60_000);
    kernel.connectors[1] = connectorInfo(2, 1, [fast]);
    await controller.outputs.scan();
    await settle();
    await draw(links.windows, 3);
    await vblank();
    expect(shows()).toEqual(['windows', 'windows']);
    expect(links.windows.shownFrames.at(-1)).toBe(3);
  });

  test('keeps the keyboard when the focus goes from one to the other, whose panel counts then', async () => {
    await mirrored(fast);
    for (const output of ['Virtual-1', 'Virtual-2']) {
      controller.perform({ kind: 'focus', output });
      expect(targets.at(-1)?.panel).toBe(controller.outputs.get(output));
    }
    expect(inputs().filter((guest) => guest !== 'windows')).toEqual([]);
  });

  test('that one of them cannot show is shown by the other, and the guest not turned away', async () => {
    // What these buffers hold cannot be read, so it cannot be scaled.
    await mirrored(tall);
    for (const frame of [2, 3]) {
      await draw(links.windows, frame);
      await vblank();
      expect(links.windows.shownFrames.at(-1)).toBe(frame);
    }
    expect(links.windows.refusals).toEqual([]);
    expect(readStatus(cards, controller, { devicesOf: () => [] }).outputs[1]).toMatchObject({
      reason: expect.any(String) as string,
    });
    controller.perform({ kind: 'show', head: { guest: 'linux', head: 0 }, on: 'Virtual-1' });
    await vblank();
    expect(links.windows.refusals).toHaveLength(1);
  });
});

test('a guest that leaves makes room for a picture, and all it had is freed', async () => {
  await start(configured);
  controller.guests.connected(links.windows);
  await draw(links.windows, 1);
  await draw(links.windows, 2);
  await vblank();
  expect(cards.framebuffers.size).toBe(2);
  controller.guests.disconnected(links.windows, 'the guest closed the connection');
  await settle();
  expect(shows()[0]).toBe('picture');
  // What is on the panel stays until the picture is there.
  expect(cards.framebuffers.size).toBeGreaterThan(0);
  await vblank();
  await vblank();
  expect(cards.framebuffers.size).toBe(0);
  expect(kernel.closedFramebuffers).toHaveLength(2);
  expect(events.at(-1)).toEqual({
    event: 'guest',
    guest: 'windows',
    connected: false,
    condition: 'running',
    reason: 'the guest closed the connection',
  });
  // It comes back as if for the first time.
  controller.guests.connected(links.windows);
  await draw(links.windows, 1);
  await vblank();
  expect(shows()[0]).toBe('windows');
});

const inputs = () => targets.map((target) => target && Object.values(links).find(({ input }) => input === target.input)?.guest); // prettier-ignore

/** Guests that are there, have drawn, and take input. */
async function running(...guests: Link[]): Promise<void> {
  for (const link of guests) {
    link.input = { ...quiet };
    controller.guests.connected(link);
    await draw(link, 1);
  }
  await vblank();
  targets.length = 0;
}

test('help is shown while its key is held, by a flip each way, and the guest goes on', async () => {
  await start(configured);
  await running(links.windows, links.linux);
  const flips = kernel.flips.length;
  controller.perform({ kind: 'help' });
  await settle();
  await vblank();
  expect(shows()).toEqual(['picture', 'linux']);
  await draw(links.windows, 2);
  jest.advanceTimersByTime(20);
  expect(links.windows.shownFrames.at(-1)).toBe(2);
  expect(targets).toEqual([]);
  controller.released({ kind: 'next' }, 'default');
  expect(shows()[0]).toBe('picture');
  controller.released({ kind: 'help' }, 'default');
  await vblank();
  expect(shows()).toEqual(['windows', 'linux']);
  expect(kernel.flips.length - flips).toBe(2);
});

test('the escape takes the keyboard from all guests, and gives it back', async () => {
  await start(configured);
  await running(links.windows, links.linux);
  controller.perform({ kind: 'escape' });
  expect(controller.escaped).toBe(true);
  controller.perform({ kind: 'focus', output: 'Virtual-2' });
  expect(inputs()).toEqual([null]);
  controller.perform({ kind: 'escape' });
  expect(inputs()).toEqual([null, 'linux']);
  expect(events.filter(({ event }) => event === 'escaped').map(({ active }) => active)).toEqual([
    true,
    false,
  ]);
});

describe('a scan', () => {
  test('shows the guests that are there in turn, without a keyboard, until it is stopped', async () => {
    await start([configured[0]!]);
    await running(links.windows, links.linux);
    controller.perform({ kind: 'scan', dwellMs: 5000 });
    expect(controller.layout.shows.get('Virtual-1')?.head?.guest).toBe('linux');
    jest.advanceTimersByTime(4999);
    expect(controller.layout.shows.get('Virtual-1')?.head?.guest).toBe('linux');
    jest.advanceTimersByTime(1);
    expect(controller.layout.shows.get('Virtual-1')?.head?.guest).toBe('windows');
    expect(inputs()).toEqual([null]);
    controller.perform({ kind: 'scan', dwellMs: 5000 });
    jest.advanceTimersByTime(60_000);
    expect(controller.layout.shows.get('Virtual-1')?.head?.guest).toBe('windows');
    expect(inputs()).toEqual([null, 'windows']);
  });

  test('is stopped by any other action, which is done all the same', async () => {
    await start([configured[0]!]);
    await running(links.windows, links.linux);
    controller.perform({ kind: 'scan', dwellMs: 1000 });
    controller.perform({ kind: 'next' });
    expect(controller.layout.shows.get('Virtual-1')?.head?.guest).toBe('windows');
    jest.advanceTimersByTime(60_000);
    expect(controller.layout.shows.get('Virtual-1')?.head?.guest).toBe('windows');
  });

  test('leaves guests where they are that others look at', async () => {
    await start(configured);
    await running(links.windows, links.linux);
    controller.perform({ kind: 'scan', dwellMs: 1000 });
    jest.advanceTimersByTime(10_000);
    expect(shows()).toEqual(['windows', 'linux']);
  });
});

test('blank shows nothing, and again what was there', async () => {
  await start(configured);
  controller.guests.connected(links.windows);
  await draw(links.windows, 1);
  controller.perform({ kind: 'blank', on: 'Virtual-1' });
  await settle();
  await vblank();
  expect(shows()[0]).toBe('picture');
  await draw(links.windows, 2);
  expect(shows()[0]).toBe('picture');
  controller.perform({ kind: 'blank', on: 'Virtual-1' });
  await vblank();
  expect(shows()[0]).toBe('windows');
});

test('a guest that has just connected is not said to show nothing, until it has had its time', async () => {
  await start(configured);
  const [output] = controller.outputs.all();
  const waiting = output!.source;
  const now = clock.monotonic();
  const time = jest.spyOn(clock, 'monotonic').mockReturnValue(now);
  controller.guests.connected(links.windows);
  await settle();
  expect(output!.source).toBe(waiting);
  time.mockReturnValue(now + 251);
  jest.advanceTimersByTime(251);
  await settle();
  await until(() => output!.source !== waiting);
  expect(shows()[0]).toBe('picture');
});

test('a head that is switched off gives way to a picture, and its last frames are answered', async () => {
  await start(configured);
  controller.guests.connected(links.windows);
  await draw(links.windows, 1);
  await draw(links.windows, 2);
  await draw(links.windows, 3);
  controller.guests.head(links.windows, 0).off();
  await settle();
  jest.advanceTimersByTime(20);
  expect(links.windows.shownFrames.at(-1)).toBe(3);
  await vblank();
  await vblank();
  expect(shows()[0]).toBe('picture');
});

test('a monitor that is pulled hides its guest; plugged in, it shows it again', async () => {
  await start(configured);
  controller.guests.connected(links.windows);
  await draw(links.windows, 1);
  await vblank();
  expect(controller.layout.focus).toBe('Virtual-1');
  kernel.connectors[0] = connectorInfo(1, 2, []);
  await controller.outputs.scan();
  await settle();
  expect(controller.outputs.lit().map(({ name }) => name)).toEqual(['Virtual-2']);
  expect(controller.layout.focus).toBe('Virtual-2');
  await draw(links.windows, 2);
  jest.advanceTimersByTime(20);
  expect(links.windows.shownFrames.at(-1)).toBe(2);
  kernel.connectors[0] = connectorInfo(1, 1, [small]);
  await controller.outputs.scan();
  await settle();
  await vblank();
  expect(shows()[0]).toBe('windows');
  expect(paths()[0]).toBe('direct');
});

test('without outputs in the config the guests get the monitors in order', async () => {
  await start([]);
  expect(controller.assignment('Virtual-1').head).toEqual({ guest: 'windows', head: 0 });
  expect(controller.assignment('Virtual-2').head).toEqual({ guest: 'linux', head: 0 });
});

test('a guest is told of the monitor it is meant for', async () => {
  await start(configured);
  expect(controller.displayFor('linux', 0)).toMatchObject({ width: 64, height: 48, refresh: 60_000 });
  expect(controller.displayFor('linux', 1)).toBeUndefined();
});

test('a head that no output and no hotkey names is for no monitor', async () => {
  const action = { kind: 'show', head: { guest: 'linux', head: 1 } } as const;
  await start([configured[0]!], [{ trigger: { steps: [] }, action, source: '' }]);
  expect(controller.displayFor('linux', 1)).toMatchObject({ width: 64 });
  expect(controller.displayFor('linux', 2)).toBeUndefined();
});

test('guests hear of other monitors, and that they are wanted', async () => {
  await start(configured);
  const before = links.windows.displayChanges;
  expect(before).toBeGreaterThan(0);
  controller.perform({ kind: 'show', head: { guest: 'linux', head: 0 }, on: 'Virtual-1' });
  expect(links.windows.displayChanges).toBe(before + 1);
  expect([links.windows.wishes, links.linux.wishes]).toEqual([0, 1]);
});

describe('keyboard and mouse are', () => {
  const input = (): GuestInput => ({}) as GuestInput;

  test("the focused guest's while it is connected and shown", async () => {
    await start(configured);
    links.windows.input = input();
    links.linux.input = input();
    controller.guests.connected(links.linux);
    expect(targets).toEqual([]);
    controller.guests.connected(links.windows);
    const panel = controller.outputs.get('Virtual-1');
    expect(targets.pop()).toEqual({ input: links.windows.input, head: 0, panel });
    controller.perform({ kind: 'focus', output: 'Virtual-2' });
    expect(targets.pop()?.input).toBe(links.linux.input);
    controller.perform({ kind: 'swap' });
    expect(targets.pop()?.input).toBe(links.windows.input);
    controller.perform({ kind: 'blank' });
    expect(targets.pop()).toBeNull();
    controller.perform({ kind: 'blank' });
    expect(targets.pop()?.input).toBe(links.windows.input);
    controller.perform({ kind: 'show', head: { guest: 'windows', head: 1 } });
    expect(targets.pop()).toMatchObject({ input: links.windows.input, head: 1 });
    controller.guests.disconnected(links.windows, 'gone');
    expect(targets.pop()).toBeNull();
    expect(targets).toEqual([]);
  });

  test("devices of the guest's own rather than the link's", async () => {
    await start([]);
    const [link, devices] = [new Link('sensors'), input()];
    link.input = input();
    controller.addGuest(link, 'full', devices);
    controller.perform({ kind: 'show', head: { guest: 'sensors', head: 0 }, on: 'Virtual-1' });
    expect(targets).toEqual([]);
    controller.guests.connected(link);
    expect(targets.pop()?.input).toBe(devices);
    controller.guests.disconnected(link, 'gone');
    expect(targets.pop()).toBeNull();
  });

  test("nobody's where the link carries none", async () => {
    await start(configured);
    controller.guests.connected(links.windows);
    expect(targets).toEqual([]);
  });
});

describe('panic', () => {
  test('takes picture and input from all guests, and nothing else can be done until it is undone', async () => {
    await start(configured);
    links.windows.input = {} as GuestInput;
    for (const link of Object.values(links)) controller.guests.connected(link);
    await draw(links.windows, 1);
    await vblank();
    const output = controller.outputs.get('Virtual-1')!;
    expect(output.path).toBe('direct');
    events = [];
    controller.perform({ kind: 'panic' });
    expect(targets.at(-1)).toBeNull();
    await settle();
    await vblank();
    expect(output.path).toBe('picture');
    expect(() => {
      controller.perform({ kind: 'next' });
    }).toThrow('panic is on; undo it first');
    expect(() => controller.send('A', { guest: 'windows', head: 0 })).toThrow('panic is on');
    controller.perform({ kind: 'panic', on: true });
    controller.perform({ kind: 'panic' });
    expect(targets.at(-1)?.input).toBe(links.windows.input);
    await settle();
    await vblank();
    expect(output.path).toBe('direct');
    expect(events.filter(({ event }) => event === 'panic').map(({ on }) => on)).toEqual([true, false]);
    expect(events.filter(({ event }) => event === 'switched')).toEqual([]);
  });
});

describe('keys are sent', () => {
  const keys: string[] = [];
  const input = {
    key: (_head: number, code: number, down: boolean) => keys.push(`${down ? '+' : '-'}${code}`),
  };

  test('to the guest that is named, else to the focused one, which has no other keyboard meanwhile', async () => {
    jest.useRealTimers();
    await start(configured);
    links.windows.input = input as unknown as GuestInput;
    controller.guests.connected(links.windows);
    expect(targets).toHaveLength(1);
    const sent = controller.send('Ctrl+A');
    expect(targets.at(-1)?.input).toBe(NOBODY);
    await sent;
    expect(targets.at(-1)?.input).toBe(links.windows.input);
    expect(keys).toEqual(['+29', '+30', '-30', '-29']);
    expect(() => controller.send('A', { guest: 'linux', head: 0 })).toThrow('linux is not connected');
    expect(() => controller.send('A', { guest: 'x', head: 0 })).toThrow('there is no guest x');
    expect(() => controller.send('Q+A')).toThrow(CommandError);
    controller.perform({ kind: 'focus', output: 'Virtual-2' });
    expect(() => controller.send('wake')).toThrow('linux is not connected');
    await controller.send('wake', { guest: 'windows', head: 0 });
    expect(links.windows.wishes).toBe(1);
    expect(keys.slice(4)).toEqual(['+42', '-42']);
  });
});

test('what a guest without a picture is doing is said, and the picture is drawn anew when that changes', async () => {
  await start(configured);
  controller.guests.connected(links.windows);
  await settle();
  await vblank();
  const off = controller.outputs.get('Virtual-1')!.source?.picture;
  const draw = jest.spyOn(Picture, 'draw');
  controller.guests.condition(links.windows, 'asleep');
  await settle();
  await vblank();
  expect(controller.outputs.get('Virtual-1')!.source?.picture).not.toBe(off);
  expect(draw.mock.calls.at(-1)!.slice(3)).toEqual([
    'windows is asleep',
    'Virtual-1  64x48@60\nwake it: kms-switcher send windows wake',
  ]);
  expect(events.at(-1)).toMatchObject({ event: 'guest', guest: 'windows', condition: 'asleep' });
  links.linux.trouble = 'no QMP socket at /run/linux.qmp';
  controller.guests.troubled(links.linux);
  expect(events.at(-1)).toMatchObject({ guest: 'linux', reason: 'no QMP socket at /run/linux.qmp' });
});

test('commands about what there is not say what there is', async () => {
  await start(configured);
  const attempt = (action: Parameters<Controller['perform']>[0]) => () => {
    controller.perform(action);
  };
  expect(attempt({ kind: 'show', head: { guest: 'mac', head: 0 } })).toThrow(
    new CommandError('there is no guest mac: the config has windows, linux'),
  );
  for (const action of [
    { kind: 'next', on: 'DP-7' },
    { kind: 'focus', output: 'DP-7' },
    { kind: 'swap', outputs: ['Virtual-1', 'DP-7'] },
  ] as const) {
    expect(attempt(action)).toThrow(
      new CommandError('there is no output DP-7: here are Virtual-1, Virtual-2'),
    );
  }
  expect(shows()).toEqual(['picture', 'picture']);
});

test('a picture that could not be drawn is drawn when it is wanted again', async () => {
  const create = jest.spyOn(kernel, 'createDumb');
  await start([configured[0]!]);
  controller.guests.connected(links.windows);
  await draw(links.windows, 1);
  await vblank();
  create.mockRejectedValueOnce(new Error('no memory'));
  controller.perform({ kind: 'blank', on: 'Virtual-1' });
  await settle();
  expect(shows()[0]).toBe('windows');
  controller.perform({ kind: 'blank', on: 'Virtual-1' });
  controller.perform({ kind: 'blank', on: 'Virtual-1' });
  await settle();
  await vblank();
  expect(shows()[0]).toBe('picture');
});

describe('several seats', () => {
  const next: Hotkey = { source: 'Pause', trigger: parseTrigger('Pause'), action: { kind: 'next' } };
  const seats: SeatConfig[] = [
    { name: 'left', devices: [], outputs: ['Virtual-1', 'Virtual-3'], hotkeys: [next] },
    { name: 'right', devices: [], outputs: ['Virtual-2'], hotkeys: [] },
  ];
  const third: OutputConfig = { name: 'Virtual-3', mode: 'preferred' };
  const sensors = new Link('sensors');
  const all = (): (string | undefined)[] =>
    ['Virtual-1', 'Virtual-2', 'Virtual-3'].map((name) => controller.assignment(name).head?.guest);

  beforeEach(async () => {
    card.close();
    kernel.connectors.push(connectorInfo(3, 1, [small]));
    kernel.crtcCount = 3;
    cards = driving(kernel);
    card = cards.all[0]!;
    await start([...configured, third], [], undefined, seats);
    controller.addGuest(sensors, 'full');
    for (const link of [links.windows, links.linux, sensors]) {
      link.input = { ...quiet };
      controller.guests.connected(link);
    }
  });
  afterEach(() => {
    controller.guests.disconnected(sensors, 'the test is over');
  });

  test('have a focus each, which a command finds by its output', () => {
    expect(controller.seats.map((seat) => [seat.name, controller.focusedBy(seat)])).toEqual([
      ['left', 'Virtual-1'],
      ['right', 'Virtual-2'],
      ['default', null],
    ]);
    expect(told).toEqual([
      ['left', links.windows.input],
      ['right', links.linux.input],
    ]);
    events.length = 0;
    controller.perform({ kind: 'focus', output: 'Virtual-3' });
    expect(events).toEqual([{ event: 'focused', output: 'Virtual-3', seat: 'left' }]);
    expect(controller.outputs.all().map((output) => controller.focused(output))).toEqual([false, true, true]);
  });

  test('switch their own outputs only, to guests that no other has', () => {
    controller.perform({ kind: 'next' }, 0, 'left');
    expect(all()).toEqual(['sensors', 'linux', undefined]);
    controller.perform({ kind: 'next' }, 0, 'left');
    expect(all()).toEqual(['windows', 'linux', undefined]);
    controller.perform({ kind: 'previous' }, 0, 'right');
    expect(all()).toEqual(['windows', 'sensors', undefined]);
    const stays = 'sensors is on Virtual-2, which is of another seat: it stays there';
    const show = { kind: 'show', head: { guest: 'sensors', head: 0 } } as const;
    expect(() => {
      controller.perform(show, 0, 'left');
    }).toThrow(stays);
    controller.perform({ kind: 'swap' }, 0, 'left');
    expect(all()).toEqual([undefined, 'sensors', 'windows']);
    expect(() => {
      controller.perform({ kind: 'focus' }, 0, 'right');
    }).toThrow('there is only one output');
    // Who commands the daemon may do as he likes.
    controller.perform({ ...show, on: 'Virtual-1' });
    expect(all()).toEqual(['sensors', undefined, 'windows']);
  });

  test('do not reach the outputs of others by any name', () => {
    const foreign = [
      { kind: 'blank', on: 'Virtual-2' },
      { kind: 'focus', output: 'Virtual-2' },
      { kind: 'swap', outputs: ['Virtual-1', 'Virtual-2'] },
    ] as const;
    for (const action of foreign) {
      expect(() => {
        controller.perform(action, 0, 'left');
      }).toThrow('Virtual-2 is of seat right');
    }
    expect(() => {
      controller.perform({ kind: 'blank' }, 0, 'default');
    }).toThrow('no monitor is connected');
    expect(all()).toEqual(['windows', 'linux', undefined]);
  });

  test('are to be named where a command does not say which it means', () => {
    const show = { kind: 'show', head: { guest: 'sensors', head: 0 } } as const;
    const several = 'there are several seats: name an output, or one of the seats left, right';
    expect(() => {
      controller.perform(show);
    }).toThrow(several);
    expect(() => controller.preview({ kind: 'next' })).toThrow(several);
    expect(() => {
      controller.perform(show, 0, 'middle');
    }).toThrow('there is no seat middle: the config has left, right, default');
    controller.perform(show, 0, 'right');
    expect(all()).toEqual(['windows', 'sensors', undefined]);
  });

  test('list their own hotkeys, scan by themselves, and panic for all', async () => {
    controller.perform({ kind: 'help' }, 0, 'right');
    await settle();
    expect(controller.seats.map(({ help }) => help)).toEqual([null, 'Virtual-2', null]);
    controller.released({ kind: 'help' }, 'left');
    expect(controller.seats[1]!.help).toBe('Virtual-2');
    controller.released({ kind: 'help' }, 'right');
    expect(controller.seats[1]!.help).toBeNull();

    told = [];
    controller.perform({ kind: 'scan', dwellMs: 1000 }, 0, 'left');
    expect(told).toEqual([['left', undefined]]);
    expect(all()).toEqual(['sensors', 'linux', undefined]);
    controller.perform({ kind: 'blank' }, 0, 'right');
    jest.advanceTimersByTime(1000);
    expect(all()[0]).toBe('windows');
    controller.perform({ kind: 'blank' }, 0, 'right');
    controller.perform({ kind: 'panic' }, 0, 'right');
    expect(controller.seats.map(({ scan, target }) => [scan.running, target])).toEqual([
      [false, null],
      [false, null],
      [false, null],
    ]);
    controller.perform({ kind: 'panic' }, 0, 'default');
    controller.perform({ kind: 'escape' }, 0, 'left');
    expect(told.slice(-2)).toEqual([
      ['left', undefined],
      ['right', undefined],
    ]);
    controller.perform({ kind: 'escape' }, 0, 'right');
    expect(told.slice(-2).map(([seat, input]) => [seat, input !== undefined])).toEqual([
      ['left', true],
      ['right', true],
    ]);
  });

  test('keep a guest whose monitor is off from the scan of another', async () => {
    kernel.connectors[1] = connectorInfo(2, 2, []);
    await controller.outputs.scan();
    await settle();
    controller.perform({ kind: 'scan', dwellMs: 1000 }, 0, 'left');
    for (let i = 0; i < 4; i++) {
      expect(all()).toEqual([i % 2 ? 'windows' : 'sensors', 'linux', undefined]);
      jest.advanceTimersByTime(1000);
    }
  });

  test('keep their focus when a monitor of another goes, and find it again', async () => {
    kernel.connectors[0] = connectorInfo(1, 2, []);
    await controller.outputs.scan();
    await settle();
    expect(controller.seats.map((seat) => controller.focusedBy(seat))).toEqual([
      'Virtual-3',
      'Virtual-2',
      null,
    ]);
  });
});

describe('a pointer that is pushed over the edge of its screen', () => {
  const sensors = new Link('sensors');
  const seats: SeatConfig[] = [
    {
      name: 'desk',
      devices: [],
      outputs: ['Virtual-1', 'Virtual-2', 'Virtual-3', 'Virtual-4'],
      hotkeys: [],
      seamless: [['Virtual-1', 'Virtual-2', 'Virtual-3', 'Virtual-4']],
    },
  ];
  const others: OutputConfig[] = [
    { name: 'Virtual-3', mode: 'preferred', show: { guest: 'sensors', head: 0 } },
    { name: 'Virtual-4', mode: 'preferred', show: { guest: 'sensors', head: 0 } },
  ];
  let placed: string[];
  /** Takes places, at one of which the pointer is. */
  const tablet = (name: string): GuestInput => ({
    ...quiet,
    absolute: () => true,
    pointer: (_head, at) => {
      Object.assign(at, { x: 1, y: 0.25 });
      return true;
    },
    place: (head, x, y) => placed.push(`${name}:${head} ${x},${y}`),
  });
  const focused = (): string | null => controller.focusedBy(controller.seats[0]!);
  const push = (edge: 'left' | 'right' | 'top'): void => {
    targets.at(-1)?.border?.crossed(edge, { x: edge === 'right' ? 1 : 0, y: 0.25 });
  };

  beforeEach(async () => {
    placed = [];
    card.close();
    kernel.connectors.push(connectorInfo(3, 1, [small]), connectorInfo(4, 1, [small]));
    kernel.crtcCount = 4;
    cards = driving(kernel);
    card = cards.all[0]!;
    await start([...configured, ...others], [], undefined, seats);
    controller.addGuest(sensors, 'full');
    for (const link of [links.windows, links.linux, sensors]) {
      link.input = tablet(link.guest);
      controller.guests.connected(link);
    }
    events.length = 0;
  });
  afterEach(() => {
    controller.guests.disconnected(sensors, 'the test is over');
  });

  test('takes the focus to the next output, and comes in at the same height', () => {
    const at = { x: 0, y: 0 };
    expect(targets.at(-1)!.border!.pointer(at)).toBe(true);
    expect(at).toEqual({ x: 1, y: 0.25 });
    push('left');
    push('top');
    expect(focused()).toBe('Virtual-1');
    push('right');
    expect(focused()).toBe('Virtual-2');
    expect(targets.at(-1)?.input).toBe(links.linux.input);
    expect(placed.splice(0)).toEqual(['linux:0 0,0.25']);
    expect(events).toEqual([{ event: 'focused', output: 'Virtual-2', seat: 'desk' }]);
    push('left');
    expect(focused()).toBe('Virtual-1');
    expect(placed).toEqual(['windows:0 1,0.25']);
    expect(readStatus(cards, controller, { devicesOf: () => [] }).seats[0]!.seamless).toEqual(
      seats[0]!.seamless,
    );
  });

  test('passes over outputs that are dark, blank or without a guest that takes it', async () => {
    controller.perform({ kind: 'blank', on: 'Virtual-2' });
    push('right');
    expect([focused(), ...placed.splice(0)]).toEqual(['Virtual-3', 'sensors:0 0,0.25']);
    // The same head again is no other place.
    push('right');
    expect([focused(), ...placed]).toEqual(['Virtual-3']);
    push('left');
    expect(focused()).toBe('Virtual-1');
    controller.perform({ kind: 'blank', on: 'Virtual-2' });
    kernel.connectors[1] = connectorInfo(2, 2);
    await controller.outputs.scan();
    await settle();
    push('right');
    expect(focused()).toBe('Virtual-3');
    controller.guests.disconnected(links.windows, 'gone');
    push('left');
    expect(focused()).toBe('Virtual-3');
  });

  test('enters a guest that takes motion only where that shows its pointer, and leaves it by that', async () => {
    const mouse = { ...tablet('linux'), absolute: () => false };
    links.linux.input = mouse;
    controller.guests.disconnected(links.linux, 'restarts');
    controller.guests.connected(links.linux);
    push('right');
    expect(focused()).toBe('Virtual-3');
    push('left');
    expect(focused()).toBe('Virtual-1');
    await draw(links.linux, 1);
    controller.guests.head(links.linux, 0).cursorMove(0, 47, true);
    push('right');
    expect(focused()).toBe('Virtual-2');
    expect(placed.filter((place) => place.startsWith('linux'))).toEqual([]);
    const at = { x: -1, y: -1 };
    expect(targets.at(-1)!.border!.pointer(at)).toBe(true);
    expect(at).toEqual({ x: 0, y: 1 });
    controller.guests.head(links.linux, 0).cursorMove(0, 47, false);
    expect(targets.at(-1)!.border!.pointer(at)).toBe(false);
  });

  test('stays while help is shown, and leads nowhere while a guest has nothing of it', async () => {
    controller.perform({ kind: 'help' }, 0, 'desk');
    push('right');
    controller.released({ kind: 'help' }, 'desk');
    expect(focused()).toBe('Virtual-1');
    for (const kind of ['panic', 'escape'] as const) {
      controller.perform({ kind });
      expect(targets.at(-1)).toBeNull();
      controller.perform({ kind });
    }
    const sent = controller.send('A', { guest: 'linux', head: 0 });
    push('right');
    expect(focused()).toBe('Virtual-3');
    controller.perform({ kind: 'focus', output: 'Virtual-2' });
    expect(targets.at(-1)).toMatchObject({ input: NOBODY });
    expect(targets.at(-1)!.border).toBeUndefined();
    await jest.advanceTimersByTimeAsync(1000);
    await sent;
    expect(targets.at(-1)?.input).toBe(links.linux.input);
    push('left');
    expect(focused()).toBe('Virtual-1');
  });
});

describe('in the secure profile', () => {
  /** What is said on each panel, with a mark where keyboard and pointer are. */
  const said = (): (string | undefined)[] =>
    controller.outputs.all().map(({ indicator }) => indicator && `${indicator.text}${indicator.active ? '*' : ''}`) as string[]; // prettier-ignore
  const inputs = { windows: { ...quiet }, linux: { ...quiet } };

  async function shown(): Promise<void> {
    for (let count = 0; count < 4; count++) await vblank();
  }

  beforeEach(async () => {
    // What the guests here send is no dma-buf.
    const mapping = { size: 64 * 48 * 4, close: () => undefined } as unknown as NativeMapping;
    jest.spyOn(native, 'mapDmabuf').mockReturnValue(mapping);
    await start(configured, [], undefined, [], { keys: [] });
    for (const link of Object.values(links)) {
      link.input = inputs[link.guest as 'windows' | 'linux'];
      controller.guests.connected(link);
      await draw(link, 1);
    }
    await shown();
  });

  test('a panel says whose picture it has, and where keyboard and pointer go', async () => {
    expect(said()).toEqual(['windows*', 'linux']);
    expect(paths()).toEqual(['copy', 'copy']);
    controller.perform({ kind: 'focus', output: 'Virtual-2' });
    await shown();
    expect(said()).toEqual(['windows', 'linux*']);
    controller.perform({ kind: 'swap' });
    await shown();
    expect(said()).toEqual(['linux', 'windows*']);
    controller.perform({ kind: 'panic', on: true });
    await shown();
    expect(said()).toEqual(['', '']);
    expect(paths()).toEqual(['picture', 'picture']);
  });

  test('nobody types to a guest before its panel says so', async () => {
    expect(targets.at(-1)?.input).toBe(inputs.windows);
    controller.perform({ kind: 'focus', output: 'Virtual-2' });
    expect(targets.at(-1)).toBeNull();
    await shown();
    expect(targets.at(-1)?.input).toBe(inputs.linux);
    // A copy that takes its time: the panel still has the other's picture.
    kernel.patient = true;
    controller.perform({ kind: 'show', head: { guest: 'windows', head: 0 }, on: 'Virtual-2' });
    await vblank();
    expect(said()[1]).toBe('linux*');
    expect(targets.at(-1)).toBeNull();
    kernel.patient = false;
    while (kernel.pending.length > 0) await kernel.finish();
    await shown();
    expect(said()[1]).toBe('windows*');
    expect(targets.at(-1)?.input).toBe(inputs.windows);
  });

  test('a guest is told of the room below the indicator, and nothing of the monitor that another is told, too', () => {
    expect(controller.displayFor('windows', 0)).toMatchObject({ width: 64, height: 32, edid: undefined });
  });

  test('what size a guest draws changes nothing that another is told', async () => {
    const [before, changes] = [controller.displayFor('linux', 0), links.linux.displayChanges];
    const sink = controller.guests.head(links.windows, 0);
    for (const height of [8, 16, 48]) {
      const plane = { fd: openNull(), device: 1, inode: ++inode, offset: 0, pitch: 256 };
      sink.scanout({ ...layout, height, planes: [plane] }, { x: 0, y: 0, width: 64, height });
      sink.update(height, 0, 0, 64, height);
      await shown();
    }
    expect([controller.displayFor('linux', 0), links.linux.displayChanges]).toEqual([before, changes]);
  });

  test('a guest that has gone leaves nothing on its panel but its name', async () => {
    controller.guests.disconnected(links.windows, 'it went');
    await shown();
    expect([said()[0], paths()[0], shows()[0]]).toEqual(['windows', 'picture', 'picture']);
    expect(targets.at(-1)).toBeNull();
  });
});

describe('two cards', () => {
  let second: FakeCard;
  const third: OutputConfig = {
    name: 'Virtual-3',
    mode: 'preferred',
    show: { guest: 'linux', head: 0 },
  };
  const vblanks = async (): Promise<void> => {
    for (const one of [kernel, second]) for (const crtc of [...one.inFlight.keys()]) one.vblank(crtc);
    await settle();
  };

  beforeEach(async () => {
    card.close();
    kernel.connectors = [connectorInfo(1, 1, [small])];
    second = new FakeCard('/dev/dri/card10');
    second.connectors = [connectorInfo(3, 1, [small])];
    cards = driving(kernel, second);
    card = cards.all[0]!;
    cards.onGone = (lost) => controller.cardGone(lost);
    cards.onCome = (found) => void controller.cardCame(found);
    await start([configured[0]!, third]);
    for (const link of Object.values(links)) {
      link.input = { ...quiet };
      controller.guests.connected(link);
      await draw(link, 1);
    }
    await vblanks();
  });
  afterEach(() => {
    expect(second.wrongs).toEqual([]);
  });

  test('have an output each, of CRTCs of the same number, and flips of their own', async () => {
    expect(controller.outputs.all().map((output) => [output.name, output.card.name, output.crtc])).toEqual([
      ['Virtual-1', 'card9', 40],
      ['Virtual-3', 'card10', 40],
    ]);
    expect(shows()).toEqual(['windows', 'linux']);
    const flips = kernel.flips.length;
    await draw(links.linux, 2);
    expect(kernel.flips.length).toBe(flips);
    second.vblank(40);
    expect(links.linux.shownFrames.at(-1)).toBe(2);
  });

  test('each imports what it shows, when it shows it', async () => {
    expect([kernel.imports.length, second.imports.length]).toEqual([1, 1]);
    controller.perform({ kind: 'show', head: { guest: 'linux', head: 0 }, on: 'Virtual-1' });
    await vblanks();
    expect(shows()).toEqual(['linux', 'windows']);
    expect([kernel.imports.length, second.imports.length]).toEqual([2, 2]);
    controller.perform({ kind: 'show', head: { guest: 'linux', head: 0 }, on: 'Virtual-3' });
    await vblanks();
    expect([kernel.imports.length, second.imports.length]).toEqual([2, 2]);
    controller.guests.disconnected(links.windows, 'it left');
    controller.guests.disconnected(links.linux, 'it left');
    await vblanks();
    await vblanks();
    expect([kernel.closedFramebuffers.length, second.closedFramebuffers.length]).toEqual([2, 2]);
  });

  test('one refuses a buffer: it is copied there, and direct on the other', async () => {
    controller.perform({ kind: 'show', head: { guest: 'windows', head: 0 }, on: 'Virtual-3' });
    await vblanks();
    const { imports } = cards.all[1]!;
    const { framebuffer } = controller.guests.get('windows')!.views.get(0)!.screen;
    jest.spyOn(framebuffer!, 'mapping').mockReturnValue({ size: 0, close: () => undefined });
    jest.spyOn(imports, 'of').mockReturnValue({ id: 0, refusal: 'not here' });
    controller.outputs.get('Virtual-3')!.changed();
    await settle();
    await vblanks();
    expect(readStatus(cards, controller, { devicesOf: () => [] }).outputs).toMatchObject([
      { card: 'card9', guest: 'linux', path: 'direct' },
      { card: 'card10', guest: 'windows', path: 'copy', reason: 'not here' },
    ]);
  });

  test('another program takes one: the other goes on, and its guest is hidden', async () => {
    cards.onPaused = (whose) => {
      controller.updateVisibility(whose);
    };
    controller.perform({ kind: 'focus', output: 'Virtual-3' });
    events.length = 0;
    second.taken = true;
    second.master = false;
    jest.advanceTimersByTime(1000);
    expect(events).toEqual([{ event: 'outputs', lit: 'Virtual-1' }]);
    expect(targets.at(-1)).toBeNull();
    await draw(links.linux, 2);
    await draw(links.windows, 2);
    kernel.vblank(40);
    jest.advanceTimersByTime(20);
    expect([links.windows.shownFrames.at(-1), links.linux.shownFrames.at(-1)]).toEqual([2, 2]);
    expect(second.inFlight.size).toBe(0);
    second.taken = false;
    jest.advanceTimersByTime(1000);
    await settle();
    expect(events.at(-1)).toEqual({ event: 'outputs', lit: 'Virtual-1 Virtual-3' });
    expect(second.sets).toHaveLength(2);
  });

  test('one goes while it flips: its guest is answered on, the focus moves, and all is let go of', async () => {
    controller.perform({ kind: 'focus', output: 'Virtual-3' });
    await draw(links.linux, 2);
    expect(second.inFlight.size).toBe(1);
    events.length = 0;
    cards.go(second.path);
    await draw(links.linux, 3);
    jest.advanceTimersByTime(20);
    expect(links.linux.shownFrames.at(-1)).toBe(3);
    await settle();
    expect(events[0]).toEqual({ event: 'card', card: 'card10', there: false });
    expect(events.at(-1)).toEqual({ event: 'outputs', lit: 'Virtual-1' });
    expect(controller.outputs.all().map(({ name }) => name)).toEqual(['Virtual-1']);
    expect(controller.focusedBy(controller.seats[0]!)).toBe('Virtual-1');
    expect(targets.at(-1)?.input).toBe(links.windows.input);
    expect(second.abandoned).toBe(true);
    jest.advanceTimersByTime(1000);
    expect([...second.openDumbs]).toEqual([]);
    await draw(links.windows, 2);
    kernel.vblank(40);
    expect(links.windows.shownFrames.at(-1)).toBe(2);
    // What was made for the guest on the card that has gone is not there to be closed.
    controller.guests.disconnected(links.linux, 'it left');
    expect(cards.framebuffers.size).toBe(2);
  });

  test('one goes, and nobody says so: it is found when connectors are looked at', async () => {
    second.exists = false;
    second.connectors = [];
    await controller.outputs.scan();
    await settle();
    expect(events.filter(({ event }) => event === 'card')).toEqual([
      { event: 'card', card: 'card10', there: false },
    ]);
    expect(controller.outputs.all().map(({ name }) => name)).toEqual(['Virtual-1']);
    expect(second.abandoned).toBe(true);
  });

  test('one goes while it is asked for its connectors, and never answers: the other is looked at all the same', async () => {
    second.probeConnector = () => new Promise(() => undefined);
    const scan = controller.outputs.scan();
    await settle();
    cards.go(second.path);
    await scan;
    expect(controller.outputs.all().map(({ name }) => name)).toEqual(['Virtual-1']);
  });

  test('one refuses all because it goes: its guest is neither copied nor blamed', async () => {
    second.exists = false;
    second.flipResults = [-22];
    second.setErrors = [systemError('EINVAL', -22)];
    await draw(links.linux, 2);
    await settle();
    const { framebuffer } = controller.guests.get('linux')!.views.get(0)!.screen;
    expect(cards.all[1]!.imports.of(framebuffer!).refusal).toBeUndefined();
    expect(links.linux.refusals).toEqual([]);
    cards.go(second.path);
    await settle();
    jest.advanceTimersByTime(20);
    expect(links.linux.shownFrames.at(-1)).toBe(2);
  });

  test('one goes and comes back: its guest is shown again, whatever it is called now', async () => {
    cards.go(second.path);
    await settle();
    const again = new FakeCard('/dev/dri/card11');
    again.connectors = second.connectors;
    second = again;
    jest.spyOn(cards as unknown as { openCard: () => Card }, 'openCard').mockReturnValue(again.open());
    cards.come(again.path);
    await settle();
    await vblanks();
    expect(events.filter(({ event }) => event === 'card')).toEqual([
      { event: 'card', card: 'card10', there: false },
      { event: 'card', card: 'card11', there: true },
    ]);
    expect(shows()).toEqual(['windows', 'linux']);
    await draw(links.linux, 2);
    again.vblank(40);
    expect(links.linux.shownFrames.at(-1)).toBe(2);
    cards.close();
  });

  test('a head on both is answered when both have it; when one goes, by the other alone', async () => {
    controller.perform({ kind: 'layout', layout: 'both' });
    await vblanks();
    await vblanks();
    await draw(links.windows, 5);
    kernel.vblank(40);
    expect(links.windows.shownFrames.at(-1)).not.toBe(5);
    second.vblank(40);
    expect(links.windows.shownFrames.at(-1)).toBe(5);
    await draw(links.windows, 6);
    cards.go(second.path);
    kernel.vblank(40);
    expect(links.windows.shownFrames.at(-1)).toBe(6);
    await settle();
  });
});
