import * as clock from '../../src/clock';
import * as fs from 'node:fs';
import type { BusValue } from '../../src/dbus/values';
import { native } from '../../src/native';
import type { MockConsole } from '../mock-qemu/mock-console';
import type { FakeHead } from '../mock-qemu/fake-host';
import { Bench } from '../mock-qemu/harness';
import { Random } from './support/random';
import { openFds, turn, until } from './support/wire';

const XR24 = 0x34325258;
const X8R8G8B8 = 0x20020888;
const R5G6B5 = 0x10020565;
const F_SEAL_SEAL = 1;

let bench: Bench;
let console_: MockConsole;
let head: FakeHead;
beforeEach(async () => {
  bench = new Bench();
  console_ = (await bench.attached()).console;
  head = bench.head;
});
afterEach(() => bench.close());

const memfd = (size = 64 * 32 * 4): number => native.createMemfd(size, F_SEAL_SEAL);
const events = (count: number): Promise<void> => until(() => head.events.length >= count);

/** ScanoutDMABUF2 with everything that may be wrong. */
function scanout2(
  given: Partial<{
    fds: number[];
    screen: [number, number, number, number];
    offsets: number[];
    strides: number[];
    planes: number;
    size: [number, number];
    modifier: bigint;
    bottomUp: boolean;
  }> = {},
): void {
  const { fds = [memfd()], screen = [0, 0, 64, 32], offsets = [0], strides = [256] } = given;
  const { planes = offsets.length, size = [64, 32], modifier = 0n, bottomUp = false } = given;
  const values: BusValue[] = [fds, ...screen, offsets, strides, planes, XR24, ...size, modifier, bottomUp];
  console_.send('ScanoutDMABUF2', 'ahuuuuauauuuuutb', values, fds);
}

describe('a buffer', () => {
  test('is shown at once when it is the first, and then with its updates', async () => {
    console_.scanoutDmabuf(memfd(), 64, 32, 256, XR24);
    await events(2);
    expect(head.events).toEqual(['scanout 64x32+0+0 of 64x32 XR24 0:0 0/256', 'update 1 64x32+0+0']);
    head.eager = true;
    console_.scanoutDmabuf(memfd(), 64, 32, 256, XR24, true);
    await console_.updateDmabuf(1, 2, 3, 4);
    expect(head.events.slice(2)).toEqual([
      'scanout 64x32+0+0 of 64x32 XR24 0:0 0/256 bottom-up',
      'update 2 3x4+1+2',
    ]);
  });

  test('of several planes comes with one fd or more, a part of it and any modifier', async () => {
    scanout2({ modifier: 0x00ff_ffff_ffff_ffffn, bottomUp: true });
    scanout2({
      fds: [memfd(), memfd()],
      offsets: [0, 16],
      strides: [256, 128],
      modifier: 0x0100_0000_0000_0007n,
    });
    scanout2({ offsets: [0, 4096, 8192], strides: [512, 64, 64], size: [128, 32], screen: [64, 0, 64, 32] });
    await events(4);
    expect(head.events).toEqual([
      'scanout 64x32+0+0 of 64x32 XR24 16777215:4294967295 0/256 bottom-up',
      'update 1 64x32+0+0',
      'scanout 64x32+0+0 of 64x32 XR24 16777216:7 0/256 16/128',
      'scanout 64x32+64+0 of 128x32 XR24 0:0 0/512 same:4096/64 same:8192/64',
    ]);
  });

  test('has its updates cut to the screen, and is redrawn whole where it is a part', async () => {
    head.eager = true;
    scanout2();
    await console_.updateDmabuf(-10, 30, 20, 20);
    await console_.updateDmabuf(100, 100, 5, 5);
    await console_.updateDmabuf(0, 0, -5, 0x7fffffff);
    scanout2({ size: [128, 32], screen: [64, 0, 64, 32] });
    await console_.updateDmabuf(70, 0, 5, 5);
    expect(head.events.filter((event) => event.startsWith('update')).slice(1)).toEqual([
      'update 2 10x2+0+30',
      'update 3 0x0+64+32',
      'update 4 0x32+0+0',
      'update 5 64x32+0+0',
    ]);
  });

  test.each([
    [
      'no planes',
      (): void => {
        scanout2({ planes: 0 });
      },
      '0 planes',
    ],
    [
      'too many planes',
      (): void => {
        scanout2({ planes: 5 });
      },
      '5 planes',
    ],
    [
      'fewer offsets than planes',
      (): void => {
        scanout2({ planes: 2, strides: [1, 2] });
      },
      '1 offsets and 2 strides',
    ],
    [
      'no fd',
      (): void => {
        scanout2({ fds: [] });
      },
      'without a file descriptor',
    ],
    [
      'fewer fds than planes, and more than one',
      (): void => {
        scanout2({ fds: [memfd(), memfd()], offsets: [0, 4096, 8192], strides: [256, 128, 128] });
      },
      'a picture of 3 planes with 2 file descriptors',
    ],
    [
      'more fds than planes',
      (): void => {
        scanout2({ fds: [memfd(), memfd()] });
      },
      'a picture of 1 planes with 2 file descriptors',
    ],
    [
      'a part outside',
      (): void => {
        scanout2({ screen: [1, 0, 64, 32] });
      },
      '64x32 at 1,0 in a buffer of 64x32',
    ],
    [
      'no size',
      (): void => {
        scanout2({ screen: [0, 0, 0, 32] });
      },
      '0x32 at 0,0',
    ],
    [
      'a giant size',
      (): void => {
        scanout2({ size: [0xffffffff, 32] });
      },
      '4294967295x32',
    ],
  ])('with %s is refused, and said once', async (_, send, words) => {
    const before = openFds().length;
    send();
    send();
    await bench.said(words);
    await turn(10);
    expect(head.events).toEqual([]);
    expect(bench.log.warnings).toHaveLength(1);
    expect(bench.link.trouble).toContain(words);
    expect(bench.log.warnings[0]).toMatch(/^warning guest win: head 0 cannot be shown: QEMU sent /);
    // The next good one makes up for it.
    scanout2();
    await events(2);
    expect(bench.link.trouble).toBeUndefined();
    await until(() => openFds().length <= before);
  });

  test('that the card cannot show says why, answers its updates, and is not left on the screen', async () => {
    scanout2();
    await events(2);
    // Hidden, so that only an answer that is given at once comes soon.
    head.visible = false;
    head.refusal = 'NV12 is not shown';
    scanout2();
    expect(await console_.updateDmabuf(0, 0, 64, 32)).toBeLessThan(300);
    expect(head.events.slice(2)).toEqual(['off']);
    expect(bench.link.trouble).toBe('NV12 is not shown');
    head.refusal = undefined;
    scanout2();
    await events(5);
    expect(bench.link.trouble).toBeUndefined();
    // Refused later, by the output: the same is not tried again for a while, another is.
    bench.link.refuse(0, 'no plane takes it');
    scanout2();
    expect(await console_.updateDmabuf(0, 0, 64, 32)).toBeLessThan(300);
    expect(head.events).toHaveLength(6);
    expect(head.events[5]).toBe('off');
    scanout2({ strides: [512] });
    await events(8);
    expect(bench.log.warnings).toHaveLength(2);
  });

  test('that was refused for its second plane may come again with another', async () => {
    const planes = { offsets: [0, 8192], strides: [256, 100] };
    scanout2(planes);
    await events(2);
    bench.link.refuse(0, 'plane 1: stride 100 is too short');
    scanout2(planes);
    expect(await console_.updateDmabuf(0, 0, 64, 32)).toBeLessThan(300);
    expect(head.events.slice(2)).toEqual(['off']);
    scanout2({ ...planes, strides: [256, 256] });
    await events(5);
    expect(head.events[3]).toBe('scanout 64x32+0+0 of 64x32 XR24 0:0 0/256 same:8192/256');
    bench.link.refuse(0, 'its planes overlap');
    scanout2({ offsets: [0, 16384], strides: [256, 256] });
    await events(8);
  });
});

describe('the answer to an update', () => {
  beforeEach(async () => {
    scanout2();
    await events(2);
  });

  test('comes when the frame is shown', async () => {
    head.visible = false;
    const answer = console_.updateDmabuf(0, 0, 64, 32);
    await events(3);
    await turn(5);
    bench.link.shown(0, 1);
    bench.link.shown(0, 2);
    const took = await answer;
    expect(took).toBeGreaterThan(4);
    expect(took).toBeLessThan(300);
  });

  test('comes after 20 ms at most while the head is on a monitor', async () => {
    for (let round = 0; round < 5; round++) {
      const took = await console_.updateDmabuf(0, 0, 64, 32);
      expect(took).toBeGreaterThan(15);
      expect(took).toBeLessThan(600);
    }
    const several = await Promise.all([1, 2, 3].map(() => console_.updateDmabuf(0, 0, 64, 32)));
    for (const took of several) expect(took).toBeLessThan(600);
  });

  test('comes when the view says so while it is hidden, and within a second in any case', async () => {
    head.visible = false;
    const answer = console_.updateDmabuf(0, 0, 64, 32);
    await turn(150);
    bench.link.shown(0, head.frame);
    expect(await answer).toBeGreaterThan(140);
    const took = await console_.updateDmabuf(0, 0, 64, 32);
    expect(took).toBeGreaterThan(700);
    expect(took).toBeLessThan(2500);
  });

  test('is given for each of a hundred', async () => {
    head.visible = false;
    const answers = Promise.all(Array.from({ length: 100 }, () => console_.updateDmabuf(0, 0, 64, 32)));
    await until(() => head.events.length >= 102);
    bench.link.shown(0, head.frame);
    for (const took of await answers) expect(took).toBeLessThan(600);
  });

  test('comes at once where there is no picture', async () => {
    console_.send('Disable', '', []);
    await until(() => head.events.at(-1) === 'off');
    head.visible = false;
    expect(await console_.updateDmabuf(0, 0, 64, 32)).toBeLessThan(300);
  });
});

describe('Disable', () => {
  beforeEach(async () => {
    head.eager = true;
    scanout2();
    await events(2);
  });

  test('after each flip means nothing', async () => {
    for (let flip = 0; flip < 30; flip++) {
      scanout2();
      console_.send('Disable', '', []);
      if (flip % 2 === 0) await console_.updateDmabuf(0, 0, 64, 32);
      await turn(10);
    }
    scanout2();
    await turn(1300);
    expect(head.events).not.toContain('off');
  });

  test('means off when nothing follows, and the next picture is shown at once', async () => {
    console_.send('Disable', '', []);
    await turn(50);
    console_.send('Disable', '', []);
    await turn(50);
    expect(head.events).not.toContain('off');
    await until(() => head.events.at(-1) === 'off');
    console_.send('Disable', '', []);
    await turn(1300);
    expect(head.events.filter((event) => event === 'off')).toHaveLength(1);
    scanout2();
    await events(5);
    expect(head.events.slice(-1)).toEqual(['update 2 64x32+0+0']);
  });
});

describe('shared memory', () => {
  const map = (fd: number, ...numbers: number[]): Promise<number> =>
    console_.call('ScanoutMap', 'huuuuu', [fd, ...numbers], [fd]);

  test('is answered at once, shown, and closed when something else is', async () => {
    const fds = openFds().length;
    expect(await map(memfd(), 0, 64, 32, 256, X8R8G8B8)).toBeLessThan(1000);
    console_.send('UpdateMap', 'iiii', [1, 2, 3, 4]);
    await events(3);
    const picture = /^(canvas 64x32 XR24 0\/256 shared memory|scanout 64x32\+0\+0 of 64x32 XR24 0:0 0\/256)$/;
    expect(head.events[0]).toMatch(picture);
    expect(head.events.slice(1)).toEqual(['update 1 64x32+0+0', 'update 2 3x4+1+2']);
    await map(memfd(256 + 64 * 32 * 4), 256, 64, 32, 256, X8R8G8B8);
    await events(5);
    expect(head.events[3]).toMatch(/256\/256|scanout/);
    head.release();
    scanout2();
    await events(6);
    await until(() => openFds().length <= fds);
  });

  test.each([
    ['one that is too short', (): number => memfd(4096), [0, 64, 32, 256], 'does not hold 64x32 pixels at 0'],
    ['an offset outside', (): number => memfd(), [4, 64, 32, 256], 'does not hold 64x32 pixels at 4'],
    ['no memory file', (): number => fs.openSync('/dev/null', 'r'), [0, 64, 32, 256], 'does not hold'],
    ['short rows', (): number => memfd(), [0, 64, 32, 255], 'rows of 255 bytes for 64 pixels of XR24'],
    ['no pixels', (): number => memfd(), [0, 0, 32, 256], '0x32'],
    ['giant sizes', (): number => memfd(), [0, 0xffffffff, 0xffffffff, 0xffffffff], '4294967295x4294967295'],
    [
      'giant rows',
      (): number => memfd(),
      [0xffffffff, 64, 16384, 0xffffffff],
      'bytes for a picture of 64x16384',
    ],
  ])('%s is refused, so that QEMU sends bytes', async (_, make, numbers, words) => {
    const fds = openFds().length;
    await expect(map(make(), ...numbers, X8R8G8B8)).rejects.toThrow(words);
    expect(head.events).toEqual([]);
    await bench.said(words);
    await until(() => openFds().length <= fds);
  });

  test('of an unknown format is refused', async () => {
    await expect(map(memfd(), 0, 64, 32, 256, 0x08018000)).rejects.toThrow('unknown format 0x8018000');
  });
});

describe('bytes', () => {
  const pixels = (width: number, height: number, first: number): Uint8Array =>
    new Uint8Array(Uint32Array.from({ length: width * height }, (_, index) => first + index).buffer);
  const part = (
    x: number,
    y: number,
    width: number,
    height: number,
    bytes: Uint8Array,
    format = X8R8G8B8,
  ): void => {
    console_.send('Update', 'iiiiuuay', [x, y, width, height, width * (format >>> 27), format, bytes]);
  };
  const pixelAt = (x: number, y: number): number => {
    const { source, pitch } = head.memory!;
    return Buffer.from(source as Uint8Array).readUInt32LE(y * pitch + x * 4);
  };

  test('are a picture, of which parts change', async () => {
    console_.scanout(8, 4, 40, X8R8G8B8, new Uint8Array(160).fill(7));
    part(6, 1, 2, 2, pixels(2, 2, 100));
    console_.scanout(8, 4, 40, X8R8G8B8, new Uint8Array(160).fill(9));
    part(0, 0, 1, 1, pixels(1, 1, 5));
    await events(5);
    expect(head.events).toEqual([
      'canvas 8x4 XR24 0/40 bytes in messages',
      'update 1 8x4+0+0',
      'update 2 2x2+6+1',
      'update 3 8x4+0+0',
      'update 4 1x1+0+0',
    ]);
    expect([pixelAt(0, 0), pixelAt(1, 0), pixelAt(7, 3)]).toEqual([5, 0x09090909, 0x09090909]);
  });

  test('grow with a part that is larger than the picture, as QEMU before 9.0 sends', async () => {
    console_.scanout(4, 4, 16, X8R8G8B8, pixels(4, 4, 0));
    part(0, 2, 6, 3, pixels(6, 3, 100));
    await events(5);
    expect(head.events.slice(2)).toEqual([
      'canvas 6x5 XR24 0/24 bytes in messages',
      'update 2 6x5+0+0',
      'update 3 6x3+0+2',
    ]);
    expect([pixelAt(3, 1), pixelAt(0, 2), pixelAt(5, 4)]).toEqual([7, 100, 117]);
    // The console tells of another size, and the picture follows.
    console_.change(bench.qemus[0]!.main!, { width: 5, height: 3 });
    await turn(10);
    part(1, 0, 1, 1, pixels(1, 1, 1));
    await events(8);
    expect(head.events[5]).toBe('canvas 5x3 XR24 0/20 bytes in messages');
    expect([pixelAt(3, 1), pixelAt(1, 0)]).toEqual([7, 1]);
  });

  test('may come in another format', async () => {
    part(0, 0, 2, 2, new Uint8Array(8), R5G6B5);
    await events(3);
    expect(head.events[0]).toMatch(/^canvas 640x480 RG16 0\/1280/);
  });

  test.each([
    [
      'a picture with bytes missing',
      (): void => {
        console_.scanout(8, 4, 32, X8R8G8B8, new Uint8Array(127));
      },
      'head 0 cannot be shown: QEMU sent 127 bytes for a picture of 8x4 that needs 128',
    ],
    [
      'a picture in no known format',
      (): void => {
        console_.scanout(8, 4, 32, 1, new Uint8Array(128));
      },
      'unknown format 0x1',
    ],
    [
      'a part with bytes missing',
      (): void => {
        part(0, 0, 8, 4, new Uint8Array(5));
      },
      'QEMU sent 5 bytes',
    ],
    [
      'a part outside',
      (): void => {
        part(-1, 0, 1, 1, pixels(1, 1, 0));
      },
      'a part of 1x1 at -1,0',
    ],
    [
      'a part far outside',
      (): void => {
        part(0x7fffffff, 0, 1, 1, pixels(1, 1, 0));
      },
      'at 2147483647,0',
    ],
    [
      'a part that makes it too large',
      (): void => {
        part(16383, 16383, 1, 1, pixels(1, 1, 0));
      },
      'more than 256 MiB of pixels',
    ],
  ])('%s is refused', async (_, send, words) => {
    send();
    await bench.said(words);
    expect(head.events).toEqual([]);
    console_.scanout(8, 4, 32, X8R8G8B8, new Uint8Array(128));
    await events(2);
  });
});

describe('a pointer', () => {
  test('has any image and moves over the edges', async () => {
    const image = new Uint8Array(24 * 32 * 4).map((_, index) => index);
    console_.send('CursorDefine', 'iiiiay', [24, 32, 3, 4, image]);
    console_.send('CursorDefine', 'iiiiay', [24, 32, -3, 400, image]);
    console_.send('MouseSet', 'iii', [-5, 7, 1]);
    console_.send('MouseSet', 'iii', [0x7fffffff, -0x80000000, 0]);
    await events(4);
    expect(head.events).toEqual([
      'image 24x32 3,4',
      'image 24x32 0,31',
      'pointer -5,7 visible',
      'pointer 32767,-32767 hidden',
    ]);
    expect(Buffer.from(head.image!.pixels).equals(image)).toBe(true);
  });

  test.each([
    [[0, 0, 0, 0], 0],
    [[513, 1, 0, 0], 513 * 4],
    [[-1, 5, 0, 0], 100],
    [[0x7fffffff, 0x7fffffff, 0, 0], 4],
    [[64, 64, 0, 0], 100],
  ])('of %p in %p bytes is refused', async (numbers, bytes) => {
    console_.send('CursorDefine', 'iiiiay', [...numbers, new Uint8Array(bytes)]);
    await bench.said('a pointer of');
    expect(head.events).toEqual([]);
  });
});

describe('a hostile QEMU', () => {
  test('that floods is read more slowly, with one line, and its guest goes on', async () => {
    console_.scanout(8, 4, 32, X8R8G8B8, new Uint8Array(128));
    // To a machine that takes its time this is no flood: the clock stands still for as long as it comes in.
    const now = clock.monotonic();
    const stopped = jest.spyOn(clock, 'monotonic').mockReturnValue(now);
    for (let message = 0; message < 4000; message++) console_.send('MouseSet', 'iii', [message, 0, 1]);
    await bench.said('sends more than can be shown: it is read more slowly from now on');
    stopped.mockRestore();
    let longest = 0;
    for (let round = 0; round < 50; round++) {
      const started = performance.now();
      await turn(1);
      longest = Math.max(longest, performance.now() - started);
    }
    expect(longest).toBeLessThan(1000);
    await until(() => head.events.at(-1) === 'pointer 3999,0 visible', 5000);
    expect(bench.log.warnings).toHaveLength(1);
  });

  test('that sends the same nonsense, and different nonsense, is quoted a few times', async () => {
    for (let side = 600; side < 700; side++) {
      console_.send('CursorDefine', 'iiiiay', [side, 1, 0, 0, new Uint8Array(4)]);
    }
    await bench.said('nothing more is said of this head');
    await turn(20);
    expect(bench.log.warnings).toHaveLength(8);
  });

  test('that sends anything leaves nothing behind', async () => {
    const random = new Random(7);
    const fds = openFds().length;
    const number = (): number => random.pick([0, 1, 2, 32, 64, 256, 4096, 0x7fffffff]);
    for (let round = 0; round < 600; round++) {
      const fd = memfd(random.pick([0, 4096, 8192]));
      const some = (count: number): number[] => Array.from({ length: count }, number);
      switch (random.below(7)) {
        case 0:
          console_.send('ScanoutDMABUF', 'huuuutb', [fd, ...some(4), 0n, random.chance(0.5)]);
          break;
        case 1: {
          const count = random.below(5);
          const fdList = Array.from({ length: random.below(8) }, () => fd);
          console_.send('ScanoutDMABUF2', 'ahuuuuauauuuuutb', [
            fdList,
            ...some(4),
            some(count),
            some(random.below(5)),
            random.below(6),
            ...some(3),
            1n,
            false,
          ]);
          break;
        }
        case 2:
          console_.send('ScanoutMap', 'huuuuu', [fd, ...some(4), X8R8G8B8]);
          break;
        case 3:
          console_.send('UpdateMap', 'iiii', some(4));
          break;
        case 4:
          console_.send('Update', 'iiiiuuay', [...some(5), X8R8G8B8, new Uint8Array(random.below(9000))]);
          break;
        case 5:
          console_.send('Scanout', 'uuuuay', [...some(3), X8R8G8B8, new Uint8Array(random.below(9000))]);
          break;
        default:
          console_.send('UpdateDMABUF', 'iiii', some(4));
      }
      fs.closeSync(fd);
      if (round % 50 === 0) await turn(1);
    }
    await turn(200);
    head.release();
    head.refusal = undefined;
    scanout2();
    await until(() => head.events.some((event) => event.includes('64x32+0+0 of 64x32')));
    await until(() => openFds().length <= fds);
  });
});

test('a QEMU that breaks D-Bus is cut off, which is said, and asked once more', async () => {
  console_.send('ScanoutDMABUF', 'ah', [Array<number>(9).fill(0)]);
  await bench.said('head 0: QEMU broke D-Bus: more than 8 file descriptors came at once');
  await until(() => console_.registrations === 2 && console_.ready);
  console_.scanoutDmabuf(memfd(), 64, 32, 256, XR24);
  await until(() => head.events.some((event) => event.startsWith('scanout')));
});
