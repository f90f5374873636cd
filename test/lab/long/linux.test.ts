/** A Linux guest, from its firmware to page flips: its console, its modes, its reboot. Takes minutes. */
import {
  Daemon,
  eventually,
  Image,
  linkTo,
  LinuxGuest,
  modesetsDuring,
  moves,
  progress,
  shows,
} from '../harness';

jest.setTimeout(2400_000);

const [FIRST] = ['Virtual-1'];
const SLOW = { seconds: 300 };
/** What test/guests/linux/kms-flip.c shows. */
const COLOURS = [0xc02020, 0x20c020, 0x2020c0];

const solid = (width: number, height: number): Set<number> =>
  new Set(COLOURS.map((colour) => new Image(width, height, colour).crc));

const startDaemon = (guest: LinuxGuest, mode: string): Promise<Daemon> =>
  Daemon.start({ guests: [linkTo(guest.qemu)], outputs: { [FIRST]: { show: guest.qemu.name, mode } } });

/** Whether a picture is more than one colour: a console with text on it. */
const hasText = (image: Image): boolean => new Set(image.pixels).size > 5;

/** The console by virtio-vga without gl, as QEMU itself sees it: what a blob guest has to show too. */
let consoleCrc: number | undefined;

describe.each([
  ['virtio-vga, shared memory', { device: 'virtio-vga' }, 'copy'],
  ['virtio-vga, gl', { device: 'virtio-vga', gl: true }, 'direct'],
  ['virtio-vga,blob=true, gl', { device: 'virtio-vga,blob=true', memfd: true, gl: true }, 'direct'],
] as const)('Linux on %s', (what, setup, way) => {
  let guest: LinuxGuest;
  let daemon: Daemon;
  const blob = what.includes('blob');

  beforeAll(async () => {
    progress(`${what}: starts`);
    guest = await LinuxGuest.start({ name: 'linux', version: 11, ...setup });
  });
  afterAll(() => guest.stop());
  afterEach(() => daemon.stop());

  /** Three colours take turns. Only blobs change hands whole: the others QEMU draws where they are read. */
  async function flips(width: number, height: number): Promise<void> {
    const colours = solid(width, height);
    for (const colour of colours) await shows(FIRST, colour, SLOW);
    if (blob) await moves(FIRST, colours);
  }

  /** The console is on the panel, as QEMU shows it; a blob has no screendump, and looks as it does without. */
  async function consoleStands(): Promise<void> {
    if (blob) {
      expect(consoleCrc).toBeDefined();
      await shows(FIRST, consoleCrc!, SLOW);
      return;
    }
    await eventually(async () => {
      const image = await guest.qemu.screendump();
      expect([image.width, image.height, hasText(image)]).toEqual([1024, 768, true]);
      consoleCrc = image.crc;
      await shows(FIRST, image.crc, { seconds: 10 });
    }, SLOW.seconds);
  }

  test('its console is on the panel once the kernel has taken over from the firmware', async () => {
    daemon = await startDaemon(guest, '1024x768');
    await guest.up();
    progress('the kernel is up');
    await consoleStands();
    await daemon.outputIs(FIRST, { link: 'connected', path: way });
    progress('its console is on the panel');
  });

  test(`its page flips are on the panel, without a modeset${blob ? ', and nothing else' : ''}`, async () => {
    daemon = await startDaemon(guest, '1024x768');
    await consoleStands();
    const lines = await modesetsDuring(async () => {
      guest.send('kms-flip & sleep 1');
      await flips(1024, 768);
      await daemon.outputIs(FIRST, { path: way, frame: { width: 1024, height: 768, fits: true } });
    });
    expect(lines).toEqual([]);
    progress('page flips are on the panel');
    await guest.run('killall kms-flip; sleep 2');
    await consoleStands();
    progress('and the console again');
  });

  test('its kernel sees another monitor, and is shown at its mode', async () => {
    daemon = await startDaemon(guest, '1280x720');
    const connector = '/sys/class/drm/card0-Virtual-1';
    await eventually(async () => {
      // As a desktop does that hears of another monitor: a kernel with nobody but its console does not look again.
      const modes = await guest.run(`echo detect > ${connector}/status; cat ${connector}/modes`);
      expect(modes).toMatch(/^1280x720\b/);
    }, SLOW.seconds);
    progress('the kernel sees 1280x720');
    guest.send('kms-flip & sleep 1');
    await flips(1280, 720);
    await daemon.outputIs(FIRST, { path: way, frame: { width: 1280, height: 720, fits: true } });
    await guest.run('killall kms-flip');
    progress('page flips are on the panel at 1280x720');
  });

  test('its reboot is survived: the console is back', async () => {
    daemon = await startDaemon(guest, '1024x768');
    guest.send('reboot -f');
    await guest.up(2);
    progress('the kernel is up again');
    await consoleStands();
    expect(guest.qemu.alive).toBe(true);
  });
});
