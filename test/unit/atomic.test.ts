import * as fs from 'node:fs';
import { AtomicCommit } from '../../src/kms/atomic';
import type { Target } from '../../src/kms/commit';
import { REFLECT_Y, ROTATE_0, type Scanout } from '../../src/kms/scanout';
import { SavedProperties, Signal } from '../../src/kms/signal';
import type { CursorState } from '../../src/kms/cursor-plane';
import type { NativeCard, NativeDumb, PropertyInfo } from '../../src/native';
import { mode } from './support/modes';

const CRTC = 0xcccccccc;
const CONNECTOR = 0xc0c0c0c0;
const PLANE = 0xeeeeeeee;
const [EVENT, TEST, NONBLOCK, MODESET] = [0x01, 0x0100, 0x0200, 0x0400];

const ROTATIONS = ['rotate-0', 'rotate-90', 'rotate-180', 'rotate-270', 'reflect-x', 'reflect-y'];
const PLANE_PROPERTIES = ['type', 'CRTC_ID', 'FB_ID', 'SRC_X', 'SRC_Y', 'SRC_W', 'SRC_H', 'CRTC_X', 'CRTC_Y', 'CRTC_W', 'CRTC_H', 'HOTSPOT_X', 'HOTSPOT_Y', 'rotation', 'IN_FENCE_FD', 'FB_DAMAGE_CLIPS']; // prettier-ignore

interface FakePlane {
  id: number;
  type: bigint;
  possibleCrtcs: number;
  crtcId: number;
  rotations?: string[];
  fences?: boolean;
  damage?: boolean;
  hotspot?: boolean;
}

/** The kernel's objects: CRTCs 40 and 41, connectors 50 and 51, planes as given. Property ids are per name. */
class Kernel {
  planeList: FakePlane[] = [
    { id: 60, type: 1n, possibleCrtcs: 0b01, crtcId: 0, rotations: ['rotate-0', 'reflect-y'] },
    { id: 61, type: 1n, possibleCrtcs: 0b10, crtcId: 0, rotations: ['rotate-0'] },
    { id: 62, type: 0n, possibleCrtcs: 0b11, crtcId: 0 },
    { id: 63, type: 2n, possibleCrtcs: 0b01, crtcId: 0 },
  ];
  connectorCrtc = new Map([
    [50, 0],
    [51, 0],
  ]);
  readonly commits: { changes: string[]; flags: number; cookie: number }[] = [];
  readonly blobs = new Set<number>();
  lastBlob = Infinity;
  results: number[] = [];
  setErrors: Error[] = [];
  fence = -25;
  readonly clips: string[] = [];
  blobError = 0;
  /** Whether there are properties of the signal. */
  signals = false;
  /** Of any object, by its id. */
  readonly extras = new Map<number, Partial<PropertyInfo>[]>();
  readonly #names: string[] = [];

  resources = (): object => ({ crtcs: [40, 41], connectors: [50, 51] });
  planes = (): number[] => this.planeList.map(({ id }) => id);
  plane = (id: number): FakePlane => this.planeList.find((plane) => plane.id === id)!;
  properties = (id: number, type: number): object[] => [
    ...this.#properties(id, type),
    ...(this.extras.get(id) ?? []).map((extra) => ({
      ...{ id: this.#id(extra.name!), flags: 0, enums: [] },
      ...extra,
    })),
  ];
  #properties(id: number, type: number): object[] {
    const property = (name: string, value = 0n, enums: string[] = []): object => ({
      id: this.#id(name),
      name,
      value,
      enums: enums.map((enumName) => ({ name: enumName, value: BigInt(ROTATIONS.indexOf(enumName)) })),
    });
    if (type === CRTC)
      return ['ACTIVE', 'MODE_ID', ...(this.signals ? ['VRR_ENABLED'] : [])].map((name) => property(name));
    if (type === CONNECTOR)
      return [
        property('CRTC_ID', BigInt(this.connectorCrtc.get(id)!)),
        ...(this.signals ? [property('vrr_capable', 1n), property('max bpc', 8n)] : []),
      ];
    expect(type).toBe(PLANE);
    const plane = this.plane(id);
    const has: Record<string, unknown> = {
      rotation: plane.rotations,
      IN_FENCE_FD: plane.fences,
      FB_DAMAGE_CLIPS: plane.damage,
      HOTSPOT_X: plane.hotspot,
      HOTSPOT_Y: plane.hotspot,
    };
    return PLANE_PROPERTIES.filter((name) => !(name in has) || has[name]).map((name) =>
      property(name, name === 'type' ? plane.type : 0n, name === 'rotation' ? plane.rotations : []),
    );
  }
  readonly calls: string[] = [];
  setCursor = (crtc: number, image: object | null, hotX: number, hotY: number): number => {
    this.calls.push(image ? `${crtc} set ${hotX},${hotY}` : `${crtc} hide`);
    return 0;
  };
  moveCursor = (crtc: number, x: number, y: number): number => {
    this.calls.push(`${crtc} ${x},${y}`);
    return 0;
  };
  signalledFence = (): number => this.fence;
  createModeBlob = (): number => {
    const id = 900 + this.blobs.size;
    if (id > this.lastBlob) throw new Error('ENOMEM');
    this.blobs.add(id);
    return id;
  };
  createDamageBlob = (...clip: number[]): number => {
    const id = this.blobError || 1000 + this.clips.push(clip.join());
    if (id > 0) this.blobs.add(id);
    return id;
  };
  destroyBlob = (id: number): void => {
    this.blobs.delete(id);
  };
  atomic = (changes: Float64Array, count: number, flags: number, cookie: number): number => {
    this.#write(changes, count, flags, cookie);
    return this.results.shift() ?? 0;
  };
  /** Whether a set is no modeset; asked so often. */
  seamless = false;
  asked = 0;
  atomicSet = (changes: Float64Array, count: number, flags: number): Promise<void> => {
    if (flags === TEST) {
      this.asked++;
      return this.seamless ? Promise.resolve() : Promise.reject(new Error('EINVAL'));
    }
    this.#write(changes, count, flags, 0);
    const error = this.setErrors.shift();
    return error ? Promise.reject(error) : Promise.resolve();
  };

  #write(changes: Float64Array, count: number, flags: number, cookie: number): void {
    const written: string[] = [];
    const objects: number[] = [];
    for (let at = 0; at < count * 3; at += 3) {
      if (objects.at(-1) !== changes[at]) objects.push(changes[at]!);
      written.push(`${changes[at]} ${this.#names[changes[at + 1]! - 1]} ${changes[at + 2]}`);
    }
    // The kernel takes the properties of an object together.
    expect(new Set(objects).size).toBe(objects.length);
    this.commits.push({ changes: written, flags, cookie });
  }

  #id(name: string): number {
    if (!this.#names.includes(name)) this.#names.push(name);
    return this.#names.indexOf(name) + 1;
  }
}

let kernel: Kernel;
let commit: AtomicCommit;
const target: Target = { crtc: 40, connector: 50, mode: mode({ hdisplay: 1920, vdisplay: 1080 }) };
const filling: Scanout = {
  framebuffer: 7,
  ...{ x: 0, y: 0, width: 1920, height: 1080 },
  ...{ panelX: 0, panelY: 0, panelWidth: 1920, panelHeight: 1080 },
  rotation: ROTATE_0,
  encoding: 0,
};

beforeEach(() => {
  kernel = new Kernel();
  commit = AtomicCommit.create(kernel as unknown as NativeCard, [40, 41])!;
});
afterEach(() => {
  expect([...kernel.blobs]).toEqual([]);
});

describe('a modeset', () => {
  test('says everything, once', async () => {
    await commit.set(target, filling);
    expect(kernel.commits).toEqual([
      {
        flags: MODESET,
        cookie: 0,
        changes: [
          '50 CRTC_ID 40', '40 MODE_ID 900', '40 ACTIVE 1', '60 CRTC_ID 40', '60 FB_ID 7', '60 SRC_X 0', '60 SRC_Y 0',
          '60 CRTC_X 0', '60 CRTC_Y 0', `60 SRC_W ${1920 * 65536}`, `60 SRC_H ${1080 * 65536}`, '60 CRTC_W 1920',
          '60 CRTC_H 1080', '60 rotation 1',
        ],
      },
    ]); // prettier-ignore
  });

  test('is none where a test says that it can do without', async () => {
    expect(await commit.set(target, filling)).toBe(false);
    kernel.seamless = true;
    expect(await commit.set(target, filling)).toBe(true);
    expect(kernel.commits.map(({ flags }) => flags)).toEqual([MODESET, 0]);
    expect(kernel.commits[1]!.changes).toEqual(kernel.commits[0]!.changes);
    expect(kernel.asked).toBe(2);
  });

  test('takes off what another client left: its connector and its planes', async () => {
    kernel.connectorCrtc.set(51, 40);
    kernel.plane(62).crtcId = 40;
    kernel.plane(63).crtcId = 41;
    await commit.set(target, filling);
    const { changes } = kernel.commits[0]!;
    expect(changes[0]).toBe('51 CRTC_ID 0');
    expect(changes.slice(-2)).toEqual(['62 FB_ID 0', '62 CRTC_ID 0']);
    expect(changes.filter((change) => change.startsWith('63'))).toEqual([]);
  });

  test('switches off the CRTC on which another client had the connector alone, with its planes', async () => {
    kernel.connectorCrtc.set(50, 41);
    kernel.plane(60).crtcId = 41; // Ours to be, and not cleared.
    kernel.plane(61).crtcId = 41;
    await commit.set(target, filling);
    const { changes } = kernel.commits[0]!;
    expect(changes.slice(-4)).toEqual(['41 ACTIVE 0', '41 MODE_ID 0', '61 FB_ID 0', '61 CRTC_ID 0']);
    expect(changes).toContain('60 FB_ID 7');
  });

  test('leaves on the CRTC that another connector shared with it', async () => {
    kernel.connectorCrtc.set(50, 41).set(51, 41);
    kernel.plane(61).crtcId = 41;
    await commit.set(target, filling);
    expect(kernel.commits[0]!.changes.filter((change) => /^(41|51|61) /.test(change))).toEqual([]);
  });

  describe('puts right what others left', () => {
    const enums = (...names: string[]) => names.map((name, index) => ({ name, value: BigInt(index) }));
    const zpos = (value: bigint, flags = 0) => ({ name: 'zpos', value, flags, range: [0n, 7n] as const });
    const IMMUTABLE = 4;

    test('on the connector, the CRTC, the planes; in the same commit', async () => {
      kernel.extras
        .set(50, [
          { name: 'Colorspace', value: 1n, enums: enums('Default', 'BT2020_RGB') },
          { name: 'HDR_OUTPUT_METADATA', value: 77n },
        ])
        .set(
          40,
          ['GAMMA_LUT', 'DEGAMMA_LUT', 'CTM'].map((name) => ({ name, value: 78n })),
        )
        .set(60, [
          { name: 'alpha', value: 100n, range: [0n, 65535n] },
          { name: 'pixel blend mode', value: 0n, enums: enums('None', 'Pre-multiplied', 'Coverage') },
        ])
        .set(63, [{ name: 'alpha', value: 0n, range: [0n, 65535n] }]);
      kernel.plane(63).crtcId = 40;
      await commit.set(target, filling);
      const { changes } = kernel.commits[0]!;
      expect(changes).toEqual(
        expect.arrayContaining([
          ...[
            '50 Colorspace 0',
            '50 HDR_OUTPUT_METADATA 0',
            '40 GAMMA_LUT 0',
            '40 DEGAMMA_LUT 0',
            '40 CTM 0',
          ],
          ...['60 alpha 65535', '60 pixel blend mode 1', '63 FB_ID 0', '63 CRTC_ID 0', '63 alpha 65535'],
        ]),
      );
      expect(changes).toHaveLength(24);
      // What it would be asked beforehand is the same, and a flip says nothing of it.
      commit.isSeamless(target, filling);
      expect(kernel.commits[1]!.changes).toEqual(changes);
      commit.flip(40, filling, { ...filling, framebuffer: 8 }, 1);
      expect(kernel.commits[2]!.changes).toEqual(['60 FB_ID 8']);
    });

    test('and leaves alone what is as it should be, or cannot be changed', async () => {
      kernel.extras
        .set(50, [{ name: 'Colorspace', value: 0n, enums: enums('Default', 'BT2020_RGB') }])
        .set(40, [{ name: 'GAMMA_LUT', value: 0n }])
        .set(60, [zpos(0n), { name: 'alpha', value: 3n, flags: IMMUTABLE, range: [0n, 65535n] }])
        .set(63, [zpos(1n)]);
      await commit.set(target, filling);
      expect(kernel.commits[0]!.changes).toHaveLength(14);
    });

    test.each([
      ['both', 0, ['60 zpos 0', '63 zpos 7']],
      ['the one that moves', IMMUTABLE, ['63 zpos 7']],
    ])('a pointer that lies under the picture: %s', async (_, flags, expected) => {
      kernel.extras.set(60, [zpos(3n, flags)]).set(63, [zpos(2n)]);
      await commit.set(target, filling);
      expect(kernel.commits[0]!.changes.filter((change) => change.includes('zpos'))).toEqual(expected);
    });

    test('but lights the panel without, where the card refuses that', async () => {
      kernel.extras.set(40, [{ name: 'CTM', value: 78n }]);
      kernel.setErrors = [new Error('EINVAL')];
      await commit.set(target, filling);
      expect(kernel.commits.map(({ changes }) => changes.includes('40 CTM 0'))).toEqual([true, false]);
    });
  });

  describe('with what is asked of the signal', () => {
    let troubles: (string | undefined)[];
    const signal = (): Signal => {
      const native = kernel as unknown as NativeCard;
      return new Signal(
        { native, savedProperties: new SavedProperties(native) },
        50,
        40,
        { vrr: true, maxBpc: 10 },
        ({ name, trouble }) => troubles.push(`${name}: ${trouble}`),
      );
    };
    const refusal = new Error('EINVAL, ioctl(DRM_IOCTL_MODE_ATOMIC)');
    beforeEach(() => {
      kernel.signals = true;
      troubles = [];
    });

    test('says that in the same commit', async () => {
      await commit.set({ ...target, signal: signal() }, filling);
      expect(kernel.commits).toHaveLength(1);
      expect(kernel.commits[0]!.changes.slice(0, 5)).toEqual([
        '50 CRTC_ID 40', '50 max bpc 10', '40 MODE_ID 900', '40 ACTIVE 1', '40 VRR_ENABLED 1',
      ]); // prettier-ignore
      expect(troubles).toEqual([]);
    });

    test('that the card refuses goes on without', async () => {
      const asked = signal();
      kernel.setErrors = [refusal];
      await commit.set({ ...target, signal: asked }, filling);
      await commit.set({ ...target, signal: asked }, filling);
      expect(kernel.commits.map(({ changes }) => changes.includes('50 max bpc 10'))).toEqual([
        true,
        false,
        false,
      ]);
      expect(troubles).toEqual(
        ['vrr', 'max-bpc'].map((name) => `${name}: the card refuses it: ${refusal.message}`),
      );
    });

    test('that the card refuses for something else keeps it', async () => {
      const asked = signal();
      kernel.setErrors = [refusal, refusal];
      await expect(commit.set({ ...target, signal: asked }, filling)).rejects.toBe(refusal);
      expect(asked.changes).toHaveLength(2);
      expect(troubles).toEqual([]);
    });
  });

  test('that fails leaves no blob', async () => {
    kernel.setErrors = [new Error('EINVAL')];
    await expect(commit.set(target, filling)).rejects.toThrow('EINVAL');
  });

  describe('of several CRTCs', () => {
    const second: Target = { crtc: 41, connector: 51, mode: mode({ hdisplay: 1280, vdisplay: 720 }) };
    const lights = [
      { target, scanout: filling },
      { target: second, scanout: { ...filling, framebuffer: 9, rotation: ROTATE_0 | REFLECT_Y } },
    ];
    const of = (...objects: number[]): string[] =>
      kernel.commits[0]!.changes.filter((change) => objects.includes(Number(change.split(' ')[0])));

    test('is one commit, with a mode for each', async () => {
      expect(await commit.setAll(lights)).toBe(false);
      kernel.seamless = true;
      expect(await commit.setAll(lights)).toBe(true);
      expect(kernel.asked).toBe(2);
      expect(kernel.commits.map(({ flags }) => flags)).toEqual([MODESET, 0]);
      expect(of(50, 51, 40, 41)).toEqual([
        '50 CRTC_ID 40', '40 MODE_ID 900', '40 ACTIVE 1', '51 CRTC_ID 41', '41 MODE_ID 901', '41 ACTIVE 1',
      ]); // prettier-ignore
      expect(of(60, 61)).toEqual(expect.arrayContaining(['60 FB_ID 7', '61 FB_ID 9']));
      // As after one alone.
      expect(kernel.calls).toEqual(['41 hide', '41 hide']);
      await commit.release(41);
      expect(kernel.commits.at(-1)!.changes).toEqual(['61 rotation 1']);
    });

    test('takes nothing off that goes from one to another', async () => {
      kernel.connectorCrtc.set(50, 41).set(51, 40);
      kernel.plane(60).crtcId = 41;
      kernel.plane(61).crtcId = 40;
      kernel.plane(62).crtcId = 41;
      // The pointer that was on the other.
      kernel.plane(63).crtcId = 41;
      await commit.setAll(lights);
      expect(of(50, 51)).toEqual(['50 CRTC_ID 40', '51 CRTC_ID 41']);
      expect(of(60, 61).filter((change) => /FB_ID|CRTC_ID/.test(change))).toEqual([
        '60 CRTC_ID 40',
        '60 FB_ID 7',
        '61 CRTC_ID 41',
        '61 FB_ID 9',
      ]);
      expect(of(62, 63)).toEqual(['63 FB_ID 0', '63 CRTC_ID 0', '62 FB_ID 0', '62 CRTC_ID 0']);
      expect(of(40, 41).filter((change) => change.endsWith(' 0'))).toEqual([]);
    });

    test('switches off a CRTC that had the connectors of both, once', async () => {
      kernel.connectorCrtc.set(50, 42).set(51, 42);
      await commit.setAll(lights);
      expect(of(42)).toEqual(['42 ACTIVE 0', '42 MODE_ID 0']);
    });

    test('puts right what others left on each', async () => {
      kernel.extras.set(40, [{ name: 'CTM', value: 78n }]).set(41, [{ name: 'GAMMA_LUT', value: 79n }]);
      await commit.setAll(lights);
      expect(of(40, 41)).toEqual(expect.arrayContaining(['40 CTM 0', '41 GAMMA_LUT 0']));
    });

    test('that is refused is left at that: nothing has changed, and it is not known what is to blame', async () => {
      kernel.setErrors = [new Error('ENOSPC')];
      await expect(commit.setAll(lights)).rejects.toThrow('ENOSPC');
      expect(kernel.commits).toHaveLength(1);
    });

    test('leaves no blob where there is none for all', async () => {
      kernel.lastBlob = 900;
      await expect(commit.setAll(lights)).rejects.toThrow('ENOMEM');
      expect(kernel.commits).toEqual([]);
    });
  });

  test('off: the connector, the CRTC, all its planes', async () => {
    kernel.connectorCrtc.set(50, 40);
    kernel.plane(60).crtcId = 40;
    await commit.off(40);
    expect(kernel.commits).toEqual([
      { flags: MODESET, cookie: 0, changes: ['50 CRTC_ID 0', '40 ACTIVE 0', '40 MODE_ID 0', '60 FB_ID 0', '60 CRTC_ID 0'] },
    ]); // prettier-ignore
  });
});

describe('a flip', () => {
  test('carries the framebuffer and nothing else', () => {
    expect(commit.flip(40, filling, { ...filling, framebuffer: 8 }, 33)).toBe(0);
    expect(kernel.commits).toEqual([{ flags: NONBLOCK | EVENT, cookie: 33, changes: ['60 FB_ID 8'] }]);
  });

  test('to another place and size carries what is different', () => {
    const next = {
      ...filling,
      framebuffer: 8,
      x: 5,
      width: 800,
      height: 600,
      panelX: 560,
      panelY: 240,
      panelWidth: 400,
    };
    commit.flip(40, filling, next, 1);
    expect(kernel.commits[0]?.changes).toEqual([
      '60 FB_ID 8', `60 SRC_X ${5 * 65536}`, '60 CRTC_X 560', '60 CRTC_Y 240', `60 SRC_W ${800 * 65536}`,
      `60 SRC_H ${600 * 65536}`, '60 CRTC_W 400',
    ]); // prettier-ignore
  });

  test('that is refused says how', () => {
    kernel.results = [-16];
    expect(commit.flip(40, filling, filling, 1)).toBe(-16);
  });

  test('of a reflected buffer turns it, and the next one back; what is left behind is not turned', async () => {
    const upsideDown = { ...filling, framebuffer: 8, rotation: ROTATE_0 | REFLECT_Y };
    commit.flip(40, filling, upsideDown, 1);
    expect(kernel.commits.at(-1)?.changes).toEqual(['60 FB_ID 8', '60 rotation 33']);
    commit.flip(40, upsideDown, filling, 2);
    expect(kernel.commits.at(-1)?.changes).toEqual(['60 FB_ID 7', '60 rotation 1']);
    const before = kernel.commits.length;
    await commit.release(40);
    expect(kernel.commits).toHaveLength(before);
    commit.flip(40, filling, upsideDown, 3);
    await commit.release(40);
    expect(kernel.commits.at(-1)).toEqual({ flags: 0, cookie: 0, changes: ['60 rotation 1'] });
  });
});

describe('a fence of our own', () => {
  const withFences = (): AtomicCommit => {
    for (const plane of kernel.planeList) plane.fences = true;
    return AtomicCommit.create(kernel as unknown as NativeCard, [40, 41])!;
  };

  test('goes with every flip, so that the kernel waits for none of the guest’s', () => {
    kernel.fence = fs.openSync('/dev/null', 'r');
    const fenced = withFences();
    expect(fenced.implicit).toBe(false);
    fenced.flip(40, filling, { ...filling, framebuffer: 8 }, 1);
    expect(kernel.commits[0]?.changes).toEqual(['60 FB_ID 8', `60 IN_FENCE_FD ${kernel.fence}`]);
    fenced.close();
    expect(() => fs.fstatSync(kernel.fence)).toThrow('EBADF');
    fenced.close();
  });

  test('that the driver refuses is left out from then on', () => {
    kernel.fence = fs.openSync('/dev/null', 'r');
    const fenced = withFences();
    kernel.results = [-1];
    expect(fenced.flip(40, filling, { ...filling, framebuffer: 8 }, 1)).toBe(0);
    fenced.flip(40, filling, { ...filling, framebuffer: 9 }, 2);
    expect(kernel.commits.map(({ changes }) => changes.length)).toEqual([2, 1, 1]);
    expect(fenced.implicit).toBe(true);
    expect(() => fs.fstatSync(kernel.fence)).toThrow('EBADF');
  });

  test('that the kernel does not give is done without', () => {
    const fenced = withFences();
    expect(fenced.implicit).toBe(true);
    fenced.flip(40, filling, filling, 1);
    expect(kernel.commits[0]?.changes).toEqual(['60 FB_ID 7']);
  });
});

describe('damage', () => {
  const next = { ...filling, framebuffer: 8 };
  const flip = (left: number, top: number, right: number, bottom: number, crtc = 40): string | undefined => {
    commit.flip(crtc, filling, next, 1, { left, top, right, bottom });
    return kernel.commits.at(-1)?.changes[1];
  };
  beforeEach(() => {
    kernel.planeList[0]!.damage = true;
    commit = AtomicCommit.create(kernel as unknown as NativeCard, [40, 41])!;
  });
  afterEach(() => {
    commit.close();
    expect([...kernel.blobs]).toEqual([]);
  });

  test('is told of planes that have a use for it, in one blob as long as it is the same', () => {
    expect([commit.takesDamage(40), commit.takesDamage(41)]).toEqual([true, false]);
    expect(flip(1, 2, 30, 40)).toBe('60 FB_DAMAGE_CLIPS 1001');
    expect(flip(1, 2, 30, 40)).toBe('60 FB_DAMAGE_CLIPS 1001');
    expect(flip(1, 2, 30, 41)).toBe('60 FB_DAMAGE_CLIPS 1002');
    expect([...kernel.blobs]).toEqual([1002]);
    expect(kernel.clips).toEqual(['1,2,30,40', '1,2,30,41']);
  });

  test('is not told when it is nothing or most of the screen, nor where blobs run out', () => {
    expect(flip(0, 0, 1920, 541)).toBeUndefined();
    expect(flip(0, 0, 1 << 30, 1 << 30)).toBeUndefined();
    expect(flip(5, 5, 5, 9)).toBeUndefined();
    kernel.blobError = -12;
    expect(flip(0, 0, 10, 10)).toBeUndefined();
    kernel.blobError = 0;
    expect(flip(0, 0, 10, 10)).toBe('60 FB_DAMAGE_CLIPS 1001');
  });
});

describe('the pointer', () => {
  const image = { framebuffer: 90, width: 64, height: 64 } as NativeDumb;
  const nothing: CursorState = { image: null, x: 0, y: 0, hotX: 0, hotY: 0 };
  const at = (x: number, y: number, change: Partial<CursorState> = {}): CursorState => ({
    ...{ image, x, y, hotX: 1, hotY: 2 },
    ...change,
  });
  const last = (): string[] | undefined => kernel.commits.at(-1)?.changes;

  test('is there where a CRTC has a cursor plane', () => {
    expect([commit.carriesCursor(40), commit.carriesCursor(41)]).toEqual([true, false]);
  });

  test('is moved by calls where there is none, or the kernel hides it, and is not left behind either', async () => {
    expect(commit.point(41, { now: nothing, next: at(5, 6) }, 1)).toBe(0);
    commit.point(41, { now: at(5, 6), next: at(7, 6) }, 2);
    commit.point(41, { now: at(7, 6), next: nothing }, 3);
    expect(kernel.calls.splice(0)).toEqual(['41 5,6', '41 set 1,2', '41 7,6', '41 hide']);
    expect(kernel.commits).toEqual([]);
    await commit.set({ ...target, crtc: 41, connector: 51 }, filling);
    await commit.off(41);
    await commit.release(41);
    expect(kernel.calls.splice(0)).toEqual(['41 hide', '41 hide', '41 hide']);
    await commit.set(target, filling);
    expect(kernel.calls).toEqual([]);
  });

  test('comes with all that its plane needs, moves with its place alone, and goes', () => {
    expect(commit.point(40, { now: nothing, next: at(-5, 7) }, 21)).toBe(0);
    const side = 64 * 65536;
    expect(kernel.commits).toEqual([
      {
        flags: NONBLOCK | EVENT,
        cookie: 21,
        changes: [
          '63 CRTC_ID 40', '63 SRC_X 0', '63 SRC_Y 0', `63 SRC_W ${side}`, `63 SRC_H ${side}`, '63 CRTC_W 64',
          '63 CRTC_H 64', '63 FB_ID 90', '63 CRTC_X -5', '63 CRTC_Y 7',
        ],
      },
    ]); // prettier-ignore
    commit.point(40, { now: at(-5, 7), next: at(-6, 7) }, 22);
    expect(last()).toEqual(['63 CRTC_X -6']);
    commit.point(40, { now: at(-6, 7), next: at(-6, 7, { image: { ...image, framebuffer: 91 } }) }, 23);
    expect(last()).toEqual(['63 FB_ID 91']);
    commit.point(40, { now: at(-6, 7), next: nothing }, 24);
    expect(last()).toEqual(['63 FB_ID 0', '63 CRTC_ID 0']);
    kernel.results = [-16];
    expect(commit.point(40, { now: nothing, next: at(0, 0) }, 25)).toBe(-16);
  });

  test('goes along with a frame', () => {
    kernel.planeList[0]!.damage = true;
    commit = AtomicCommit.create(kernel as unknown as NativeCard, [40, 41])!;
    const damage = { left: 0, top: 0, right: 8, bottom: 8 };
    commit.flip(40, filling, { ...filling, framebuffer: 8 }, 1, damage, { now: at(0, 0), next: at(3, 4) });
    expect(last()).toEqual(['63 CRTC_X 3', '63 CRTC_Y 4', '60 FB_ID 8', '60 FB_DAMAGE_CLIPS 1001']);
    commit.close();
  });

  test('says its hot spot where that is asked for', () => {
    kernel.plane(63).hotspot = true;
    commit = AtomicCommit.create(kernel as unknown as NativeCard, [40, 41])!;
    commit.point(40, { now: nothing, next: at(0, 0) }, 1);
    expect(last()?.slice(-2)).toEqual(['63 HOTSPOT_X 1', '63 HOTSPOT_Y 2']);
    commit.point(40, { now: at(0, 0), next: at(0, 1, { hotX: 9 }) }, 1);
    expect(last()).toEqual(['63 CRTC_Y 1', '63 HOTSPOT_X 9']);
  });

  test('is not left behind', async () => {
    kernel.plane(63).crtcId = 40;
    await commit.release(40);
    expect(kernel.commits).toEqual([{ flags: 0, cookie: 0, changes: ['63 FB_ID 0', '63 CRTC_ID 0'] }]);
    await commit.release(41);
    expect(kernel.commits).toHaveLength(1);
  });
});

describe('what the hardware takes is asked without touching it', () => {
  const small = { ...filling, width: 800, height: 600, panelX: 560, panelY: 240 };

  test('of a running output, without the right to a modeset', () => {
    expect(commit.accepts(target, true, small)).toBe(true);
    kernel.results = [-22];
    expect(commit.accepts(target, true, small)).toBe(false);
    expect(kernel.commits.map(({ flags }) => flags)).toEqual([TEST, TEST]);
    expect(kernel.commits[0]?.changes).toContain('60 CRTC_X 560');
  });

  test('of a dark one, with the modeset it would be', () => {
    expect(commit.accepts(target, false, small)).toBe(true);
    expect(kernel.commits[0]).toMatchObject({ flags: TEST | MODESET });
    expect(kernel.commits[0]?.changes).toContain('40 MODE_ID 900');
  });

  test('whether it can be shown without a modeset', () => {
    kernel.results = [-22, 0];
    expect([commit.isSeamless(target, filling), commit.isSeamless(target, filling)]).toEqual([false, true]);
    expect(kernel.commits.map(({ flags }) => flags)).toEqual([TEST, TEST]);
    expect(kernel.commits[0]!.changes).toContain('40 ACTIVE 1');
  });

  test('whether it can be lit at all, with a buffer of ours', async () => {
    await commit.lights(target, filling);
    expect(kernel.commits.map(({ flags }) => flags)).toEqual([TEST | MODESET]);
    kernel.setErrors = [new Error('EINVAL')];
    await expect(commit.lights(target, filling)).rejects.toThrow('EINVAL');
  });

  test('a plane that cannot reflect is not asked to', () => {
    expect(
      commit.accepts({ ...target, crtc: 41 }, true, { ...filling, rotation: ROTATE_0 | REFLECT_Y }),
    ).toBe(false);
    expect(kernel.commits).toEqual([]);
    expect(commit.accepts(target, true, { ...filling, rotation: ROTATE_0 | REFLECT_Y })).toBe(true);
  });
});

describe('each CRTC has a primary plane of its own:', () => {
  const planes = (
    ...list: [id: number, possibleCrtcs: number, crtcId: number][]
  ): AtomicCommit | undefined => {
    kernel.planeList = list.map(([id, possibleCrtcs, crtcId]) => ({ id, type: 1n, possibleCrtcs, crtcId }));
    return AtomicCommit.create(kernel as unknown as NativeCard, [40, 41]);
  };
  const planeOf = (crtc: number, of: AtomicCommit): string | undefined => {
    of.flip(crtc, filling, filling, 1);
    return kernel.commits.at(-1)?.changes[0]?.split(' ')[0];
  };

  test('the one that is there already', () => {
    const made = planes([60, 0b11, 41], [61, 0b11, 40])!;
    expect([planeOf(40, made), planeOf(41, made)]).toEqual(['61', '60']);
  });

  test('the one that can be nowhere else before one that can', () => {
    const made = planes([60, 0b11, 0], [61, 0b01, 0])!;
    expect([planeOf(40, made), planeOf(41, made)]).toEqual(['61', '60']);
  });

  test('where there are too few, the card is driven the legacy way', () => {
    expect(planes([60, 0b11, 0])).toBeUndefined();
  });
});

describe('how YUV is read', () => {
  const high: Scanout = { ...filling, framebuffer: 8, encoding: 709 };
  const standard: Scanout = { ...filling, framebuffer: 9, encoding: 601 };
  const enums = (...names: string[]) => names.map((name, index) => ({ name, value: BigInt(index + 1) }));
  const ENCODINGS = enums('ITU-R BT.2020 YCbCr', 'ITU-R BT.601 YCbCr', 'ITU-R BT.709 YCbCr');
  const colours = (encodings = ENCODINGS, range = true): void => {
    kernel.extras.set(60, [
      { name: 'COLOR_ENCODING', value: 1n, enums: encodings },
      ...(range
        ? [{ name: 'COLOR_RANGE', value: 2n, enums: enums('YCbCr limited range', 'YCbCr full range') }]
        : []),
    ]);
    commit = AtomicCommit.create(kernel as unknown as NativeCard, [40, 41])!;
  };
  const told = (): string[] =>
    kernel.commits.splice(0).flatMap(({ changes }) => changes.filter((change) => change.includes('COLOR_')));

  test('is told with the first picture, again with one of another kind, and taken back for RGB', () => {
    colours();
    commit.flip(40, filling, high, 1);
    expect(told()).toEqual(['60 COLOR_ENCODING 3', '60 COLOR_RANGE 1']);
    commit.flip(40, high, { ...high, framebuffer: 10 }, 2);
    expect(told()).toEqual([]);
    commit.flip(40, high, standard, 3);
    expect(told()).toEqual(['60 COLOR_ENCODING 2', '60 COLOR_RANGE 1']);
    commit.flip(40, standard, filling, 4);
    expect(told()).toEqual(['60 COLOR_ENCODING 1', '60 COLOR_RANGE 2']);
  });

  test('goes along with a modeset and with the question for it', async () => {
    colours();
    await commit.set(target, high);
    expect(told()).toEqual(['60 COLOR_ENCODING 3', '60 COLOR_RANGE 1']);
    expect(commit.accepts(target, true, standard)).toBe(true);
    expect(told()).toEqual(['60 COLOR_ENCODING 2', '60 COLOR_RANGE 1']);
  });

  test('is left as it was found when the CRTC is given back, once', async () => {
    colours();
    commit.flip(40, filling, high, 1);
    told();
    await commit.release(40);
    expect(told()).toEqual(['60 COLOR_ENCODING 1', '60 COLOR_RANGE 2']);
    await commit.release(40);
    expect(kernel.commits).toEqual([]);
    commit.flip(40, filling, high, 2);
    commit.flip(40, high, filling, 3);
    told();
    await commit.release(40);
    expect(kernel.commits).toEqual([]);
  });

  test('is the range of the driver where that cannot be told', () => {
    colours(ENCODINGS, false);
    commit.flip(40, filling, high, 1);
    expect(told()).toEqual(['60 COLOR_ENCODING 3']);
  });

  test('that the plane cannot be told is not taken', () => {
    expect(commit.accepts(target, true, high)).toBe(false);
    colours(enums('ITU-R BT.601 YCbCr'));
    expect(commit.accepts(target, true, high)).toBe(false);
    expect(commit.accepts(target, true, standard)).toBe(true);
    expect(commit.accepts(target, true, filling)).toBe(true);
  });
});
