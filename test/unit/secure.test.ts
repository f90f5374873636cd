import { parseConfig } from '../../src/config/load';
import { ConfigError } from '../../src/config/problems';
import { Selector } from '../../src/input/selector';
import { fits } from '../../src/config/config';
import { place, placeAbove, uprightSize } from '../../src/kms/fit';
import { Fitting, indicatorPlace } from '../../src/kms/fitting';
import { drawIndicator, indicatorHeight } from '../../src/kms/indicator';
import { fakeLog } from './support/fake-card';

const here = [{ card: 'card0', name: 'DP-1' }];
const guests = `guests:
  windows: { vhost-user-gpu: { listen: /run/w.sock } }
  linux: { vhost-user-gpu: { listen: /run/l.sock } }
`;
const parse = (text: string) => parseConfig(guests + text, { file: 'c.yaml' }, here);
const secure = (text: string) => `secure: { device: panel, keys: { ${text} } }\n`;

function problems(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ line, message }) => `${line} ${message}`);
  }
  return [];
}

describe('a config with the secure profile', () => {
  test('has no hotkeys, no way out by keyboard, and leaves no picture behind', () => {
    const config = parse('secure: true\n');
    expect(config).toMatchObject({ hotkeys: [], passthrough: [], handover: 'blank', secure: { keys: [] } });
    expect(config.escape).toBeUndefined();
    expect(parse('secure: false\n')).toEqual(parse(''));
  });

  test('may name a device, and what its keys do', () => {
    expect(parse(secure('F1: { show: windows }, F2: { show: linux, on: DP-1 }, End: panic')).secure).toEqual({
      device: 'panel',
      keys: [
        { code: 59, action: { kind: 'show', head: { guest: 'windows', head: 0 } } },
        { code: 60, action: { kind: 'show', head: { guest: 'linux', head: 0 }, on: 'DP-1' } },
        { code: 107, action: { kind: 'panic' } },
      ],
    });
  });

  test('refuses all that switches otherwise, or carries something from guest to guest', () => {
    expect(problems('secure: true\nhotkeys: { Ctrl+Alt+1: { show: windows } }\n')).toEqual([
      '5 the secure profile has no hotkeys: put these keys on a device of their own, below secure: keys:',
    ]);
    expect(problems('secure: true\nhotkeys: {}\npassthrough: []\n')).toEqual([]);
    expect(problems('secure: true\nescape: Ctrl+Alt+Q\npassthrough: [F12]\nhandover: keep\n')).toEqual([
      expect.stringMatching(/^5 the secure profile has no hotkeys; put escape on a key/),
      '6 the secure profile has no hotkeys, so every key goes to guests; remove passthrough',
      expect.stringMatching(/^7 the secure profile leaves no picture behind/),
    ]);
    expect(problems(secure('A: scan, B: { scan: { dwell: 5s } }'))).toEqual([
      expect.stringMatching(/^4 the secure profile has no scan/),
      expect.stringMatching(/^4 the secure profile has no scan/),
    ]);
    expect(problems(secure('A: { send: Ctrl+Alt+Del }'))).toEqual([
      expect.stringMatching(/^4 the secure profile sends no keys/),
    ]);
    expect(problems(secure('A: help'))).toEqual([expect.stringMatching(/^4 help lists hotkeys/)]);
  });

  test.each([
    ['secure: yes please\n', 'secure must be true or a mapping, not text'],
    ['secure: { devices: x }\n', 'unknown key "devices"; did you mean "device"?'],
    ['secure: { device: 7, keys: { A: next } }\n', 'the device must be a name or a path, not a number'],
    ['secure: { device: x, keys: [A] }\n', 'keys must be a mapping, not a list'],
    ['secure: { device: x }\n', 'a device without keys switches nothing'],
    ['secure: { device: x, keys: {} }\n', 'no key switches anything'],
    ['secure: { keys: { A: next } }\n', 'keys of which device?'],
    ['secure: { device: /dev/sda, keys: { A: next } }\n', '"/dev/sda" is no input device'],
    [secure('Ctrl+A: next'), 'unknown key "Ctrl+A"; a key of this device acts by itself'],
    [secure('Entre: next'), 'unknown key "Entre"; did you mean Enter?'],
    [secure('Esc: next, Escape: previous'), 'Esc is here already'],
    [secure('A: { hold: next }'), 'a key of this device acts at once'],
    [secure('A: { show: solaris }'), 'unknown guest "solaris"'],
  ])('%s is refused', (text, message) => {
    const found = problems(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`4 ${message}`);
  });
});

describe('the device that switches', () => {
  const info = { keyboard: true, pointer: false, power: false, touch: false, seat: 'seat0', links: [] };
  const selectorOf = (device: string | undefined) => new Selector(device, [], fakeLog(), () => undefined);

  test('is known by its name, or by a path, whatever it calls itself', () => {
    const panel = { ...info, name: 'panel', sysname: 'event7', links: ['/dev/input/by-path/usb-kbd'] };
    const other = { ...info, name: 'Panel 2', sysname: 'event8' };
    for (const device of ['panel', '/dev/input/by-path/usb-kbd', '/dev/input/event7'])
      expect([device, selectorOf(device).is(panel), selectorOf(device).is(other)]).toEqual([
        device,
        true,
        false,
      ]);
    expect(selectorOf(undefined).is(panel)).toBe(false);
  });

  test('does what its keys say when they go down, and nothing else', () => {
    const fired: unknown[] = [];
    const keys = [{ code: 59, action: { kind: 'next' } }] as const;
    const { events } = new Selector('panel', keys, fakeLog(), (action, at) => fired.push([action.kind, at]));
    events.key(1, 59, true, 7);
    events.key(1, 59, false, 8);
    events.key(1, 60, true, 9);
    expect(fired).toEqual([['next', 7]]);
  });
});

describe('the indicator', () => {
  const turns = [0, 1, 2, 3] as const;

  test.each(turns)('and a screen of any size have no pixel in common, turned by %i quarters', (turn) => {
    for (const [width, height] of [
      [1920, 1080],
      [1280, 1024],
      [64, 48],
    ] as const) {
      const strip = indicatorPlace({ fit: 'auto', turn, indicator: true }, width, height)!;
      const [across, rows] = uprightSize(strip);
      expect([across, rows]).toEqual([turn % 2 === 0 ? width : height, indicatorHeight(turn % 2 === 0 ? height : width)]); // prettier-ignore
      for (const fit of fits) {
        for (const [w, h] of [
          [1, 1],
          [width, height],
          [16, 4000],
          [4000, 16],
          [8000, 8000],
        ] as const) {
          const view = { fit, turn, indicator: true };
          const { placement, reason } = new Fitting(view, width, height, () => true).ofCopy(
            { x: 0, y: 0, width: w, height: h },
            'r',
          );
          expect(reason).toBe('r');
          expect(apart(strip, placement)).toBe(true);
          expect(placement.x >= 0 && placement.y >= 0).toBe(true);
          expect(placement.x + placement.width <= width && placement.y + placement.height <= height).toBe(
            true,
          );
        }
      }
    }
  });

  test('stands at the upper edge as its user sees it', () => {
    const at = ({ x, y, width, height }: { x: number; y: number; width: number; height: number }) => [x, y, width, height]; // prettier-ignore
    expect(turns.map((turn) => at(placeAbove(20, 1024, 768, turn)))).toEqual([
      [0, 0, 1024, 20],
      [1004, 0, 20, 768],
      [0, 748, 1024, 20],
      [0, 0, 20, 768],
    ]);
    expect(at(place(1024, 748, 1024, 768, 'none', 0, 20))).toEqual([0, 20, 1024, 748]);
  });

  test('never lets a buffer onto the panel as it lies', () => {
    const fitting = new Fitting({ fit: 'auto', turn: 0, indicator: true }, 64, 48, () => true);
    const layout = {
      width: 64,
      height: 32,
      format: 0,
      modifierHigh: 0,
      modifierLow: 0,
      bottomUp: false,
      planes: [],
    };
    const { reason } = fitting.ofBuffer(layout, 1, { x: 0, y: 0, width: 64, height: 32 });
    expect(reason).toBe('the indicator stands above it');
  });

  test('is another picture for each guest, and for the one that has the keyboard', () => {
    const pictures = [
      { text: 'windows', active: true },
      { text: 'windows', active: false },
      { text: 'linux', active: true },
      { text: '', active: false },
    ].map((indicator) => Buffer.from(drawIndicator(indicator, 640, 22)).toString('latin1'));
    expect(new Set(pictures).size).toBe(pictures.length);
    expect(pictures.map(({ length }) => length)).toEqual(pictures.map(() => 640 * 22 * 4));
  });
});

interface Part {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const apart = (a: Part, b: Part): boolean =>
  a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
