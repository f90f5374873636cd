import type { OutputConfig } from '../../src/config/config';
import type { Cards } from '../../src/kms/cards';
import type { Output } from '../../src/kms/output';
import { modeName } from '../../src/kms/modes';
import { CommandError } from '../../src/switcher/layout';
import { Outputs } from '../../src/switcher/outputs';
import {
  connectorInfo,
  driving,
  FakeCard,
  FakeFramebuffer,
  fakeLog,
  FakeSource,
  settle,
  systemError,
} from './support/fake-card';
import { monitorEdid } from './support/edids';
import { mode } from './support/modes';

const fullHd = mode({ type: 8 });
const small = mode({ hdisplay: 1280, vdisplay: 720, clock: 74_250, htotal: 1650, vtotal: 750 });
const dell = monitorEdid({ name: 'DELL U2720Q', serialText: '8F3WX83' });
const lg = monitorEdid({ maker: 'GSM', name: 'LG HDR 4K', serial: 7 });

let kernel: FakeCard;
let cards: Cards;
let outputs: Outputs;
let log: ReturnType<typeof fakeLog>;
let changes = 0;

beforeEach(() => {
  jest.useFakeTimers({
    doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'hrtime', 'Date'],
  });
  kernel = new FakeCard();
  kernel.connectors = [1, 2].map((id) => connectorInfo(id, 1, [fullHd, small]));
  cards = driving(kernel);
  log = fakeLog();
  changes = 0;
});
afterEach(async () => {
  await outputs.close();
  for (const output of outputs.lit()) await output.darken();
  cards.close();
  expect(kernel.wrongs).toEqual([]);
  jest.restoreAllMocks();
  jest.useRealTimers();
});

async function start(...configs: readonly (Partial<OutputConfig> & { name: string })[]): Promise<void> {
  outputs = new Outputs(
    cards,
    configs.map((config) => ({ mode: 'preferred', ...config })),
    log,
    () => changes++,
  );
  await scan();
}

/** A screen of the size of what an output is lit with. */
function screen({ width, height }: Output, buffer = new FakeFramebuffer(7, width, height)): FakeSource {
  const source = new FakeSource().draw(buffer);
  source.viewport = { x: 0, y: 0, width, height };
  return source;
}

/** Looks again, and gives whatever is lit something to show. */
async function scan(): Promise<void> {
  await outputs.scan();
  for (const output of outputs.lit()) output.show(screen(output), 0);
  await settle();
}

async function hotplug(): Promise<void> {
  jest.advanceTimersByTime(200);
  await settle();
  await settle();
}

const first = () => outputs.get('Virtual-1')!;
const second = () => outputs.get('Virtual-2')!;
const keys = () => outputs.all().map(({ name }) => outputs.keyOf(name));

describe('a monitor that is named by what it says of itself', () => {
  test('is known by that name wherever it is plugged in', async () => {
    kernel.edids.set(1, dell);
    await start({ name: 'Dell *', mode: { width: 1280, height: 720 } });
    expect(keys()).toEqual(['Dell *', 'Virtual-2']);
    expect([first(), second()].map(({ mode: set }) => set && modeName(set))).toEqual([
      '1280x720@60',
      '1920x1080@60',
    ]);
    kernel.edids.clear();
    kernel.edids.set(2, dell);
    kernel.connectors[0] = connectorInfo(1, 2, []);
    await scan();
    expect(keys()).toEqual(['Virtual-1', 'Dell *']);
    expect(second().mode).toBe(small);
    expect(outputs.byKey('Dell *')).toBe(second());
    expect(outputs.configOf('Virtual-2')?.name).toBe('Dell *');
  });

  test('is found by connector, by its name in the config, or by any that means it alone', async () => {
    kernel.edids.set(1, dell).set(2, lg);
    kernel.paths.set(2, 'mst:236-1');
    await start({ name: 'Dell *' }, { name: 'HP *' });
    for (const name of ['Virtual-1', 'Dell *', '* 8F3WX83']) expect(outputs.resolve(name)).toBe('Dell *');
    for (const name of ['Virtual-2', 'Goldstar *', 'mst:236-1'])
      expect(outputs.resolve(name)).toBe('Virtual-2');
    // Of the config, but not here.
    expect(outputs.resolve('HP *')).toBe('HP *');
    const refusal = (name: string) => () => outputs.resolve(name);
    expect(refusal('*')).toThrow(
      new CommandError('"*" may be the monitor on Virtual-1 or Virtual-2: say which'),
    );
    expect(refusal('Acer *')).toThrow('no monitor "Acer *" is connected: see kms-switcher outputs');
    expect(refusal('DP-1')).toThrow('there is no output DP-1: here are Virtual-1, Virtual-2');
  });

  test('of two alike keeps the one it was; said once', async () => {
    kernel.connectors[0] = connectorInfo(1, 2, []);
    kernel.edids.set(2, dell);
    await start({ name: 'Dell *' });
    kernel.connectors[0] = connectorInfo(1, 1, [fullHd]);
    kernel.edids.set(1, dell);
    await scan();
    await scan();
    expect(keys()).toEqual(['Virtual-1', 'Dell *']);
    expect(log.lines.filter((line) => line.includes('means the monitors on'))).toHaveLength(1);
  });
});

describe('another monitor in the place of the last', () => {
  test('is lit anew even with the same modes; whoever asks is told', async () => {
    kernel.edids.set(1, dell);
    await start();
    const { length } = kernel.sets;
    changes = 0;
    kernel.edids.set(1, lg);
    await scan();
    expect(kernel.sets.slice(length).map(({ crtc, mode: set }) => [crtc, set])).toEqual([
      [40, null],
      [40, fullHd],
    ]);
    expect(log.lines).toContain('info: Virtual-1: another monitor');
    expect(changes).toBeGreaterThan(0);
    expect(first().connector.edid).toBe(lg);
  });

  test('that only stopped saying who it is stays as it was, until it speaks again', async () => {
    kernel.edids.set(1, dell);
    await start();
    const { length } = kernel.sets;
    kernel.edids.clear();
    kernel.connectors[0] = connectorInfo(1, 1, [mode({ hdisplay: 1024, vdisplay: 768, type: 8 })]);
    await scan();
    expect(first().mode).toBe(fullHd);
    expect(first().connector.identity?.name).toBe('DELL U2720Q');
    kernel.edids.set(1, dell);
    kernel.connectors[0] = connectorInfo(1, 1, [fullHd, small]);
    await scan();
    expect(kernel.sets).toHaveLength(length);
  });

  test('off at start is lit when it is on; off and on again, too', async () => {
    kernel.connectors[0] = connectorInfo(1, 2, []);
    await start();
    expect(first().lit).toBe(false);
    for (let round = 0; round < 2; round++) {
      kernel.connectors[0] = connectorInfo(1, 1, [fullHd]);
      await scan();
      expect(first().mode).toBe(fullHd);
      kernel.connectors[0] = connectorInfo(1, 2, []);
      await scan();
      expect(first().lit).toBe(false);
    }
  });
});

describe('a link that is bad', () => {
  test('is trained again by setting the mode, others undisturbed', async () => {
    await start();
    const { length } = kernel.sets;
    kernel.badLinks.add(1);
    await scan();
    expect(kernel.sets.slice(length).map(({ crtc, mode: set }) => [crtc, set])).toEqual([
      [40, null],
      [40, fullHd],
    ]);
    expect(log.lines).toContain('info: Virtual-1: the link to the monitor is bad: setting the mode again');
  });

  test('three times, then a line says to look at the cable; and again once it was good', async () => {
    await start();
    kernel.badLinks.add(1);
    const sets = async (): Promise<number> => {
      const { length } = kernel.sets;
      await scan();
      return kernel.sets.length - length;
    };
    expect([await sets(), await sets(), await sets(), await sets(), await sets()]).toEqual([2, 2, 2, 0, 0]);
    expect(log.lines.filter((line) => line.includes('stays bad: check its cable'))).toHaveLength(1);
    kernel.badLinks.clear();
    expect(await sets()).toBe(0);
    kernel.badLinks.add(1);
    expect(await sets()).toBe(2);
  });
});

describe('a listed mode that the card refuses', () => {
  /** Of a guest's buffer and of ours, or of ours where the guest's does not fit. */
  const refusals = (count: number): Error[] =>
    Array.from({ length: count }, () => systemError('EINVAL', -22));
  const troubles = (): string[] => log.lines.filter((line) => /^(warning|error)/.test(line));
  const wxga = mode({ hdisplay: 1280, htotal: 1440, vdisplay: 800, vtotal: 823, clock: 71_000 });

  test('leaves the panel as it was, with one warning; its guest is told and shown again', async () => {
    await start();
    const guest = screen(first());
    first().show(guest, 0);
    await settle();
    kernel.vblank(40);
    // The monitor prefers another mode by now.
    kernel.connectors[0] = connectorInfo(1, 1, [mode({ ...wxga, type: 8 }), { ...fullHd, type: 0 }]);
    kernel.crtcErrors.set(40, refusals(1));
    const { length } = kernel.sets;
    await outputs.scan();
    guest.frame++;
    first().changed();
    await settle();
    // Nothing went dark for it.
    expect(kernel.sets.slice(length)).toEqual([]);
    expect(first().settledMode).toBe(fullHd);
    changes = 0;
    await hotplug();
    expect(changes).toBeGreaterThan(0);
    const note = 'the card refuses 1280x800@59.91: EINVAL, drmModeSetCrtc: keeping 1920x1080@60';
    expect([first().mode && modeName(first().mode!), first().modeNote]).toEqual(['1920x1080@60', note]);
    expect([first().path, first().reason]).toEqual(['direct', undefined]);
    expect(troubles()).toEqual([`warning: Virtual-1: ${note}`]);
    guest.frame++;
    first().changed();
    kernel.vblank(40);
    expect(guest.presentedFrames.at(-1)).toBe(guest.frame);
    await scan();
    expect(first().mode?.hdisplay).toBe(1920);
    expect(troubles()).toHaveLength(1);
  });

  test('is left for the best of the others where the panel was dark', async () => {
    kernel.connectors[0] = connectorInfo(1, 1, [small, fullHd, wxga]);
    kernel.crtcErrors.set(40, refusals(2));
    await start();
    await hotplug();
    for (const output of outputs.lit()) output.show(screen(output), 0);
    await settle();
    expect(first().settledMode).toBe(wxga);
    expect(first().modeNote).toBe(
      'the card refuses 1920x1080@60: EINVAL, drmModeSetCrtc: using 1280x800@59.91',
    );
    expect(troubles()).toHaveLength(1);
  });

  test('as all others are is tried again ever more rarely, without another word, while its guest goes on', async () => {
    kernel.crtcErrors.set(40, refusals(200));
    await start({ name: 'Virtual-1' });
    await hotplug();
    expect(first().settledMode).toBeNull();
    expect(first().reason).toBe('cannot be lit: Error: EINVAL, drmModeSetCrtc');
    const told = troubles().length;
    const guest = first().source as FakeSource;
    const left = kernel.crtcErrors.get(40)!.length;
    let answers = 0;
    for (let second = 0; second < 120; second++) {
      guest.frame++;
      first().changed();
      for (let half = 0; half < 2; half++) {
        jest.advanceTimersByTime(500);
        await settle();
      }
      if (guest.presentedFrames.at(-1) === guest.frame) answers++;
    }
    expect(answers).toBeGreaterThanOrEqual(119);
    const tries = left - kernel.crtcErrors.get(40)!.length;
    expect(tries).toBeGreaterThan(2);
    expect(tries).toBeLessThan(7);
    expect(troubles()).toHaveLength(told);
    kernel.crtcErrors.clear();
    jest.advanceTimersByTime(1000);
    first().renew();
    await settle();
    expect(first().settledMode).toBe(small);
    // What it takes now it keeps.
    await scan();
    expect(first().settledMode).toBe(small);
  });

  test('for want of memory is no fault of the mode', async () => {
    kernel.crtcErrors.set(40, [systemError('ENOMEM', -12), systemError('ENOMEM', -12)]);
    await start();
    expect(first().reason).toBe('cannot be lit: Error: ENOMEM, drmModeSetCrtc');
    for (let half = 0; half < 4; half++) {
      jest.advanceTimersByTime(500);
      await settle();
    }
    expect([first().settledMode, first().modeNote]).toEqual([fullHd, undefined]);
  });
});

describe('a mode that the monitor does not list', () => {
  const custom = { name: 'Virtual-1', mode: { width: 1600, height: 900, refresh: 60_000 } };

  test('is set; status says how it was made', async () => {
    await start(custom);
    expect(modeName(first().mode!)).toBe('1600x900@59.83');
    expect(first().modeNote).toBe("not in the monitor's list: made by CVT, reduced blanking");
    expect(kernel.sets.map(({ crtc, mode: set }) => [crtc, set?.hdisplay])).toContainEqual([40, 1600]);
  });

  test('and that the card refuses is left for the preferred one, without a loop and without blaming the buffer', async () => {
    // The guest's buffer, and one of ours.
    kernel.crtcErrors.set(40, [systemError('EINVAL', -22), systemError('EINVAL', -22)]);
    await start(custom);
    await hotplug();
    expect(first().mode).toBe(fullHd);
    const note = 'the card refuses 1600x900@59.83: EINVAL, drmModeSetCrtc: using 1920x1080@60';
    expect(first().modeNote).toBe(note);
    expect(log.lines.filter((line) => /^(warning|error)/.test(line))).toEqual([
      `warning: Virtual-1: ${note}`,
    ]);
    const guest = screen(first());
    first().show(guest, 0);
    await settle();
    kernel.vblank(40);
    expect([first().path, first().reason]).toEqual(['direct', undefined]);
    const { length } = kernel.sets;
    await scan();
    expect(kernel.sets).toHaveLength(length);
  });

  test('is tried again with another monitor', async () => {
    kernel.edids.set(1, dell);
    kernel.crtcErrors.set(40, [systemError('EINVAL', -22), systemError('EINVAL', -22)]);
    await start(custom);
    await hotplug();
    expect(first().mode).toBe(fullHd);
    kernel.edids.set(1, lg);
    await scan();
    expect(first().mode?.hdisplay).toBe(1600);
  });

  test('beyond what the monitor takes is not even tried', async () => {
    kernel.edids.set(1, monitorEdid({ range: [50, 76, 30, 83, 15] }));
    await start({ name: 'Virtual-1', mode: { width: 2560, height: 1440, refresh: 60_000 } });
    expect(first().modeNote).toMatch(/^the monitor has no mode 2560x1440@60, and 2560x1440@\S+ is 88.79 kHz/);
    expect(first().mode).toBe(fullHd);
  });
});
