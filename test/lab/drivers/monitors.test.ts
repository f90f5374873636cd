import * as fs from 'node:fs';
import { monitorEdid } from '../../unit/support/edids';
import { Daemon, eventually, OuterDisplay, OuterMonitor, pause, PictureGuest } from '../harness';

const GUESTS = ['alpha', 'beta', 'gamma'] as const;
const QEMU = /^Red Hat, Inc\. QEMU Monitor/;
const DESK = 'Dell Inc. LAB DESK L-0042';
const desk = monitorEdid({ name: 'LAB DESK', serialText: 'L-0042' });

/** Three monitors on one card, each with an EDID, photographed from outside: virtio_gpu has them. */
describe.each(['atomic', 'legacy'] as const)('virtio_gpu with three monitors, %s commits', (engine) => {
  const display = OuterDisplay.of('virtio', 'virtio_gpu');
  const { connectors } = display;
  const [first = '', second = '', third = ''] = connectors;
  const monitors = connectors.map((_, head) => new OuterMonitor(head));
  const sysfs = display.device.replace('/dev/dri', '/sys/class/drm');
  let daemon: Daemon;
  let guests: PictureGuest[] = [];

  /** Every size is another one: QEMU tells its guest of changes only. */
  let width = 800;
  const replug = async (...heads: number[]): Promise<number> => {
    width += 8;
    for (const head of heads) await plug(head, width);
    return width;
  };
  /**
   * The driver forgets a change that comes between its reading of all and its saying so (virtio_gpu_config_changed_work_func):
   * time for that after each, and if one was too early yet, one more change makes it read them all again.
   */
  const plug = async (head: number, wide: number): Promise<void> => {
    const edid = (): string => fs.readFileSync(`${sysfs}-${connectors[head]!}/edid`, 'latin1');
    const before = edid();
    const isAnother = (): void => {
      expect(edid()).not.toBe(before);
    };
    monitors[head]!.plug(wide, 600);
    await eventually(isAnother, 10).catch(async () => {
      monitors[head]!.plug(wide, 592);
      await pause(1000);
      monitors[head]!.plug(wide, 600);
      await eventually(isAnother);
    });
    await pause(500);
  };
  /** What a monitor says of itself from its next plugging in on; undefined: what QEMU makes up. */
  const says = (head: number, edid?: Uint8Array): void => {
    const minor = display.device.slice('/dev/dri/card'.length);
    const file = `/sys/kernel/debug/dri/${minor}/${connectors[head]!}/edid_override`;
    fs.writeFileSync(file, edid ?? 'reset');
  };
  const start = async (outputs: Record<string, object>): Promise<void> => {
    daemon = await Daemon.start({
      legacy: engine === 'legacy',
      card: display.device,
      guests: GUESTS,
      outputs,
    });
  };
  const allLit = async (): Promise<void> => {
    for (const name of connectors) await daemon.outputIs(name, { connected: true, lit: true });
  };
  const guest = async (name: string): Promise<ReadonlySet<number>> => {
    const one = new PictureGuest(daemon.socket(name), name, '--static');
    guests.push(one);
    return one.pictures();
  };

  beforeEach(() => replug(0, 1, 2));
  afterEach(async () => {
    for (const one of guests) await one.stop();
    guests = [];
    await daemon.stop();
  });
  afterAll(() => {
    for (const head of [0, 1, 2]) says(head);
    for (const head of [1, 2]) monitors[head]!.unplug();
  });

  test('each shows its guest, says who it is, and goes dark and comes back alone', async () => {
    await start(Object.fromEntries(connectors.map((name, head) => [name, { show: GUESTS[head] }])));
    await allLit();
    const pictures = [];
    for (const name of GUESTS) pictures.push(await guest(name));
    for (const [head, name] of connectors.entries()) {
      await display.shows(pictures[head]!, head);
      const { monitor, mode, path } = await daemon.output(name);
      expect(monitor).toMatch(QEMU);
      expect(mode).toMatch(/^8\d\dx600@/);
      expect(path).toBe('copy');
    }
    const { modesets } = await daemon.output(first);
    monitors[1]!.unplug();
    await daemon.outputIs(second, { connected: false, lit: false, guest: 'beta' });
    await display.shows(pictures[0]!, 0);
    await display.shows(pictures[2]!, 2);
    await daemon.show('beta', third);
    await display.shows(pictures[1]!, 2);
    await replug(1);
    await daemon.outputIs(second, { connected: true, lit: true });
    expect((await daemon.output(first)).modesets).toBe(modesets);
  });

  test('three that say the same of themselves: a name that means all of them is one, with a warning', async () => {
    await start({ 'Red Hat, Inc. QEMU*': { show: 'alpha' } });
    await allLit();
    await daemon.said(
      new RegExp(
        `warning: "Red Hat, Inc\\. QEMU\\*" means the monitors on ${first} and ${second} and ${third}: it is ${first} now`,
      ),
    );
    await display.shows(await guest('alpha'), 0);
    for (const name of [second, third]) expect(await daemon.output(name)).toMatchObject({ guest: null });
  });

  test('another monitor in the place of one: it is noticed, and is who it says', async () => {
    await start({ [first]: { show: 'alpha' }, [second]: { show: 'beta' } });
    await allLit();
    const alphas = await guest('alpha');
    await display.shows(alphas, 0);
    says(1, desk);
    await replug(1);
    await daemon.said(new RegExp(`info: ${second}: another monitor`));
    await daemon.outputIs(second, { lit: true, monitor: DESK, guest: 'beta' });
    await display.shows(await guest('beta'), 1);
    await display.shows(alphas, 0);
    says(1);
    await replug(1);
    await eventually(async () => {
      expect((await daemon.output(second)).monitor).toMatch(QEMU);
    });
  });

  test('what is known by make, model and serial follows its monitor to another connector', async () => {
    says(1, desk);
    const size = await replug(1);
    await start({ [DESK]: { show: 'gamma' }, [first]: { show: 'alpha' } });
    await allLit();
    await daemon.outputIs(second, { monitor: DESK, config: DESK, guest: 'gamma' });
    const [alphas, gammas] = [await guest('alpha'), await guest('gamma')];
    await display.shows(gammas, 1);
    await display.shows(alphas, 0);
    const { modesets } = await daemon.output(first);
    says(1);
    await replug(1);
    says(2, desk);
    await plug(2, size); // as large as the guest's picture
    await daemon.outputIs(third, { lit: true, monitor: DESK, config: DESK, guest: 'gamma' });
    await display.shows(gammas, 2);
    await daemon.outputIs(second, { config: null, guest: null });
    await display.shows(alphas, 0);
    expect((await daemon.output(first)).modesets).toBe(modesets);
    says(2);
    await replug(2);
  });
});
