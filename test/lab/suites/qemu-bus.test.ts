/** Real QEMUs that share a bus, or their display with another program. */
import * as path from 'node:path';
import {
  Bus,
  Daemon,
  eventually,
  type GuestSetup,
  Keyboard,
  linkTo,
  mirrors,
  type NestedQemu,
  OtherViewer,
  pause,
  PictureGuest,
  scancodes,
  scratch,
  startBare,
} from '../harness';

const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];
const UUID = 'c0ffee00-1111-2222-3333-444444444444';

function onBus(name: string, bus: Bus, vm?: string): GuestSetup {
  return { name, link: { qemu: { bus: bus.address, ...(vm !== undefined && { vm }) } } };
}

describe('two VMs on one bus', () => {
  let bus: Bus;
  let office: NestedQemu;
  let numbered: NestedQemu;

  beforeAll(async () => {
    bus = await Bus.start();
    office = await startBare('office', 'static', { bus: bus.address, device: 'virtio-vga' });
    numbered = await startBare('numbered', 'static device=vga', {
      ...{ bus: bus.address, version: 10, extra: ['-uuid', UUID] },
    });
  });
  afterAll(async () => {
    await office.stop();
    if (numbered.alive) await numbered.stop();
    await bus.stop();
  });

  test('without a choice there is none: the line names both, and how to say which', async () => {
    const daemon = await Daemon.start({
      guests: [onBus('which', bus)],
      outputs: { [FIRST]: { show: 'which' } },
    });
    const line = await daemon.said(/guest which: there are 2 VMs on the bus/);
    expect(line).toContain(bus.address);
    expect(line).toMatch(/office \([0-9a-f-]{36}\)/);
    expect(line).toContain(`numbered (${UUID})`);
    expect(line).toMatch(/say which with vm: NAME or UUID/);
    expect((await daemon.guest('which')).trouble).toMatch(/there are 2 VMs/);
    await daemon.show('which', FIRST);
    await pause(500);
    expect(daemon.warnings('which')).toEqual([line]);
    await daemon.stop();
  });

  test('each is found by name or UUID, and goes its own way', async () => {
    const daemon = await Daemon.start({
      guests: [
        onBus('left', bus, 'office'),
        onBus('right', bus, UUID.toUpperCase()),
        onBus('nobody', bus, 'nobody'),
      ],
      outputs: { [FIRST]: { show: 'left' }, [SECOND]: { show: 'right' }, [THIRD]: { show: 'nobody' } },
    });
    await mirrors(FIRST, office);
    await mirrors(SECOND, numbered);
    await daemon.outputIs(FIRST, { link: 'connected', path: 'copy' });
    expect(await daemon.said(/guest nobody: /)).toMatch(
      /no VM called nobody on the bus .*; there is .*office/,
    );
    await daemon.outputIs(THIRD, { link: 'waiting', path: 'picture' });

    // What is typed arrives, where the focus is.
    const keyboard = await Keyboard.plug(daemon);
    await daemon.outputIs(FIRST, { focused: true });
    keyboard.tap('A', 'N');
    await eventually(() => {
      expect(scancodes(office)).toEqual(['1e', '9e', '31', 'b1']);
    });
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Tab');
    await daemon.outputIs(SECOND, { focused: true });
    keyboard.tap('B');
    await eventually(() => {
      expect(scancodes(numbered)).toEqual(['30', 'b0']);
    });
    keyboard.unplug();
    expect(scancodes(office)).not.toContain('30');
    // They draw what was typed.
    await mirrors(FIRST, office);
    await mirrors(SECOND, numbered);

    // One ends: said once, and the other goes on.
    const { modesets } = await daemon.output(FIRST);
    await numbered.kill();
    await daemon.said(/ warning: guest right: disconnected: QEMU has ended/);
    await daemon.outputIs(SECOND, { link: 'gone', path: 'picture' });
    await eventually(async () => {
      expect((await daemon.guest('right')).trouble).toMatch(
        /no VM called \S+ on the bus .*; there is office/i,
      );
    });
    expect(daemon.warnings('right')).toHaveLength(2);
    expect(daemon.warnings('left')).toEqual([]);
    await mirrors(FIRST, office);
    expect(await daemon.output(FIRST)).toMatchObject({ link: 'connected', modesets });

    // It comes again.
    numbered = await startBare('numbered', 'static device=vga', {
      ...{ bus: bus.address, version: 11, extra: ['-uuid', UUID] },
    });
    await daemon.show('right', SECOND);
    await mirrors(SECOND, numbered);
    await daemon.outputIs(SECOND, { link: 'connected' });
    await daemon.stop();
  });
});

describe('another program that takes the display', () => {
  let daemon: Daemon;
  let bystander: PictureGuest;
  const qemus = new Map<string, NestedQemu>();
  const monitors = new Map<string, string>();

  beforeAll(async () => {
    for (const [name, version] of [
      ['back', 11],
      ['leave', 10],
    ] as const) {
      // prettier-ignore
      const monitor = path.join(scratch(), 'other');
      monitors.set(name, monitor);
      const extra = ['-qmp', `unix:${monitor},server=on,wait=off`];
      qemus.set(name, await startBare(name, 'anim rate=20 device=vga', { version, extra, gl: true }));
    }
    daemon = await Daemon.start({
      guests: [linkTo(qemus.get('back')!), linkTo(qemus.get('leave')!, { viewers: 'leave' }), 'good'],
      outputs: { [FIRST]: { show: 'back' }, [SECOND]: { show: 'leave' }, [THIRD]: { show: 'good' } },
    });
    bystander = new PictureGuest(daemon.socket('good'), 'good');
    for (const output of [FIRST, SECOND, THIRD])
      await daemon.outputIs(output, { path: 'direct', link: 'connected' });
  });
  afterAll(async () => {
    expect((await bystander.stop()).connections).toBe(1);
    await daemon.stop();
    for (const qemu of qemus.values()) await qemu.stop();
  });

  /** Pictures of all three go on, without a modeset. */
  async function goOn(): Promise<void> {
    const before = (await daemon.status()).outputs;
    await eventually(async () => {
      for (const [index, output] of (await daemon.status()).outputs.entries()) {
        expect(output).toMatchObject({
          link: 'connected',
          path: 'direct',
          modesets: before[index]!.modesets,
        });
        expect(output.frames).toBeGreaterThan(before[index]!.frames + 5);
      }
    });
  }

  test('loses it again (take-back): noticed at once, said once, and pictures go on', async () => {
    const viewer = await OtherViewer.take(monitors.get('back')!);
    expect(await viewer.name()).toBe('back');
    const line = await daemon.said(/guest back: another program took its display connection/);
    expect(line).toMatch(/viewers: take-back/);
    await goOn();
    await daemon.said(/guest back: its display connection is ours again/);
    await eventually(() => {
      expect(viewer.lost).toBe(true);
    });
    expect((await daemon.guest('back')).trouble).toBeUndefined();
    expect(daemon.warnings('back')).toEqual([line]);
    await goOn();
  });

  test('keeps it (leave) until the guest is switched to; pictures go on', async () => {
    const viewer = await OtherViewer.take(monitors.get('leave')!);
    const line = await daemon.said(/guest leave: another program took its display connection/);
    expect(line).toMatch(/viewers: leave/);
    await goOn();
    await pause(2500);
    expect(viewer.lost).toBe(false);
    expect(await viewer.name()).toBe('leave');
    expect((await daemon.guest('leave')).trouble).toMatch(/viewers: leave/);
    expect(daemon.warnings('leave')).toEqual([line]);
    await daemon.show('leave', SECOND);
    await daemon.said(/guest leave: its display connection is ours again/);
    await eventually(async () => {
      expect(viewer.lost).toBe(true);
      expect((await daemon.guest('leave')).trouble).toBeUndefined();
    });
    await goOn();
    expect(daemon.warnings('leave')).toEqual([line]);
    for (const qemu of qemus.values()) expect(await qemu.qmpLatency()).toBeLessThan(1000);
  });
});
