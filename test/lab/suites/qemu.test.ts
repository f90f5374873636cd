import * as path from 'node:path';
import {
  Daemon,
  eventually,
  leastHeld,
  Image,
  Keyboard,
  linkTo,
  look,
  mirrors,
  modesetsDuring,
  type NestedQemu,
  pause,
  PictureGuest,
  scancodes,
  scratch,
  showsOnly,
  shows,
  SolidFrames,
  startBare,
} from '../harness';

const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];
/** Times QEMU is killed, and the daemon restarted; more often in long/qemu.test.ts. */
const KILLS = Number(process.env.LAB_QEMU_KILLS ?? 5);
const RESTARTS = Number(process.env.LAB_DAEMON_RESTARTS ?? 3);
/** How long a guest flips. */
const BLOB_SECONDS = Number(process.env.LAB_BLOB_SECONDS ?? 10);

/** Buffers in the guest's memory, which QEMU hands on as they are: with gl only. */
const BLOB = { device: 'virtio-vga,blob=true', memfd: true, gl: true } as const;

describe('two QEMUs and a vhost-user-gpu guest on three panels', () => {
  let eleven: NestedQemu;
  let ten: NestedQemu;
  let daemon: Daemon;
  let third: PictureGuest;
  let keyboard: Keyboard;

  beforeAll(async () => {
    eleven = await startBare('eleven', 'static device=vga', { gl: true, device: 'VGA' });
    ten = await startBare('ten', 'static', { version: 10, device: 'virtio-vga' });
    daemon = await Daemon.start({
      guests: [linkTo(eleven), linkTo(ten), 'third'],
      outputs: { [FIRST]: { show: 'eleven' }, [SECOND]: { show: 'ten' }, [THIRD]: { show: 'third' } },
    });
    third = new PictureGuest(daemon.socket('third'), 'third', '--static');
    keyboard = await Keyboard.plug(daemon);
  });
  afterAll(async () => {
    keyboard.unplug();
    await third.stop();
    await daemon.stop();
    await eleven.stop();
    await ten.stop();
  });

  test('stand on their panels, pixel by pixel, and status says how', async () => {
    await mirrors(FIRST, eleven);
    await mirrors(SECOND, ten);
    await shows(THIRD, await third.pictures());
    await daemon.outputIs(FIRST, { path: 'direct', link: 'connected' });
    await daemon.outputIs(SECOND, { path: 'copy', link: 'connected' });
    expect((await daemon.output(SECOND)).reason).toMatch(/shared memory/);
  });

  /** The QEMU guests draw the keys they get, those of a chord too: their picture is asked for anew. */
  const stands = async (output: string, guest: string): Promise<void> => {
    if (guest === 'third') await shows(output, await third.pictures());
    else await mirrors(output, guest === 'ten' ? ten : eleven);
  };

  test('change places by hotkey, without a modeset, and come back', async () => {
    const lines = await modesetsDuring(async () => {
      for (const [digit, guest] of [
        ['Digit2', 'ten'],
        ['Digit3', 'third'],
        ['Digit1', 'eleven'],
      ] as const) {
        keyboard.chord('LeftCtrl', 'LeftAlt', digit);
        await daemon.outputIs(FIRST, { guest });
        await stands(FIRST, guest);
      }
    });
    expect(lines).toEqual([]);
    const places = (await daemon.status()).outputs.map(({ output, guest }) => [output, guest!] as const);
    expect(places.map(([, guest]) => guest).sort()).toEqual(['eleven', 'ten', 'third']);
    for (const [output, guest] of places) await stands(output, guest);
  });

  /** Moves the keyboard on until it is the guest's. */
  const focusOn = async (guest: string): Promise<void> => {
    for (;;) {
      const { outputs } = await daemon.status();
      const at = outputs.findIndex(({ focused }) => focused);
      if (outputs[at]!.guest === guest) return;
      keyboard.chord('LeftCtrl', 'LeftAlt', 'Tab');
      await daemon.outputIs(outputs[(at + 1) % outputs.length]!.output, { focused: true });
    }
  };

  test('what is typed reaches the focused guest, and no other', async () => {
    await focusOn('eleven');
    const before = { eleven: scancodes(eleven).length, ten: scancodes(ten).length };
    keyboard.tap('A', 'B', 'Digit3');
    await eventually(() => {
      // Set 1: makes and breaks of A, B and 3.
      expect(scancodes(eleven).slice(before.eleven)).toEqual(['1e', '9e', '30', 'b0', '04', '84']);
    });
    await focusOn('ten');
    keyboard.tap('N');
    await eventually(() => {
      expect(scancodes(ten).slice(before.ten)).toEqual(['31', 'b1']);
    });
    await focusOn('eleven');
    keyboard.tap('S');
    await eventually(() => {
      // Nothing of the chords, nor the N.
      expect(scancodes(eleven).slice(before.eleven + 6)).toEqual(['1f', '9f']);
    });
    expect(scancodes(ten).slice(before.ten)).toEqual(['31', 'b1']);
  });

  test('QEMU goes on answering its own clients', async () => {
    expect(await eleven.qmpLatency()).toBeLessThan(1000);
    expect(await ten.qmpLatency()).toBeLessThan(1000);
  });
});

/**
 * How long each QEMU's main loop took to answer, and how far apart two frames of its guest were, at the longest, in ms.
 * The guest says by its own processor's clock when it drew, so that whoever reads it may be late.
 */
async function stallsDuring(
  qemus: readonly NestedQemu[],
  work: () => Promise<void>,
): Promise<{ answer: number; gap: number }[]> {
  let working = true;
  const started = performance.now();
  const from = qemus.map((qemu) => qemu.console().length);
  const answers = qemus.map(async (qemu) => {
    let longest = 0;
    while (working) {
      longest = Math.max(longest, await qemu.qmpLatency(1));
      await pause(20);
    }
    return longest;
  });
  await work();
  // Who stands still at the end does not come to it.
  const before = qemus.map((qemu) => qemu.console().length);
  await eventually(() => {
    qemus.forEach((qemu, index) => {
      expect(qemu.console().length).toBeGreaterThan(before[index]! + 1);
    });
  });
  working = false;
  const longest = await Promise.all(answers);
  const elapsed = performance.now() - started;
  return qemus.map((qemu, index) => {
    const cycles = qemu
      .console()
      .slice(from[index])
      .flatMap((line) => /^frame \d+ at (\d+)$/.exec(line)?.slice(1).map(Number) ?? []);
    const gaps = cycles.slice(1).map((at, i) => at - cycles[i]!);
    // The clock's rate is told by the whole, but for the frame at each end.
    const perMs = (cycles.at(-1)! - cycles[0]!) / elapsed;
    expect(cycles.length).toBeGreaterThan(5);
    return { answer: longest[index]!, gap: Math.max(...gaps) / perMs };
  });
}

describe('a guest’s life', () => {
  test('paused, reset, ended, started again: said, and the picture is back each time', async () => {
    const first = await startBare('alpha', 'static', { device: 'virtio-vga', version: 11 });
    const daemon = await Daemon.start({ guests: [linkTo(first)], outputs: { [FIRST]: { show: 'alpha' } } });
    const condition = (wanted: string): Promise<void> =>
      eventually(async () => {
        expect((await daemon.guest('alpha')).condition).toBe(wanted);
      });
    await mirrors(FIRST, first);
    await first.execute('stop');
    await condition('paused');
    await first.execute('cont');
    await condition('running');
    await first.execute('system_reset');
    await mirrors(FIRST, first);
    await first.stop();
    await daemon.outputIs(FIRST, { link: 'gone', path: 'picture' });
    const again = await startBare('alpha', 'static', { device: 'virtio-vga', version: 11, qmp: first.qmp });
    await mirrors(FIRST, again);
    await daemon.outputIs(FIRST, { link: 'connected' });
    await daemon.stop();
    await again.stop();
  });

  test(`QEMU killed and started again ${KILLS} times: the picture is back, nothing is left behind`, async () => {
    let qemu = await startBare('alpha', 'static device=vga', { gl: true });
    const daemon = await Daemon.start({ guests: [linkTo(qemu)], outputs: { [FIRST]: { show: 'alpha' } } });
    // While it is gone: how many of its screens are imported, the firmware's too, is the guest's to say.
    const held = (): ReturnType<typeof leastHeld> => leastHeld(daemon, { during: 1500 });
    await mirrors(FIRST, qemu);
    let first: Awaited<ReturnType<typeof held>> | undefined;
    for (let round = 1; round <= KILLS; round++) {
      await qemu.kill('SIGKILL');
      await daemon.outputIs(FIRST, { link: 'gone', path: 'picture' });
      first ??= await held();
      if (round === KILLS) {
        const last = await held();
        expect(last.fds).toBeLessThanOrEqual(first.fds);
        // Two buffers for copies are kept from the first that is needed on; a leak would be one at each kill.
        expect(last.framebuffers).toBeLessThanOrEqual(first.framebuffers + 2);
      }
      qemu = await startBare('alpha', 'static device=vga', { gl: true, qmp: qemu.qmp });
      await mirrors(FIRST, qemu);
    }
    await daemon.stop();
    await qemu.stop();
  });

  test(`the daemon restarted ${RESTARTS} times under running QEMUs: no guest stalls, none dies`, async () => {
    const [one, two] = [
      await startBare('one', 'flip blob rate=20 trace', BLOB),
      await startBare('two', 'anim rate=20 device=vga trace', { version: 10, gl: true }),
    ];
    const setup = {
      guests: [linkTo(one), linkTo(two)],
      outputs: { [FIRST]: { show: 'one' }, [SECOND]: { show: 'two' } },
    };
    let daemon = await Daemon.start(setup);
    const attached = async (): Promise<void> => {
      await daemon.outputIs(FIRST, { link: 'connected', path: 'direct' });
      await daemon.outputIs(SECOND, { link: 'connected' });
    };
    await attached();
    const quiet = await stallsDuring([one, two], () => pause(5000));
    const restarted = await stallsDuring([one, two], async () => {
      for (let round = 0; round < RESTARTS; round++) {
        await daemon.kill(round % 2 === 0 ? 'SIGTERM' : 'SIGKILL');
        await pause(500);
        daemon = await Daemon.start(setup, daemon.directory);
        await attached();
        await pause(500);
      }
    });
    console.log('stalls', { quiet, restarted });
    // How long a stall is, the suite on a machine that does nothing else may say.
    const timed = process.env.LAB_DAEMON_RESTARTS === undefined ? [] : quiet;
    timed.forEach((own, index) => {
      // An emulated guest is late at times of its own accord.
      expect(restarted[index]!.answer).toBeLessThan(1000 + own.answer);
      expect(restarted[index]!.gap).toBeLessThan(1000 + own.gap);
    });
    await daemon.stop();
    await one.stop();
    await two.stop();
  });
});

describe('every kind of scanout', () => {
  test('a guest that flips blobs: each frame is shown whole, never blank and never copied', async () => {
    // The witness takes several vblanks to look: buffers are drawn anew only eight flips after they were shown.
    const qemu = await startBare('flipper', 'flip=8 blob solid rate=10', BLOB);
    const solid = new SolidFrames('flipper', 1024, 768);
    const daemon = await Daemon.start({ guests: [linkTo(qemu)], outputs: { [FIRST]: { show: 'flipper' } } });
    await daemon.outputIs(FIRST, { path: 'direct', frame: { width: 1024, height: 768, fits: true } });
    const counts = async (): Promise<{ drawn: number; shown: number; modesets: number }> => {
      const status = await daemon.status();
      const { frames, modesets } = status.outputs.find(({ output }) => output === FIRST)!;
      return { drawn: status.guests[0]!.heads[0]!.frames, shown: frames, modesets };
    };
    const before = await counts();
    const watching = await daemon.watch();
    const seen = new Set<number>();
    await look(FIRST, async (next) => {
      await next(); // On its way when we came.
      let last = 0;
      for (const end = Date.now() + BLOB_SECONDS * 1000; Date.now() < end;) {
        const crc = await next();
        const frame = solid.find(crc, last, last === 0 ? 5000 : 200);
        if (frame === undefined)
          throw new Error(`the panel shows ${crc.toString(16)}, no frame from ${last} on`);
        seen.add((last = frame));
      }
    });
    watching.close();
    const after = await counts();
    expect(after.drawn - before.drawn).toBeGreaterThan(BLOB_SECONDS);
    expect(seen.size).toBeGreaterThan(BLOB_SECONDS);
    // The guest draws slower than the panel shows: nothing may be left out.
    expect(after.shown - before.shown).toBeGreaterThanOrEqual((after.drawn - before.drawn) * 0.95 - 2);
    expect(after.modesets).toBe(before.modesets);
    await daemon.outputIs(FIRST, { path: 'direct', guest: 'flipper' });
    // Going dark would be an event.
    expect(watching.events).toEqual([]);
    await daemon.stop();
    await qemu.stop();
  });

  test.each([
    ['VGA, shared memory', 11, { device: 'VGA' }, 'static device=vga', 'copy'],
    ['VGA, gl, QEMU 10', 10, { device: 'VGA', gl: true }, 'static device=vga', 'direct'],
    ['virtio-vga, shared memory, QEMU 10', 10, { device: 'virtio-vga' }, 'static', 'copy'],
    ['virtio-vga, gl', 11, { device: 'virtio-vga', gl: true }, 'static', 'direct'],
  ] as const)('%s (QEMU %d) is on the panel', async (_what, version, options, append, way) => {
    const qemu = await startBare('kind', append, { version, ...options });
    const daemon = await Daemon.start({ guests: [linkTo(qemu)], outputs: { [FIRST]: { show: 'kind' } } });
    const picture = await mirrors(FIRST, qemu);
    await showsOnly(FIRST, picture.crc);
    await daemon.outputIs(FIRST, { path: way });
    await daemon.stop();
    await qemu.stop();
  });

  test('a blob is on the panel, in the guest’s own memory', async () => {
    // QEMU cannot dump a blob: the same guest without blobs draws the same picture, but for the line that says so.
    const outputs = { [FIRST]: { show: 'kind' } };
    const plain = await startBare('kind', 'static', { device: 'virtio-vga' });
    const first = await Daemon.start({ guests: [linkTo(plain)], outputs });
    const picture = await mirrors(FIRST, plain);
    await first.stop();
    await plain.stop();
    const qemu = await startBare('kind', 'static blob', BLOB);
    const daemon = await Daemon.start({ guests: [linkTo(qemu)], outputs });
    await daemon.outputIs(FIRST, { path: 'direct', frame: { width: 1024, height: 768, fits: true } });
    await eventually(async () => {
      const { png } = await daemon.screenshot(FIRST);
      await shows(FIRST, png.image.crc, { seconds: 5 });
      const line = new Image(1024, 64);
      expect(png.image.draw(line, 0, 376).crc).toBe(picture.draw(line, 0, 376).crc);
    });
    await daemon.stop();
    await qemu.stop();
  });

  test('a smaller screen stands in the middle', async () => {
    const qemu = await startBare('small', 'static mode=800x600 device=vga', { gl: true });
    const daemon = await Daemon.start({ guests: [linkTo(qemu)], outputs: { [FIRST]: { show: 'small' } } });
    await mirrors(FIRST, { screendump: async () => (await qemu.screendump()).centredOn(1024, 768) });
    await daemon.outputIs(FIRST, { path: 'direct', frame: { width: 800, height: 600, fits: false } });
    await daemon.stop();
    await qemu.stop();
  });
});

describe('heads', () => {
  test('two heads of one guest on two outputs, each told its own monitor’s mode', async () => {
    const qemu = await startBare('wide', 'static heads=2 follow', { device: 'virtio-vga,max_outputs=2' });
    const daemon = await Daemon.start({
      guests: [linkTo(qemu)],
      outputs: { [FIRST]: { show: 'wide:0' }, [SECOND]: { show: 'wide:1', mode: '1280x720' } },
    });
    await daemon.outputIs(SECOND, { frame: { width: 1280, height: 720, fits: true } });
    await daemon.outputIs(FIRST, { frame: { width: 1024, height: 768, fits: true } });
    const second = await mirrors(SECOND, { screendump: () => qemu.screendump(undefined, 1) });
    expect([second.width, second.height]).toEqual([1280, 720]);
    await mirrors(FIRST, qemu);
    await daemon.stop();
    await qemu.stop();
  });

  test('a guest follows the mode of its output', async () => {
    const qemu = await startBare('follower', 'static follow mode=640x480', { device: 'virtio-vga' });
    const daemon = await Daemon.start({
      guests: [linkTo(qemu)],
      outputs: { [FIRST]: { show: 'follower', mode: '1280x720' } },
    });
    await daemon.outputIs(FIRST, { frame: { width: 1280, height: 720, fits: true } });
    await daemon.stop();
    await qemu.stop();
  });

  test('the guest’s pointer is on the cursor plane, not in the picture', async () => {
    const qemu = await startBare('pointed', 'static cursor=300,200', { device: 'virtio-vga' });
    const daemon = await Daemon.start({ guests: [linkTo(qemu)], outputs: { [FIRST]: { show: 'pointed' } } });
    await daemon.outputIs(FIRST, { guest: 'pointed', link: 'connected', path: 'copy' });
    const photo = await daemon.screenshot(FIRST);
    const bare = await qemu.screendump();
    let left = Infinity;
    let top = Infinity;
    let different = 0;
    for (let at = 0; at < photo.png.image.pixels.length; at++) {
      if (photo.png.image.pixels[at] === bare.pixels[at]) continue;
      different++;
      left = Math.min(left, at % 1024);
      top = Math.min(top, Math.floor(at / 1024));
    }
    expect(different).toBeGreaterThan(20);
    expect(left).toBeGreaterThanOrEqual(300 - 64);
    expect(left).toBeLessThan(300 + 64);
    expect(top).toBeGreaterThanOrEqual(200 - 64);
    expect(top).toBeLessThan(200 + 64);
    await daemon.stop();
    await qemu.stop();
  });
});

test('nobody there, then somebody: the daemon waits and says for what', async () => {
  const directory = scratch();
  const ghost = linkTo({ name: 'ghost', qmp: path.join(directory, 'ghost.qmp') });
  const daemon = await Daemon.start({ guests: [ghost], outputs: { [FIRST]: { show: 'ghost' } } });
  const guest = await eventually(async () => {
    const found = await daemon.guest('ghost');
    expect(found.trouble).toBeDefined();
    return found;
  });
  expect(guest).toMatchObject({ connected: false });
  expect(guest.trouble).toMatch(/ghost\.qmp/);
  await pause(3000);
  // Said once, not at every attempt.
  expect(daemon.log.filter((line) => line.includes('ghost.qmp') && line.includes('warning')).length).toBe(1);
  await daemon.stop();
});
