import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Status } from '../../../src/control/protocol';
import type { Plan } from '../../../src/plan/plan';
import {
  cli, cliAll, Daemon, decodePng, eventually, Image, Panels, PixelBuffer, scratch, shows, startCli, WireGuest, writeConfig,
  type CliResult,
} from '../harness'; // prettier-ignore

const [FIRST, SECOND] = ['Virtual-1', 'Virtual-2'];
const image = Image.pattern(1024, 768, 1);

let daemon: Daemon;
let guest: WireGuest;
const directory = scratch();

beforeAll(async () => {
  daemon = await Daemon.start({
    guests: ['alpha', 'beta'],
    outputs: { [FIRST]: { show: 'alpha' }, [SECOND]: { show: 'beta' } },
  });
  guest = await WireGuest.join(daemon.socket('alpha'));
  const buffer = await PixelBuffer.of(image);
  await guest.present(buffer);
  buffer.close();
});
afterAll(async () => {
  guest.close();
  await daemon.stop();
});

describe('beside a running daemon', () => {
  test('outputs: a table, and JSON', async () => {
    const [plain, json] = await cliAll([
      ['outputs', '--card', Panels.lab.device],
      ['outputs', '--json'],
    ]);
    const { code, stdout } = plain!;
    expect(code).toBe(0);
    const [head, ...rows] = stdout.trim().split('\n');
    expect(head).toMatch(/^OUTPUT +CARD +STATE +PREFERRED +MODES +CRTCS +MONITOR$/);
    expect(rows.map((row) => row.split(/  +/).slice(0, 4))).toEqual(
      Panels.lab.connectors.map((name) => [name, `card${Panels.lab.minor} vkms`, 'connected', '1024x768@60']),
    );
    expect(json!.code).toBe(0);
    const listed = JSON.parse(json!.stdout) as {
      name: string;
      modes: string[];
      crtcs: number[];
      connected: boolean;
    }[];
    expect(listed.map(({ name }) => name)).toEqual(Panels.lab.connectors);
    for (const { modes, crtcs, connected } of listed) {
      expect(connected).toBe(true);
      expect(modes[0]).toBe('1024x768@60');
      expect(modes).toContain('1920x1080@60');
      expect(crtcs).toHaveLength(3);
    }
  });

  test('status: a table, and JSON', async () => {
    const status = ['status', '--control', daemon.control];
    const [plain, json] = await cliAll([status, [...status, '--json']]);
    const { code, stdout } = plain!;
    expect(code).toBe(0);
    expect(stdout).toContain(`${Panels.lab.device} (vkms), atomic commits, up `);
    expect(stdout).toMatch(/^Virtual-1 \* +1024x768@60 +alpha +connected +1024x768 +direct +\d+ /m);
    expect(stdout).toMatch(/^Virtual-2 +1024x768@60 +beta +waiting +- +picture +\d+ /m);
    expect(stdout).toMatch(/^beta: has not connected yet \(vhost-user-gpu \/.*beta\.sock\)$/m);
    const read = JSON.parse(json!.stdout) as Status;
    expect(read).toMatchObject({
      pid: daemon.pid,
      card: Panels.lab.device,
      driver: 'vkms',
      commit: 'atomic',
      memoryReducer: false,
    });
    expect(read.outputs.map(({ output }) => output)).toEqual(Panels.lab.connectors);
    expect(read.guests.map((one) => [one.guest, one.connected])).toEqual([['alpha', true], ['beta', false]]); // prettier-ignore
  });

  test('plan: what a switch would do, from the daemon; what a config would, from a card that is not ours to test', async () => {
    const control = ['--control', daemon.control];
    const toShow = ['plan', '--show', 'beta', '--on', FIRST];
    const [plain, json, beside] = await cliAll([
      [...toShow, '--size', '800x600', ...control],
      [...toShow, '--json', ...control],
      ['plan', daemon.config, '--card', Panels.lab.device, '--json', ...control],
    ]);
    expect(plain!.code).toBe(0);
    expect(plain!.stdout).toMatch(/ atomic commits; the card was asked \(TEST_ONLY\); nothing was changed$/m);
    expect(plain!.stdout).toMatch(
      /^Virtual-1 +\d+ +\d+ +1024x768@60 +flip, seamless +beta +800x600 XR24 \(assumed\) /m,
    );
    expect(plain!.stdout).toMatch(
      /^Virtual-2 +\d+ +\d+ +1024x768@60 +flip, seamless +alpha +1024x768 XR24 +direct$/m,
    );
    const read = JSON.parse(json!.stdout) as Plan;
    expect(read.by).toBe('test commits');
    expect(read.outputs.map(({ output, guest, change, path }) => [output, guest, change, path])).toEqual([
      [FIRST, 'beta', 'flip', 'direct'],
      [SECOND, 'alpha', 'flip', 'direct'],
      ['Virtual-3', null, 'none', 'picture'],
    ]);
    const status = await daemon.status();
    expect(status.outputs.map(({ guest }) => guest)).toEqual(['alpha', 'beta', null]);
    expect(read.outputs.map(({ crtc }) => crtc)).toEqual(status.outputs.map(({ crtc }) => crtc));
    expect(JSON.parse(beside!.stdout)).toMatchObject({
      by: 'properties',
      byWhy: 'another program drives the card',
    });
    await shows(FIRST, image.crc);
  });

  test('screenshot: the panel’s exact pixels, by writeback, and the file says so', async () => {
    const file = path.join(directory, 'panel.png');
    const { code, stdout } = await cli('screenshot', FIRST, file, '--control', daemon.control);
    expect(stdout).toBe(`${file}: 1024x768 (writeback)`);
    expect(code).toBe(0);
    const png = decodePng(fs.readFileSync(file));
    expect(png.image.crc).toBe(image.crc);
    await shows(FIRST, png.image.crc);
    expect(Object.fromEntries(png.text)).toEqual({
      Title: FIRST,
      Software: 'kms-switcher',
      Source: 'writeback',
    });
  });

  test('watch prints what happens, and show makes it happen', async () => {
    const watch = startCli(['watch', '--control', daemon.control]);
    // It has no way to say that it watches; something happens until it does.
    await eventually(async () => {
      await daemon.show('alpha', SECOND);
      await daemon.show('alpha', FIRST);
      expect(watch.stdout.length).toBeGreaterThan(0);
    });
    const shown = await cli('show', 'beta', '--on', FIRST, '--control', daemon.control);
    expect(shown).toEqual({ code: 0, stdout: '', stderr: '' });
    await eventually(() => {
      const events = watch.stdout.map((line) => JSON.parse(line) as object);
      expect(events.slice(-2)).toEqual([
        { event: 'switched', output: FIRST, guest: 'beta', head: 0, blank: false },
        { event: 'switched', output: SECOND, guest: 'alpha', head: 0, blank: false },
      ]);
    });
    watch.kill('SIGTERM');
    await watch.ended();
    await shows(SECOND, image.crc);
    await daemon.show('alpha', FIRST);
  });

  test('what cannot be done ends with one line that says what can', async () => {
    const outputs = 'here are Virtual-1, Virtual-2, Virtual-3';
    const mistakes: [string[], number, string][] = [
      [['show', 'nobody'], 1, 'there is no guest nobody: the config has alpha, beta'],
      [['show', 'alpha', '--on', 'DP-9'], 1, `there is no output DP-9: ${outputs}`],
      [['plan', '--show', 'nobody'], 1, 'there is no guest nobody: the config has alpha, beta'],
      [['plan', '--show', 'alpha', '--on', 'DP-9'], 1, `there is no output DP-9: ${outputs}`],
      [['plan', '--on', FIRST], 2, '--on goes with --show GUEST'],
      [['plan', '--size', 'large'], 2, '"large" is no size: write e.g. 1280x800'],
      [['show', 'a:b:c'], 2, 'a:b:c is not GUEST or GUEST:HEAD'],
      [['screenshot', 'DP-9', '/tmp/x.png'], 1, `there is no output DP-9: ${outputs}`],
    ];
    const results = await cliAll(mistakes.map(([args]) => [...args, '--control', daemon.control]));
    expect(results).toEqual(
      mistakes.map(([, code, message]) => ({ code, stdout: '', stderr: `kms-switcher: ${message}` })),
    );
  });

  test('a second daemon on the card ends with 75, one line, and disturbs nobody', async () => {
    const { file } = writeConfig({ guests: ['alpha'], card: Panels.lab.device });
    const { code, stderr } = await cli('run', '-c', file);
    const [last, ...before] = stderr.split('\n').reverse();
    expect(last).toMatch(
      /^kms-switcher: \/dev\/dri\/card\d+ is in use by another display server .*: stop it, or /,
    );
    expect(before).toEqual([expect.stringMatching(/ info: session: /)]);
    expect(code).toBe(75);
    await shows(FIRST, image.crc);
  });
});

describe('on a card without writeback connectors', () => {
  const reason = 'the card has no writeback connector for this CRTC';
  let panels: Panels;
  let plain: Daemon;
  let name: string;
  beforeAll(async () => {
    panels = await Panels.create('plain', { connectors: 1, crtcs: 1, writeback: false });
    name = panels.connectors[0]!;
    plain = await Daemon.start({
      guests: ['alpha'],
      outputs: { [name]: { show: 'alpha' } },
      card: panels.device,
    });
  });
  afterAll(async () => {
    await plain.stop();
    await panels.remove();
  });

  const small = Image.pattern(500, 400, 2);
  test.each([
    ['a frame shown as it lies', image, image],
    ['a copied one', small, small.centredOn(1024, 768)],
  ])('a screenshot is read back, and says so: %s, with the cursor', async (_, sent, panel) => {
    const sender = await WireGuest.join(plain.socket('alpha'));
    await sender.present(await PixelBuffer.of(sent));
    await shows(name, panel.crc, { panels });
    const { method, reason: why, png } = await plain.screenshot(name);
    expect({ method, why }).toEqual({ method: 'readback', why: reason });
    expect(png.text.get('Source')).toBe(`readback (${reason})`);
    expect(png.image.crc).toBe(panel.crc);

    const cursor = new Uint32Array(64 * 64).fill(0xffabcdef, 0, 999);
    await sender.cursorImage(cursor, -3, 90);
    const [x, y] = [(1024 - sent.width) / 2 - 3, (768 - sent.height) / 2 + 90];
    const blended = new Image(1024, 768).draw(panel, 0, 0).blend(cursor, 64, x, y);
    await shows(name, blended.crc, { panels });
    expect((await plain.screenshot(name)).png.image.crc).toBe(blended.crc);
  });
});

describe('alone', () => {
  const nowhere = path.join(directory, 'nowhere.sock');
  const notRunning = `kms-switcher is not running (no daemon at ${nowhere})`;
  const mistakes: [string, string[], number, string][] = [
    ['no command', [], 2, 'which command?'],
    ['an unknown option', ['status', '--colour'], 2, 'Unknown argument: colour'],
    ['an unknown command', ['dance'], 2, 'Unknown argument: dance'],
    ['a missing argument', ['show'], 2, 'Not enough non-option arguments'],
    ['status without a daemon', ['status', '--control', nowhere], 3, notRunning],
    ['show without a daemon', ['show', 'alpha', '--control', nowhere], 3, notRunning],
    ['watch without a daemon', ['watch', '--control', nowhere], 3, notRunning],
    ['a card that is not there', ['outputs', '--card', 'card77'], 69, 'there is no card /dev/dri/card77: '],
    ['a config that is not there', ['check', '-c', '/nowhere.yaml'], 78, '/nowhere.yaml: '],
  ];
  let results: CliResult[];
  beforeAll(async () => {
    results = await cliAll(mistakes.map(([, args]) => args));
  });

  test.each(mistakes.map((mistake, index) => [...mistake, index] as const))(
    '%s: the exit code says what it was',
    (_, __, code, message, index) => {
      expect(results[index]!.stderr).toContain(message);
      expect(results[index]!.code).toBe(code);
    },
  );

  test('check of a good file says what it means; of a bad one it and run name line, column and fix', async () => {
    const outputs = { [FIRST]: { show: 'alpha:1' }, [SECOND]: {} };
    const { file, control } = writeConfig({ guests: ['alpha'], outputs });
    const bad = path.join(directory, 'bad.yaml');
    fs.writeFileSync(
      bad,
      'guests:\n  alpha: { vhost-user-gpu: { listen: /run/alpha.sock } }\noutputs:\n  Virtual-1: { show: alpa }\n',
    );
    const [good, ...wrong] = await cliAll([
      ['check', '-c', file],
      ['check', '-c', bad],
      ['run', '-c', bad],
    ]);
    expect(good!.code).toBe(0);
    expect(good!.stdout.split('\n')[0]).toBe(`${file}: ok`);
    expect(good!.stdout).toContain('output Virtual-1: alpha:1');
    expect(good!.stdout).toContain(`control socket ${control}`);
    for (const { code, stderr } of wrong) {
      expect(stderr).toContain(`${bad}:4:22: unknown guest "alpa"; did you mean "alpha"?`);
      expect(code).toBe(78);
    }
  });
});
