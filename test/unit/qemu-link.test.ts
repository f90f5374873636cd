import * as fs from 'node:fs';
import { TOUCH_CANCEL, TOUCH_DOWN, TOUCH_MOVE, TOUCH_UP } from '../../src/guest/sink';
import { native } from '../../src/native';
import { display } from '../mock-qemu/fake-host';
import { Bench } from '../mock-qemu/harness';
import { openFds, turn, until } from './support/wire';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

const P2P = '-display dbus,p2p=yes';

describe('a QEMU by its QMP socket', () => {
  test('is connected to, told of the monitor, and asked for what it shows', async () => {
    const started = performance.now();
    const qemu = await bench.attached();
    expect(performance.now() - started).toBeLessThan(1000);
    expect(bench.host.events).toEqual(['connected']);
    expect(qemu.qmp!.commands).toEqual(['qmp_capabilities', 'query-status', 'getfd', 'add_client']);
    expect(qemu.console.interfaces).toEqual([
      'org.qemu.Display1.Listener.Unix.Map',
      'org.qemu.Display1.Listener.Unix.ScanoutDMABUF2',
    ]);
    await until(() => qemu.console.calls.length === 1);
    expect(qemu.console.calls).toEqual(['Console.SetUIInfo 520 320 0 0 1920 1080']);
    expect(bench.link.trouble).toBeUndefined();
    expect(bench.log.lines).toEqual([
      'info guest win: connected to VM windows (11111111-2222-3333-4444-555555555555), 1 head(s)',
    ]);
  });

  test('may come later, and takes a moment until its objects are there', async () => {
    bench.open();
    await bench.said(`no QMP socket at ${bench.socket}`);
    expect(bench.link.trouble).toContain(`-qmp unix:${bench.socket},server=on,wait=off`);
    const qemu = bench.start({ late: 120 });
    await bench.registered(qemu);
    expect(bench.log.warnings).toHaveLength(1);
  });

  test('has a head for each graphic console, and monitors beside each other', async () => {
    bench.host.displays.set(0, display(1920, 1080)).set(2, display(1280, 1024));
    const consoles = [{ type: 'Text' as const }, {}, {}, {}];
    const qemu = await bench.attached({ consoles });
    expect([...bench.host.heads.keys()]).toEqual([0, 1, 2]);
    await until(() => qemu.consoles.slice(1).every(({ calls }) => calls.length === 1));
    expect(qemu.consoles.map(({ calls }) => calls[0])).toEqual([
      undefined,
      'Console.SetUIInfo 520 320 0 0 1920 1080',
      'Console.SetUIInfo 0 0 0 0 0 0',
      'Console.SetUIInfo 520 320 1920 0 1280 1024',
    ]);
    // Only what is new is told; no monitor at all is no news.
    bench.host.displays.set(1, display(800, 600)).set(2, display(1280, 1024));
    bench.link.displaysChanged();
    await until(() => qemu.consoles[3]!.calls.length === 2);
    expect(qemu.consoles[2]!.calls[1]).toBe('Console.SetUIInfo 520 320 1920 0 800 600');
    expect(qemu.consoles[3]!.calls[1]).toBe('Console.SetUIInfo 520 320 2720 0 1280 1024');
    expect(qemu.consoles[1]!.calls).toHaveLength(1);
    bench.host.displays.clear();
    bench.link.displaysChanged();
    await turn(20);
    expect(qemu.consoles.map(({ calls }) => calls.length)).toEqual([0, 1, 2, 2]);
  });

  test('whose display has one size is not asked again, and nothing is said', async () => {
    const qemu = await bench.attached({ consoles: [{ resizable: false }] });
    await until(() => qemu.console.calls.length === 1);
    await turn(10);
    bench.host.displays.set(0, display(800, 600));
    bench.link.displaysChanged();
    await turn(10);
    expect(qemu.console.calls).toHaveLength(1);
    expect(bench.log.warnings).toEqual([]);
  });

  test('is taken up again each time it is started', async () => {
    let fds = 0;
    for (let round = 0; round < 8; round++) {
      const qemu = bench.start();
      if (round === 0) bench.open();
      else bench.link.wanted();
      await bench.registered(qemu);
      if (round === 1) fds = openFds().length;
      qemu.close();
      await until(() => !bench.host.isConnected);
    }
    await turn(20);
    expect(openFds().length).toBeLessThan(fds);
    expect(bench.host.events.filter((event) => event === 'connected')).toHaveLength(8);
    expect(bench.host.events.at(-1)).toBe('disconnected: QEMU has ended');
  });

  test('tells what the guest does', async () => {
    const qemu = await bench.attached({ knobs: { status: 'paused' } });
    const { qmp, console } = qemu;
    for (const event of ['RESUME', 'RESET', 'RESUME']) qmp!.event(event);
    await until(() => bench.host.events.includes('restarting'));
    console.scanout(8, 2, 32, 0x20020888, new Uint8Array(64));
    await until(() => bench.host.events.at(-1) === 'running');
    for (const event of ['SUSPEND', 'WAKEUP', 'GUEST_PANICKED', 'STOP']) qmp!.event(event);
    qmp!.event('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
    qmp!.event('STOP');
    await until(() => bench.host.events.includes('shut down'));
    expect(bench.host.events).toEqual([
      'connected',
      'paused',
      'running',
      'restarting',
      'running',
      'asleep',
      'running',
      'crashed',
      'shut down',
    ]);
    qemu.close();
    await until(() => !bench.host.isConnected);
    expect(bench.host.events.at(-1)).toBe('disconnected: the guest has shut down');
  });

  test('is woken when somebody wants to see it', async () => {
    const qemu = await bench.attached();
    bench.link.wanted();
    qemu.qmp!.event('SUSPEND');
    await until(() => bench.host.events.includes('asleep'));
    bench.link.wanted();
    await until(() => qemu.qmp!.commands.includes('system_wakeup'));
    expect(qemu.qmp!.commands.filter((command) => command === 'system_wakeup')).toHaveLength(1);
  });

  test('has other viewers, who are named once', async () => {
    const { qmp } = await bench.attached();
    const client = { host: '10.0.0.7\u001b[2J\n', service: '5', family: 'ipv4', websocket: false };
    qmp!.event('VNC_CONNECTED', { client });
    qmp!.event('VNC_INITIALIZED', { client });
    for (let channel = 0; channel < 4; channel++)
      qmp!.event('SPICE_INITIALIZED', { client: { host: '::1' } });
    for (let channel = 0; channel < 4; channel++)
      qmp!.event('SPICE_DISCONNECTED', { client: { host: '::1' } });
    qmp!.event('VNC_DISCONNECTED', { client });
    await bench.said('VNC viewer at 10.0.0.7?[2J? has left');
    expect(bench.log.lines.slice(1)).toEqual([
      'info guest win: a VNC viewer at 10.0.0.7?[2J? has connected to it, too',
      'info guest win: a SPICE viewer at ::1 has connected to it, too',
      'info guest win: the SPICE viewer at ::1 has left',
      'info guest win: the VNC viewer at 10.0.0.7?[2J? has left',
    ]);
  });
});

describe('what is not a QEMU with a D-Bus display', () => {
  test.each([
    ['a path with nothing there', (): void => undefined, 'no QMP socket at'],
    [
      'a file',
      (): void => {
        fs.writeFileSync(bench.socket, '');
      },
      'nobody listens on the QMP socket',
    ],
    [
      'a program of another kind',
      (): void => void bench.start({ knobs: { greeting: 'SSH-2.0-OpenSSH_9.2\r\n' } }),
      'is no QMP: is it the socket of -qmp unix:/',
    ],
    [
      'one that speaks JSON',
      (): void => void bench.start({ knobs: { greeting: '{"hello":1}\n' } }),
      'is not a QMP socket of QEMU',
    ],
    [
      'one that never ends its line',
      (): void => void bench.start({ knobs: { greeting: 'x'.repeat(150_000) } }),
      'QEMU closed the QMP connection',
    ],
    [
      'QEMU without the display',
      (): void => {
        const { knobs } = bench.start();
        const desc = 'D-Bus display is not in use';
        knobs.answers.set('add_client', { error: { class: 'DeviceNotActive', desc } });
      },
      P2P,
    ],
    [
      'QEMU with its display on a bus',
      (): void => {
        const { knobs } = bench.start();
        const desc = 'p2p connections not accepted in bus mode';
        knobs.answers.set('add_client', { error: { class: 'GenericError', desc } });
      },
      'write bus: instead of qmp: in the config',
    ],
    [
      'an old QEMU',
      (): void => void bench.start({ knobs: { version: [6, 2, 0] } }),
      'QEMU 6.2.0 is too old: -display dbus came with QEMU 7.0',
    ],
    [
      'a VM without a screen',
      (): void => void bench.start({ consoles: [{ type: 'Text' }] }),
      'give it a display device',
    ],
  ])('%s', async (_, make, words) => {
    make();
    bench.open();
    await turn(50);
    if (words.startsWith('QEMU closed')) bench.qemus[0]!.close();
    await bench.said(words);
    expect(bench.log.warnings[0]).toMatch(/^warning guest win: /);
    expect(bench.link.trouble).toContain(words.startsWith('QEMU closed') ? '' : words);
    expect(bench.host.events).toEqual([]);
    const lines = bench.log.lines.length;
    await turn(300);
    // Another attempt later nothing has been said twice.
    expect(new Set(bench.log.lines).size).toBe(bench.log.lines.length);
    expect(bench.log.lines.length).toBeLessThanOrEqual(lines + 1);
  });

  test('one that another client is connected to', async () => {
    bench.start();
    const other = native.connect(bench.socket);
    other.onData(() => undefined);
    await turn(10);
    bench.open();
    await bench.said('another client is connected to it', 4000);
    expect(bench.link.trouble).toContain('give kms-switcher a QMP socket of its own');
    other.close();
    await bench.registered(bench.qemus[0]!);
  });

  test('one that closes the display connection at once', async () => {
    const qemu = bench.start();
    qemu.addClient = (fd): void => {
      fs.closeSync(fd);
    };
    bench.open();
    await bench.said('QEMU closed the display connection while it was being made');
    await turn(600);
    expect(bench.log.warnings).toHaveLength(1);
  });

  test('one that answers no QMP command', async () => {
    const qemu = bench.start();
    qemu.knobs.mute.add('getfd');
    bench.open();
    await bench.said('QEMU does not answer getfd within 5 s', 6000);
  }, 10_000);

  test('one that answers nothing on its display', async () => {
    const qemu = bench.start();
    bench.open();
    await bench.registered(qemu);
    qemu.consoles[0]!.knobs.mute = true;
    qemu.console.dropListener();
    await bench.said('QEMU does not answer RegisterListener within 5 s', 6500);
    qemu.consoles[0]!.knobs.mute = false;
    await until(() => qemu.console.ready);
  }, 10_000);

  test('one that floods its events', async () => {
    const { qmp } = await bench.attached();
    const line = `${JSON.stringify({ event: 'STOP', data: {} })}\n${JSON.stringify({ event: 'RESUME', data: {} })}\n`;
    for (let round = 0; round < 20; round++) qmp!.raw(line.repeat(500));
    await turn(300);
    expect(bench.host.events.length).toBeLessThan(1000);
    expect(bench.log.lines.length).toBeLessThan(30);
  });
});

describe('a display connection that another program takes', () => {
  test('is noticed, said once, and taken back; the listeners stay', async () => {
    const qemu = await bench.attached();
    const other = qemu.otherClient();
    await bench.said('another program took its display connection: it is taken back');
    expect(bench.link.trouble).toContain('viewers: take-back');
    expect(bench.host.isConnected).toBe(true);
    // Pictures go on meanwhile.
    qemu.console.scanout(8, 2, 32, 0x20020888, new Uint8Array(64));
    await until(() => bench.head.events.length === 2);
    await bench.said('is ours again');
    expect(bench.link.trouble).toBeUndefined();
    expect(qemu.console.registrations).toBe(1);
    expect(qemu.clients).toBe(3);
    expect(bench.log.warnings).toHaveLength(1);
    other.close();
  });

  test('is left until the guest is switched to', async () => {
    const qemu = await bench.attached({}, { viewers: 'leave' });
    const other = qemu.otherClient();
    await bench.said('it is left to it (viewers: leave)');
    await turn(1200);
    expect(qemu.clients).toBe(2);
    bench.link.wanted();
    await bench.said('is ours again');
    expect(qemu.clients).toBe(3);
    other.close();
  });

  test('is fought for less and less often', async () => {
    const qemu = await bench.attached();
    for (const wait of [1000, 2000]) {
      const clients = qemu.clients;
      const started = performance.now();
      const other = qemu.otherClient();
      await until(() => qemu.clients === clients + 2, 4000);
      expect(performance.now() - started).toBeGreaterThan(wait - 50);
      await bench.registered(qemu);
      other.close();
    }
  }, 10_000);

  test('and a listener that QEMU drops is registered again', async () => {
    const qemu = await bench.attached();
    qemu.console.dropListener();
    await until(() => qemu.console.ready);
    expect(qemu.console.registrations).toBe(2);
    expect(bench.host.events).toEqual(['connected']);
  });

  test('or that QEMU refuses', async () => {
    const qemu = bench.start({ consoles: [{ refuse: 'Failed' }] });
    bench.open();
    await bench.said('head 0 cannot be shown: QEMU does not send it: refused by the mock');
    qemu.console.knobs.refuse = undefined;
    await bench.registered(qemu);
    expect(bench.log.warnings).toHaveLength(1);
  });
});

describe('keys and pointer', () => {
  test('reach the guest in its own numbers, and in order', async () => {
    const qemu = await bench.attached({ consoles: [{ resizable: false }] });
    const { calls } = qemu.console;
    await until(() => calls.length === 1);
    calls.length = 0;
    const { input } = bench.link;
    input!.key(0, 30, true); // KEY_A
    input!.key(0, 97, true); // KEY_RIGHTCTRL
    input!.key(0, 600, true); // none of QEMU's
    input!.key(7, 30, true); // no such head
    for (let step = 0; step < 10; step++) input!.motion(0, 0.75, -0.25);
    input!.button(0, 0x110, true);
    input!.button(0, 0x110, false);
    input!.wheel(0, 0, 0.5);
    input!.wheel(0, 0, 0.5);
    input!.wheel(0, -1, -1);
    input!.key(0, 30, false);
    await until(() => calls.at(-1) === 'Keyboard.Release 30');
    expect(calls).toEqual([
      'Keyboard.Press 30',
      'Keyboard.Press 157',
      'Mouse.RelMotion 7 -2',
      'Mouse.Press 0',
      'Mouse.Release 0',
      'Mouse.Press 4',
      'Mouse.Release 4',
      'Mouse.Press 7',
      'Mouse.Release 7',
      'Mouse.Press 3',
      'Mouse.Release 3',
      'Keyboard.Release 30',
    ]);
  });

  test('are places where the guest takes places, which it may change', async () => {
    const qemu = await bench.attached({ consoles: [{ width: 800, height: 600, absolute: true }] });
    const { calls } = qemu.console;
    const { input } = bench.link;
    await until(() => calls.length === 1);
    calls.length = 0;
    const at = { x: -1, y: -1 };
    expect(input!.absolute(0)).toBe(true);
    expect(input!.pointer!(0, at)).toBe(false);
    input!.place(0, 0.5, 1);
    await until(() => calls.length === 1);
    input!.motion(0, 1000, -10.5);
    // Also before it is sent.
    expect(input!.pointer!(0, at)).toBe(true);
    expect(at).toEqual({ x: 1, y: (599 - 10.5) / 599 });
    await until(() => calls.length === 2);
    at.x = at.y = -1;
    expect(input!.pointer!(0, at)).toBe(true);
    expect(at).toEqual({ x: 1, y: (599 - 10.5) / 599 });
    qemu.console.change(qemu.main!, { width: 400, height: 300 });
    await turn(10);
    input!.place(0, 0.5, 0.5);
    await until(() => calls.length === 3);
    qemu.console.change(qemu.main!, { absolute: false });
    await until(() => !input!.absolute(0));
    expect(input!.pointer!(0, at)).toBe(false);
    input!.place(0, 0.6, 0.5);
    await until(() => calls.length === 4);
    expect(calls).toEqual([
      'Mouse.SetAbsPosition 400 599',
      'Mouse.SetAbsPosition 799 588',
      'Mouse.SetAbsPosition 200 150',
      'Mouse.RelMotion 40 0',
    ]);
  });

  test('are places where QEMU says otherwise but takes no motion, as it does before 8.0', async () => {
    const qemu = bench.start();
    Object.defineProperty(qemu.console.knobs, 'absolute', {
      get: () => new Error().stack!.includes('errorOf'),
    });
    bench.open();
    await until(() => bench.link.input?.absolute(0) === true);
  });

  test('touches are where QEMU takes them, and its first finger is the pointer where it does not', async () => {
    const qemu = await bench.attached({
      consoles: [
        { width: 800, height: 600 },
        { touch: false, absolute: true },
      ],
    });
    const { calls } = qemu.console;
    const other = qemu.consoles[1];
    const input = bench.link.input!;
    await until(() => calls.length === 1 && other!.calls.length === 1);
    calls.length = other!.calls.length = 0;
    input.touch!(0, 1, TOUCH_DOWN, 0.5, 1);
    input.touch!(0, 1, TOUCH_MOVE, 0, 0.25);
    input.touch!(0, 1, TOUCH_UP, 0, 0);
    input.touch!(0, 2, TOUCH_CANCEL, 0, 0); // which the guest has not down
    input.touch!(0, 10, TOUCH_DOWN, 0, 0);
    input.touch!(1, 3, TOUCH_DOWN, 0.5, 0.5);
    input.touch!(1, 4, TOUCH_DOWN, 0, 0);
    input.touch!(1, 4, TOUCH_UP, 0, 0);
    input.touch!(1, 3, TOUCH_UP, 0, 0);
    await until(() => other!.calls.length === 3);
    // Kind, slot (two numbers), x, y.
    expect(calls).toEqual(
      ['0 0 1 400 600', '1 0 1 0 150', '2 0 1 0 0'].map((event) => `MultiTouch.SendEvent ${event}`),
    );
    expect(other!.calls).toEqual(['Mouse.SetAbsPosition 320 240', 'Mouse.Press 0', 'Mouse.Release 0']);
  });

  test('are taken when QEMU says so', async () => {
    const qemu = await bench.attached();
    bench.link.input!.key(0, 30, true);
    await bench.link.input!.taken!(0);
    expect(qemu.console.calls.at(-1)).toBe('Keyboard.Press 30');
    await expect(bench.link.input!.taken!(7)).resolves.toBeUndefined();
  });

  test('lights are known from the start, and told when they change', async () => {
    const qemu = await bench.attached({ consoles: [{ modifiers: 2 }] });
    const input = bench.link.input!;
    expect(input.leds).toBe(1);
    const told: number[] = [];
    input.onLeds!((leds) => told.push(leds));
    qemu.console.change(qemu.main!, { modifiers: 7 });
    qemu.console.change(qemu.main!, { modifiers: 7 });
    qemu.console.change(qemu.main!, { modifiers: 4 });
    await until(() => told.length === 2);
    expect(told).toEqual([7, 2]);
    input.onLeds!(undefined);
    qemu.console.change(qemu.main!, { modifiers: 0xffffff00 });
    await until(() => input.leds === 0);
    expect(told).toEqual([7, 2]);
  });

  test('are let go when there is a connection again', async () => {
    const qemu = await bench.attached({}, { viewers: 'leave' });
    const { input } = bench.link;
    input!.key(0, 30, true);
    input!.button(0, 0x111, true);
    await until(() => qemu.console.calls.includes('Mouse.Press 2'));
    const other = qemu.otherClient();
    await bench.said('viewers: leave');
    input!.key(0, 30, false);
    bench.link.wanted();
    await until(() => qemu.console.calls.includes('Mouse.Release 2'));
    expect(qemu.console.calls).toContain('Keyboard.Release 30');
    other.close();
  });

  test('fingers are lifted when there is a connection again, too', async () => {
    const qemu = await bench.attached({ consoles: [{}, { touch: false }] }, { viewers: 'leave' });
    const input = bench.link.input!;
    const [touched, pointed] = qemu.consoles;
    for (const [head, finger] of [
      [0, 2],
      [0, 5],
      [1, 3],
    ] as const)
      input.touch!(head, finger, TOUCH_DOWN, 0.5, 0.5);
    await until(() => pointed!.calls.includes('Mouse.Press 0'));
    const other = qemu.otherClient();
    await bench.said('viewers: leave');
    input.touch!(0, 2, TOUCH_UP, 0, 0);
    input.touch!(1, 3, TOUCH_UP, 0, 0);
    // One that comes meanwhile is none, nor is the rest of it.
    input.touch!(0, 7, TOUCH_DOWN, 0, 0);
    bench.link.wanted();
    await until(() => pointed!.calls.includes('Mouse.Release 0'));
    input.touch!(0, 7, TOUCH_MOVE, 1, 1);
    input.touch!(0, 5, TOUCH_UP, 0, 0);
    input.touch!(1, 4, TOUCH_DOWN, 1, 1);
    await until(() => pointed!.calls.filter((call) => call === 'Mouse.Press 0').length === 2);
    expect(touched!.calls.filter((call) => call.startsWith('MultiTouch'))).toEqual(
      ['0 0 2 320 240', '0 0 5 320 240', '2 0 2 0 0', '2 0 5 0 0'].map(
        (event) => `MultiTouch.SendEvent ${event}`,
      ),
    );
    other.close();
  });

  describe('of a QEMU that hangs', () => {
    const moved = (calls: readonly string[]): number =>
      calls.reduce((sum, call) => sum + Number(/^Mouse.RelMotion (-?\d+)/.exec(call)?.[1] ?? 0), 0);

    test('motion adds up, so that there is room for keys to be let go', async () => {
      const qemu = await bench.attached();
      const input = bench.link.input!;
      const { calls } = qemu.console;
      input.key(0, 29, true);
      input.button(0, 0x110, true);
      await until(() => calls.includes('Mouse.Press 0'));
      qemu.main!.pause();
      for (let count = 0; count < 6000; count++) {
        input.motion(0, 2, 0);
        input.wheel(0, 0, 1);
        await new Promise(setImmediate);
      }
      input.key(0, 30, true);
      input.key(0, 30, false);
      input.key(0, 29, false);
      input.button(0, 0x110, false);
      input.motion(0, 1, 0);
      const before = calls.length;
      qemu.main!.resume();
      await until(() => moved(calls) === 12_001);
      const later = calls.slice(before);
      expect(later.filter((call) => /^Keyboard|Mouse.Release 0/.test(call))).toEqual([
        'Keyboard.Press 30',
        'Keyboard.Release 30',
        'Keyboard.Release 29',
        'Mouse.Release 0',
      ]);
      // A button goes where the pointer is, and what comes after it goes after it.
      expect(moved(later.slice(later.indexOf('Mouse.Release 0')))).toBe(1);
      // Far less than was done.
      expect(later.length).toBeLessThan(4000);
      expect(later.filter((call) => call === 'Mouse.Press 4').length).toBe(
        later.filter((call) => call === 'Mouse.Release 4').length,
      );
    });

    test('keys that find no room are not pressed, and those that are down are let go', async () => {
      const qemu = await bench.attached();
      const input = bench.link.input!;
      const { calls } = qemu.console;
      const down = [42, 56, 29];
      for (const key of down) input.key(0, key, true);
      await until(() => calls.includes('Keyboard.Press 29'));
      qemu.main!.pause();
      for (let count = 0; count < 6000; count++) {
        input.key(0, 30, true);
        input.key(0, 30, false);
      }
      input.touch!(0, 0, TOUCH_DOWN, 0, 0);
      for (const key of down) input.key(0, key, false);
      qemu.main!.resume();
      await until(() => calls.at(-1) === 'Keyboard.Release 29');
      expect(calls.slice(-3)).toEqual(down.map((key) => `Keyboard.Release ${key}`));
      const typed = calls.filter((call) => call.endsWith(' 30'));
      expect(typed.length).toBeLessThan(6000);
      typed.forEach((call, at) => {
        expect(call).toBe(`Keyboard.${at % 2 === 0 ? 'Press' : 'Release'} 30`);
      });
      expect(typed.length % 2).toBe(0);
      input.key(0, 48, true);
      await until(() => calls.at(-1) === 'Keyboard.Press 48');
    });
  });
});
