/** What becomes of real QEMUs, and what is said of it: crashes, sleep, monitors that go, and what they cost meanwhile. */
import * as fs from 'node:fs';
import { ask } from '../../../src/control/client';
import {
  Bus,
  Daemon,
  eventually,
  linkTo,
  mirrors,
  NestedQemu,
  pause,
  PictureGuest,
  startBare,
} from '../harness';

const [FIRST, SECOND] = ['Virtual-1', 'Virtual-2'];
const IDLE_SECONDS = 20;

const conditionIs = (daemon: Daemon, guest: string, wanted: string): Promise<void> =>
  eventually(async () => {
    expect((await daemon.guest(guest)).condition).toBe(wanted);
  });
const drawn = async (daemon: Daemon, guest: string): Promise<number> =>
  (await daemon.guest(guest)).heads[0]?.frames ?? 0;

describe('a guest that', () => {
  /** It waits to be let go on until the daemon has it. */
  const start = (words: string, ...extra: string[]): Promise<NestedQemu> =>
    startBare('alpha', `static device=vga rate=20 ${words}`, { extra: ['-S', ...extra] });
  const show = async (qemu: NestedQemu): Promise<Daemon> => {
    const daemon = await Daemon.start({ guests: [linkTo(qemu)], outputs: { [FIRST]: { show: 'alpha' } } });
    await daemon.outputIs(FIRST, { link: 'connected' });
    await qemu.execute('cont');
    return daemon;
  };

  test('crashes is said to have, whether its QEMU stays or ends', async () => {
    const panic = (action: string): Promise<NestedQemu> =>
      start('panicafter=40', '-device', 'pvpanic', '-action', `panic=${action}`);
    const stays = await panic('pause');
    let daemon = await show(stays);
    await conditionIs(daemon, 'alpha', 'crashed');
    // Its last picture stays.
    await mirrors(FIRST, stays);
    await daemon.stop();
    await stays.stop();
    const ends = await panic('shutdown');
    daemon = await show(ends);
    await ends.ended();
    await daemon.outputIs(FIRST, { link: 'gone', path: 'picture' });
    await daemon.said(/the guest has crashed/);
    await daemon.stop();
  });

  test('shuts down is said to have, whether its QEMU stays or ends', async () => {
    const stays = await start('offafter=40', '-no-shutdown');
    let daemon = await show(stays);
    await conditionIs(daemon, 'alpha', 'shut down');
    await daemon.stop();
    await stays.stop();
    const ends = await start('offafter=40');
    daemon = await show(ends);
    await ends.ended();
    await daemon.outputIs(FIRST, { link: 'gone', path: 'picture' });
    await daemon.said(/the guest has shut down/);
    await daemon.stop();
  });

  test('falls asleep is said to, and is woken', async () => {
    const qemu = await start('sleepafter=200');
    const daemon = await show(qemu);
    await mirrors(FIRST, qemu);
    await conditionIs(daemon, 'alpha', 'asleep');
    const starts = (): number => qemu.console().filter((line) => line === 'frame 1').length;
    const before = starts();
    await ask(daemon.control, { command: 'send', guest: 'alpha', keys: 'wake' });
    await eventually(() => {
      expect(qemu.events.map(({ event }) => event)).toContain('WAKEUP');
      expect(starts()).toBeGreaterThan(before);
    });
    await conditionIs(daemon, 'alpha', 'running');
    await mirrors(FIRST, qemu);
    await daemon.stop();
    await qemu.stop();
  });
});

test('a head that the config puts nowhere has a monitor while it is shown, and none before and after', async () => {
  const qemu = await startBare('wide', 'static heads=2 follow', { device: 'virtio-vga,max_outputs=2' });
  const daemon = await Daemon.start({
    guests: [linkTo(qemu), 'other'],
    outputs: { [FIRST]: { show: 'wide:0' }, [SECOND]: { show: 'other', mode: '1280x720' } },
  });
  const other = new PictureGuest(daemon.socket('other'), 'other', '--static');
  await daemon.outputIs(FIRST, { frame: { width: 1024, height: 768, fits: true } });
  await daemon.outputIs(SECOND, { guest: 'other', link: 'connected' });
  const displays = (): string[] => qemu.console().filter((line) => line.startsWith('display 1 '));
  for (let round = 0; round < 2; round++) {
    await daemon.show('wide:1', SECOND);
    await eventually(() => {
      expect(displays().at(-1)).toBe('display 1 1280x720');
    });
    await daemon.show('other', SECOND);
    await eventually(() => {
      expect(displays().at(-1)).toBe('display 1 off');
    });
  }
  expect(qemu.console().filter((line) => line === 'display 0 off')).toEqual([]);
  await other.stop();
  await daemon.stop();
  await qemu.stop();
});

test('a hidden guest draws as often as its config says', async () => {
  const qemu = await startBare('anim', 'anim rate=20 device=vga', { gl: true });
  const daemon = await Daemon.start({
    guests: [linkTo(qemu, { hidden: 1 }), 'other'],
    outputs: { [FIRST]: { show: 'anim' } },
  });
  const other = new PictureGuest(daemon.socket('other'), 'other', '--static');
  const rate = async (seconds: number): Promise<number> => {
    const [start, before] = [Date.now(), await drawn(daemon, 'anim')];
    await pause(seconds * 1000);
    return ((await drawn(daemon, 'anim')) - before) / ((Date.now() - start) / 1000);
  };
  await daemon.outputIs(FIRST, { link: 'connected', path: 'direct' });
  await eventually(async () => {
    expect(await rate(2)).toBeGreaterThan(2);
  });
  await daemon.show('other', FIRST);
  await daemon.outputIs(FIRST, { guest: 'other', path: 'direct' });
  const hidden = await rate(6);
  expect(hidden).toBeGreaterThan(0.2);
  expect(hidden).toBeLessThan(1.5);
  await daemon.show('anim', FIRST);
  await eventually(async () => {
    expect(await rate(2)).toBeGreaterThan(2);
  });
  await other.stop();
  await daemon.stop();
  await qemu.stop();
});

test(`a guest that draws nothing costs nothing: no commit in ${IDLE_SECONDS} s, and hardly a wakeup`, async () => {
  const qemu = await startBare('idle', 'static device=vga', { gl: true });
  const daemon = await Daemon.start({ guests: [linkTo(qemu)], outputs: { [FIRST]: { show: 'idle' } } });
  await mirrors(FIRST, qemu);
  const wakeups = (): number =>
    fs
      .readdirSync(`/proc/${daemon.pid}/task`)
      .map((task) => fs.readFileSync(`/proc/${daemon.pid}/task/${task}/status`, 'utf8'))
      .reduce((sum, status) => sum + Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)![1]), 0);
  // What the first picture, its witness and the collector of rubbish have to do.
  await pause(3000);
  const { frames } = await daemon.output(FIRST);
  const [copied, start, before] = [await drawn(daemon, 'idle'), Date.now(), wakeups()];
  await pause(IDLE_SECONDS * 1000);
  const [after, seconds] = [wakeups(), (Date.now() - start) / 1000];
  expect((await daemon.output(FIRST)).frames).toBe(frames);
  expect(await drawn(daemon, 'idle')).toBe(copied);
  expect((after - before) / seconds).toBeLessThan(5);
  await daemon.stop();
  await qemu.stop();
});

describe('a QEMU whose display cannot be had is named with the option that is wrong:', () => {
  const trouble = (daemon: Daemon, words: string): Promise<void> =>
    eventually(async () => {
      expect((await daemon.guest('alpha')).trouble).toContain(words);
    });
  const started = async (qemu: NestedQemu): Promise<Daemon> =>
    Daemon.start({ guests: [linkTo(qemu)], outputs: { [FIRST]: { show: 'alpha' } } });

  test('-display none', async () => {
    // Of two the last is meant.
    const qemu = await NestedQemu.start({ name: 'alpha', version: 11, extra: ['-display', 'none'] });
    const daemon = await started(qemu);
    await trouble(daemon, 'QEMU has no D-Bus display: start it with -display dbus,p2p=yes');
    expect(daemon.warnings('alpha')).toHaveLength(1);
    await daemon.stop();
    await qemu.stop();
  });

  test('-display dbus,addr=…', async () => {
    const bus = await Bus.start();
    const qemu = await NestedQemu.start({ name: 'alpha', version: 10, bus: bus.address });
    const daemon = await started(qemu);
    await trouble(daemon, 'or write bus: instead of qmp: in the config');
    expect(daemon.warnings('alpha')).toHaveLength(1);
    await daemon.stop();
    await qemu.stop();
    await bus.stop();
  });
});
