import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listConnectors } from '../../src/config/connectors';
import type { Config } from '../../src/config/config';
import { loadConfig, parseConfig } from '../../src/config/load';
import { parseMode } from '../../src/config/mode';
import { nearest } from '../../src/config/nearest';
import { settings } from '../../src/config/settings';

const here = [
  { card: 'card0', name: 'DP-1' },
  { card: 'card0', name: 'HDMI-A-1' },
];
const guests = 'guests: { windows: { vhost-user-gpu: { listen: /run/w.sock } } }\n';
const escape = {
  source: 'Ctrl+Alt+Esc',
  trigger: { steps: [{ modifiers: 0x33, code: 1 }] },
  action: { kind: 'escape' },
};
const parse = (text: string, connectors: typeof here | undefined = here) =>
  parseConfig(text, { file: 'c.yaml' }, connectors);

describe('a config', () => {
  test('has defaults for all but the guests', () => {
    const { hotkeys, ...config } = parse(guests);
    expect(config).toEqual({
      file: 'c.yaml',
      cards: { by: 'monitor' },
      control: '/run/kms-switcher/control.sock',
      log: { level: 'info' },
      handover: 'keep',
      power: {},
      guests: [{ name: 'windows', link: { kind: 'vhost-user-gpu', listen: '/run/w.sock' }, hidden: 'full' }],
      outputs: [],
      passthrough: [],
      escape,
      layouts: [],
      seats: [{ name: 'default', devices: [], outputs: [], hotkeys }],
      notes: [],
    });
    expect(hotkeys.map(({ source }) => source)).toContain('Ctrl+Alt+1');
  });

  test('has guests of every kind', () => {
    const config = parse(`guests:
  a: { qemu: { qmp: /run/a.qmp } }
  b: { qemu: { bus: "unix:path=/run/bus", vm: b }, viewers: leave, hidden: on-demand }
  c: { qemu: { bus: "unix:abstract=/tmp/x,guid=00" }, hidden: full }
  d: { libvirt: { domain: d }, viewers: take-back, hidden: 1 }
  e: { libvirt: { domain: d, uri: "qemu+unix:///session?socket=/x" }, hidden: 240 }
  f: { vhost-user-gpu: { listen: /run/f.sock }, hidden: 30, input: uinput }
  g: { qemu: { bus: "unix:path=/run/bus", vm: G } }
  h: { qemu: { bus: "unix:path=/run/%62us2;unix:path=/run/bus3" } }
`);
    expect(config.guests).toEqual([
      { name: 'a', link: { kind: 'qemu', at: { qmp: '/run/a.qmp' }, viewers: 'take-back' }, hidden: 'full' },
      {
        name: 'b',
        link: { kind: 'qemu', at: { bus: 'unix:path=/run/bus', vm: 'b' }, viewers: 'leave' },
        hidden: 0,
      },
      {
        name: 'c',
        link: { kind: 'qemu', at: { bus: 'unix:abstract=/tmp/x,guid=00' }, viewers: 'take-back' },
        hidden: 'full',
      },
      { name: 'd', link: { kind: 'libvirt', domain: 'd', viewers: 'take-back' }, hidden: 1 },
      {
        name: 'e',
        link: {
          kind: 'libvirt',
          domain: 'd',
          uri: 'qemu+unix:///session?socket=/x',
          viewers: 'take-back',
        },
        hidden: 240,
      },
      { name: 'f', link: { kind: 'vhost-user-gpu', listen: '/run/f.sock' }, hidden: 30, input: 'uinput' },
      {
        name: 'g',
        link: { kind: 'qemu', at: { bus: 'unix:path=/run/bus', vm: 'G' }, viewers: 'take-back' },
        hidden: 'full',
      },
      {
        name: 'h',
        link: {
          kind: 'qemu',
          at: { bus: 'unix:path=/run/%62us2;unix:path=/run/bus3' },
          viewers: 'take-back',
        },
        hidden: 'full',
      },
    ]);
    expect(config.hotkeys.map(({ source }) => source)).toContain('Ctrl+Alt+8');
  });

  test('has the outputs as the kernel spells them, and a note where the file differs', () => {
    const config = parse(
      `${guests}outputs: { dp-1: { show: "windows:2" }, HDMI-1: { mode: 1920x1080@59.94 } }\n`,
    );
    expect(config.outputs).toEqual([
      { name: 'DP-1', show: { guest: 'windows', head: 2 }, mode: 'preferred' },
      { name: 'HDMI-A-1', mode: { width: 1920, height: 1080, refresh: 59940 } },
    ]);
    expect(config.notes).toEqual([
      `line 2: output "dp-1" is "DP-1" in the kernel's spelling`,
      `line 2: output "HDMI-1" is "HDMI-A-1" in the kernel's spelling`,
    ]);
  });

  test('says how screens stand on outputs, where that is not as usual', () => {
    const config = parse(
      `${guests}outputs: { DP-1: { fit: integer, rotate: 270 }, HDMI-A-1: { fit: none, rotate: 0 } }\n`,
    );
    expect(config.outputs).toEqual([
      { name: 'DP-1', mode: 'preferred', fit: 'integer', rotate: 270 },
      { name: 'HDMI-A-1', mode: 'preferred', fit: 'none' },
    ]);
  });

  test('says what the signal to an output is to be, and nothing of what is to stay as it is', () => {
    const config = parse(
      `${guests}outputs: { DP-1: { vrr: true, max-bpc: 10, broadcast-rgb: limited }, HDMI-A-1: { vrr: false } }\n`,
    );
    expect(config.outputs.map(({ signal }) => signal)).toEqual([
      { vrr: true, maxBpc: 10, broadcastRgb: 'limited' },
      { vrr: false },
    ]);
    expect(parse(`${guests}outputs: { DP-1: {} }\n`).outputs).toEqual([{ name: 'DP-1', mode: 'preferred' }]);
  });

  test('may show one head on several outputs, also by a layout', () => {
    const config = parse(
      `${guests}outputs: { DP-1: { show: windows }, HDMI-A-1: { show: 'windows:0' } }
layouts: { talk: { DP-1: 'windows:1', HDMI-A-1: 'windows:1' } }
`,
    );
    const windows = { guest: 'windows', head: 0 };
    expect(config.outputs.map(({ show }) => show)).toEqual([windows, windows]);
    expect(config.layouts[0]?.shows.map(({ head }) => head.head)).toEqual([1, 1]);
  });

  test('takes the card from the outputs that it names', () => {
    expect(parse(`${guests}outputs: { DP-1: {} }\n`).cards).toEqual({
      by: 'outputs',
      files: ['/dev/dri/card0'],
    });
    const named = parse(`${guests}outputs: { card0/DP-1: {} }\n`);
    expect(named).toMatchObject({
      cards: { by: 'outputs', files: ['/dev/dri/card0'] },
      outputs: [{ name: 'DP-1', card: 'card0' }],
      notes: [],
    });
  });

  test('takes several cards: named, all, or those that its outputs are on', () => {
    const [card0, card1] = ['/dev/dri/card0', '/dev/dri/card1'];
    const connectors = [
      { card: 'card0', name: 'DP-1' },
      { card: 'card1', name: 'HDMI-A-1' },
    ];
    const read = (text: string, card?: string): Config =>
      parseConfig(text, { file: 'c.yaml', ...(card !== undefined && { card }) }, connectors);
    const both = `${guests}outputs: { HDMI-1: {}, DP-1: {} }\n`;
    expect(read(both).cards).toEqual({ by: 'outputs', files: [card1, card0] });
    expect(read(both).outputs.map(({ name }) => name)).toEqual(['HDMI-A-1', 'DP-1']);
    expect(read(`card: [card1, ${card0}]\n${both}`).cards).toEqual({ by: 'name', files: [card1, card0] });
    expect(read(`card: all\n${both}`).cards).toEqual({ by: 'all' });
    expect(read(both, 'all').cards).toEqual({ by: 'all' });
    // Where cards may come later, so may outputs.
    for (const card of ['all', '[card0, card7]']) {
      const later = read(`card: ${card}\n${guests}outputs: { DP-1: {}, usb-3: {}, card7/DP-9: {} }\n`);
      expect(later.outputs.map(({ name }) => name)).toEqual(['DP-1', 'USB-3', 'DP-9']);
      expect(later.notes.filter((note) => note.includes('it may come with a card'))).toHaveLength(2);
    }
  });

  test('takes output names as they are where there is no card', () => {
    const config = parseConfig(
      `${guests}outputs: { HDMI-2: {}, DVI-1: {}, DP-9: {} }\n`,
      { file: 'c.yaml' },
      undefined,
    );
    expect(config.outputs.map(({ name }) => name)).toEqual(['HDMI-A-2', 'DVI-1', 'DP-9']);
    expect(config.notes).toContain('there is no graphics card here: output names were not checked');
    expect(config.cards).toEqual({ by: 'monitor' });
  });

  test('has every form of action', () => {
    const config = parse(`${guests}hotkeys:
  F1: { show: windows }
  F2: { show: windows, on: HDMI-1 }
  F3: { show: "windows:1" }
  F4: { show: windows, head: 1 }
  F5: next
  F6: { previous: DP-1 }
  F7: focus
  F8: { focus: DP-1 }
  F9: swap
  F10: { swap: [DP-1, HDMI-1] }
  F11: blank
  F12: { blank: DP-1 }
  Pause: { vt: 2 }
  F13: { send: Ctrl+Alt+F2 Enter }
  F14: { send: wake, to: "windows:1" }
  F15: panic
`);
    expect(config.hotkeys.map(({ action }) => action)).toEqual([
      { kind: 'show', head: { guest: 'windows', head: 0 } },
      { kind: 'show', head: { guest: 'windows', head: 0 }, on: 'HDMI-A-1' },
      { kind: 'show', head: { guest: 'windows', head: 1 } },
      { kind: 'show', head: { guest: 'windows', head: 1 } },
      { kind: 'next' },
      { kind: 'previous', on: 'DP-1' },
      { kind: 'focus' },
      { kind: 'focus', output: 'DP-1' },
      { kind: 'swap' },
      { kind: 'swap', outputs: ['DP-1', 'HDMI-A-1'] },
      { kind: 'blank' },
      { kind: 'blank', on: 'DP-1' },
      { kind: 'vt', vt: 2 },
      { kind: 'send', keys: 'Ctrl+Alt+F2 Enter' },
      { kind: 'send', keys: 'wake', to: { guest: 'windows', head: 1 } },
      { kind: 'panic' },
    ]);
  });

  test('has layouts, keys that are the guests’, a way out, and hotkeys of every kind', () => {
    const config = parse(`${guests}
layouts: { desk: { DP-1: windows, HDMI-A-1: "windows:1" } }
passthrough: [F12, Ctrl+Alt+Delete, LeftCtrl]
escape: ScrollLock ScrollLock Esc
hotkeys:
  ScrollLock: { hold: help }
  Ctrl+Alt+L: { layout: desk }
  Ctrl+Alt+A: scan
  Ctrl+Alt+B: { scan: { dwell: 1.5 s } }
  Ctrl+Alt+E: escape
  Ctrl+Alt+H: { hold: { show: windows } }
`);
    expect(config.layouts).toEqual([
      {
        name: 'desk',
        shows: [
          { output: 'DP-1', head: { guest: 'windows', head: 0 } },
          { output: 'HDMI-A-1', head: { guest: 'windows', head: 1 } },
        ],
      },
    ]);
    expect(config.passthrough).toEqual([
      { modifiers: 0, code: 88 },
      { modifiers: 0x33, code: 111 },
      { modifiers: 0x01, code: 0 },
    ]);
    expect(config.escape?.trigger.steps.map(({ code }) => code)).toEqual([70, 70, 1]);
    expect(config.hotkeys.map(({ action, hold }) => [action, hold])).toEqual([
      [{ kind: 'help' }, true],
      [{ kind: 'layout', layout: 'desk' }, undefined],
      [{ kind: 'scan', dwellMs: 5000 }, undefined],
      [{ kind: 'scan', dwellMs: 1500 }, undefined],
      [{ kind: 'escape' }, undefined],
      [{ kind: 'show', head: { guest: 'windows', head: 0 } }, true],
    ]);
    expect(config.notes).toEqual([]);
  });

  test('has no hotkeys if it says so, and a note on keys that guests lose', () => {
    expect(parse(`${guests}hotkeys: {}\n`).hotkeys).toEqual([]);
    expect(parse(`${guests}hotkeys: { pause: next }\n`).notes).toEqual([
      'line 2: Pause alone is a hotkey; guests are not meant to use that key',
    ]);
  });

  test('yields to flags and environment', () => {
    const text = `card: card0\ncontrol: /run/file.sock\nlog: { level: error }\n${guests}`;
    expect(parse(text)).toMatchObject({
      cards: { by: 'name', files: ['/dev/dri/card0'] },
      control: '/run/file.sock',
      log: { level: 'error' },
    });
    const over = {
      file: 'c.yaml',
      card: '/dev/dri/card1',
      control: '/run/flag.sock',
      logLevel: 'debug',
    } as const;
    expect(parseConfig(text, over, here)).toMatchObject({
      cards: { by: 'name', files: ['/dev/dri/card1'] },
      control: '/run/flag.sock',
      log: { level: 'debug' },
    });
  });

  test('the example is right and shows every key of the schema', () => {
    const text = readFileSync(join(__dirname, '../../config/example.yaml'), 'utf8');
    const config = parse(text);
    expect(config.notes).toEqual([]);
    expect(config.hotkeys).toHaveLength(19);
    expect(config.guests.map(({ link }) => link.kind)).toEqual(['qemu', 'libvirt', 'vhost-user-gpu', 'qemu']);
    expect(parse(text.replace('# card: ', 'card: ')).cards).toEqual({
      by: 'name',
      files: ['/dev/dri/by-path/pci-0000:00:02.0-card'],
    });
  });
});

describe('reading the file', () => {
  let directory: string;
  beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'config-'))));
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  test('a good one', async () => {
    const file = join(directory, 'good.yaml');
    writeFileSync(file, `\ufeff${guests}`);
    await expect(loadConfig({ file }, here)).resolves.toMatchObject({ file, guests: [{ name: 'windows' }] });
  });

  test('one that is not there, no file, or no text', async () => {
    const missing = join(directory, 'missing.yaml');
    await expect(loadConfig({ file: missing }, here)).rejects.toThrow(
      `${missing}: there is no such file; write it, or name another with --config or KMS_SWITCHER_CONFIG`,
    );
    await expect(loadConfig({ file: directory }, here)).rejects.toThrow(
      `${directory}: this is not a file; name the config file itself`,
    );
    const latin = join(directory, 'latin.yaml');
    writeFileSync(latin, Buffer.from([0x61, 0x3a, 0x20, 0xe9, 0x0a]));
    await expect(loadConfig({ file: latin }, here)).rejects.toThrow(
      `${latin}: this is not UTF-8 text; save it as UTF-8`,
    );
    const huge = join(directory, 'huge.yaml');
    writeFileSync(huge, '#'.repeat(1024 * 1024 + 1));
    await expect(loadConfig({ file: huge }, here)).rejects.toThrow('this is larger than a config can be');
  });

  test('one that cannot be read', async () => {
    // Root may read everything; a file in place of a directory stops root as well.
    const file = join(directory, 'good.yaml', 'below.yaml');
    await expect(loadConfig({ file }, here)).rejects.toThrow(`${file}: cannot be read (ENOTDIR)`);
  });
});

describe('settings', () => {
  const system = (uid: number, ...files: string[]) => ({
    uid,
    exists: (file: string) => files.includes(file),
  });

  test('a flag goes before the environment', () => {
    const env = {
      KMS_SWITCHER_CONFIG: '/env.yaml',
      KMS_SWITCHER_CARD: 'card1',
      KMS_SWITCHER_LOG_LEVEL: 'error',
    };
    expect(settings({ config: '/flag.yaml', card: 'card2' }, env, system(0))).toEqual({
      file: '/flag.yaml',
      card: '/dev/dri/card2',
      logLevel: 'error',
    });
    expect(settings({}, { ...env, KMS_SWITCHER_CONTROL: '/c.sock' }, system(0))).toEqual({
      file: '/env.yaml',
      card: '/dev/dri/card1',
      control: '/c.sock',
      logLevel: 'error',
    });
  });

  test('the default file is the own one if it exists, and never for root', () => {
    const own = '/home/u/.config/kms-switcher/config.yaml';
    const xdg = '/x/kms-switcher/config.yaml';
    const etc = '/etc/kms-switcher/config.yaml';
    expect(settings({}, { HOME: '/home/u' }, system(1000, own)).file).toBe(own);
    expect(settings({}, { HOME: '/home/u', XDG_CONFIG_HOME: '/x' }, system(1000, own, xdg)).file).toBe(xdg);
    expect(settings({}, { HOME: '/home/u' }, system(1000)).file).toBe(etc);
    expect(settings({}, { HOME: '/home/u' }, system(0, own)).file).toBe(etc);
    expect(settings({}, {}, system(1000)).file).toBe(etc);
  });

  test('an empty variable is an unset one; a wrong value is told with where it comes from', () => {
    expect(settings({}, { KMS_SWITCHER_CARD: '' }, system(0)).card).toBeUndefined();
    expect(() => settings({}, { KMS_SWITCHER_LOG_LEVEL: 'inf' }, system(0))).toThrow(
      'KMS_SWITCHER_LOG_LEVEL: unknown log level "inf"; did you mean "info"?',
    );
    expect(() => settings({ control: 'x' }, {}, system(0))).toThrow('--control: "x" is not an absolute path');
    expect(() => settings({ card: 'gpu' }, {}, system(0))).toThrow('--card: "gpu" is no card');
  });
});

describe('connectors', () => {
  test('come from the names in sysfs, without writeback, in order', () => {
    const directory = mkdtempSync(join(tmpdir(), 'drm-'));
    expect(listConnectors(directory)).toBeUndefined();
    for (const name of [
      'card10',
      'card10-DP-1',
      'card2',
      'card2-HDMI-A-10',
      'card2-HDMI-A-2',
      'card2-Writeback-1',
    ])
      mkdirSync(join(directory, name));
    for (const name of ['renderD128', 'version']) mkdirSync(join(directory, name));
    expect(listConnectors(directory)).toEqual([
      { card: 'card2', name: 'HDMI-A-2' },
      { card: 'card2', name: 'HDMI-A-10' },
      { card: 'card10', name: 'DP-1' },
    ]);
    rmSync(directory, { recursive: true });
  });

  test('are unknown where there is no such directory', () => {
    expect(listConnectors('/nonexistent/drm')).toBeUndefined();
  });
});

test.each([
  ['1920x1080', { width: 1920, height: 1080 }],
  ['1920x1080@60', { width: 1920, height: 1080, refresh: 60000 }],
  ['1920X1080@60Hz', { width: 1920, height: 1080, refresh: 60000 }],
  ['1920x1080@59.94', { width: 1920, height: 1080, refresh: 59940 }],
  ['Preferred', 'preferred'],
  ['current', 'current'],
  ['max', 'max'],
  ['Guest', 'guest'],
])('mode %s', (text, mode) => {
  expect(parseMode(text)).toEqual({ mode });
});

test('the nearest word is near', () => {
  expect(nearest('windwos', ['linux', 'windows'])).toBe('windows');
  expect(nearest('WINDOWS', ['linux', 'windows'])).toBe('windows');
  expect(nearest('abcdef', ['linux', 'windows'])).toBeUndefined();
  expect(nearest('x', ['y'])).toBeUndefined();
});

describe('seats', () => {
  const text = `${guests}outputs: { DP-1: {}, HDMI-A-1: {} }
seats:
  left: { devices: ["Logitech  *", /dev/input/event3], outputs: [dp-1] }
  right: { devices: ["udev:seat1"], outputs: [HDMI-A-1], hotkeys: { F9: next } }
`;
  const sources = (config: ReturnType<typeof parse>): string[][] =>
    config.seats.map(({ hotkeys }) => hotkeys.map(({ source }) => source));

  test('have devices and outputs, and there is one for the rest', () => {
    const { seats, notes } = parse(text);
    expect(seats.map(({ name, devices, outputs }) => [name, devices, outputs])).toEqual([
      ['left', ['Logitech  *', '/dev/input/event3'], ['DP-1']],
      ['right', ['udev:seat1'], ['HDMI-A-1']],
      ['default', [], []],
    ]);
    expect(notes).toContainEqual(
      expect.stringMatching(/event3 is another device after the next start, perhaps/),
    );
  });

  test('have hotkeys of their own, else those of the file that are for them', () => {
    const hotkeys = 'hotkeys: { F1: next, F2: { blank: DP-1 } }\n';
    expect(sources(parse(text + hotkeys))).toEqual([['F1', 'F2'], ['F9'], ['F1']]);
    expect(sources(parse(text.replace('{ F9: next }', '{}') + hotkeys))[1]).toEqual([]);
  });

  test('have default hotkeys for as many outputs as they have', () => {
    const [left, right, rest] = sources(parse(text));
    expect(left).toContain('Ctrl+Alt+1');
    expect(left).not.toContain('Ctrl+Alt+Tab');
    expect(right).toEqual(['F9']);
    expect(rest).toContain('Ctrl+Alt+Tab');
  });

  test('have outputs that stand somewhere, each its own; those of no seat are of the last', () => {
    const rows = (config: string): unknown => parse(config).seats.map(({ seamless }) => seamless);
    expect(rows(text)).toEqual([undefined, undefined, undefined]);
    expect(rows(`${guests}seamless: [[hdmi-1], [DP-1]]\n`)).toEqual([[['HDMI-A-1'], ['DP-1']]]);
    expect(
      rows(`${guests}seats:
  left: { devices: [Logitech *], outputs: [HDMI-A-1, DP-1], seamless: [[DP-1, HDMI-A-1]] }
`),
    ).toEqual([[['DP-1', 'HDMI-A-1']], undefined]);
  });
});
