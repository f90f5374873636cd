/**
 * What a QEMU could do and must not: each gets one line that names the guest and says what to change, and nobody else
 * notices. QEMU is played by the test; its buffers are real.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { BusValue } from '../../../src/dbus/values';
import { isNativeError, native } from '../../../src/native';
import {
  atTestEnd,
  Daemon,
  eventually,
  fdCount,
  framebufferCount,
  Image,
  IMPLICIT,
  Keyboard,
  linkTo,
  MockGuest,
  Panels,
  pause,
  PictureGuest,
  PixelBuffer,
  scratch,
  shows,
  showsOnly,
  X8R8G8B8,
  XR24,
  type Said,
} from '../harness';

const [BYSTANDER, TARGET] = ['Virtual-1', 'Virtual-2'];
const [WIDTH, HEIGHT] = [1024, 768];
const BYTES = WIDTH * HEIGHT * 4;
const STRIDE = WIDTH * 4;
/** Bytes of lightness of a YUV screen. */
const LUMA = WIDTH * HEIGHT;
const SMALL = { x: 0, y: 0, width: 640, height: 480 };
const WHOLE = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
/** QEMU complains in its log when it waits longer for an answer to a frame. */
const QEMU_WAITS_MS = 1000;
const F_SEAL_SEAL = 1;
const [NV12, P010, YV12] = [0x3231564e, 0x30313050, 0x32315659];
const X_TILED = 0x0100_0000_0000_0001n;

type Options = ConstructorParameters<typeof MockGuest>[1];

/** Sends as soon as there is room: a guest that floods has to wait for the daemon, too. */
async function insist(send: () => void): Promise<void> {
  for (;;) {
    try {
      send();
      return;
    } catch (error) {
      if (!isNativeError(error, 'ENOBUFS')) throw error;
      await pause(5);
    }
  }
}

describe('a QEMU that misbehaves', () => {
  const socket = path.join(scratch(), 'qmp');
  let daemon: Daemon;
  let bystander: PictureGuest;
  let pictures: Set<number>;
  let buffer: PixelBuffer;
  const image = Image.pattern(WIDTH, HEIGHT, 1);
  let before: { fds: number; framebuffers: number };
  let lines: number;
  let frames: number;
  let modesets: number;
  const guests: MockGuest[] = [];

  /** What the log says of the guest since the test began, without what is mere information. */
  const warnings = (): string[] => daemon.warnings('bad', lines);

  /** QEMU begins, and is looked for at once. */
  async function start(options: Options = {}, prepare?: (guest: MockGuest) => unknown): Promise<MockGuest> {
    const guest = new MockGuest(socket, options);
    guests.push(guest);
    await prepare?.(guest);
    await daemon.show('bad', TARGET);
    return guest;
  }

  async function attached(options: Options = {}): Promise<MockGuest> {
    const guest = await start(options);
    await guest.ready();
    return guest;
  }

  /** All is well: the guest is shown, and its frames are answered. */
  async function works(guest: MockGuest): Promise<void> {
    guest.scanout(buffer);
    await daemon.outputIs(TARGET, { path: 'direct', link: 'connected', guest: 'bad' });
    expect(await guest.update()).toBeLessThan(QEMU_WAITS_MS);
  }

  /** Nobody is there, and the daemon has noticed. */
  async function gone(): Promise<void> {
    await eventually(async () => {
      await daemon.show('bad', TARGET);
      expect((await daemon.guest('bad')).trouble).toMatch(/no QMP socket at/);
    });
  }

  const held = (): typeof before => ({ fds: fdCount(daemon.pid), framebuffers: framebufferCount() });

  beforeAll(async () => {
    daemon = await Daemon.start({
      guests: ['good', linkTo({ name: 'bad', qmp: socket })],
      outputs: { [BYSTANDER]: { show: 'good' }, [TARGET]: { show: 'bad' } },
    });
    buffer = await PixelBuffer.of(image);
    bystander = new PictureGuest(daemon.socket('good'), 'good');
    pictures = await bystander.pictures();
    await daemon.outputIs(BYSTANDER, { path: 'direct' });
    // One that comes and goes first, so that what is made once is made.
    lines = 0;
    const first = await attached();
    await works(first);
    first.bytes(image);
    await daemon.outputIs(TARGET, { path: 'copy' });
    first.close();
    await gone();
    await daemon.outputIs(TARGET, { link: 'gone', path: 'picture' });
    await pause(500);
    const samples: (typeof before)[] = [];
    for (let sample = 0; sample < 20; sample++) {
      samples.push(held());
      await pause(10);
    }
    // A frame of the bystander brings a file descriptor that lives for a moment.
    before = {
      fds: Math.min(...samples.map(({ fds }) => fds)),
      framebuffers: Math.min(...samples.map(({ framebuffers }) => framebuffers)),
    };
  });

  beforeEach(async () => {
    lines = daemon.log.length;
    ({ frames, modesets } = await daemon.output(BYSTANDER));
  });

  afterEach(async () => {
    for (const guest of guests.splice(0)) guest.close();
    fs.rmSync(socket, { force: true });
    await gone();
    await eventually(() => {
      const now = held();
      expect(now.fds).toBeLessThanOrEqual(before.fds);
      expect(now.framebuffers).toBeLessThanOrEqual(before.framebuffers);
    });
    await eventually(async () => {
      expect(await daemon.output(BYSTANDER)).toMatchObject({
        path: 'direct',
        modesets,
        link: 'connected',
      });
      expect((await daemon.output(BYSTANDER)).frames).toBeGreaterThan(frames);
    });
  });

  afterAll(async () => {
    await showsOnly(BYSTANDER, pictures);
    expect((await bystander.stop()).connections).toBe(1);
    await daemon.stop();
  });

  const desc = 'as QEMU says it';
  const refusals: readonly [what: string, line: RegExp, make: () => unknown][] = [
    [
      'a file that is no socket',
      /nobody listens on the QMP socket/,
      () => {
        fs.writeFileSync(socket, '');
      },
    ],
    [
      'another program',
      /is no QMP: is it the socket of -qmp unix:/,
      () => start({ knobs: { greeting: 'SSH-2.0-OpenSSH_9.2\r\n' } }),
    ],
    [
      'noise',
      /is no QMP: is it the socket of -qmp unix:/,
      () => start({ knobs: { greeting: `\0\x1b[2J${'\u{10ffff}'.repeat(100)}\n`.repeat(50) } }),
    ],
    [
      'JSON of another kind',
      /what came over the QMP socket is no QMP/,
      () => start({ knobs: { greeting: '[{}]\n{"QMP":[]}\n' } }),
    ],
    [
      'somebody who says nothing',
      /is silent: another client is connected/,
      () => start({ knobs: { greeting: '' } }),
    ],
    [
      'a QEMU that another client is connected to',
      /is silent: another client is connected .* give kms-switcher a QMP socket of its own/,
      () =>
        start({}, async (guest) => {
          const other = native.connect(socket);
          atTestEnd(() => {
            other.close();
          });
          other.onData(() => undefined);
          await eventually(() => {
            expect(guest.qemu.qmp?.connected).toBe(true);
          });
        }),
    ],
    [
      'a QEMU without the display',
      /QEMU has no D-Bus display: start it with -display dbus,p2p=yes/,
      () =>
        start({
          knobs: { answers: new Map([['add_client', { error: { class: 'DeviceNotActive', desc } }]]) },
        }),
    ],
    [
      'a QEMU with its display on a bus',
      /write bus: instead of qmp:/,
      () =>
        start({
          knobs: {
            answers: new Map([
              [
                'add_client',
                { error: { class: 'GenericError', desc: 'p2p connections not accepted in bus mode' } },
              ],
            ]),
          },
        }),
    ],
    [
      'a QEMU that refuses with control characters',
      /QEMU refused to show its display: \?\[31mred\?/,
      () =>
        start({
          knobs: {
            answers: new Map([['add_client', { error: { class: 'GenericError', desc: '\x1b[31mred\n' } }]]),
          },
        }),
    ],
    ['a QEMU that is too old', /QEMU 6\.2\.0 is too old/, () => start({ knobs: { version: [6, 2, 0] } })],
    [
      'a QEMU that answers no command',
      /QEMU does not answer add_client within 5 s/,
      () => start({ knobs: { mute: new Set(['add_client']) } }),
    ],
    [
      'a QEMU that answers nothing on its display',
      /QEMU does not answer on its display connection/,
      () =>
        start({ silent: true }, ({ qemu }) => {
          const addClient = qemu.addClient.bind(qemu);
          qemu.addClient = (fd): void => {
            addClient(fd);
            qemu.main?.pause();
          };
        }),
    ],
    [
      'something else behind its display',
      /there is no QEMU display at the other end/,
      () => start({ silent: true }),
    ],
    [
      'a QEMU that closes its display',
      /QEMU closed the display connection while it was being made/,
      () =>
        start({}, ({ qemu }) => {
          qemu.addClient = fs.closeSync;
        }),
    ],
    ['a VM without a screen', /give it a display device/, () => start({ consoles: [{ type: 'Text' }] })],
    [
      'a QEMU that takes no listener',
      /QEMU does not send it: refused by the mock/,
      () => start({ consoles: [{ refuse: 'Failed' }] }),
    ],
  ];

  test('nobody at the path: the line names guest, path and option', () => {
    const said = daemon.log.filter((line) => line.includes('no QMP socket at'));
    expect(said[0]).toMatch(
      / warning: guest bad: no QMP socket at \S+\/qmp: .*-qmp unix:\S+,server=on,wait=off/,
    );
  });

  test.each(refusals)('%s', async (_, line, make) => {
    await make();
    await eventually(async () => {
      expect(warnings()).toEqual([expect.stringMatching(line)]);
      expect((await daemon.guest('bad')).trouble).toMatch(line);
    }, 30);
    // At the next attempt it is not said again.
    await daemon.show('bad', TARGET);
    await pause(400);
    expect(warnings()).toHaveLength(1);
    // eslint-disable-next-line no-control-regex -- these are what is looked for
    expect(warnings()[0]).not.toMatch(/[\x00-\x1f]/);
  });

  test('a VM with a hostile name is shown, and nothing of it gets into the log', async () => {
    const guest = await attached({
      name: '\x1b[2J\r\n<1> error: fake\u202e' + 'x'.repeat(500),
      uuid: '\x07'.repeat(40),
    });
    await works(guest);
    const line = await daemon.said(/connected to VM \?\[2J/);
    // eslint-disable-next-line no-control-regex -- these are what is looked for
    expect(line).not.toMatch(/[\x00-\x1f\u202e]/);
    expect(line.length).toBeLessThan(400);
    expect(daemon.log.slice(lines).filter((other) => other.startsWith('<1>'))).toEqual([]);
  });

  type Attack = (guest: MockGuest) => unknown;
  /** Sends a file of another kind; ours is closed at once, the message has its own. */
  const file =
    (open: () => number): Attack =>
    (guest) => {
      const fd = open();
      guest.scanout(buffer, { fds: [fd] });
      fs.closeSync(fd);
    };
  const sends =
    (said: Partial<Said>): Attack =>
    (guest) => {
      guest.scanout(buffer, said);
    };
  const calls =
    (member: string, signature: string, ...values: readonly BusValue[]): Attack =>
    (guest) => {
      guest.console.send(member, signature, values);
    };
  /** ScanoutMap, which QEMU is told that it is refused. */
  const maps =
    (open: () => number, where: { offset?: number; stride?: number } = {}): Attack =>
    async (guest) => {
      const fd = open();
      await expect(guest.map(fd, WIDTH, HEIGHT, where)).rejects.toThrow(/QEMU sent/);
      fs.closeSync(fd);
    };
  /** NV12 in one buffer, as it should be but for what is said. */
  const yuv = (said: Partial<Said>): Attack =>
    sends({ format: NV12, offsets: [0, LUMA], strides: [WIDTH, WIDTH], ...said });
  /** The same with its colours in something else. */
  const two =
    (open: () => number, said: Partial<Said>): Attack =>
    async (guest) => {
      const other = open();
      await yuv({ fds: [buffer.fd, other], ...said })(guest);
      fs.closeSync(other);
    };
  const own = (): number => native.createUdmabuf(BYTES);
  const memfd = (): number => native.createMemfd(BYTES, 0);
  const shorter = (): number => native.createMemfd(BYTES - 1, F_SEAL_SEAL);
  const [NONE, SOME] = [new Uint8Array(), new Uint8Array(64)];
  // prettier-ignore
  const attacks: readonly [what: string, line: RegExp, attack: Attack][] = [
    ['no file descriptor', /without a file descriptor/, sends({ fds: [] })],
    ['five planes', /a picture of 5 planes/, sends({ planes: 5 })],
    ['no planes', /a picture of 0 planes/, sends({ planes: 0 })],
    ['fewer strides than planes', /1 offsets and 0 strides/, sends({ strides: [] })],
    ['a screen outside its buffer', /1024x768 at 8,0 in a buffer of 1024x768/, sends({ screen: { ...WHOLE, x: 8 } })],
    ['a screen at 4294967295', /at 4294967295,0/, sends({ screen: { ...WHOLE, x: 0xffffffff } })],
    ['a screen of no size', /0x768 at 0,0/, sends({ screen: { ...WHOLE, width: 0 } })],
    ['a buffer larger than its memory', /needs \d+ bytes, the buffer has|takes no/, sends({ size: [WIDTH, 4000] })],
    ['an offset outside', /needs \d+ bytes, the buffer has|takes no/, sends({ offsets: [0xfffff000] })],
    ['rows that are too short', /stride 100 is too short/, sends({ strides: [100] })],
    ['an unknown format', /pixel format YV12 is not supported/, sends({ format: YV12 })],
    ['colours missing', /a NV12 buffer has 2 planes, this one came with 1/, sends({ format: NV12 })],
    ['a plane too many', /a NV12 buffer has 2 planes, this one came with 3/, yuv({ offsets: [0, LUMA, 2 * LUMA], strides: [WIDTH, WIDTH, WIDTH] })],
    ['two planes of RGB', /a XR24 buffer has 1 plane, this one came with 2/, yuv({ format: XR24 })],
    ['a file descriptor too few', /a picture of 3 planes with 2 file descriptors/, two(own, { offsets: [0, LUMA, 2 * LUMA], strides: [WIDTH, WIDTH, WIDTH] })],
    ['a file descriptor too many', /a picture of 1 planes with 2 file descriptors/, two(own, { offsets: [0], strides: [STRIDE], format: XR24 })],
    ['rows of colours that are too short', /plane 1: stride 1023 is too short for 512 samples of 2 bytes/, yuv({ strides: [WIDTH, WIDTH - 1] })],
    ['rows of words that are too short', /stride 2047 is too short for 1024 pixels of 2 bytes/, yuv({ format: P010, strides: [2 * WIDTH - 1, 2 * WIDTH] })],
    ['no colours for the last of an odd width', /plane 1: stride 1023 is too short for 512 samples/, yuv({ size: [WIDTH - 1, HEIGHT], screen: SMALL, strides: [WIDTH - 1, WIDTH - 1] })],
    ['no colours for the last of an odd height', /plane 1: 1024x767 with stride 1024 needs \d+ bytes, the buffer has/, yuv({ size: [WIDTH, HEIGHT - 1], screen: SMALL, offsets: [0, BYTES - 383 * WIDTH] })],
    ['colours beyond the end', /plane 1: 1024x768 with stride 1024 needs \d+ bytes, the buffer has|takes no/, yuv({ offsets: [0, BYTES - WIDTH] })],
    ['colours at 4294967295', /plane 1: .* needs \d+ bytes|takes no/, yuv({ offsets: [0, 0xffffffff] })],
    ['rows of colours of 4294967295', /plane 1: .* needs \d+ bytes|takes no/, yuv({ strides: [WIDTH, 0xffffffff] })],
    ['colours among the lightness', /its planes overlap/, yuv({ offsets: [0, LUMA - 1] })],
    ['colours beyond the end of another buffer', /plane 1: .* needs \d+ bytes, the buffer has 4096|takes no/, two(() => native.createUdmabuf(4096), { offsets: [0, 0] })],
    ['colours in /dev/null', /not a dma-buf/, two(() => fs.openSync('/dev/null', 'r'), { offsets: [0, 0] })],
    ['colours in a file', /not a dma-buf/, two(() => fs.openSync('/etc/hostname', 'r'), { offsets: [0, 0] })],
    ['a tiled buffer', /with modifier 0x1/, sends({ modifier: X_TILED })],
    ['/dev/null', /not a dma-buf/, file(() => fs.openSync('/dev/null', 'r'))],
    ['a regular file', /not a dma-buf/, file(() => fs.openSync('/etc/hostname', 'r'))],
    ['a memfd as a dma-buf', /not a dma-buf/, file(memfd)],
    ['bytes missing', /64 bytes for a picture of 8x8 that needs 256/, calls('Scanout', 'uuuuay', 8, 8, 32, X8R8G8B8, SOME)],
    ['an unknown pixel format', /unknown format 0x8018000/, calls('Scanout', 'uuuuay', 4, 4, 16, 0x08018000, SOME)],
    ['a picture without end', /4294967295x16/, calls('Scanout', 'uuuuay', 0xffffffff, 16, 0xffffffff, X8R8G8B8, SOME)],
    ['a part far outside', /at 2147483647,0/, calls('Update', 'iiiiuuay', 0x7fffffff, 0, 4, 4, 16, X8R8G8B8, SOME)],
    ['a part at -1', /a part of 4x4 at -1,0/, calls('Update', 'iiiiuuay', -1, 0, 4, 4, 16, X8R8G8B8, SOME)],
    ['a part of no bytes', /0 bytes for a picture of 4x4/, calls('Update', 'iiiiuuay', 0, 0, 4, 4, 16, X8R8G8B8, NONE)],
    ['a gigabyte', /more than 256 MiB of pixels/, calls('Update', 'iiiiuuay', 16380, 16380, 4, 4, 16, X8R8G8B8, SOME)],
    ['shared memory that is too short', /does not hold 1024x768 pixels at 0/, maps(shorter)],
    ['shared memory, from outside of it', /does not hold 1024x768 pixels at 4294963200/, maps(memfd, { offset: 0xfffff000 })],
    ['shared memory that is none', /does not hold 1024x768/, maps(() => fs.openSync('/dev/zero', 'r'))],
    ['shared memory with short rows', /rows of 4095 bytes for 1024 pixels of XR24/, maps(memfd, { stride: 4095 })],
    ['a pointer of absurd size', /a pointer of 4096x4096/, calls('CursorDefine', 'iiiiay', 4096, 4096, 0, 0, SOME)],
    ['a pointer without its pixels', /64 bytes for a pointer of 8x8/, calls('CursorDefine', 'iiiiay', 8, 8, -5, 99, SOME)],
  ];

  describe('sends', () => {
    test.each(attacks)('%s', async (_, line, attack) => {
      const guest = await attached();
      await works(guest);
      for (let round = 0; round < 3; round++) await attack(guest);
      await eventually(() => {
        expect(warnings()).toEqual([expect.stringMatching(line)]);
      }, 30);
      // Its frames are answered, whatever becomes of them, and the next good picture makes up for it.
      expect(await guest.update(-5, -5, 0x7fffffff, 0x7fffffff)).toBeLessThan(QEMU_WAITS_MS);
      await works(guest);
      expect((await daemon.guest('bad')).trouble).toBeUndefined();
      expect(warnings()).toHaveLength(1);
    });
  });

  test('a part larger than the last picture makes it larger', async () => {
    const guest = await attached({ consoles: [{ width: 640, height: 480 }] });
    const small = Image.pattern(640, 480, 2);
    const part = Image.pattern(400, 300, 3);
    guest.bytes(small);
    await shows(TARGET, small.centredOn(WIDTH, HEIGHT).crc);
    guest.part(400, 300, part);
    const larger = new Image(800, 600).draw(small, 0, 0).draw(part, 400, 300);
    larger.pixels.forEach((pixel, at) => (larger.pixels[at] = (pixel | 0xff000000) >>> 0));
    await shows(TARGET, larger.centredOn(WIDTH, HEIGHT).crc);
    expect(warnings()).toEqual([]);
  });

  describe('shared memory', () => {
    test('that can be sealed is shown as it lies, and cannot be cut short any more', async () => {
      const guest = await attached();
      const fd = native.createMemfd(BYTES, 0);
      fs.writeSync(fd, image.bytes, 0, BYTES, 0);
      expect(await guest.map(fd, WIDTH, HEIGHT)).toBeLessThan(QEMU_WAITS_MS);
      await daemon.outputIs(TARGET, { path: 'direct', frame: { width: WIDTH, height: HEIGHT, fits: true } });
      await shows(TARGET, image.crc);
      expect(() => {
        fs.ftruncateSync(fd, 0);
      }).toThrow(/EPERM/);
      // In place.
      const next = Image.pattern(WIDTH, HEIGHT, 4);
      fs.writeSync(fd, next.bytes, 0, BYTES, 0);
      guest.updateMap(0, 0, WIDTH, HEIGHT);
      await shows(TARGET, next.crc);
      expect(await daemon.output(TARGET)).toMatchObject({ path: 'direct' });
      fs.closeSync(fd);
      await works(guest);
    });

    test.each([
      ['sealed against sealing', () => native.createMemfd(BYTES, F_SEAL_SEAL)],
      ['a file of tmpfs', () => shmFile()],
    ])('%s is copied, and cut short under us it is no signal', async (_, make) => {
      const guest = await attached();
      const fd = make();
      fs.ftruncateSync(fd, BYTES);
      fs.writeSync(fd, image.bytes, 0, BYTES, 0);
      await guest.map(fd, WIDTH, HEIGHT);
      await shows(TARGET, image.crc);
      await daemon.outputIs(TARGET, { path: 'copy', reason: expect.stringMatching(/shared memory/) });
      fs.ftruncateSync(fd, BYTES / 2 + 17);
      guest.updateMap(0, 0, WIDTH, HEIGHT);
      await eventually(() => {
        expect(warnings()).toEqual([
          expect.stringMatching(/head 0 cannot be shown: cannot be copied either: .*EIO/),
        ]);
      });
      await daemon.outputIs(TARGET, { path: 'picture', link: 'connected' });
      // And again and again, in the middle of copies.
      for (let round = 0; round < 60; round++) {
        fs.ftruncateSync(fd, BYTES);
        if (round % 4 === 0) await guest.map(fd, WIDTH, HEIGHT);
        guest.updateMap(0, 0, WIDTH, HEIGHT);
        await pause(round % 7);
        fs.ftruncateSync(fd, round % 3 === 0 ? 0 : 4096 * round);
      }
      fs.closeSync(fd);
      await works(guest);
      await shows(TARGET, image.crc);
      expect(warnings().length).toBeLessThanOrEqual(8);
    });
  });

  describe('a flood', () => {
    test('of updates disturbs nobody, and each gets its answer', async () => {
      const guest = await attached();
      await works(guest);
      const answers = Promise.all(Array.from({ length: 2000 }, () => guest.update()));
      for (let count = 0; count < 4000; count++)
        await insist(() => {
          guest.console.send('MouseSet', 'iii', [count, count, 1]);
        });
      const first = (await daemon.output(BYSTANDER)).frames;
      expect(await answers).toHaveLength(2000);
      await eventually(async () => {
        expect((await daemon.output(BYSTANDER)).frames).toBeGreaterThan(first);
      });
      await works(guest);
      // Whether it was too much depends on the machine; it is said once at most.
      for (const line of warnings()) expect(line).toMatch(/sends more than can be shown/);
      expect(warnings().length).toBeLessThanOrEqual(1);
    });

    test('of buffers keeps no more than the newest', async () => {
      const guest = await attached();
      await works(guest);
      const buffers = Array.from({ length: 150 }, () => new PixelBuffer(64, 64));
      let most = 0;
      for (let round = 0; round < 6; round++) {
        for (const each of buffers) guest.scanout(each);
        await pause(50);
        most = Math.max(most, framebufferCount());
      }
      expect(await guest.update()).toBeLessThan(10 * QEMU_WAITS_MS); // Behind 900 imports.
      most = Math.max(most, framebufferCount());
      expect(most - before.framebuffers).toBeLessThan(80);
      for (const each of buffers) each.close();
      await works(guest);
    });

    test('of pictures in bytes', async () => {
      const guest = await attached();
      for (let count = 0; count < 60; count++)
        await insist(() => {
          guest.bytes(image);
        });
      await daemon.outputIs(TARGET, { path: 'copy' });
      await shows(TARGET, image.crc);
      // What is on the panel need not be the last of them: there is room again when they all have gone.
      await insist(() => {
        guest.console.send('MouseSet', 'iii', [0, 0, 0]);
      });
      await works(guest);
    });

    test('of QMP events', async () => {
      const guest = await attached();
      const events = ['STOP', 'RESUME'].map((event) => `${JSON.stringify({ event, data: {} })}\n`).join('');
      for (let round = 0; round < 20; round++) guest.qemu.qmp!.raw(events.repeat(500));
      await works(guest);
      expect(daemon.log.slice(lines).filter((line) => line.includes('guest bad')).length).toBeLessThan(40);
    });

    test('of listeners that are dropped is met more and more slowly', async () => {
      const guest = await attached();
      const drop = (): void => {
        guest.console.dropListener();
      };
      guest.console.onReady = drop;
      drop();
      await pause(3000);
      expect(guest.console.registrations).toBeLessThan(8);
      guest.console.onReady = () => undefined;
      await guest.ready();
      await works(guest);
    });
  });

  describe('what looks odd, and is not', () => {
    test('a buffer whose rows lie bottom up stands upright', async () => {
      const guest = await attached();
      const upside = await PixelBuffer.of(image.flipped());
      guest.scanout(upside, { bottomUp: true });
      expect(await guest.update()).toBeLessThan(QEMU_WAITS_MS);
      await shows(TARGET, image.crc);
      // ScanoutDMABUF, the first version.
      const other = Image.pattern(WIDTH, HEIGHT, 5);
      await upside.write(other.flipped());
      guest.console.send('ScanoutDMABUF', 'huuuutb', [
        upside.fd,
        WIDTH,
        HEIGHT,
        upside.stride,
        0x34325258,
        0n,
        true,
      ]);
      expect(await guest.update()).toBeLessThan(QEMU_WAITS_MS);
      await shows(TARGET, other.crc);
      guest.scanout(buffer);
      expect(await guest.update()).toBeLessThan(QEMU_WAITS_MS);
      await shows(TARGET, image.crc);
      expect(warnings()).toEqual([]);
    });

    test('a part of a larger buffer is that part', async () => {
      const guest = await attached();
      const large = Image.pattern(1280, 900, 6);
      const backing = await PixelBuffer.of(large);
      for (const [x, y] of [
        [100, 50],
        [256, 132],
        [0, 0],
      ] as const) {
        // prettier-ignore
        guest.scanout(backing, { screen: { ...WHOLE, x, y } });
        expect(await guest.update()).toBeLessThan(QEMU_WAITS_MS);
        await shows(TARGET, large.crop(x, y, WIDTH, HEIGHT).crc);
        expect(await daemon.output(TARGET)).toMatchObject({ path: 'direct', frame: { fits: true } });
      }
      // Bottom up: y counts from the top of the picture all the same.
      await backing.write(large.flipped());
      guest.scanout(backing, { screen: { ...WHOLE, x: 30, y: 20 }, bottomUp: true });
      expect(await guest.update()).toBeLessThan(QEMU_WAITS_MS);
      await shows(TARGET, large.crop(30, 20, WIDTH, HEIGHT).crc);
    });

    test('a buffer of memory without a modifier is shown as it lies', async () => {
      const guest = await attached();
      guest.scanout(buffer, { modifier: IMPLICIT });
      expect(await guest.update()).toBeLessThan(QEMU_WAITS_MS);
      await shows(TARGET, image.crc);
      expect(await daemon.output(TARGET)).toMatchObject({ path: 'direct', frame: { fits: true } });
      expect(warnings()).toEqual([]);
    });

    test('a guest that is switched off after every flip is never blank', async () => {
      const guest = await attached();
      const images = [7, 8, 9].map((seed) => Image.pattern(WIDTH, HEIGHT, seed));
      const buffers = await Promise.all(images.map((each) => PixelBuffer.of(each)));
      guest.scanout(buffers[0]!, { modifier: IMPLICIT });
      await daemon.outputIs(TARGET, { path: 'direct' });
      const { modesets, frames: first } = await daemon.output(TARGET);
      const watching = await daemon.watch();
      let flips = 0;
      let longest = 0;
      const looking = { on: true };
      const flipping = (async () => {
        for (; looking.on; flips++) {
          guest.scanout(buffers[flips % 3]!, { modifier: IMPLICIT });
          guest.disable();
          longest = Math.max(longest, await guest.update());
          // Now and then it is slow, but faster than what is believed.
          await pause(flips % 8 === 0 ? 100 : 5);
        }
      })();
      await showsOnly(TARGET, new Set(images.map(({ crc }) => crc)), 25);
      await pause(1000);
      looking.on = false;
      await flipping;
      watching.close();
      expect(flips).toBeGreaterThan(5);
      expect(longest).toBeLessThan(QEMU_WAITS_MS);
      expect(watching.events).toEqual([]);
      const after = await daemon.output(TARGET);
      expect(after).toMatchObject({ path: 'direct', modesets });
      // An answer may come before its frame is shown, which the next one then overtakes: now and then.
      expect(after.frames - first).toBeGreaterThan(flips / 2);
      // Off without another picture is off.
      guest.disable();
      await daemon.outputIs(TARGET, { path: 'picture', link: 'connected' });
    });
  });
});

function shmFile(): number {
  const name = `/dev/shm/lab-${process.pid}`;
  const fd = fs.openSync(name, 'w+');
  fs.unlinkSync(name);
  return fd;
}

/** QEMU waits a second for the answer to a frame; then it says so in its log, and goes on without. */
describe.each(['atomic', 'legacy'] as const)(
  'every frame is answered within a second, %s commits:',
  (engine) => {
    const folder = scratch();
    const socketOf = (name: string): string => path.join(folder, name);
    const entry = (name: string, more: object = {}) => linkTo({ name, qmp: socketOf(name) }, more);
    let daemon: Daemon;
    let keyboard: Keyboard;
    let full: PixelBuffer;
    let small: PixelBuffer;

    beforeAll(async () => {
      daemon = await Daemon.start({
        legacy: engine === 'legacy',
        guests: [
          entry('seen'),
          entry('hidden'),
          entry('slow', { hidden: 5 }),
          entry('lazy', { hidden: 'on-demand' }),
        ],
        outputs: { [TARGET]: { show: 'seen' } },
        hotkeys: { 'Ctrl+Alt+B': { blank: TARGET } },
      });
      keyboard = await Keyboard.plug(daemon);
      full = new PixelBuffer(WIDTH, HEIGHT);
      small = new PixelBuffer(640, 480);
    });
    afterAll(async () => {
      keyboard.unplug();
      await Panels.lab.plug(1);
      await daemon.stop();
    });

    async function attached(name: string): Promise<MockGuest> {
      const guest = new MockGuest(socketOf(name));
      if (name === 'seen') await daemon.show(name, TARGET);
      await guest.ready();
      return guest;
    }

    /** Answers to so many frames, one after the other. */
    async function ask(guest: MockGuest, count: number): Promise<number[]> {
      const took: number[] = [];
      for (let frame = 0; frame < count; frame++) took.push(await guest.update(frame, 0, 8, 8));
      return took;
    }

    async function inTime(guest: MockGuest, count = 5): Promise<number> {
      const took = await ask(guest, count);
      expect(Math.max(...took)).toBeLessThan(QEMU_WAITS_MS);
      return took.sort((a, b) => a - b)[count >> 1]!;
    }

    const QUICK_MS = 100; // Twenty, on a machine that has time.

    test('while shown it is about a vblank', async () => {
      const guest = await attached('seen');
      // Before anything is there.
      expect(await inTime(guest)).toBeLessThan(QUICK_MS);
      // With the very first picture, and with each that follows.
      guest.scanout(full);
      expect(await inTime(guest)).toBeLessThan(QUICK_MS);
      const other = new PixelBuffer(WIDTH, HEIGHT);
      for (let flip = 0; flip < 20; flip++) {
        guest.scanout(flip % 2 === 0 ? other : full);
        expect(await guest.update()).toBeLessThan(QEMU_WAITS_MS);
      }
      expect(await inTime(guest, 20)).toBeLessThan(QUICK_MS);
      await daemon.outputIs(TARGET, { path: 'direct' });
      // Many at once.
      const many = await Promise.all(Array.from({ length: 200 }, () => guest.update()));
      expect(Math.max(...many)).toBeLessThan(QEMU_WAITS_MS);
    });

    test('while it is copied', async () => {
      const guest = await attached('seen');
      guest.scanout(small, { bottomUp: true });
      expect(await inTime(guest, 10)).toBeLessThan(QUICK_MS);
      await daemon.outputIs(TARGET, { path: engine === 'legacy' ? 'copy' : 'direct', guest: 'seen' });
      const fd = native.createMemfd(BYTES, F_SEAL_SEAL);
      expect(await guest.map(fd, WIDTH, HEIGHT)).toBeLessThan(QEMU_WAITS_MS);
      await daemon.outputIs(TARGET, { path: 'copy' });
      guest.updateMap(0, 0, WIDTH, HEIGHT);
      expect(await inTime(guest)).toBeLessThan(QUICK_MS);
      // A new one right after, while a worker reads the last.
      for (let round = 0; round < 10; round++) {
        guest.updateMap(0, 0, WIDTH, HEIGHT);
        expect(await guest.map(fd, WIDTH, HEIGHT)).toBeLessThan(QEMU_WAITS_MS);
        guest.scanout(small);
        expect(await guest.update()).toBeLessThan(QEMU_WAITS_MS);
      }
      fs.closeSync(fd);
    });

    test('after Disable, at once and when it is believed', async () => {
      const guest = await attached('seen');
      guest.scanout(full);
      await daemon.outputIs(TARGET, { path: 'direct', guest: 'seen' });
      const before = guest.update();
      guest.disable();
      const after = guest.update();
      expect(Math.max(await before, await after)).toBeLessThan(QEMU_WAITS_MS);
      guest.disable();
      await daemon.outputIs(TARGET, { path: 'picture', guest: 'seen' });
      await inTime(guest);
      guest.scanout(full);
      await inTime(guest);
    });

    test('while its buffers are refused', async () => {
      const guest = await attached('seen');
      guest.scanout(full, { format: NV12 });
      await inTime(guest);
      guest.scanout(full);
      const before = guest.update();
      guest.scanout(full, { modifier: X_TILED });
      const after = guest.update();
      expect(Math.max(await before, await after)).toBeLessThan(QEMU_WAITS_MS);
      await inTime(guest);
    });

    test.each([
      ['full', 'hidden'],
      ['5 a second', 'slow'],
      ['on-demand', 'lazy'],
    ])('while hidden (%s)', async (_, name) => {
      const guest = await attached(name);
      await inTime(guest, 2);
      guest.scanout(full);
      const median = await inTime(guest, 3);
      if (name === 'slow') expect(median).toBeGreaterThan(100);
      if (name === 'lazy') expect(median).toBeGreaterThan(500);
      const many = Promise.all(Array.from({ length: 100 }, () => guest.update()));
      // A hundred at once, on a machine that may be busy.
      expect(Math.max(...(await many))).toBeLessThan(2 * QEMU_WAITS_MS);
      guest.disable();
      await inTime(guest, 2);
      await pause(300);
      await inTime(guest, 2);
      // A frame that waits while its guest comes to the panel, and one while it leaves.
      guest.scanout(full);
      const coming = guest.update();
      await daemon.show(name, TARGET);
      const shown = guest.update();
      await daemon.show('seen', TARGET);
      const leaving = guest.update();
      for (const took of [coming, shown, leaving]) expect(await took).toBeLessThan(QEMU_WAITS_MS);
    });

    /** Frames one after the other while `work` changes the world. */
    async function meanwhile(guest: MockGuest, work: () => Promise<unknown>): Promise<number[]> {
      const took: number[] = [];
      const asked = { on: true };
      const asking = (async () => {
        while (asked.on) took.push(await guest.update());
      })();
      try {
        await work();
        await pause(300);
      } finally {
        asked.on = false;
        await asking;
      }
      return took;
    }

    test('while its panel is blank, dark, unplugged, and comes back', async () => {
      const guest = await attached('seen');
      guest.scanout(full);
      await daemon.outputIs(TARGET, { path: 'direct', guest: 'seen' });
      const blanking = await meanwhile(guest, async () => {
        keyboard.chord('LeftCtrl', 'LeftAlt', 'B');
        await daemon.outputIs(TARGET, { blank: true });
        await inTime(guest);
        keyboard.chord('LeftCtrl', 'LeftAlt', 'B');
        await daemon.outputIs(TARGET, { blank: false, path: 'direct' });
      });
      const pulling = await meanwhile(guest, async () => {
        await Panels.lab.unplug(1);
        await daemon.outputIs(TARGET, { lit: false });
        guest.scanout(small);
        await inTime(guest);
        guest.scanout(full);
        await Panels.lab.plug(1);
        await daemon.outputIs(TARGET, { lit: true, path: 'direct', guest: 'seen' });
      });
      for (const took of [blanking, pulling]) {
        expect(took.length).toBeGreaterThan(10);
        expect(Math.max(...took)).toBeLessThan(QEMU_WAITS_MS);
      }
    });

    test('when its listener is dropped in the middle', async () => {
      const guest = await attached('seen');
      guest.scanout(full);
      await daemon.outputIs(TARGET, { path: 'direct', guest: 'seen' });
      const lost = expect(guest.update()).rejects.toThrow();
      guest.console.dropListener();
      await lost;
      await guest.ready();
      // QEMU sends what it shows again: a picture or, when it sleeps, none.
      await inTime(guest);
      guest.scanout(full);
      await inTime(guest);
    });
  },
);
