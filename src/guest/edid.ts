/** A head's monitor: who it is follows from guest and head alone, what it prefers from the rest. */
export interface EdidRequest {
  readonly guest: string;
  readonly head: number;
  readonly width: number;
  readonly height: number;
  /** In millihertz. */
  readonly refresh: number;
  /** Size of the picture, 0 when unknown. */
  readonly mmWidth: number;
  readonly mmHeight: number;
}

/** A timing as a detailed descriptor holds it; the pixel clock in units of 10 kHz. */
interface Timing {
  readonly width: number;
  readonly height: number;
  readonly hTotal: number;
  readonly vTotal: number;
  readonly vSync: number;
  readonly clock: number;
}

// What the fields of a detailed timing hold.
const largestActive = 4095;
const largestClock = 65535;

// CVT reduced blanking: pixels, lines, microseconds.
const hBlank = 160;
const hFront = 48;
const hSync = 32;
const vFront = 3;
const vBackMin = 6;
const vBlankMinUs = 460;

/**
 * Makes the EDID 1.4 that a guest reads from one of its heads. The identity depends on guest and head only:
 * a guest that saw a new monitor at every change of mode would forget its layout. What an EDID cannot say
 * becomes less of the same: half the size, or a whole fraction of the refresh rate, so that motion stays even.
 * Throws a RangeError for a mode that cannot be.
 */
export function makeEdid(request: EdidRequest): Uint8Array {
  const { width, height, refresh } = request;
  if (!(width >= 1 && height >= 1 && refresh >= 1000 && refresh <= 1_000_000))
    throw new RangeError(`no EDID for ${width}x${height} at ${refresh} mHz`);
  const timing = reducedBlanking(request);
  const edid = new Uint8Array(128);
  const view = new DataView(edid.buffer);
  edid.set([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]);

  const hash = fnv1a(`${request.guest}:${request.head}`);
  view.setUint16(8, manufacturer('KMS'));
  view.setUint16(10, request.head + 1, true);
  view.setUint32(12, Number(BigInt.asUintN(32, hash)), true);
  edid.set([1, 2024 - 1990, 1, 4], 16); // week and year never change; EDID 1.4

  const size = pictureSize(request);
  // Digital, 8 bits a colour, DisplayPort; size in cm; gamma 2.2; sRGB, and the first timing is the native one.
  edid.set([0xa5, Math.round(size.mmWidth / 10), Math.round(size.mmHeight / 10), 120, 0x06], 20);
  edid.set(srgb(), 25);
  edid.set(firmwareTimings(timing), 35);
  edid.fill(0x01, 38, 54); // no standard timings

  edid.set(detailedTiming(timing, size), 54);
  edid.set(textDescriptor(0xff, hexadecimal(hash >> 16n, 12)), 72);
  edid.set(textDescriptor(0xfc, `KMS head ${request.head}`), 90);
  edid.set(rangeLimits(timing), 108);
  edid[127] = -edid.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return edid;
}

/** 64 bits of a text, to tell guests apart; a cryptographic hash takes longer to load than everything else here. */
function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash;
}

function hexadecimal(value: bigint, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

function reducedBlanking(request: EdidRequest): Timing {
  let [width, height] = [request.width, request.height];
  while (width > largestActive || height > largestActive)
    [width, height] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  for (let divisor = 1; ; divisor++) {
    const timing = timingAt(width, height, request.refresh / divisor);
    if (timing.clock <= largestClock) return timing;
  }
}

function timingAt(width: number, height: number, refresh: number): Timing {
  const vSync = syncLines(width, height);
  const lineUs = (1e9 / refresh - vBlankMinUs) / height;
  const vBlank = Math.max(Math.floor(vBlankMinUs / lineUs) + 1, vFront + vSync + vBackMin);
  const [hTotal, vTotal] = [width + hBlank, height + vBlank];
  // CVT rounds down to 250 kHz; the finest step keeps the guest in time with the monitor.
  return {
    width,
    height,
    hTotal,
    vTotal,
    vSync,
    clock: Math.max(1, Math.round((hTotal * vTotal * refresh) / 1e7)),
  };
}

/** CVT tells the aspect ratio by the width of the vertical sync. */
function syncLines(width: number, height: number): number {
  const aspects = [
    [4 / 3, 4],
    [16 / 9, 5],
    [16 / 10, 6],
    [5 / 4, 7],
    [15 / 9, 7],
  ] as const;
  return aspects.find(([ratio]) => Math.abs(width - height * ratio) < 8)?.[1] ?? 10;
}

/** Bits for 640x480, 800x600 and 1024x768 at 60 Hz, as far as they fit. */
function firmwareTimings({ width, height }: Timing): number[] {
  const fits = (w: number, h: number) => width >= w && height >= h;
  return [(fits(640, 480) ? 0x20 : 0) | (fits(800, 600) ? 0x01 : 0), fits(1024, 768) ? 0x08 : 0];
}

function manufacturer(letters: string): number {
  return Buffer.from(letters).reduce((id, letter) => (id << 5) | (letter - 64), 0);
}

/** The size where an EDID can hold it, else unknown. */
function pictureSize({ mmWidth, mmHeight }: EdidRequest): { mmWidth: number; mmHeight: number } {
  const fits = [mmWidth, mmHeight].every((mm) => mm >= 10 && mm <= 2550);
  return fits ? { mmWidth, mmHeight } : { mmWidth: 0, mmHeight: 0 };
}

/** The chromaticities of sRGB: ten bits each, the low ones first, packed. */
function srgb(): number[] {
  const points = [0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329].map((point) => Math.round(point * 1024));
  const low = (first: number) =>
    points.slice(first, first + 4).reduce((byte, point) => (byte << 2) | (point & 3), 0);
  return [low(0), low(4), ...points.map((point) => point >> 2)];
}

function detailedTiming(
  timing: Timing,
  { mmWidth, mmHeight }: { mmWidth: number; mmHeight: number },
): number[] {
  const { width, height, clock, vSync } = timing;
  const vBlank = timing.vTotal - height;
  const high = (upper: number, lower: number) => ((upper >> 8) << 4) | (lower >> 8);
  return [
    clock & 0xff,
    clock >> 8,
    width & 0xff,
    hBlank & 0xff,
    high(width, hBlank),
    height & 0xff,
    vBlank & 0xff,
    high(height, vBlank),
    hFront,
    hSync,
    (vFront << 4) | vSync,
    0,
    mmWidth & 0xff,
    mmHeight & 0xff,
    high(mmWidth, mmHeight),
    0,
    0,
    0x1a, // separate syncs, horizontal positive, vertical negative: the mark of reduced blanking
  ];
}

function textDescriptor(tag: number, text: string): number[] {
  const padded = text.length < 13 ? `${text}\n`.padEnd(13) : text.slice(0, 13);
  return [0, 0, 0, tag, 0, ...Buffer.from(padded, 'latin1')];
}

/** Rates from those of the firmware's modes up to the timing's; from 256 on a flag adds 255. */
function rangeLimits({ clock, hTotal, vTotal }: Timing): number[] {
  const line = (clock * 10) / hTotal; // kHz
  const frame = (line * 1000) / vTotal;
  const vertical = [Math.min(59, Math.floor(frame)), Math.max(61, Math.ceil(frame))] as const;
  const horizontal = [Math.min(31, Math.floor(line)), Math.max(49, Math.ceil(line))] as const;
  const flags = (vertical[1] > 255 ? 0x02 : 0) | (horizontal[1] > 255 ? 0x08 : 0);
  const byte = (rate: number) => Math.max(1, Math.min(255, rate > 255 ? rate - 255 : rate));
  const megahertz = Math.max(7, Math.ceil(clock / 1000));
  return [
    0,
    0,
    0,
    0xfd,
    flags,
    ...[...vertical, ...horizontal].map(byte),
    megahertz,
    1,
    0x0a,
    ...Array<number>(6).fill(0x20),
  ];
}
