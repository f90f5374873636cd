import { formatStatus } from '../../src/cli/status';
import { table } from '../../src/cli/table';
import type { GuestStatus, OutputStatus, Status } from '../../src/control/protocol';

describe('a table', () => {
  test('has columns as wide as their widest cell, and no blanks at the end', () => {
    expect(
      table(
        ['A', 'LONGER', 'C'],
        [
          ['wide cell', 'x', ''],
          ['', 'y', 'zz'],
        ],
      ),
    ).toBe(['A          LONGER  C', 'wide cell  x', '           y       zz'].join('\n'));
  });

  test('without rows is its head', () => {
    expect(table(['A', 'B'], [])).toBe('A  B');
  });
});

const output: OutputStatus = {
  output: 'DP-1',
  card: 'card0',
  connected: true,
  lit: true,
  seat: 'default',
  focused: true,
  mode: '1920x1080@60',
  monitor: null,
  config: null,
  guest: 'windows',
  head: 0,
  blank: false,
  link: 'connected',
  frame: { width: 1920, height: 1080, fits: true },
  path: 'direct',
  frames: 123,
  modesets: 1,
  idleVblanks: 0,
  crtc: 40,
  lastSwitch: { commitMs: 1, shownMs: 12.345, agoMs: 61_499 },
};
const guest: GuestStatus = {
  guest: 'windows',
  kind: 'vhost-user-gpu',
  address: '/run/w.sock',
  connected: true,
  condition: 'running',
  reason: null,
  input: null,
  heads: [],
};
const status: Status = {
  version: '1',
  pid: 1,
  uptimeSeconds: 60,
  card: '/dev/dri/card0',
  driver: 'i915',
  commit: 'legacy',
  state: 'shown',
  cards: [{ card: '/dev/dri/card0', driver: 'i915', commit: 'legacy', state: 'shown' }],
  framebuffers: 3,
  memoryReducer: false,
  escaped: false,
  panic: false,
  seats: [{ seat: 'default', outputs: ['DP-1'], focused: 'DP-1', devices: [] }],
  outputs: [output],
  guests: [guest],
};

/** The cells of the first output's line. */
const cells = (given: Partial<OutputStatus>): string[] =>
  formatStatus({ ...status, outputs: [{ ...output, ...given }] })
    .split('\n')[2]!
    .split(/ {2,}/);

describe('the status for people', () => {
  test('has a line per output and per guest', () => {
    expect(formatStatus(status).split('\n')).toEqual([
      '/dev/dri/card0 (i915), legacy commits, up 60 s, * has the focus',
      'OUTPUT  MODE          GUEST    LINK       FRAME      PATH    FRAMES  LAST SWITCH',
      'DP-1 *  1920x1080@60  windows  connected  1920x1080  direct  123     12.3 ms, 61 s ago',
      'windows: connected (vhost-user-gpu /run/w.sock)',
    ]);
  });

  test('names what is not as it should be', () => {
    const told = { reason: 'tiled', cursor: 'no plane', modeNote: 'no such mode' };
    const signal: OutputStatus['signal'] = [
      { name: 'vrr', value: 'on' },
      { name: 'max-bpc', value: '12', trouble: 'this output takes 8 to 10' },
      { name: 'broadcast-rgb', value: 'full' },
    ];
    const troubled = { ...output, mirrors: 'DP-2', signal, ...told };
    const lines = formatStatus({ ...status, outputs: [troubled] }).split('\n');
    expect(lines.slice(3, 9)).toEqual([
      'DP-1: mirrors DP-2, whose size its guest is told',
      'DP-1: tiled',
      'DP-1: cursor: no plane',
      'DP-1: no such mode',
      'DP-1: vrr on, broadcast-rgb full',
      'DP-1: max-bpc stays as it is: this output takes 8 to 10',
    ]);
  });

  test('tells heads, blanks and what is missing apart', () => {
    expect(cells({ head: 2 })[2]).toBe('windows:2');
    expect(cells({ blank: true })[2]).toBe('windows (blank)');
    expect(cells({ guest: null, head: null, blank: true })[2]).toBe('blank');
    expect(cells({ guest: null, head: null, link: null, frame: null }).slice(2, 5)).toEqual(['-', '-', '-']);
    expect(cells({ frame: { width: 800, height: 600, fits: false } })[4]).toBe('800x600 (not the mode)');
    expect(cells({ mode: null, lit: false })[1]).toBe('dark');
    expect(cells({ mode: null, lit: false, connected: false })[1]).toBe('disconnected');
    expect(cells({ lastSwitch: null }).at(-1)).toBe('-');
    expect(cells({ lastSwitch: { commitMs: 1, shownMs: null, agoMs: 5 } }).at(-1)).toBe('-');
  });

  test('says of a guest why it is not there', () => {
    const line = (given: Partial<GuestStatus>): string =>
      formatStatus({ ...status, guests: [{ ...guest, ...given }] })
        .split('\n')
        .at(-1)!;
    expect(line({ connected: false })).toBe('windows: has not connected yet (vhost-user-gpu /run/w.sock)');
    expect(line({ connected: false, reason: 'it left' })).toBe(
      'windows: it left (vhost-user-gpu /run/w.sock)',
    );
  });
});

test.each([
  ['shown', 'up 60 s, * has the focus'],
  ['paused', 'up 60 s, paused (another session or program has the card), * has the focus'],
  ['asleep', 'up 60 s, asleep (until a key or the mouse is used), * has the focus'],
] as const)('says whether anything is to be seen: %s', (state, end) => {
  const cards = [{ ...status.cards[0]!, state }];
  expect(formatStatus({ ...status, cards }).split('\n')[0]).toMatch(end);
});

test('several cards have a line each, and outputs say which is theirs', () => {
  const cards = [
    ...status.cards,
    { card: '/dev/dri/card1', driver: 'udl', commit: 'atomic', state: 'paused' as const },
  ];
  const outputs = [output, { ...output, output: 'DVI-I-1', card: 'card1', focused: false }];
  const lines = formatStatus({ ...status, cards, outputs }).split('\n');
  expect(lines.slice(0, 2)).toEqual([
    '/dev/dri/card0 (i915), legacy commits, up 60 s, * has the focus',
    '/dev/dri/card1 (udl), atomic commits, paused (another session or program has the card)',
  ]);
  expect(lines.slice(2, 5).map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
    ['OUTPUT', 'CARD', 'MODE'],
    ['DP-1 *', 'card0', '1920x1080@60'],
    ['DVI-I-1', 'card1', '1920x1080@60'],
  ]);
});

test('panic, and a guest without a keyboard, are said', () => {
  const inputTrouble = 'there is no /dev/uinput';
  const text = formatStatus({
    ...status,
    panic: true,
    guests: [{ ...guest, input: 'uinput', inputTrouble }],
  });
  expect(text).toContain('\npanic: no guest has picture or input (undo: kms-switcher panic --off)\n');
  expect(text).toContain(
    'windows: connected (vhost-user-gpu /run/w.sock); no keyboard and no pointer: there is no',
  );
});

test('several seats have a line each', () => {
  const device = {
    device: 'AT keyboard',
    node: '/dev/input/event0',
    links: [],
    udevSeat: 'seat0',
    keyboard: true,
    pointer: false,
    touch: false,
  };
  const seats = [
    { seat: 'left', outputs: ['DP-1', 'DP-2'], focused: 'DP-2', devices: [device] },
    { seat: 'default', outputs: [], focused: null, devices: [] },
  ];
  const text = formatStatus({ ...status, seats });
  expect(text).toContain('\nseat left: DP-1, DP-2 *; AT keyboard\nseat default: no output; no device\n');
  expect(formatStatus(status)).not.toContain('seat');
});

test('where outputs stand is said of the seat whose pointer goes there', () => {
  const [only] = status.seats;
  const seamless = [['DP-1', 'HDMI-A-1'], ['DP-2']];
  const last = { ...only!, seamless };
  expect(formatStatus({ ...status, seats: [last] })).toContain('\nseamless: DP-1, HDMI-A-1 / DP-2\n');
  const first = { seat: 'left', outputs: [], focused: null, devices: [] };
  expect(formatStatus({ ...status, seats: [first, last] })).toContain(
    '\nseat left: no output; no device\nseat default: DP-1 *; no device; seamless: DP-1, HDMI-A-1 / DP-2\n',
  );
});
