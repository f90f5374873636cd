import type { BufferLayout, Plane } from '../../src/buffers';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { BufferRefused, FramebufferCache, type Framebuffer } from '../../src/kms/framebuffers';
import { Imports } from '../../src/kms/imports';
import { native, type NativeCard } from '../../src/native';
import { FakeCard, systemError } from './support/fake-card';
import { isOpen, openFds, until } from './support/wire';

const readFile = jest.requireActual<typeof fs>('node:fs').readFileSync;
jest.mock('node:fs', () => ({ ...jest.requireActual<typeof fs>('node:fs'), readFileSync: jest.fn() }));

const XR24 = 0x34325258;
const AR24 = 0x34325241;
/** A layout of one plane, the plane's numbers among the rest. */
type Given = Partial<BufferLayout & Plane>;

function layoutOf(file: Pick<Plane, 'fd' | 'device' | 'inode'>, given: Given = {}): BufferLayout {
  const { offset = 0, pitch = 32, device = file.device, ...layout } = given;
  return {
    width: 8,
    height: 4,
    format: XR24,
    modifierHigh: 0,
    modifierLow: 0,
    bottomUp: false,
    planes: [{ fd: file.fd, device, inode: file.inode, offset, pitch }],
    ...layout,
  };
}
const fdOf = ({ layout }: Framebuffer): number => layout.planes[0]!.fd;

let kernel: FakeCard;
let cache: FramebufferCache;
let card: Imports;
/** What the card made of each, which it forgets with it. */
let ids: Map<Framebuffer, number>;
const idOf = (framebuffer: Framebuffer): number => ids.get(framebuffer)!;
let directory: string;
let before: number;
const guest = { name: 'guest' };

beforeEach(() => {
  jest.mocked(fs.readFileSync).mockImplementation(readFile);
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'framebuffers-'));
  before = openFds().length;
  kernel = new FakeCard();
  cache = new FramebufferCache();
  card = new Imports(kernel as unknown as NativeCard);
  cache.add(card);
  ids = new Map();
});
afterEach(async () => {
  cache.releaseOwner(guest);
  jest.restoreAllMocks();
  fs.rmSync(directory, { recursive: true });
  expect(cache.size).toBe(0);
  // Nothing that was taken over is left open.
  await until(() => openFds().length <= before);
});

/** An fd of a file with as many bytes; to the cache it is a buffer. */
function buffer(name: string, bytes = 4096): { fd: number; device: number; inode: number } {
  const file = path.join(directory, name);
  if (!fs.existsSync(file)) fs.writeFileSync(file, '');
  fs.truncateSync(file, bytes);
  const fd = fs.openSync(file, 'r');
  const { dev, ino } = fs.fstatSync(fd);
  return { fd, device: dev, inode: ino };
}

function get(name: string, given: Given = {}, owner: object = guest, bytes?: number): Framebuffer {
  const framebuffer = cache.get(owner, layoutOf(buffer(name, bytes), given));
  ids.set(framebuffer, card.of(framebuffer).id);
  return framebuffer;
}

describe('a buffer', () => {
  test('that comes again is the framebuffer it was, and its new fd is closed', () => {
    const first = get('a');
    const again = buffer('a');
    expect(cache.get(guest, layoutOf(again))).toBe(first);
    expect(isOpen(again.fd)).toBe(false);
    expect(isOpen(fdOf(first))).toBe(true);
    expect(kernel.imports).toHaveLength(1);
  });

  test('with another layout is another framebuffer', () => {
    const variants: Given[] = [
      {},
      { width: 7 },
      { height: 3 },
      { pitch: 64 },
      { offset: 32 },
      { format: AR24 },
      { modifierLow: 1 },
      { modifierHigh: 1 },
      { bottomUp: true },
    ];
    const made = variants.map((given) => get('a', given));
    expect(new Set(made).size).toBe(variants.length);
    expect(variants.map((given) => get('a', given))).toEqual(made);
    expect(cache.size).toBe(variants.length);
    // Freed from the middle, the ends and the beginning of their chain, the others are still known.
    for (const gone of [3, 7, 0]) {
      made[gone]!.orphan();
      variants.forEach((given, index) => {
        if (![3, 7, 0].includes(index)) expect(get('a', given)).toBe(made[index]);
      });
    }
    expect(kernel.closedFramebuffers).toEqual([3, 7, 0].map((gone) => idOf(made[gone]!)));
    expect(get('a', variants[3])).not.toBe(made[3]);
  });

  test('of another guest, or another device, is another framebuffer', () => {
    const other = {};
    const mine = get('a');
    const theirs = get('a', {}, other);
    expect(theirs).not.toBe(mine);
    const file = buffer('a');
    const elsewhere = cache.get(guest, layoutOf({ ...file, device: file.device + 1 }));
    expect(elsewhere).not.toBe(mine);
    cache.releaseOwner(other);
    expect(kernel.closedFramebuffers).toEqual([idOf(theirs)]);
    expect(get('a')).toBe(mine);
  });

  test('keeps its file, so that its inode is not given to another', () => {
    const made = get('a');
    fs.rmSync(path.join(directory, 'a'));
    expect(fs.fstatSync(fdOf(made)).ino).toBe(made.inode);
    cache.releaseOwner(guest);
    expect(isOpen(fdOf(made))).toBe(false);
    // Now it may be, and that is a new buffer.
    expect(idOf(get('a'))).not.toBe(idOf(made));
    expect(kernel.imports).toHaveLength(2);
  });

  test('does not follow the layout it was announced with', () => {
    const plane = { ...buffer('a'), offset: 0, pitch: 32 };
    const announced = { ...layoutOf(plane), planes: [plane] };
    const made = cache.get(guest, announced);
    announced.width = 5;
    plane.pitch = 64;
    expect(made.layout).toMatchObject({ width: 8, planes: [{ pitch: 32 }] });
    expect(get('a')).toBe(made);
  });

  test('is imported as its opaque twin, with the modifier it says, or none', () => {
    get('a', { format: AR24, modifierHigh: 0x01000000, modifierLow: 7 });
    get('b', { modifierHigh: 0x00ffffff, modifierLow: 0xffffffff });
    expect(kernel.imports).toEqual([
      {
        width: 8,
        height: 4,
        format: XR24,
        modifier: { high: 0x01000000, low: 7 },
        offsets: [0],
        pitches: [32],
      },
      { width: 8, height: 4, format: XR24, modifier: undefined, offsets: [0], pitches: [32] },
    ]);
  });
});

describe('a buffer of several planes', () => {
  const planes = (...files: { fd: number; device: number; inode: number }[]): Plane[] =>
    files.map((file, index) => ({ ...file, offset: index * 128, pitch: 32 }));
  const NV12 = { format: 0x3231564e };

  test('in one dma-buf or in several is one framebuffer, known again, and all its fds are kept and closed', () => {
    const [main, aux] = [buffer('a'), buffer('b')];
    const made = cache.get(guest, { ...layoutOf(main), ...NV12, planes: planes(main, aux) });
    expect(kernel.imports).toMatchObject([{ offsets: [0, 128], pitches: [32, 32] }]);
    expect(kernel.importedFds).toEqual([[main.fd, aux.fd]]);
    const again = [buffer('a'), buffer('b')] as const;
    expect(cache.get(guest, { ...layoutOf(again[0]), ...NV12, planes: planes(...again) })).toBe(made);
    expect(again.map(({ fd }) => isOpen(fd))).toEqual([false, false]);
    const third = [buffer('a'), buffer('c')] as const;
    expect(cache.get(guest, { ...layoutOf(third[0]), ...NV12, planes: planes(...third) })).not.toBe(made);
    const whole = buffer('a');
    cache.get(guest, { ...layoutOf(whole), ...NV12, planes: planes(whole, { ...whole, fd: -1 }) });
    expect(kernel.importedFds[2]).toEqual([whole.fd]);
    cache.releaseOwner(guest);
    expect([main.fd, aux.fd, third[0].fd, whole.fd].map(isOpen)).toEqual([false, false, false, false]);
  });

  test('has its colours mapped with the first plane where they are in one memory, else apart', () => {
    const close = jest.fn();
    const map = jest.spyOn(native, 'mapDmabuf').mockImplementation(() => ({ size: 4096, close }));
    const whole = buffer('a');
    const one = cache.get(guest, {
      ...layoutOf(whole),
      ...NV12,
      planes: planes(whole, { ...whole, fd: -1 }),
    });
    expect(one.mapping(1)).toBe(one.mapping());
    const shape = { bytes: 1, across: 2, down: 2, redFirst: false };
    expect(one.colours(601)).toEqual({
      ...shape,
      source: one.mapping(),
      offset: 128,
      pitch: 32,
      encoding: 601,
    });
    expect(one.colours(0)).toBeUndefined();
    const [main, aux] = [buffer('b'), buffer('c')];
    const two = cache.get(guest, { ...layoutOf(main), ...NV12, planes: planes(main, aux) });
    expect(two.colours(709)?.source).not.toBe(two.mapping());
    // 4 rows of 8 of lightness, 2 rows of 4 pairs of colours.
    expect(map.mock.calls).toEqual([
      [whole.fd, 3 * 32 + 8],
      [aux.fd, 128 + 32 + 8],
      [main.fd, 3 * 32 + 8],
    ]);
    cache.releaseOwner(guest);
    expect(close).toHaveBeenCalledTimes(3);
  });

  test('in several, or behind something else, is not given to a driver that would look elsewhere', () => {
    kernel.driverName = () => 'vkms';
    const [main, aux, whole, behind] = [buffer('a'), buffer('b'), buffer('c'), buffer('d')];
    jest.mocked(fs.readFileSync).mockReturnValue('exp_name:\tudmabuf\n');
    const refused = { id: 0, refusal: 'vkms finds planes only in one memory, from its start' };
    const two = cache.get(guest, { ...layoutOf(main), ...NV12, planes: planes(main, aux) });
    expect(card.of(two)).toEqual(refused);
    expect(card.of(cache.get(guest, layoutOf(behind, { offset: 32 })))).toEqual(refused);
    expect(kernel.imports).toEqual([]);
    cache.get(guest, { ...layoutOf(whole), ...NV12, planes: planes(whole, { ...whole, fd: -1 }) });
    expect(kernel.imports).toHaveLength(1);
  });

  test('is refused, and all its fds closed, when one plane is beyond its own memory', () => {
    const [main, aux] = [buffer('a'), buffer('b', 167)];
    expect(() => cache.get(guest, { ...layoutOf(main), ...NV12, planes: planes(main, aux) })).toThrow(
      'plane 1: 8x4 with stride 32 needs 168 bytes, the buffer has 167',
    );
    expect(kernel.closedFramebuffers).toHaveLength(1);
    expect(cache.size).toBe(0);
  });

  test('is not even looked at where a plane that cannot be imported is no dma-buf', () => {
    kernel.importError = systemError('ENODEV', -19, 'DRM_IOCTL_PRIME_FD_TO_HANDLE');
    const [main, aux] = [buffer('a'), buffer('b')];
    jest
      .mocked(fs.readFileSync)
      .mockImplementation((file) =>
        String(file).endsWith(`/${main.fd}`) ? 'exp_name:\tudmabuf\n' : 'pos:\t0\n',
      );
    expect(() => cache.get(guest, { ...layoutOf(main), ...NV12, planes: planes(main, aux) })).toThrow(
      /not a dma-buf this card can import/,
    );
  });

  test('cannot be copied when it is tiled', () => {
    const [main, aux] = [buffer('a'), buffer('b')];
    const made = cache.get(guest, { ...layoutOf(main), modifierLow: 1, planes: planes(main, aux) });
    expect(() => made.mapping()).toThrow('only linear buffers can be copied');
  });
});

describe('a buffer is refused, and its fd closed, when', () => {
  const refused = (given: Given, bytes?: number): string => {
    let message = '';
    try {
      get('a', given, guest, bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(BufferRefused);
      ({ message } = error as Error);
    }
    expect(cache.size).toBe(0);
    return message;
  };

  test('its format is not one of ours', () => {
    expect(refused({ format: 0x32315659 })).toBe('pixel format YV12 is not supported');
    expect(refused({ format: 1 })).toBe('pixel format 0x00000001 is not supported');
    expect(kernel.imports).toEqual([]);
  });

  test('it has not the planes of its format', () => {
    expect(refused({ format: 0x3231564e })).toBe('a NV12 buffer has 2 planes, this one came with 1');
    expect(kernel.imports).toEqual([]);
  });

  test('its rows overlap', () => {
    expect(refused({ pitch: 31 })).toBe('stride 31 is too short for 8 pixels of 4 bytes');
  });

  test('it is too small, and what the card made of it is taken back', () => {
    expect(refused({ height: 128, pitch: 32 }, 4095)).toBe(
      '8x128 with stride 32 needs 4096 bytes, the buffer has 4095',
    );
    expect(refused({ offset: 4000 })).toMatch(/^8x4 with stride 32 needs 4128 bytes/);
    expect(refused({ pitch: 0xffffffff, height: 16384 })).toMatch(/ needs 70364449194017 bytes/);
    expect(kernel.closedFramebuffers).toHaveLength(kernel.imports.length);
  });

  test('it is as large as it needs to be: not', () => {
    expect(get('a', { height: 128 }, guest, 4096).height).toBe(128);
    // The last row need not be padded.
    expect(get('a', { height: 2, pitch: 4064 }, guest, 4096).height).toBe(2);
  });

  test('it is no dma-buf', () => {
    kernel.importError = systemError('EINVAL', -22, 'DRM_IOCTL_PRIME_FD_TO_HANDLE');
    expect(refused({})).toBe(
      'the file descriptor is not a dma-buf this card can import (EINVAL, DRM_IOCTL_PRIME_FD_TO_HANDLE)',
    );
  });

  test('the card does not take its layout', () => {
    kernel.importError = systemError('EINVAL', -22, 'DRM_IOCTL_MODE_ADDFB2');
    expect(refused({ modifierHigh: 0x01000000, modifierLow: 0x1f })).toBe(
      'the card takes no 8x4 XR24 buffer with modifier 0x10000000000001f (EINVAL, DRM_IOCTL_MODE_ADDFB2)',
    );
    expect(refused({ modifierHigh: 0x00ffffff, modifierLow: 0xffffffff })).toMatch(/with implicit modifier/);
  });

  test('something else goes wrong, which is no refusal', () => {
    kernel.importError = new TypeError('a bug');
    expect(() => get('a')).toThrow(TypeError);
  });
});

describe('a dma-buf that the card refuses', () => {
  /** The kernel's word on what was opened is replaced: a dma-buf needs a kernel with one of the exporters. */
  function exportedBy(exporter: string): void {
    jest.mocked(fs.readFileSync).mockReturnValue(`pos:\t0\nexp_name:\t${exporter}\n`);
  }

  test.each(['DRM_IOCTL_PRIME_FD_TO_HANDLE', 'DRM_IOCTL_MODE_ADDFB2'])(
    'by %s is copied, and says why',
    (ioctl) => {
      exportedBy('amdgpu');
      kernel.importError = systemError('ENODEV', -19, ioctl);
      const framebuffer = get('a');
      expect(idOf(framebuffer)).toBe(0);
      expect(card.of(framebuffer).refusal).toContain(`(ENODEV, ${ioctl})`);
      kernel.importError = undefined;
      expect(get('a')).toBe(framebuffer);
      cache.releaseOwner(guest);
      expect(kernel.closedFramebuffers).toEqual([]);
    },
  );

  test('is refused where nobody else can read its layout', () => {
    exportedBy('amdgpu');
    kernel.importError = systemError('ENODEV', -19, 'DRM_IOCTL_PRIME_FD_TO_HANDLE');
    expect(() => get('a', { modifierHigh: 0x01000000, modifierLow: 1 })).toThrow(BufferRefused);
    expect(() => get('a', { modifierHigh: 0x00ffffff, modifierLow: 0xffffffff })).toThrow(BufferRefused);
  });

  test('is refused when it is shorter than its layout', () => {
    exportedBy('udmabuf');
    kernel.importError = systemError('ENODEV', -19, 'DRM_IOCTL_PRIME_FD_TO_HANDLE');
    expect(() => get('a', { height: 128 }, guest, 4095)).toThrow(/needs 4096 bytes, the buffer has 4095/);
  });
});

describe('a buffer without a modifier', () => {
  const IMPLICIT = { modifierHigh: 0x00ffffff, modifierLow: 0xffffffff };
  const exportedBy = (exporter: string): void => {
    jest.mocked(fs.readFileSync).mockReturnValue(`pos:\t0\nexp_name:\t${exporter}\n`);
  };

  test('that another device made is never imported, and refused with its name', () => {
    exportedBy('i915');
    expect(() => get('a', IMPLICIT)).toThrow(
      'it has no modifier and was made by i915: fake does not know how it lies in memory',
    );
    expect(kernel.imports).toEqual([]);
    // With one, it is the card's to say.
    expect(idOf(get('a'))).not.toBe(0);
  });

  test.each(['udmabuf', 'system', 'fake', 'drm'])(
    'that %s made is imported where it is the only device',
    (maker) => {
      exportedBy(maker);
      expect(idOf(get('a', IMPLICIT))).not.toBe(0);
    },
  );

  test('that any DRM driver may have made is not imported where there are several', () => {
    exportedBy('drm');
    const one = new Imports(kernel as unknown as NativeCard, () => false);
    const framebuffer = get('a', IMPLICIT);
    expect(one.of(framebuffer)).toEqual({
      id: 0,
      refusal: 'it has no modifier and was made by drm: fake does not know how it lies in memory',
    });
  });
});

describe('a framebuffer is freed', () => {
  test('when its guest has gone and nobody shows it', () => {
    const [shown, idle] = [get('a'), get('b')];
    shown.retain();
    shown.retain();
    cache.releaseOwner(guest);
    expect(kernel.closedFramebuffers).toEqual([idOf(idle)]);
    shown.release();
    expect(isOpen(fdOf(shown))).toBe(true);
    shown.release();
    expect(kernel.closedFramebuffers).toEqual([idOf(idle), idOf(shown)]);
    expect(isOpen(fdOf(shown))).toBe(false);
    cache.releaseOwner(guest);
    expect(kernel.closedFramebuffers).toHaveLength(2);
  });

  test('not when it is merely shown no more', () => {
    const made = get('a');
    made.retain();
    made.release();
    expect(get('a')).toBe(made);
    expect(made.used).toBe(false);
  });

  test('never for what another guest uses', () => {
    const other = {};
    const theirs = get('theirs', {}, other);
    for (let index = 0; index < 80; index++) get(`b${index}`);
    expect(kernel.closedFramebuffers).not.toContain(idOf(theirs));
    expect(get('theirs', {}, other)).toBe(theirs);
    expect(cache.size).toBe(65);
    cache.releaseOwner(other);
  });

  test('as the oldest of more than 64, those in use apart', () => {
    const made = Array.from({ length: 64 }, (_, index) => get(`b${index}`));
    made[0]!.retain();
    made[1]!.retain();
    expect(kernel.closedFramebuffers).toEqual([]);
    const newest = get('one more');
    expect(kernel.closedFramebuffers).toEqual([idOf(made[2]!)]);
    expect(get('one more')).toBe(newest);
    get('and more');
    expect(kernel.closedFramebuffers).toEqual([idOf(made[2]!), idOf(made[3]!)]);
    expect(cache.size).toBe(64);
    made[0]!.release();
    made[1]!.release();
    get('yet more');
    expect(kernel.closedFramebuffers.at(-1)).toBe(idOf(made[0]!));
  });

  test('never itself when all others are in use', () => {
    const made = Array.from({ length: 65 }, (_, index) => {
      const framebuffer = get(`b${index}`);
      framebuffer.retain();
      return framebuffer;
    });
    expect(cache.size).toBe(65);
    for (const framebuffer of made) framebuffer.release();
  });

  test('by RMFB where the kernel has no CLOSEFB, asked for once', () => {
    kernel.closeResult = -25;
    const close = jest.spyOn(kernel, 'closeFramebuffer');
    const [a, b] = [get('a'), get('b')];
    cache.releaseOwner(guest);
    expect(kernel.removedFramebuffers).toEqual([idOf(a), idOf(b)]);
    expect(close).toHaveBeenCalledTimes(1);
  });
});

describe('the pixels of a framebuffer', () => {
  test('are mapped once, as far as they go, and unmapped with it', () => {
    const close = jest.fn();
    const map = jest.spyOn(native, 'mapDmabuf').mockReturnValue({ size: 4096, close });
    const made = get('a', { offset: 64, pitch: 128 });
    expect(made.mapping()).toBe(made.mapping());
    expect(map.mock.calls).toEqual([[fdOf(made), 64 + 3 * 128 + 32]]);
    cache.releaseOwner(guest);
    expect(close).toHaveBeenCalledTimes(1);
  });

  test('are out of reach when they are tiled', () => {
    expect(() => get('a', { modifierLow: 1 }).mapping()).toThrow(BufferRefused);
    expect(() => get('a', { modifierHigh: 1 }).mapping()).toThrow('only linear buffers can be copied');
    // A driver that does not say its layout has one of its own; this file's is no exporter known to have none.
    expect(() => get('a', { modifierHigh: 0xffffff, modifierLow: 0xffffffff }).mapping()).toThrow(
      'its layout is known to its driver alone',
    );
  });
});

describe('of several cards', () => {
  let other: FakeCard;
  let second: Imports;
  beforeEach(() => {
    other = new FakeCard();
    second = new Imports(other as unknown as NativeCard);
    cache.add(second);
  });

  test('the one that shows a buffer imports it at once, others when they show it', () => {
    const framebuffer = cache.get(guest, layoutOf(buffer('a')), () => second);
    expect([kernel.imports.length, other.imports.length]).toEqual([0, 1]);
    const made = card.of(framebuffer);
    expect(card.of(framebuffer)).toBe(made);
    expect([kernel.imports.length, other.imports.length]).toEqual([1, 1]);
    const theirs = second.of(framebuffer).id;
    cache.releaseOwner(guest);
    expect([kernel.closedFramebuffers, other.closedFramebuffers]).toEqual([[made.id], [theirs]]);
  });

  test('another takes what the first refuses', () => {
    kernel.importError = systemError('EINVAL', -22, 'DRM_IOCTL_MODE_ADDFB2');
    const framebuffer = cache.get(guest, layoutOf(buffer('a'), { modifierLow: 1 }));
    expect(second.of(framebuffer).refusal).toBeUndefined();
    expect(card.of(framebuffer)).toMatchObject({
      id: 0,
      refusal: expect.stringMatching(/^the card takes no /) as string,
    });
  });

  test('what none takes is refused with the words of the one that was to show it, and nothing is kept', () => {
    kernel.importError = systemError('EINVAL', -22, 'DRM_IOCTL_MODE_ADDFB2');
    other.importError = systemError('ENODEV', -19, 'DRM_IOCTL_PRIME_FD_TO_HANDLE');
    expect(() => cache.get(guest, layoutOf(buffer('a')), () => second)).toThrow(
      /not a dma-buf this card can import/,
    );
    expect(cache.size).toBe(0);
  });

  test('what is too short is taken back from the one that took it', () => {
    expect(() => get('a', { height: 4000 })).toThrow(BufferRefused);
    expect(kernel.closedFramebuffers).toHaveLength(1);
    expect(other.imports).toEqual([]);
  });

  test('one that has gone is asked no more, and told nothing', () => {
    const framebuffer = cache.get(guest, layoutOf(buffer('a')), () => second);
    cache.remove(second);
    cache.releaseOwner(guest);
    expect(other.closedFramebuffers).toEqual([]);
    cache.remove(card);
    expect(() => cache.get(guest, layoutOf(buffer('b')))).toThrow('there is no card to show it');
    expect(framebuffer.used).toBe(false);
  });
});
