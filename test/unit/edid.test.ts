import { makeEdid } from '../../src/guest/edid';
import { parseEdid, parseRangeLimits } from '../../src/kms/edid';

const request = {
  guest: 'linux',
  head: 1,
  width: 1920,
  height: 1080,
  refresh: 60000,
  mmWidth: 527,
  mmHeight: 296,
};
const make = (change: Partial<typeof request> = {}) => makeEdid({ ...request, ...change });
const sum = (edid: Uint8Array) => edid.reduce((total, byte) => (total + byte) % 256, 0);

/** The preferred timing of an EDID, decoded by the layout of the standard. */
function timing(edid: Uint8Array) {
  const at = (i: number) => edid[54 + i]!;
  const [width, height] = [at(2) | ((at(4) & 0xf0) << 4), at(5) | ((at(7) & 0xf0) << 4)];
  const [hBlank, vBlank] = [at(3) | ((at(4) & 0x0f) << 8), at(6) | ((at(7) & 0x0f) << 8)];
  const clock = (at(0) | (at(1) << 8)) * 10_000;
  return { width, height, hBlank, vBlank, clock, refresh: clock / ((width + hBlank) * (height + vBlank)) };
}

describe('the EDID for a guest', () => {
  test('is 128 bytes that add up', () => {
    for (const change of [
      {},
      { width: 3840, height: 2160 },
      { mmWidth: 0 },
      { head: 15, guest: 'x'.repeat(64) },
    ]) {
      expect(make(change)).toHaveLength(128);
      expect(sum(make(change))).toBe(0);
    }
  });

  test('reads back', () => {
    expect(parseEdid(make())).toEqual({
      manufacturer: 'KMS',
      product: 2,
      serial: expect.any(Number) as number,
      name: 'KMS head 1',
      serialText: expect.stringMatching(/^[0-9A-F]{12}$/) as string,
      mmWidth: 527,
      mmHeight: 296,
      week: 1,
      year: 2024,
      checksumValid: true,
    });
  });

  test('has an identity that outlives modes, sizes and versions', () => {
    const identity = (edid: Uint8Array) => {
      const { manufacturer, product, serial, serialText, name, week, year } = parseEdid(edid)!;
      return { manufacturer, product, serial, serialText, name, week, year };
    };
    const first = identity(make());
    expect(first).toMatchObject({ serial: 1546126684, serialText: 'CE6A8CC95C28' });
    expect(identity(make({ width: 2560, height: 1440, refresh: 144000, mmWidth: 0, mmHeight: 0 }))).toEqual(
      first,
    );
    expect(make()).toEqual(make());
  });

  test('is another for each guest and head', () => {
    const serials = ['linux', 'windows', 'linux:1'].flatMap((guest) =>
      [0, 1, 15].map((head) => parseEdid(make({ guest, head }))!.serialText),
    );
    expect(new Set(serials).size).toBe(9);
  });

  test.each([
    [1920, 1080, 60000],
    [1366, 768, 59940],
    [2560, 1440, 144000],
    [1080, 1920, 75000],
    [3840, 2160, 60000],
    [640, 480, 60000],
    [1600, 480, 500000],
  ])('prefers %dx%d at %d mHz', (width, height, refresh) => {
    const preferred = timing(make({ width, height, refresh }));
    expect(preferred).toMatchObject({ width, height, hBlank: 160 });
    expect(Math.abs(preferred.refresh * 1000 - refresh)).toBeLessThan(30);
    expect(preferred.vBlank / ((height + preferred.vBlank) * preferred.refresh)).toBeGreaterThan(459e-6);
  });

  test('halves a refresh rate beyond the pixel clock of an EDID', () => {
    expect(timing(make({ width: 3840, height: 2160, refresh: 120000 })).refresh).toBeCloseTo(60, 1);
    expect(timing(make({ width: 2560, height: 1440, refresh: 360000 })).refresh).toBeCloseTo(120, 1);
  });

  test('halves a size beyond its fields', () => {
    expect(timing(make({ width: 5120, height: 2880 }))).toMatchObject({ width: 2560, height: 1440 });
    expect(timing(make({ width: 7680, height: 4320 }))).toMatchObject({ width: 3840, height: 2160 });
  });

  test('leaves out firmware modes that do not fit', () => {
    expect([...make().subarray(35, 37)]).toEqual([0x21, 0x08]);
    expect([...make({ width: 800, height: 600 }).subarray(35, 37)]).toEqual([0x21, 0]);
    expect([...make({ width: 320, height: 240 }).subarray(35, 37)]).toEqual([0, 0]);
  });

  test.each([{ width: 0 }, { height: NaN }, { refresh: 0 }, { refresh: NaN }, { refresh: Infinity }])(
    'refuses %p',
    (change) => {
      expect(() => make(change)).toThrow(RangeError);
    },
  );
});

describe('the EDID of a monitor', () => {
  test('is none when short or without its header', () => {
    expect(parseEdid(new Uint8Array(0))).toBeUndefined();
    expect(parseEdid(make().subarray(0, 127))).toBeUndefined();
    expect(parseEdid(new Uint8Array(128))).toBeUndefined();
  });

  test('may begin anywhere in a buffer and have extensions', () => {
    const buffer = new Uint8Array(300);
    buffer.set(make(), 10);
    expect(parseEdid(buffer.subarray(10))).toEqual(parseEdid(make()));
  });

  test('is read with a wrong checksum, and says so', () => {
    const edid = make();
    edid[127]! ^= 1;
    expect(parseEdid(edid)).toMatchObject({ manufacturer: 'KMS', checksumValid: false });
  });

  test('has what is believable of its size', () => {
    const cm = make();
    cm.set([16, 9, 0], 54 + 12); // the aspect ratio in place of millimetres
    expect(parseEdid(cm)).toMatchObject({ mmWidth: 530, mmHeight: 300 });
    const none = make({ mmWidth: 0, mmHeight: 0 });
    expect(parseEdid(none)).toMatchObject({ mmWidth: 0, mmHeight: 0 });
  });

  test('has no week where that says "model year", and no text where there is none', () => {
    const edid = make();
    edid[16] = 0xff;
    edid.fill(0, 72, 108);
    const identity = parseEdid(edid)!;
    expect(identity).not.toHaveProperty('week');
    expect(identity).not.toHaveProperty('name');
    expect(identity).not.toHaveProperty('serialText');
  });

  test('brings no control characters and no letters that are none', () => {
    const edid = make();
    edid.set([0x1b, 0x5b, 0x41, 0x00, 0xff, 0x42, 0x0a], 95);
    edid.set([0, 0], 8);
    expect(parseEdid(edid)).toMatchObject({ name: '[AB', manufacturer: '???' });
  });

  test('may be any bytes', () => {
    let state = 1;
    const random = () => (state = (state * 48271) % 0x7fffffff) & 0xff;
    for (let round = 0; round < 2000; round++) {
      const edid = Uint8Array.from({ length: 128 }, random);
      edid.set([0, 255, 255, 255, 255, 255, 255, 0]);
      if (round % 2) edid.set([0, 0, 0, 0xfc, 0], 90);
      const identity = parseEdid(edid)!;
      expect(identity.manufacturer).toMatch(/^[A-Z?]{3}$/);
      expect(identity.name ?? 'x').toMatch(/^[\x20-\x7e]{1,13}$/);
    }
  });
});

describe("a monitor's range limits", () => {
  /** An EDID with a range descriptor of these bytes from its flags on. */
  const withRange = (...bytes: number[]): Uint8Array => {
    const edid = make();
    edid.set([0, 0, 0, 0xfd, ...bytes, ...Array<number>(14 - bytes.length).fill(0x20)], 108);
    return edid;
  };

  test('are read, with what they say of reduced blanking', () => {
    expect(parseRangeLimits(withRange(0, 48, 75, 30, 83, 17))).toEqual({
      ...{ minVertical: 48, maxVertical: 75, minHorizontal: 30, maxHorizontal: 83, maxClock: 170_000 },
    });
    const cvt = (support: number) =>
      parseRangeLimits(withRange(0, 48, 75, 30, 83, 17, 4, 0x11, 8 << 2, 0, 0, support));
    expect(cvt(0x10)).toMatchObject({ maxClock: 168_000, reducedBlanking: true });
    expect(cvt(0x08)).toMatchObject({ reducedBlanking: false });
  });

  test('go beyond 255 where their flags say so', () => {
    expect(parseRangeLimits(withRange(0b1110, 48, 105, 10, 65, 120))).toMatchObject({
      ...{ minVertical: 48, maxVertical: 360, minHorizontal: 265, maxHorizontal: 320 },
    });
  });

  test('are none where there is no descriptor, or it makes no sense', () => {
    const none = make();
    none.fill(0, 72, 126);
    expect(parseRangeLimits(none)).toBeUndefined();
    expect(parseRangeLimits(new Uint8Array(128))).toBeUndefined();
    expect(parseRangeLimits(withRange(0, 75, 48, 30, 83, 17))).toBeUndefined();
    expect(parseRangeLimits(withRange(0, 48, 75, 0, 83, 17))).toBeUndefined();
    expect(parseRangeLimits(withRange(0, 48, 75, 30, 83, 0))?.maxClock).toBe(Infinity);
  });
});
