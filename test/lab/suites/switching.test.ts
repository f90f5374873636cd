import {
  crtcStates,
  Daemon,
  eventually,
  Image,
  Keyboard,
  modesetsDuring,
  Panels,
  PictureGuest,
  shows,
} from '../harness';

const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];
const OUTPUTS = [FIRST, SECOND, THIRD];
const GUESTS = ['alpha', 'beta', 'gamma'] as const;
type Guest = (typeof GUESTS)[number];
const BLACK = new Image(1024, 768).crc;
const VBLANK_MS = 1000 / 60;

let daemon: Daemon;
let keyboard: Keyboard;
let guests: PictureGuest[];
const pictures = new Map<Guest, Set<number>>();

async function start(hotkeys?: Readonly<Record<string, string | object>>): Promise<void> {
  const outputs = { [FIRST]: { show: 'alpha' }, [SECOND]: { show: 'beta' }, [THIRD]: {} };
  daemon = await Daemon.start({ guests: GUESTS, outputs, ...(hotkeys ? { hotkeys } : {}) });
  guests = GUESTS.map((name) => new PictureGuest(daemon.socket(name), name, '--static'));
  for (const [index, name] of GUESTS.entries()) pictures.set(name, await guests[index]!.pictures());
  keyboard = await Keyboard.plug(daemon);
  await arranged('alpha', 'beta', null);
  await eventually(async () => {
    expect((await daemon.guest('gamma')).heads).toHaveLength(1);
  });
}

async function stop(): Promise<void> {
  keyboard.unplug();
  for (const guest of guests) await guest.stop();
  await daemon.stop();
}

/** Waits until status and the panels themselves show these guests (null: none), from left to right. */
async function arranged(...expected: (Guest | 'blank' | null)[]): Promise<void> {
  for (const [index, name] of expected.entries()) {
    const output = OUTPUTS[index]!;
    const want = name === 'blank' ? { blank: true } : { guest: name, path: name ? 'direct' : 'picture' };
    await daemon.outputIs(output, want);
    if (name === 'blank') await shows(output, BLACK);
    else if (name) await shows(output, pictures.get(name)!);
  }
}

async function modesets(): Promise<number[]> {
  return (await daemon.status()).outputs.map((output) => output.modesets);
}

describe('the hotkeys a config without any has', () => {
  beforeAll(() => start());
  afterAll(stop);

  test('Ctrl+Alt+3 shows the third guest on the focused output', async () => {
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit3');
    await arranged('gamma', 'beta', null);
  });

  test('ScrollLock ScrollLock 1 shows the first', async () => {
    keyboard.tap('ScrollLock', 'ScrollLock', 'Digit1');
    await arranged('alpha', 'beta', null);
  });

  test('Ctrl+Alt+2 with a guest that is on another output: the two change places', async () => {
    keyboard.chord('RightCtrl', 'RightAlt', 'Digit2');
    await arranged('beta', 'alpha', null);
  });

  test('ScrollLock ScrollLock S swaps the focused output and the next', async () => {
    keyboard.tap('ScrollLock', 'ScrollLock', 'S');
    await arranged('alpha', 'beta', null);
  });

  test('next and previous, by chord and by sequence', async () => {
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Left');
    await arranged('gamma', 'beta', null);
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Right');
    await arranged('alpha', 'beta', null);
    keyboard.tap('ScrollLock', 'ScrollLock', 'P');
    await arranged('gamma', 'beta', null);
    keyboard.tap('ScrollLock', 'ScrollLock', 'N');
    await arranged('alpha', 'beta', null);
  });

  test('the focus moves, and hotkeys with it', async () => {
    expect(await daemon.output(FIRST)).toMatchObject({ focused: true });
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Tab');
    await daemon.outputIs(SECOND, { focused: true });
    keyboard.tap('ScrollLock', 'ScrollLock', 'Tab');
    await daemon.outputIs(THIRD, { focused: true });
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit2');
    await arranged('alpha', null, 'beta');
  });

  test('blank is black, and the guest comes back', async () => {
    keyboard.tap('ScrollLock', 'ScrollLock', 'B');
    await arranged('alpha', null, 'blank');
    keyboard.tap('ScrollLock', 'ScrollLock', 'B');
    await arranged('alpha', null, 'beta');
  });

  test('keys that are no hotkey switch nothing', async () => {
    const watching = await daemon.watch();
    keyboard.chord('LeftCtrl', 'Digit3');
    keyboard.chord('LeftAlt', 'Digit3');
    keyboard.tap('ScrollLock', 'A', 'Digit3', 'ScrollLock', 'Digit3');
    // The last one is: nothing before it may have been.
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Tab');
    await daemon.outputIs(FIRST, { focused: true });
    watching.close();
    expect(watching.events).toEqual([{ event: 'focused', output: FIRST, seat: 'default' }]);
  });

  test('show by command, on an output and on the focused one', async () => {
    await daemon.show('beta', SECOND);
    await arranged('alpha', 'beta', null);
    await daemon.show('gamma');
    await arranged('gamma', 'beta', null);
    await daemon.show('alpha');
    await arranged('alpha', 'beta', null);
  });

  test('a switch between guests of the same mode is no modeset: the kernel says so', async () => {
    const before = { counts: await modesets(), crtcs: crtcStates() };
    const lines = await modesetsDuring(async () => {
      keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit3');
      await arranged('gamma', 'beta', null);
      keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit2');
      await arranged('beta', 'gamma', null);
      keyboard.tap('ScrollLock', 'ScrollLock', 'S');
      await arranged('gamma', 'beta', null);
    });
    expect(lines).toEqual([]);
    expect(await modesets()).toEqual(before.counts);
    expect(crtcStates()).toEqual(before.crtcs);
  });

  test('and the kernel would say so if it were one', async () => {
    const lines = await modesetsDuring(async () => {
      await Panels.lab.unplug(2);
      await daemon.outputIs(THIRD, { lit: false });
      await Panels.lab.plug(2);
      await daemon.outputIs(THIRD, { lit: true, path: 'picture' });
    });
    expect(lines).not.toEqual([]);
  });

  // A busy host may make a commit miss a vblank; a switcher that needs one more than it should needs it every time.
  test('a switch is on the panel at the first vblank after the commit', async () => {
    const waits: number[] = [];
    for (let round = 0; round < 12; round++) {
      const guest = round % 2 === 0 ? 'alpha' : 'gamma';
      keyboard.chord('LeftCtrl', 'LeftAlt', guest === 'alpha' ? 'Digit1' : 'Digit3');
      const { lastSwitch } = await eventually(async () => {
        const output = await daemon.output(FIRST);
        expect(output).toMatchObject({ guest, path: 'direct' });
        expect(output.lastSwitch?.shownMs).not.toBeNull();
        return output;
      });
      waits.push(lastSwitch!.shownMs! - lastSwitch!.commitMs!);
    }
    expect(Math.min(...waits)).toBeLessThanOrEqual(VBLANK_MS + 0.1);
  });
});

describe('hotkeys of the config', () => {
  beforeAll(() =>
    start({
      'Ctrl+Alt+A': { show: 'gamma', on: THIRD },
      'ScrollLock ScrollLock ScrollLock': { swap: [FIRST, THIRD] },
      'Ctrl+Alt+B': { blank: SECOND },
      'Ctrl+Alt+O': { focus: THIRD },
    }),
  );
  afterAll(stop);

  test('do what they say, on the outputs they name', async () => {
    keyboard.chord('LeftCtrl', 'LeftAlt', 'A');
    await arranged('alpha', 'beta', 'gamma');
    keyboard.tap('ScrollLock', 'ScrollLock', 'ScrollLock');
    await arranged('gamma', 'beta', 'alpha');
    keyboard.chord('LeftCtrl', 'LeftAlt', 'B');
    await arranged('gamma', 'blank', 'alpha');
    keyboard.chord('LeftCtrl', 'LeftAlt', 'O');
    await daemon.outputIs(THIRD, { focused: true });
  });

  test('replace the usual ones', async () => {
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit2');
    keyboard.chord('LeftCtrl', 'LeftAlt', 'B');
    await arranged('gamma', 'beta', 'alpha');
  });
});
