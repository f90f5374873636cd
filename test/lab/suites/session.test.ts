import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { native, type NativeCard, type NativeSeat } from '../../../src/native';
import {
  atTestEnd, crtcOf, Daemon, eventually, frames, Image, Keyboard, openOther, paint, Panels, PictureGuest, Seatd, shows,
  spoil, spoilt,
} from '../harness'; // prettier-ignore

const OUTPUTS = ['Virtual-1', 'Virtual-2', 'Virtual-3'] as const;
const GUESTS = ['alpha', 'beta', 'gamma'] as const;
/** nobody: may open neither cards nor input devices. */
const NOBODY = 65534;
const setup = {
  guests: GUESTS,
  outputs: Object.fromEntries(OUTPUTS.map((output, index) => [output, { show: GUESTS[index]! }])),
  user: NOBODY,
};

let seatd: Seatd;
let daemon: Daemon;
let guests: PictureGuest[] = [];
let pictures: Set<number>[];

async function start(vt: boolean, legacy: boolean): Promise<void> {
  seatd = await Seatd.start('nogroup', vt);
  daemon = await Daemon.start({ ...setup, legacy });
  guests = GUESTS.map((name) => new PictureGuest(daemon.socket(name), name));
  pictures = await Promise.all(guests.map((guest) => guest.pictures()));
  await allShow();
}

async function stop(): Promise<void> {
  for (const guest of guests) await guest.stop();
  await daemon.stop();
  await seatd.stop();
}

async function allShow(): Promise<void> {
  for (const [index, output] of OUTPUTS.entries()) await shows(output, pictures[index]!);
}

/** The guests draw on, though nobody sees them. */
async function guestsGoOn(): Promise<void> {
  const drawn = async (): Promise<number[]> =>
    (await daemon.status()).guests.map(({ heads }) => heads[0]!.frames);
  const before = await drawn();
  await eventually(async () => {
    const now = await drawn();
    for (const [index, count] of before.entries()) expect(now[index]).toBeGreaterThan(count + 5);
  });
}

/** Another program on the seat: paints the first panel, once its session is in front. */
class Other {
  static readonly picture = Image.pattern(1024, 768, 77);
  #active = false;
  #card: NativeCard | undefined;
  readonly #seat: NativeSeat;

  constructor() {
    process.env.LIBSEAT_BACKEND = 'seatd';
    this.#seat = native.openSeat(
      (active) => (this.#active = active),
      () => undefined,
    );
    atTestEnd(() => {
      this.close();
    });
  }

  async paint(): Promise<void> {
    await eventually(() => {
      expect(this.#active).toBe(true);
    });
    const file = Panels.lab.device;
    const fd = this.#seat.openDevice(file);
    expect(fd).toBeGreaterThan(0);
    this.#card = openOther(file, fd);
    await paint(this.#card, crtcOf(OUTPUTS[0])!.id, OUTPUTS[0], Other.picture);
  }

  /** Leaves more behind than its picture. */
  spoil(): Promise<void> {
    return spoil(this.#card!, crtcOf(OUTPUTS[0])!.id);
  }

  close(): void {
    this.#card?.close();
    this.#card = undefined;
    this.#seat.close();
  }
}

describe.each([
  ['atomic', false],
  ['legacy', true],
])('a user without any rights of its own, with seatd, %s', (_name, legacy) => {
  beforeAll(() => start(false, legacy));
  afterAll(stop);

  test('shows guests, and reads keys', async () => {
    expect(fs.readFileSync(`/proc/${daemon.pid}/status`, 'utf8')).toMatch(/^Uid:\t65534\t65534/m);
    await daemon.said(/session: seatd, seat0/);
    const keyboard = await Keyboard.plug(daemon);
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit2');
    await shows(OUTPUTS[0], pictures[1]!);
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit1');
    await allShow();
    keyboard.unplug();
  });

  test('gives the panels to another session when Ctrl+Alt+Fn says so, and takes them back', async () => {
    const keyboard = await Keyboard.plug(daemon, 'second keyboard');
    const other = new Other();
    await eventually(() => {
      expect(seatd.sessions.length).toBe(2);
    });
    keyboard.chord('LeftCtrl', 'LeftAlt', `F${seatd.sessions[1] as 1 | 2 | 3}`);
    await other.paint();
    await shows(OUTPUTS[0], Other.picture.crc);
    await daemon.said(/another session is in front: paused/);
    await guestsGoOn();
    await shows(OUTPUTS[0], Other.picture.crc);
    if (!legacy) {
      await other.spoil();
      expect(await frames(OUTPUTS[0], 2)).not.toContain(Other.picture.crc);
    }
    other.close();
    await allShow();
    if (!legacy) expect(spoilt(Panels.lab, crtcOf(OUTPUTS[0])!.id)).toEqual({ gamma: false, square: false });
    // Keys work again, too.
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit2');
    await shows(OUTPUTS[0], pictures[1]!);
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit1');
    await allShow();
    keyboard.unplug();
  });
});

describe.each([
  ['atomic', false],
  ['legacy', true],
])('on a virtual terminal, with seatd, %s', (_name, legacy) => {
  beforeAll(() => start(true, legacy));
  afterAll(async () => {
    if (!daemon.exit) await stop();
  });

  test('away and back ten times: the console meanwhile, then every guest on its panel', async () => {
    for (let round = 0; round < 10; round++) {
      execFileSync('busybox', ['chvt', '2']);
      if (round % 5 === 0) {
        const seen = await frames(OUTPUTS[round === 0 ? 0 : 2], 2);
        expect(seen.filter((crc) => pictures.some((known) => known.has(crc)))).toEqual([]);
        await guestsGoOn();
      }
      execFileSync('busybox', ['chvt', '1']);
      await allShow();
    }
  });

  test('a seat manager that dies ends the daemon, with one line that says so', async () => {
    await seatd.kill();
    expect(await daemon.ended()).toEqual({ code: 69, signal: null });
    expect(daemon.log.filter((line) => line.includes(' error: '))).toEqual([
      expect.stringMatching(/the seat manager \(seatd\) has gone/),
    ]);
    for (const guest of guests) await guest.kill();
    guests = [];
  });
});
