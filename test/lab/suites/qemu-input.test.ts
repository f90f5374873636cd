/** What is typed and pointed, to real QEMUs: what their PS/2 keyboard and mouse say of it, whatever becomes of them. */
import { execFileSync } from 'node:child_process';
import {
  Daemon,
  eventually,
  Keyboard,
  linkTo,
  MockGuest,
  Mouse,
  type NestedQemu,
  pause,
  scancodes,
  scratch,
  Seatd,
  startBare,
} from '../harness';

const [FIRST, SECOND] = ['Virtual-1', 'Virtual-2'];
/** More than a connection keeps for a reader that does not read. */
const MOVES = 6000;

/** The keys that a PS/2 keyboard has told to be down. */
function down(guest: NestedQemu): string[] {
  const held = new Set<string>();
  for (const code of scancodes(guest)) {
    const make = (parseInt(code, 16) & 0x7f).toString(16).padStart(2, '0');
    if (code === make) held.add(make);
    else held.delete(make);
  }
  return [...held];
}

/** What the PS/2 mouse has told: how far it went, and its buttons (1 left, 2 right, 4 middle) one time after the other. */
function mouseOf(guest: NestedQemu): { x: number; y: number; buttons: number[]; wheel: number } {
  const told = { x: 0, y: 0, buttons: [0], wheel: 0 };
  for (const line of guest.console()) {
    const [what, ...numbers] = line.split(' ');
    const [first = 0, second = 0, buttons = 0] = numbers.map(Number);
    if (what === 'wheel') told.wheel += first;
    if (what !== 'mouse') continue;
    told.x += first;
    told.y += second;
    if (told.buttons.at(-1) !== buttons) told.buttons.push(buttons);
  }
  return told;
}

const folder = scratch();
const connected = (daemon: Daemon, name: string): Promise<void> =>
  eventually(async () => {
    expect(await daemon.guest(name)).toMatchObject({ connected: true });
  });

describe('to a PS/2 keyboard and mouse', () => {
  let qemu: NestedQemu;
  let daemon: Daemon;
  let keyboard: Keyboard;
  let mouse: Mouse;
  beforeAll(async () => {
    qemu = await startBare('typist', 'static device=vga');
    daemon = await Daemon.start({ guests: [linkTo(qemu)], outputs: { [FIRST]: { show: 'typist' } } });
    keyboard = await Keyboard.plug(daemon);
    mouse = await Mouse.plug(daemon);
    await connected(daemon, 'typist');
  });
  afterAll(async () => {
    for (const device of [keyboard, mouse]) device.unplug();
    await daemon.stop();
    await qemu.stop();
  });

  test('all motion arrives, whatever libinput would make of it, and buttons and wheel besides', async () => {
    const sum = { x: 0, y: 0 };
    for (let move = 0; move < 150; move++) {
      const [dx, dy] = [(move % 9) - 3, 2 - (move % 4)];
      mouse.move(dx, dy);
      sum.x += dx;
      sum.y += dy;
      // QEMU's PS/2 mouse holds 16 bytes, four reports, and tells the rest when it is moved again.
      if (move % 3 !== 2) continue;
      await eventually(
        () => {
          expect(mouseOf(qemu)).toMatchObject(sum);
        },
        undefined,
        5,
      );
    }
    for (const [button, bit] of [
      ['left', 1],
      ['right', 2],
      ['middle', 4],
    ] as const) {
      mouse.press(button);
      await eventually(() => {
        expect(mouseOf(qemu).buttons.at(-1)).toBe(bit);
      });
      mouse.release(button);
      await eventually(() => {
        expect(mouseOf(qemu).buttons.at(-1)).toBe(0);
      });
    }
    expect(mouseOf(qemu).buttons).toEqual([0, 1, 0, 2, 0, 4, 0]);
    // As the kernel has it, away from the user is positive; as the guest, towards them.
    mouse.wheel(-2);
    await eventually(() => {
      expect(mouseOf(qemu).wheel).toBe(2);
    });
    mouse.wheel(3);
    await eventually(() => {
      expect(mouseOf(qemu).wheel).toBe(-1);
    });
    expect(mouseOf(qemu)).toMatchObject(sum);
  });

  test('a QEMU that is killed with keys and a button held has none of them when it is back', async () => {
    keyboard.press('LeftShift');
    keyboard.press('A');
    mouse.press('left');
    await eventually(() => {
      expect(down(qemu)).toEqual(['2a', '1e']);
      expect(mouseOf(qemu).buttons.at(-1)).toBe(1);
    });
    const { qmp } = qemu;
    await qemu.kill();
    await daemon.outputIs(FIRST, { link: 'gone' });
    qemu = await startBare('typist', 'static device=vga', { qmp });
    await connected(daemon, 'typist');
    keyboard.release('A');
    keyboard.release('LeftShift');
    mouse.release('left');
    await eventually(() => {
      // The guest may have come a moment before the keyboard goes to it.
      keyboard.tap('N');
      expect(scancodes(qemu)).toContain('b1');
    });
    mouse.press('right');
    await eventually(() => {
      expect(mouseOf(qemu).buttons).toEqual([0, 2]);
    });
    mouse.release('right');
    await eventually(() => {
      expect(mouseOf(qemu).buttons).toEqual([0, 2, 0]);
    });
    expect(new Set(scancodes(qemu))).toEqual(new Set(['31', 'b1']));
  });
});

test('a QEMU that hangs has nothing down when it goes on, and holds up nobody meanwhile', async () => {
  const seatd = await Seatd.start('nogroup', true);
  const hung = await startBare('hung', 'static device=vga');
  const other = new MockGuest(`${folder}/other.qmp`);
  const daemon = await Daemon.start({
    guests: [linkTo(hung), linkTo({ name: 'other', qmp: `${folder}/other.qmp` })],
    outputs: { [FIRST]: { show: 'hung' }, [SECOND]: { show: 'other' } },
  });
  const keyboard = await Keyboard.plug(daemon);
  const mouse = await Mouse.plug(daemon);
  for (const guest of ['hung', 'other']) await connected(daemon, guest);
  keyboard.press('A');
  keyboard.press('B');
  mouse.press('left');
  await eventually(() => {
    expect(down(hung)).toEqual(['1e', '30']);
    expect(mouseOf(hung).buttons).toEqual([0, 1]);
  });
  hung.freeze();
  for (let move = 0; move < MOVES; move++) {
    mouse.move(1, move % 2 === 0 ? 1 : -1);
    await pause(1);
  }
  // The way out: no guest has the keyboard, and then it has it again.
  const escaped = async (wanted: boolean): Promise<void> => {
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Esc');
    await eventually(async () => {
      expect((await daemon.status()).escaped).toBe(wanted);
    });
  };
  await escaped(true);
  await escaped(false);
  keyboard.press('N');
  mouse.move(1, 0);
  await pause(300);
  // The virtual terminals: away, and back.
  keyboard.chord('LeftCtrl', 'LeftAlt', 'F2');
  await daemon.said(/another session is in front: paused/);
  execFileSync('busybox', ['chvt', '1']);
  await daemon.said(/the card is ours again/);
  await eventually(async () => {
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit2');
    expect(await daemon.output(FIRST)).toMatchObject({ guest: 'other' });
  });
  const told = other.console.calls.length;
  keyboard.tap('S');
  await eventually(() => {
    expect(other.console.calls.slice(told).filter((call) => call.endsWith(' 31'))).toEqual([
      'Keyboard.Press 31',
      'Keyboard.Release 31',
    ]);
  });
  hung.thaw();
  await eventually(() => {
    expect(scancodes(hung)).toEqual(expect.arrayContaining(['9e', 'b0', '31', 'b1']));
    expect(down(hung)).toEqual([]);
  });
  for (const key of ['A', 'B', 'N'] as const) keyboard.release(key);
  mouse.release('left');
  await daemon.show('hung', FIRST);
  const from = scancodes(hung).length;
  await eventually(() => {
    keyboard.tap('P');
    expect(scancodes(hung).slice(from)).toContain('99');
  });
  expect(down(hung)).toEqual([]);
  // What comes at once and does not fit into 16 bytes QEMU's PS/2 mouse tells when it is moved again. All of it came.
  let moved = MOVES + 1;
  await eventually(() => {
    mouse.move(1, 0);
    moved++;
    expect(mouseOf(hung)).toMatchObject({ buttons: [0, 1, 0] });
    expect(moved - mouseOf(hung).x).toBeLessThan(2);
  });
  await eventually(() => {
    expect(mouseOf(hung).x).toBe(moved);
  });
  for (const device of [keyboard, mouse]) device.unplug();
  await daemon.stop();
  other.close();
  await hung.stop();
  await seatd.stop();
});
