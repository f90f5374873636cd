import type { BufferLayout } from '../../src/buffers';
import * as clock from '../../src/clock';
import type { Config, OutputConfig } from '../../src/config/config';
import type { GuestLink } from '../../src/guest/sink';
import { parseTrigger } from '../../src/input/trigger';
import type { Cards } from '../../src/kms/cards';
import { modeName } from '../../src/kms/modes';
import type { Output } from '../../src/kms/output';
import type { Plan } from '../../src/plan/plan';
import { native, type NativeMapping } from '../../src/native';
import { planOfDaemon } from '../../src/plan/daemon';
import { Controller } from '../../src/switcher/controller';
import { connectorInfo, driving, FakeCard, fakeLog, settle, systemError } from './support/fake-card';
import { mode } from './support/modes';
import { openNull } from './support/wire';

const fullHd = mode({ type: 8 });
const xga = mode({ hdisplay: 1024, vdisplay: 768, htotal: 1344, vtotal: 806, clock: 65_000 });
const svga = mode({ hdisplay: 800, vdisplay: 600, htotal: 1056, vtotal: 628, clock: 40_000 });
const tall = mode({ hdisplay: 768, vdisplay: 1024, htotal: 1000, vtotal: 1100, clock: 66_000 });
type Guest = 'windows' | 'linux';

let kernel: FakeCard;
let kernels: FakeCard[];
let cards: Cards;
let controller: Controller;
let links: Record<Guest, GuestLink>;
let log: ReturnType<typeof fakeLog>;
let shown: Record<Guest, number>;
let now: number;
let inode = 0;

beforeEach(() => {
  jest.useFakeTimers({
    doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'hrtime', 'Date'],
  });
  now = 1e6;
  jest.spyOn(clock, 'monotonic').mockImplementation(() => now);
  kernel = new FakeCard();
  kernel.connectors = [1, 2].map((id) => connectorInfo(id, 1, [fullHd, xga, svga, tall]));
  kernels = [kernel];
  cards = driving(kernel);
  const mapping = { size: 1 << 24, close: () => undefined } as unknown as NativeMapping;
  jest.spyOn(native, 'mapDmabuf').mockReturnValue(mapping);
});
afterEach(async () => {
  await controller.close();
  for (const link of Object.values(links)) controller.guests.disconnected(link, 'the test is over');
  jest.restoreAllMocks();
  for (const card of kernels) {
    expect(card.wrongs).toEqual([]);
    expect([...card.openDumbs]).toEqual([]);
  }
  expect(cards.framebuffers.size).toBe(0);
  cards.close();
  jest.useRealTimers();
});

async function start(outputs: readonly OutputConfig[], waits = false): Promise<void> {
  const config: Config = {
    ...{
      file: '',
      control: '',
      log: { level: 'info' },
      cards: { by: 'monitor' },
      handover: 'keep',
      power: {},
    },
    ...{ guests: [], outputs, hotkeys: [], passthrough: [], layouts: [], notes: [] },
    escape: { source: 'Ctrl+Alt+Esc', trigger: parseTrigger('Ctrl+Alt+Esc'), action: { kind: 'escape' } },
    seats: [{ name: 'default', devices: [], outputs: [], hotkeys: [] }],
  };
  log = fakeLog();
  controller = new Controller(cards, config, log);
  shown = { windows: 0, linux: 0 };
  const linkOf = (guest: Guest): GuestLink => ({
    guest,
    kind: 'test',
    address: '',
    shown: (_head, frame) => (shown[guest] = frame),
    refuse: () => undefined,
    displaysChanged: () => undefined,
    wanted: () => undefined,
    close: () => undefined,
  });
  links = { windows: linkOf('windows'), linux: linkOf('linux') };
  for (const link of Object.values(links)) {
    controller.addGuest(link, 'full');
    controller.guests.connected(link);
  }
  if (waits) controller.wait();
  await controller.outputs.scan();
  await pass(0);
}

/** Time goes by: timers run, vblanks come. */
async function pass(ms: number, step = 10): Promise<void> {
  const end = now + ms;
  do {
    const by = Math.min(step, end - now);
    now += by;
    jest.advanceTimersByTime(by);
    await settle();
    for (const card of kernels) for (const crtc of [...card.inFlight.keys()]) card.vblank(crtc);
    await settle();
  } while (now < end);
}

/** The guest draws into a new buffer of this size. */
async function draw(guest: Guest, width: number, height: number): Promise<void> {
  const layout: BufferLayout = {
    ...{ width, height, format: 0x34325258, modifierHigh: 0, modifierLow: 0, bottomUp: false },
    planes: [{ fd: openNull(), device: 1, inode: ++inode, offset: 0, pitch: width * 4 }],
  };
  const sink = controller.guests.head(links[guest], 0);
  sink.scanout(layout, { x: 0, y: 0, width, height });
  sink.update(++inode, 0, 0, width, height);
  await settle();
}

const show = (guest: Guest): void => {
  controller.perform({ kind: 'show', head: { guest, head: 0 } });
};
const follows = (name: string, guest: Guest = 'windows', more: Partial<OutputConfig> = {}): OutputConfig => ({
  ...{ name, mode: 'guest', show: { guest, head: 0 } },
  ...more,
});
const first = (): Output => controller.outputs.get('Virtual-1')!;
const modes = (): (string | undefined)[] =>
  controller.outputs.lit().map(({ settledMode }) => settledMode?.name && modeName(settledMode));
const told = (guest: Guest): string => {
  const { width, height, refresh } = controller.displayFor(guest, 0)!;
  return `${width}x${height}@${refresh / 1000}`;
};
/** The modes that a CRTC was set to since. */
function setsSince(from: number, crtc = 40): (string | null)[] {
  return kernel.sets
    .slice(from)
    .flatMap((set) => (set.crtc === crtc ? [set.mode && modeName(set.mode)] : []));
}

test("a guest's own size is set once it has been stable; the guest is told the preferred one all along", async () => {
  await start([follows('Virtual-1')]);
  await pass(300);
  await draw('windows', 1024, 768);
  await pass(240);
  expect(modes()[0]).toBe('1920x1080@60');
  const { length } = kernel.sets;
  await pass(20);
  expect(modes()[0]).toBe('1024x768@60');
  expect(setsSince(length)).toEqual(['1024x768@60']);
  expect(first().path).toBe('direct');
  expect(told('windows')).toBe('1920x1080@60');
  await pass(3000);
  expect(setsSince(length)).toEqual(['1024x768@60']);
  await draw('windows', 1920, 1080);
  await pass(260);
  expect(setsSince(length)).toEqual(['1024x768@60', '1920x1080@60']);
});

test('frames that come before the mode are shown in the mode that is there', async () => {
  await start([follows('Virtual-1')]);
  await draw('windows', 1920, 1080);
  await pass(1500);
  await draw('windows', 1024, 768);
  await pass(100);
  expect(first().placement).toMatchObject({ screenWidth: 1024, screenHeight: 768 });
  expect(shown.windows).toBe(inode);
  expect(modes()[0]).toBe('1920x1080@60');
});

test('a switch to a guest of another size is one commit: the mode comes with its frame', async () => {
  await start([follows('Virtual-1')]);
  await draw('windows', 1920, 1080);
  await draw('linux', 1024, 768);
  await pass(1500);
  const [sets, flips] = [kernel.sets.length, kernel.flips.length];
  show('linux');
  expect(first().lit).toBe(true);
  await pass(50);
  expect(setsSince(sets)).toEqual(['1024x768@60']);
  // Nothing of it before, and nothing of the other after.
  expect(kernel.flips).toHaveLength(flips);
  expect(first().path).toBe('direct');
  expect(first().placement).toMatchObject({ screenWidth: 1024 });
  // Between guests of one size nothing but a flip is needed.
  await draw('windows', 1024, 768);
  await pass(1500);
  show('windows');
  await pass(50);
  expect(kernel.sets).toHaveLength(sets + 1);
  expect(kernel.flips.length).toBeGreaterThan(flips);
});

test('switches faster than once a second do not make modes faster than that', async () => {
  await start([follows('Virtual-1')]);
  await draw('windows', 1920, 1080);
  await draw('linux', 1024, 768);
  await pass(1500);
  const { length } = kernel.sets;
  for (let count = 0; count < 10; count++) {
    show(count % 2 === 0 ? 'linux' : 'windows');
    await pass(90);
  }
  expect(setsSince(length)).toHaveLength(1);
  expect(controller.assignment('Virtual-1').head?.guest).toBe('windows');
  await pass(1000);
  expect(setsSince(length)).toEqual(['1024x768@60', '1920x1080@60']);
});

describe('a guest that resizes without end', () => {
  const sizes = (round: number): [number, number] => (round % 2 === 0 ? [1024, 768] : [800, 600]);

  test('gets no mode while it does, and then one', async () => {
    await start([follows('Virtual-1')]);
    await draw('windows', 1920, 1080);
    await pass(1500);
    const { length } = kernel.sets;
    for (let frame = 0; frame < 180; frame++) {
      await draw('windows', ...sizes(frame));
      await pass(16, 16);
    }
    expect(setsSince(length)).toEqual([]);
    expect(shown.windows).toBeGreaterThan(0);
    await pass(300);
    expect(setsSince(length)).toEqual(['800x600@60.32']);
  });

  test('and waits just long enough gets one a second at most', async () => {
    await start([follows('Virtual-1')]);
    await draw('windows', 1920, 1080);
    await pass(1500);
    const { length } = kernel.sets;
    const times: number[] = [];
    for (let change = 0; change < 20; change++) {
      await draw('windows', ...sizes(change));
      for (let part = 0; part < 26; part++) {
        const before = kernel.sets.length;
        await pass(10);
        if (kernel.sets.length > before) times.push(now);
      }
    }
    expect(setsSince(length).length).toBeGreaterThan(1);
    times.slice(1).forEach((time, index) => {
      expect(time - times[index]!).toBeGreaterThanOrEqual(990);
    });
  });

  test('does so while its mode is being set gets no other on top of it', async () => {
    await start([follows('Virtual-1')]);
    await draw('windows', 1920, 1080);
    await pass(1500);
    await draw('windows', 1024, 768);
    kernel.patient = true;
    await pass(300);
    expect(kernel.pending.map(({ what }) => what)).toEqual(['set 40']);
    for (let frame = 0; frame < 200; frame++) {
      await draw('windows', ...sizes(frame));
      await pass(16, 16);
    }
    await pass(400);
    expect(kernel.pending.map(({ what }) => what)).toEqual(['set 40']);
    kernel.patient = false;
    await kernel.finish('set');
    await pass(300);
    expect(modes()[0]).toBe('800x600@60.32');
  });
});

test('a size that no mode has is shown in the preferred one, and status says so', async () => {
  await start([follows('Virtual-1')]);
  await draw('windows', 1024, 768);
  await pass(300);
  await draw('windows', 1000, 700);
  await pass(1500);
  expect(modes()[0]).toBe('1920x1080@60');
  expect(first().modeNote).toBe("the monitor has no mode for its guest's 1000x700: using 1920x1080@60");
  expect(first().placement).toMatchObject({ screenWidth: 1000 });
  // A guest may say what it likes as often as it likes: that is no warning.
  expect(log.lines.filter((line) => line.startsWith('warning'))).toEqual([]);
  await draw('windows', 1024, 768);
  await pass(1500);
  expect(first().modeNote).toBeUndefined();
});

test('a guest that goes leaves the preferred mode, one that comes back in a moment its own', async () => {
  await start([follows('Virtual-1')]);
  await draw('windows', 1024, 768);
  await pass(1500);
  const { length } = kernel.sets;
  controller.guests.head(links.windows, 0).off();
  await pass(200);
  await draw('windows', 1024, 768);
  await pass(1500);
  expect(setsSince(length)).toEqual([]);
  controller.guests.disconnected(links.windows, 'it has ended');
  await pass(300);
  expect(setsSince(length)).toEqual(['1920x1080@60']);
  expect(first().path).toBe('picture');
});

test('panic and blank leave the mode as it is', async () => {
  await start([follows('Virtual-1')]);
  await draw('windows', 1024, 768);
  await pass(1500);
  const { length } = kernel.sets;
  for (const action of [
    { kind: 'panic' },
    { kind: 'panic' },
    { kind: 'blank' },
    { kind: 'blank' },
  ] as const) {
    controller.perform(action);
    await pass(1500);
  }
  expect(setsSince(length)).toEqual([]);
});

test('a mode that the card refuses is not tried again; what is shown is scaled, and status says why', async () => {
  await start([follows('Virtual-1')]);
  await draw('windows', 1920, 1080);
  await pass(1500);
  const { length } = kernel.sets;
  // Of the guest's buffer, and of ours.
  kernel.crtcErrors.set(40, [systemError('EINVAL', -22), systemError('EINVAL', -22)]);
  await draw('windows', 1024, 768);
  await pass(1500);
  kernel.crtcErrors.clear();
  expect(setsSince(length)).toEqual(['1920x1080@60']);
  expect(first().modeNote).toMatch(/^the card refuses 1024x768@60: .*EINVAL.*: using 1920x1080@60$/);
  expect(first().placement).toMatchObject({ screenWidth: 1024 });
  for (const [width, height] of [
    [1920, 1080],
    [1024, 768],
  ] as const) {
    await draw('windows', width, height);
    await pass(1500);
  }
  expect(setsSince(length)).toEqual(['1920x1080@60']);
  // Its other sizes are not refused.
  await draw('windows', 800, 600);
  await pass(1500);
  expect(modes()[0]).toBe('800x600@60.32');
});

test('counts the size as a turned panel shows it', async () => {
  await start([follows('Virtual-1', 'windows', { rotate: 90 })]);
  await draw('windows', 1024, 768);
  await pass(1500);
  expect(modes()[0]).toBe(modeName(tall));
  expect(told('windows')).toBe('1080x1920@60');
});

test('outputs that show one head follow it each by its own modes; others are left alone', async () => {
  kernel.connectors[1] = connectorInfo(2, 1, [fullHd, svga]);
  await start([follows('Virtual-1'), follows('Virtual-2')]);
  await draw('windows', 1024, 768);
  await pass(1500);
  expect(modes()).toEqual(['1024x768@60', '1920x1080@60']);
  const { length } = kernel.sets;
  await draw('windows', 800, 600);
  await pass(1500);
  expect(modes()).toEqual(['800x600@60.32', '800x600@60.32']);
  expect(setsSince(length, 40)).toHaveLength(1);
  expect(setsSince(length, 41)).toHaveLength(1);
});

test('an output of another mode keeps that', async () => {
  await start([follows('Virtual-1'), follows('Virtual-2', 'windows', { mode: 'preferred' })]);
  await draw('windows', 1024, 768);
  await pass(1500);
  expect(modes()).toEqual(['1024x768@60', '1920x1080@60']);
});

test('nothing is set while the monitors sleep; what the guest did meanwhile is followed when they wake', async () => {
  await start([follows('Virtual-1')]);
  await draw('windows', 1920, 1080);
  await pass(1500);
  controller.sleep(true);
  await pass(50);
  const { length } = kernel.sets;
  await draw('windows', 1024, 768);
  await pass(3000);
  expect(setsSince(length)).toEqual([]);
  controller.sleep(false);
  await pass(1500);
  expect(modes()[0]).toBe('1024x768@60');
});

test('nothing is set while another session has the card; the mode is the guest’s when it is ours again', async () => {
  await start([follows('Virtual-1')]);
  await draw('windows', 1920, 1080);
  await pass(1500);
  const { length } = kernel.sets;
  cards.onPaused = (card) => {
    controller.updateVisibility(card);
  };
  cards.inFront = false;
  await draw('windows', 800, 600);
  await pass(3000);
  await draw('windows', 1024, 768);
  await pass(3000);
  expect(setsSince(length)).toEqual([]);
  expect(shown.windows).toBe(inode);
  cards.inFront = true;
  await pass(1500);
  expect(setsSince(length).at(-1)).toBe('1024x768@60');
  expect(setsSince(length)).not.toContain('800x600@60.32');
  expect([first().path, modes()[0]]).toEqual(['direct', '1024x768@60']);
});

describe('on two cards', () => {
  let other: FakeCard;
  beforeEach(async () => {
    cards.close();
    kernel.connectors = [connectorInfo(1, 1, [fullHd, xga, svga])];
    other = new FakeCard('/dev/dri/card10');
    other.connectors = [connectorInfo(2, 1, [fullHd, xga, svga])];
    kernels.push(other);
    cards = driving(...kernels);
    await start([follows('Virtual-1', 'windows'), follows('Virtual-2', 'linux')]);
    await draw('windows', 1920, 1080);
    await draw('linux', 1920, 1080);
    await pass(1500);
  });

  test('each output has the modes of its guest and leaves those of the other card alone', async () => {
    const before = [kernel.sets.length, other.sets.length];
    await draw('linux', 1024, 768);
    await pass(1500);
    expect(modes()).toEqual(['1920x1080@60', '1024x768@60']);
    expect([kernel.sets.length, other.sets.length]).toEqual([before[0], before[1]! + 1]);
  });

  test('a guest takes its size along to the other card', async () => {
    await draw('linux', 800, 600);
    await pass(1500);
    controller.perform({ kind: 'show', head: { guest: 'linux', head: 0 }, on: 'Virtual-1' });
    await pass(1500);
    expect(modes()).toEqual(['800x600@60.32', '1920x1080@60']);
    expect(controller.outputs.lit().map(({ path }) => path)).toEqual(['direct', 'direct']);
  });
});

test('a monitor that comes back is lit with the mode of what it is to show', async () => {
  await start([follows('Virtual-1')]);
  await draw('windows', 1024, 768);
  await pass(1500);
  const [connected] = kernel.connectors;
  kernel.connectors[0] = connectorInfo(1, 2, []);
  await controller.outputs.scan();
  await pass(1500);
  const { length } = kernel.sets;
  kernel.connectors[0] = connected!;
  await controller.outputs.scan();
  await pass(1500);
  expect(setsSince(length)).toEqual(['1024x768@60']);
});

test('after a restart the first mode is the one of the guest whose picture is there', async () => {
  await start([follows('Virtual-1')], true);
  const { length } = kernel.sets;
  await draw('windows', 1024, 768);
  await pass(1500);
  expect(setsSince(length)).toEqual(['1024x768@60']);
});

test('plan says the mode that it becomes', async () => {
  await start([follows('Virtual-1')]);
  await draw('windows', 1920, 1080);
  await draw('linux', 1024, 768);
  await pass(1500);
  Object.assign(kernel, { planes: () => [] });
  const planOf = (guest: Guest, width?: number, height?: number): Promise<Plan> =>
    planOfDaemon(cards, controller, {
      action: { kind: 'show', head: { guest, head: 0 } },
      assumption: { width, height },
    });
  const plan = await planOf('linux');
  expect(plan.outputs[0]).toMatchObject({
    ...{ mode: '1024x768@60', modeWhy: "its guest's screen is 1024x768", change: 'modeset' },
    buffer: { width: 1024, height: 768, assumed: false },
  });
  expect((await planOf('windows')).outputs[0]).toMatchObject({ mode: '1920x1080@60', change: 'none' });
  expect((await planOf('windows', 1000, 700)).outputs[0]).toMatchObject({
    mode: '1920x1080@60',
    modeNote: "the monitor has no mode for its guest's 1000x700: using 1920x1080@60",
  });
  show('linux');
  await pass(50);
  expect(modes()[0]).toBe(plan.outputs[0]!.mode);
});
