import type { ConnectorName } from '../../src/config/connectors';
import { parseConfig } from '../../src/config/load';
import { ConfigError } from '../../src/config/problems';
import type { Settings } from '../../src/config/settings';

const here: ConnectorName[] = [
  { card: 'card0', name: 'DP-1' },
  { card: 'card0', name: 'HDMI-A-1' },
];
const twoCards: ConnectorName[] = [
  ...here,
  { card: 'card1', name: 'HDMI-A-1' },
  { card: 'card1', name: 'DP-2' },
  { card: 'card1', name: 'DVI-I-1' },
  { card: 'card1', name: 'DVI-D-1' },
];

/** What is wrong with a text, as `line:column message`. */
function problems(
  text: string,
  connectors: readonly ConnectorName[] = here,
  settings: Partial<Settings> = {},
): string[] {
  try {
    parseConfig(text, { file: 'c.yaml', ...settings }, connectors);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
  }
  return [];
}

const guests = `guests:
  windows: { vhost-user-gpu: { listen: /run/w.sock } }
  linux: { vhost-user-gpu: { listen: /run/l.sock } }
`;
const guest = (listen: string) => `guests: { a: { vhost-user-gpu: { listen: ${listen} } } }\n`;

describe('a config that is no mapping', () => {
  test.each([
    ['', '1:1 the file is empty; it needs guests: at least'],
    ['# nothing\n', '1:1 the file is empty; it needs guests: at least'],
    ['- a\n', '1:1 the file must be a mapping, not a list; begin with guests:'],
    ['hello\n', '1:1 the file must be a mapping, not text; begin with guests:'],
  ])('%j', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });
});

describe('YAML itself', () => {
  test.each([
    ['a:\n\tb: 1\n', '2:1 Tabs are not allowed as indentation; indent with spaces'],
    ['a: "x\n', '2:1 Missing closing "quote; add it, or put the text in quotes'],
    ['a: [1\nb: 2\n', /^2:1 .*\]/],
    ['a: *x\n', /^1:4 .*x; write the value out instead of an alias$/],
    ['card: !foo card0\nguests: [', '1:7 Unresolved tag: !foo; remove the tag'],
    ['? [a]\n: b\n', '1:3 a key must be plain text; write it as one word, or in quotes'],
    ['guests: {}\n---\nb: 1\n', '2:1 a second document begins here; remove the "---" or what follows it'],
  ])('%j', (text, problem) => {
    const found = problems(text);
    expect(found[0]).toEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem));
  });

  test('a duplicate key hides no other problem', () => {
    expect(problems(`${guests}  linux: { vhost-user-gpu: { listen: /run/x.sock } }\ncolour: red\n`)).toEqual([
      '4:3 this key is here already; remove or rename one of them',
      '5:1 unknown key "colour"; known: card, control, log, handover, power, guests, outputs, hotkeys, passthrough, escape, seats, seamless, layouts, secure',
    ]);
  });

  test('aliases of aliases do not fill memory', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array<string>(8)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(problems(lines.join('\n'))).toEqual([expect.stringMatching(/^2:10 .*write the value out/)]);
  });

  test('an alias may be used, and problems in it are found where it is written', () => {
    expect(problems(`${guests}outputs:\n  DP-1: &o { show: windows, mode: 1x }\n  HDMI-A-1: *o\n`)).toEqual([
      expect.stringMatching(/^5:35 "1x" is no mode/),
    ]);
  });
});

describe('shape', () => {
  test.each([
    [`${guests}otuputs: {}\n`, '4:1 unknown key "otuputs"; did you mean "outputs"?'],
    ['log: {}\n', '1:1 the file has no "guests"; add guests: …'],
    ['guests: {}\n', '1:1 "guests" is empty; add at least one'],
    ['guests:\n', '1:8 "guests" must be a mapping, not nothing; write {} or indent its keys below it'],
    ['guests:\n  a: { vhost-user-gpu: {} }\n', '2:8 "vhost-user-gpu" has no "listen"; add listen: …'],
    ['guests:\n  a: { vhost-user-gpu: { lisen: /x } }\n', '2:26 unknown key "lisen"; did you mean "listen"?'],
    [guest('5'), '1:42 "listen" must be text, not a number; put it in quotes'],
    [
      `${guests}outputs:\n  DP-1: windows\n`,
      '5:9 "DP-1" must be a mapping, not text; write key: value below it',
    ],
    [`${guests}outputs:\n  DP-1: { hed: 1 }\n`, '5:11 unknown key "hed"; did you mean "head"?'],
    [
      `${guests}outputs:\n  DP-1: { mode: 1080 }\n`,
      '5:17 "mode" must be text, not a number; put it in quotes',
    ],
    [`${guests}control: [a]\n`, '4:10 "control" must be text, not a list; write text'],
    [`${guests}hotkeys: []\n`, '4:10 "hotkeys" must be a mapping, not a list; write key: value below it'],
    [`${guests}handover: hold\n`, '4:11 "handover" cannot be "hold"; known: keep, blank'],
    [
      `${guests}power: { blank-after: 10 }\n`,
      '4:23 "10" is no time from 1s to 24h; write e.g. 90s, 10m or 1h',
    ],
    [
      `${guests}power: { blank-after: 25h }\n`,
      '4:23 "25h" is no time from 1s to 24h; write e.g. 90s, 10m or 1h',
    ],
    [`${guests}power: { blankafter: 10m }\n`, '4:10 unknown key "blankafter"; did you mean "blank-after"?'],
    [`${guests}log: { level: warn }\n`, '4:15 unknown log level "warn"; did you mean "warning"?'],
    [`${guests}log: { level: 3 }\n`, '4:15 "level" cannot be 3; known: error, warning, notice, info, debug'],
  ])('%j', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });

  test('keys with the names of object members are keys like others', () => {
    expect(problems(`${guests}outputs:\n  constructor: {}\n  __proto__: { show: toString }\n`)).toEqual([
      expect.stringMatching(/^5:3 unknown output "constructor"/),
      expect.stringMatching(/^6:3 unknown output "__proto__"/),
      expect.stringMatching(/^6:22 unknown guest "toString"/),
    ]);
  });
});

describe('guests', () => {
  const long = 'x'.repeat(65);
  test.each([
    [
      'guests: { "a:1": { vhost-user-gpu: { listen: /x } } }\n',
      '1:11 "a:1" is no guest name; use letters, digits, ".", "_" and "-" only, e.g. a-1',
    ],
    [
      'guests: { "": { vhost-user-gpu: { listen: /x } } }\n',
      '1:11 a guest without a name; use letters, digits, ".", "_" and "-"',
    ],
    [
      `guests: { ${long}: { vhost-user-gpu: { listen: /x } } }\n`,
      '1:11 a guest name of 65 characters; use at most 64',
    ],
    [guest('run/a.sock'), '1:42 "run/a.sock" is not an absolute path; write e.g. /run/kms-switcher/a.sock'],
    [guest('/run/'), '1:42 "/run/" is a directory; add a file name, e.g. /run/guest.sock'],
    [guest('"/run/a\\0"'), '1:42 a socket path with control characters; remove them'],
    [
      guest(`/${'é'.repeat(54)}`),
      '1:42 this socket path has 109 bytes, the kernel takes 107; use a shorter directory',
    ],
    [
      guest(`/${'x'.repeat(107)}`),
      '1:42 this socket path has 108 bytes, the kernel takes 107; use a shorter directory',
    ],
    [
      guest('/run/kms-switcher/../kms-switcher/control.sock'),
      '1:42 "/run/kms-switcher/../kms-switcher/control.sock" is the control socket already; give each its own path',
    ],
    [
      `control: /run/c.sock\n${guest('//run/c.sock')}`,
      '2:42 "//run/c.sock" is the control socket already; give each its own path',
    ],
  ])('%j', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });

  test('a path of 107 bytes is fine', () => {
    expect(problems(guest(`/${'x'.repeat(106)}`))).toEqual([]);
  });

  test('two guests on one socket, spelt differently', () => {
    expect(problems(`${guests}  third: { vhost-user-gpu: { listen: /run/./x/../w.sock } }\n`)).toEqual([
      '4:38 "/run/./x/../w.sock" is the socket of guest "windows" (line 2) already; give each its own path',
    ]);
  });
});

describe('links', () => {
  const control = '/run/kms-switcher/control.sock';
  const noLink =
    '2:3 "a" has no link; add one of qemu: { qmp: … }, libvirt: { domain: … }, vhost-user-gpu: { listen: … }';
  const noWhere = '2:8 "qemu" does not say where; add qmp: <path of a QMP socket>, or bus: <D-Bus address>';
  test.each([
    ['a: {}', noLink],
    ['a: { hidden: full }', noLink],
    ['a:', '2:5 "a" must be a mapping, not nothing; write {} or indent its keys below it'],
    ['a: { qmeu: { qmp: /x } }', '2:8 unknown key "qmeu"; did you mean "qemu"?'],
    [
      'a: { spice: {} }',
      /^2:8 unknown key "spice"; known: vhost-user-gpu, qemu, libvirt, hidden, input, viewers$/,
    ],
    ['a: { qemu: /x }', '2:14 "qemu" must be a mapping, not text; write key: value below it'],
    [
      'a: { qemu: { qmp: /x }, libvirt: { domain: a } }',
      '2:27 a guest has one link, qemu here; remove libvirt',
    ],
    [
      'a: { libvirt: { domain: a }, vhost-user-gpu: { listen: /x }, viewers: leave }',
      '2:32 a guest has one link, libvirt here; remove vhost-user-gpu',
    ],
    ['a: { qemu: {} }', noWhere],
    ['a: { qemu: { vm: a } }', noWhere],
    ['a: { qemu: { qpm: /x } }', '2:16 unknown key "qpm"; did you mean "qmp"?'],
    ['a: { qemu: { socket: /x } }', '2:16 unknown key "socket"; known: qmp, bus, vm'],
    ['a: { qemu: { qmp: 5 } }', '2:21 "qmp" must be text, not a number; put it in quotes'],
    [
      'a: { qemu: { qmp: /x, bus: "unix:path=/y" } }',
      '2:25 QEMU is reached by qmp or by bus, by qmp here; remove bus',
    ],
    [
      'a: { qemu: { bus: "unix:path=/y", vm: a, qmp: /x } }',
      '2:44 QEMU is reached by qmp or by bus, by bus here; remove qmp',
    ],
    [
      'a: { qemu: { qmp: /x, vm: a } }',
      '2:25 vm chooses among those on a bus, and a QMP socket is of one; remove vm',
    ],
    ['a: { libvirt: {} }', '2:8 "libvirt" has no "domain"; add domain: …'],
    ['a: { libvirt: { domian: a } }', '2:19 unknown key "domian"; did you mean "domain"?'],
    ['a: { libvirt: { domain: 1 } }', '2:27 "domain" must be text, not a number; put it in quotes'],
  ])('%s', (text, problem) => {
    expect(problems(`guests:\n  ${text}\n`)).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ]);
  });

  const long = `/${'x'.repeat(107)}`;
  test.each([
    ['run/a.qmp', '"run/a.qmp" is not an absolute path; write e.g. /run/vm/a.qmp'],
    ['/run/vm/', '"/run/vm/" is a directory; add a file name, e.g. /run/vm/guest.sock'],
    [long, 'this socket path has 108 bytes, the kernel takes 107; use a shorter directory'],
    [
      'unix:/run/vm/a.qmp,server=on,wait=off',
      `"unix:/run/vm/a.qmp,server=on,wait=off" is QEMU's option; write the path alone, /run/vm/a.qmp`,
    ],
    ['unix:/run/a.qmp', `"unix:/run/a.qmp" is QEMU's option; write the path alone, /run/a.qmp`],
    ['/run/a.qmp,server', `"/run/a.qmp,server" is QEMU's option; write the path alone, /run/a.qmp`],
    [
      'localhost:4444',
      /^"localhost:4444" is no UNIX socket, and .*; give QEMU -qmp unix:\/run\/vm\/guest.qmp,/,
    ],
    ['tcp:localhost:4444', /^"tcp:localhost:4444" is no UNIX socket, and /],
    [control, `"${control}" is the control socket already; give each its own path`],
  ])('qmp %s', (qmp, problem) => {
    const found = problems(`guests: { a: { qemu: { qmp: '${qmp}' } } }\n`);
    expect(found).toHaveLength(1);
    const message = found[0]!.replace(/^1:29 /, '');
    expect(message).toEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem));
  });

  const example = 'write e.g. unix:path=/run/vm/bus';
  test.each([
    ['/run/bus', '"/run/bus" is a path, not a D-Bus address; write unix:path=/run/bus'],
    ['', `"" is no D-Bus address; ${example}`],
    ['bus', `"bus" is no D-Bus address; ${example}`],
    ['session', /^"session" is no D-Bus address, and the daemon is in no session; write the address out, /],
    ['unix:', `"unix:" is no D-Bus address; ${example}`],
    ['unix:/run/bus', `"unix:/run/bus" is no D-Bus address; ${example}`],
    ['unix:path=', `"unix:path=" is no D-Bus address; ${example}`],
    ['unix:guid=00', `"unix:guid=00" names no socket; ${example}`],
    [
      'tcp:host=a,port=1',
      /^"tcp:host=a,port=1" is no UNIX socket, and file descriptors pass through no other; /,
    ],
    ['unix:path=/x;tcp:host=a', /^"tcp:host=a" is no UNIX socket, /],
    ['unix:path=run/bus', '"run/bus" is not an absolute path; write e.g. /run/vm/bus'],
    ['unix:path=/x,abstract=y', '"unix:path=/x,abstract=y" names two sockets; write one, path or abstract'],
    ['unix:pth=/x', '"pth" is not for clients, in "unix:pth=/x"; did you mean "path"?'],
    [
      'unix:tmpdir=/tmp',
      /^"tmpdir" is not for clients, in "unix:tmpdir=\/tmp"; known: path, abstract, guid$/,
    ],
  ])('bus %s', (bus, problem) => {
    const found = problems(`guests: { a: { qemu: { bus: '${bus}' } } }\n`);
    expect(found).toHaveLength(1);
    const message = found[0]!.replace(/^1:29 /, '');
    expect(message).toEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem));
  });

  test.each([
    ['{ domain: "" }', '1:35 an empty domain; write its name as `virsh list --all` has it'],
    [
      '{ domain: "--help" }',
      '1:35 "--help" is no domain of libvirt; write its name as `virsh list --all` has it',
    ],
    [
      '{ domain: "a\\nb" }',
      '1:35 "a\\nb" is no domain of libvirt; write its name as `virsh list --all` has it',
    ],
    ['{ domain: a, uri: system }', '1:43 "system" is no URI of libvirt; write e.g. qemu:///system'],
    [
      '{ domain: a, uri: "lxc:///system" }',
      `1:43 "lxc:///system" is no URI of QEMU's domains; write e.g. qemu:///system or qemu:///session`,
    ],
    [
      '{ domain: a, uri: "qemu+ssh://box/system" }',
      '1:43 "qemu+ssh://box/system" is another machine, and a display cannot be taken from there; write e.g. qemu:///system',
    ],
    ['{ domain: a, uri: "qemu://box/system" }', /^1:43 "qemu:\/\/box\/system" is another machine, /],
    [
      '{ domain: a, uri: "qemu:///" }',
      `1:43 "qemu:///" is neither the system's nor a session's libvirt; write qemu:///system or qemu:///session`,
    ],
  ])('libvirt %s', (value, problem) => {
    expect(problems(`guests: { a: { libvirt: ${value} } }\n`)).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ]);
  });

  test('two guests on one socket, of whatever kind', () => {
    const text = `guests:
  a: { qemu: { qmp: /run/a } }
  b: { qemu: { qmp: /run//a } }
  c: { vhost-user-gpu: { listen: /run/./a } }
  d: { vhost-user-gpu: { listen: /run/d } }
  e: { qemu: { qmp: /run/d } }
`;
    expect(problems(text)).toEqual([
      '3:21 "/run//a" is the QMP socket of guest "a" (line 2) already; give each its own path',
      '4:34 "/run/./a" is the QMP socket of guest "a" (line 2) already; give each its own path',
      '6:21 "/run/d" is the socket of guest "d" (line 5) already; give each its own path',
    ]);
  });

  test('two guests of one virtual machine', () => {
    const uuid = '6a2f41a3-c54c-fce8-32d2-0324e1c32e22';
    const text = `guests:
  a: { qemu: { bus: "unix:path=/bus", vm: a } }
  b: { qemu: { bus: "unix:path=//bus,guid=00", vm: a } }
  c: { qemu: { bus: "unix:path=/bus2", vm: ${uuid} } }
  d: { qemu: { bus: "unix:path=/bus2", vm: ${uuid.toUpperCase()} } }
  e: { qemu: { bus: "unix:path=/bus3" } }
  f: { qemu: { bus: "unix:path=/bus3", vm: f } }
  g: { qemu: { bus: "unix:path=/bus2" } }
  h: { libvirt: { domain: h } }
  i: { libvirt: { domain: h } }
  j: { qemu: { bus: "unix:path=/bus4", vm: " " } }
`;
    expect(problems(text)).toEqual([
      '3:52 "a" is guest "a" (line 2) already; name another vm',
      `5:44 "${uuid.toUpperCase()}" is guest "c" (line 4) already; name another vm`,
      '7:21 this bus is that of guest "e" (line 6) already; add vm: <name or UUID> to each of the two',
      '8:21 this bus is that of guest "c" (line 4) already; add vm: <name or UUID> to each of the two',
      '10:27 "h" is guest "h" (line 9) already; name another domain',
      '11:44 an empty vm; write the name or the UUID of the virtual machine',
    ]);
  });

  const choices = 'write full, on-demand, or 1 to 240 frames a second';
  test.each([
    ['hidden: 0', `1:43 0 cannot be; ${choices}`],
    ['hidden: 241', `1:43 241 cannot be; ${choices}`],
    ['hidden: 2.5', `1:43 2.5 cannot be; ${choices}`],
    ['hidden: .inf', `1:43 Infinity cannot be; ${choices}`],
    ['hidden: -1', `1:43 -1 cannot be; ${choices}`],
    ['hidden: "30"', '1:43 "30" is text; write the number without quotes'],
    ['hidden: ondemand', '1:43 "hidden" cannot be "ondemand"; did you mean "on-demand"?'],
    ['hidden: never', `1:43 "hidden" cannot be "never"; ${choices}`],
    ['hidden: [1]', `1:43 hidden cannot be a list; ${choices}`],
    ['hidden:', `1:43 hidden cannot be nothing; ${choices}`],
    ['viewers: takeback', '1:44 "viewers" cannot be "takeback"; did you mean "take-back"?'],
    ['viewers: other', '1:44 "viewers" cannot be "other"; known: take-back, leave'],
    ['viewers: true', '1:44 "viewers" cannot be true or false; known: take-back, leave'],
    [
      'input: usb',
      '1:42 "input" cannot be "usb"; write uinput for devices of the guest\'s own, or remove it for the link\'s',
    ],
    ['input: true', /^1:42 "input" cannot be true or false; write uinput/],
    ['hiden: full', '1:35 unknown key "hiden"; did you mean "hidden"?'],
  ])('%s', (key, problem) => {
    expect(problems(`guests: { a: { qemu: { qmp: /a }, ${key} } }\n`)).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ]);
  });

  test('viewers where there can be none', () => {
    expect(problems('guests:\n  a: { vhost-user-gpu: { listen: /x }, viewers: leave }\n')).toEqual([
      '2:40 viewers is for qemu and libvirt: nobody else can take this guest; remove it',
    ]);
  });
});

describe('outputs', () => {
  const outputs = (body: string) => `${guests}outputs:\n${body}`;
  test.each([
    ['  DP-1: { show: wndows }\n', '5:17 unknown guest "wndows"; did you mean "windows"?'],
    ['  DP-1: { show: x }\n', '5:17 unknown guest "x"; known: windows, linux'],
    ['  DP-1: { show: "linux:16" }\n', '5:17 16 is no head; heads are numbered from 0 to 15'],
    ['  DP-1: { show: "linux:one" }\n', '5:17 "one" is no head; heads are numbered from 0 to 15'],
    ['  DP-1: { show: linux, head: -1 }\n', '5:30 -1 is no head; heads are numbered from 0 to 15'],
    ['  DP-1: { show: linux, head: 1.5 }\n', '5:30 1.5 is no head; heads are numbered from 0 to 15'],
    [
      '  DP-1: { show: "linux:1", head: 1 }\n',
      '5:28 the head is in show: "linux:1" already; remove one of them',
    ],
    ['  DP-1: { head: 1 }\n', '5:11 a head without its guest; add show: <guest>'],
    ['  DP-1: { show: 1 }\n', '5:17 show must be the name of a guest, not a number; put it in quotes'],
    ['  DP-9: {}\n', '5:3 unknown output "DP-9"; did you mean "DP-1"? here are DP-1, HDMI-A-1'],
    ['  monitor: {}\n', '5:3 unknown output "monitor"; here are DP-1, HDMI-A-1'],
    ['  card7/DP-1: {}\n', '5:3 "card7/DP-1": there is no card7 here; did you mean "card0"?'],
    ['  a/b/c: {}\n', '5:3 "a/b/c" is no output; write e.g. HDMI-A-1 or card1/HDMI-A-1'],
    [
      '  HDMI-1: {}\n  HDMI-A-1: {}\n',
      '6:3 this is the same output as "HDMI-1" (line 5); remove one of them',
    ],
    ['  DP-1: {}\n  card0/DP-1: {}\n', '6:3 this is the same output as "DP-1" (line 5); remove one of them'],
    [
      '  DP-1: { mode: 1920x }\n',
      '5:17 "1920x" is no mode; write e.g. 1920x1080, 1920x1080@60, preferred, current, max or guest, or a modeline',
    ],
    ['  DP-1: { fit: aspects }\n', '5:16 "fit" cannot be "aspects"; did you mean "aspect"?'],
    ['  DP-1: { fit: zoom }\n', '5:16 "fit" cannot be "zoom"; known: auto, aspect, integer, fill, none'],
    ['  DP-1: { rotate: 45 }\n', '5:19 "rotate" cannot be 45; known: 0, 90, 180, 270'],
    ['  DP-1: { vrr: yes }\n', '5:16 "vrr" must be true or false, not text; write true or false'],
    ['  DP-1: { vrr: 1 }\n', '5:16 "vrr" must be true or false, not a number; write true or false'],
    ['  DP-1: { max-bpc: 9 }\n', '5:20 "max-bpc" cannot be 9; known: 6, 8, 10, 12, 16'],
    ['  DP-1: { max-bpc: "10" }\n', '5:20 "max-bpc" must be a number, not text; write 10 without quotes'],
    ['  DP-1: { broadcast-rgb: tv }\n', '5:26 "broadcast-rgb" cannot be "tv"; known: auto, full, limited'],
    ['  DP-1: { broadcast-rgb: Full }\n', '5:26 "broadcast-rgb" cannot be "Full"; did you mean "full"?'],
    ['  DP-1: { maxBpc: 10 }\n', '5:11 unknown key "maxBpc"; did you mean "max-bpc"?'],
    ['  DP-1: { rotate: left }\n', '5:19 "rotate" cannot be "left"; known: 0, 90, 180, 270'],
    ['  DP-1: { mode: prefered }\n', '5:17 "prefered" is no mode; did you mean "preferred"?'],
    ['  DP-1: { mode: guests }\n', '5:17 "guests" is no mode; did you mean "guest"?'],
    ['  DP-1: { mode: 0x1080 }\n', '5:17 "mode" must be text, not a number; put it in quotes'],
    ['  DP-1: { mode: 1920x0 }\n', '5:17 a mode of 1920x0 cannot be; width and height go from 1 to 16384'],
    [
      '  DP-1: { mode: 1920x1080@5000 }\n',
      '5:17 a refresh rate of 5000 Hz cannot be; it goes from 1 to 1000 Hz',
    ],
    [
      '  DP-1: { mode: modeline 148.5 1920 2008 2052 2200 }\n',
      '5:17 a modeline has nine numbers; write e.g. modeline 148.50 1920 2008 2052 2200 1080 1084 1089 1125 +hsync +vsync, as cvt prints them',
    ],
    [
      '  DP-1: { mode: modeline 148.5 1920 2008 2008 2200 1080 1084 1089 1125 }\n',
      "5:17 1920 2008 2008 2200 cannot be: they grow from the width over the sync's start and end to the total",
    ],
    [
      '  DP-1: { mode: modeline 148.5 1920 2008 2052 2200 1080 1089 1084 1125 }\n',
      "5:17 1080 1089 1084 1125 cannot be: they grow from the height over the sync's start and end to the total",
    ],
    [
      '  DP-1: { mode: modeline 14850 1920 2008 2052 2200 1080 1084 1089 1125 }\n',
      '5:17 a pixel clock of 14850 MHz makes 6000 Hz of these timings; a refresh rate goes from 1 to 1000 Hz',
    ],
    [
      '  DP-1: { mode: modeline 148.5 19200 20080 20520 22000 1080 1084 1089 1125 }\n',
      '5:17 a mode of 19200x1080 cannot be; width and height go from 1 to 16384',
    ],
    [
      '  DP-1: { mode: modeline 148.5 1920 2008.5 2052 2200 1080 1084 1089 1125 }\n',
      '5:17 the timings of a modeline are whole numbers from 1 to 65535; write e.g. modeline 148.50 1920 2008 2052 2200 1080 1084 1089 1125 +hsync +vsync, as cvt prints them',
    ],
    [
      '  DP-1: { mode: modeline 74.25 1920 2008 2052 2200 1080 1084 1094 1125 interlace }\n',
      '5:17 "interlace" in a modeline is not known here; after the numbers come +hsync or -hsync, and +vsync or -vsync',
    ],
  ])('%j', (body, problem) => {
    expect(problems(outputs(body))).toEqual([problem]);
  });

  test.each([
    [
      '  HDMI-A-1: {}\n',
      '5:3 several cards have a HDMI-A-1; write card0/HDMI-A-1 or card1/HDMI-A-1, or say the card with card:',
    ],
    ['  DVI-1: {}\n', '5:3 "DVI-1" may be DVI-I-1 or DVI-D-1; write which'],
  ])('several cards: %j', (body, problem) => {
    expect(problems(outputs(body), twoCards)).toEqual([problem]);
  });

  test('several cards, with names that two of them have', () => {
    expect(problems(outputs('  DP-1: {}\n  DP-2: {}\n'), twoCards)).toEqual([]);
    const both = '  card0/HDMI-A-1: {}\n  card1/HDMI-A-1: {}\n';
    expect(problems(outputs(both), twoCards)).toEqual([]);
    expect(problems(outputs(`${both}  card1/hdmi-1: {}\n`), twoCards)).toEqual([
      '7:3 this is the same output as "card1/HDMI-A-1" (line 6); remove one of them',
    ]);
    expect(problems(`card: [card0, card7]\n${outputs('  card1/DP-2: {}\n')}`, twoCards)).toEqual([
      '6:3 "card1/DP-2" is not on card0, card7, the cards to be driven; name an output of one of card0, card7',
    ]);
  });

  test('a card that is chosen decides', () => {
    expect(problems(`card: card1\n${outputs('  HDMI-A-1: {}\n')}`, twoCards)).toEqual([]);
    expect(problems(outputs('  HDMI-A-1: {}\n'), twoCards, { card: '/dev/dri/card1' })).toEqual([]);
    expect(problems(`card: card0\n${outputs('  card1/HDMI-A-1: {}\n')}`, twoCards)).toEqual([
      '6:3 "card1/HDMI-A-1" is not on card0, the card to be driven; name an output of card0',
    ]);
  });
});

describe('hotkeys', () => {
  const hotkeys = (body: string) => `${guests}hotkeys:\n${body}`;
  test.each([
    ['  Ctrl+Alt+Rigth: next\n', '5:3 unknown key "Rigth"; did you mean Right?'],
    ['  Ctl+Alt+1: next\n', '5:3 unknown key "Ctl"; did you mean Ctrl?'],
    ['  Ctrl+Alt+-: next\n', '5:3 unknown key "-"; did you mean Minus?'],
    [
      '  Ctrl+Alt: next\n',
      '5:3 "Ctrl+Alt" has modifiers only; add the key that is pressed with them, e.g. Ctrl+Alt+1',
    ],
    ['  Ctrl+LeftCtrl+A: next\n', '5:3 "Ctrl+LeftCtrl+A" names Ctrl twice; once is enough'],
    [
      '  A+B: next\n',
      '5:3 "A+B" has two keys that are no modifiers, A and B; keys pressed one after the other are separated by spaces',
    ],
    ['  "": next\n', '5:3 a hotkey without keys; write e.g. Ctrl+Alt+1'],
    ['  "Ctrl++": next\n', /^5:3 "\+" joins keys, it names none, in "Ctrl\+\+"; write e\.g\. Ctrl\+Alt\+1/],
    [
      '  Ctrl+Alt+1: next\n  alt+control+1: swap\n',
      '6:3 this is the same hotkey as "Ctrl+Alt+1" (line 5); remove one of them',
    ],
    [
      '  ScrollLock ScrollLock N: next\n  ScrollLock: swap\n',
      '5:3 this can never fire, "ScrollLock" (line 6) fires before it is complete; change one of them',
    ],
    ['  F1: nxt\n', '5:7 unknown action "nxt"; did you mean "next"?'],
    ['  F1: show\n', '5:7 show needs a guest; write { show: <guest> }'],
    ['  F1: linux\n', '5:7 unknown action "linux"; to show that guest write { show: linux }'],
    [
      '  F1: 5\n',
      '5:7 an action must be a word or a mapping, not a number; write e.g. next or { show: windows }',
    ],
    ['  F1: {}\n', '5:7 an empty action; write e.g. next or { show: windows }'],
    ['  F1: { shw: linux }\n', '5:9 unknown action "shw"; did you mean "show"?'],
    ['  F1: { on: DP-1 }\n', '5:9 "on" goes with show; add show: <guest>'],
    ['  F1: { next: DP-1, on: DP-1 }\n', '5:21 "on" goes with show; write { next: <output> }'],
    ['  F1: { show: linux, next: DP-1 }\n', '5:22 a hotkey does one thing, show here; remove next'],
    ['  F1: { show: linux, onn: DP-1 }\n', '5:22 unknown key "onn"; did you mean "on"?'],
    ['  F1: { show: lnux }\n', '5:15 unknown guest "lnux"; did you mean "linux"?'],
    ['  F1: { show: linux, head: 16 }\n', '5:28 16 is no head; heads are numbered from 0 to 15'],
    [
      '  F1: { show: linux, on: DP-7 }\n',
      '5:26 unknown output "DP-7"; did you mean "DP-1"? here are DP-1, HDMI-A-1',
    ],
    ['  F1: { focus: }\n', '5:16 this must be an output, not nothing; write e.g. DP-1'],
    [
      '  F1: { swap: DP-1 }\n',
      '5:15 swap takes two outputs; write { swap: [DP-1, HDMI-A-1] }, or swap alone',
    ],
    ['  F1: { swap: [DP-1, dp-1] }\n', '5:22 DP-1 cannot be swapped with itself; name another output'],
    ['  F1: { vt: 0 }\n', '5:13 a virtual terminal is a number from 1 to 63; write { vt: 1 } for /dev/tty1'],
    [
      '  F1: { vt: tty1 }\n',
      '5:13 a virtual terminal is a number from 1 to 63; write { vt: 1 } for /dev/tty1',
    ],
    ['  F1: vt\n', '5:7 write { vt: 1 } for /dev/tty1'],
    ['  F1: { vt: 1, on: DP-1 }\n', '5:16 "on" goes with show; remove it'],
    ['  LeftCtrl+Alt+F2: next\n', '5:3 Ctrl+Alt+F2 always switches virtual terminals; choose another'],
    ['  F1: send\n', '5:7 send needs keys; write e.g. { send: Ctrl+Alt+Del }'],
    ['  F1: { send: Ctrl+Alt+Delet }\n', '5:15 unknown key "Delet"; did you mean Delete?'],
    ['  F1: { send: 5 }\n', '5:15 keys to send must be text, not a number; write e.g. Ctrl+Alt+Del'],
    ['  F1: { send: A, to: lnux }\n', '5:22 unknown guest "lnux"; did you mean "linux"?'],
    ['  F1: { send: A, to: 1 }\n', '5:22 to must be the name of a guest, not a number; put it in quotes'],
    [
      '  F1: { send: A, on: DP-1 }\n',
      '5:18 "on" goes with show, keys are sent to a guest; write to: <guest>',
    ],
    ['  F1: { send: A, too: linux }\n', '5:18 unknown key "too"; did you mean "to"?'],
    ['  F1: { to: linux }\n', '5:9 "to" goes with send; add send: <keys>'],
    ['  F1: { panic: true }\n', '5:9 panic is a word of its own; write panic without { }'],
    ['  F1: { swap: [DP-1, 2] }\n', '5:22 this must be an output, not a number; write e.g. DP-1'],
    ['  F1: { help: DP-1 }\n', '5:9 help is a word of its own; write help without { }'],
    ['  F1: { hold: hlp }\n', '5:15 unknown action "hlp"; did you mean "help"?'],
    ['  F1: { hold: help, next: DP-1 }\n', '5:21 put next below hold: { hold: { next: … } }'],
    ['  F1: { scan: 5s }\n', '5:15 scan takes a dwell time; write { scan: { dwell: 5s } }, or scan alone'],
    ['  F1: { scan: { dwell: 5 } }\n', '5:24 dwell cannot be "5"; write a time from 1s to 60m, e.g. 5s'],
    [
      '  F1: { scan: { dwell: 10ms } }\n',
      '5:24 dwell cannot be "10ms"; write a time from 1s to 60m, e.g. 5s',
    ],
    ['  F1: { scan: { dwell: 5s, on: DP-1 } }\n', '5:28 unknown key "on"; remove it'],
    ['  F1: layout\n', '5:7 layout needs a name; write { layout: <name> }'],
    ['  F1: { layout: desk }\n', '5:17 there is no layout "desk"; add it below layouts:'],
    [
      '  F1: { layout: 3 }\n',
      '5:17 layout must be the name of a layout, not a number; write it as below layouts:',
    ],
    [
      '  F1: next\npassthrough: [F1]\n',
      '5:3 this can never fire, passthrough gives F1 to the guest; remove one of them',
    ],
    [
      '  ScrollLock F1: next\npassthrough: [ScrollLock]\n',
      '5:3 this can never fire, passthrough gives ScrollLock to the guest; remove one of them',
    ],
    [
      '  Ctrl+Alt+Esc: next\n',
      '5:3 "Ctrl+Alt+Esc" takes the keyboard back from the guests; use another, or set escape: to another',
    ],
    [
      '  Ctrl+Alt+X F2: next\nescape: Ctrl+Alt+X\n',
      '5:3 "Ctrl+Alt+X" takes the keyboard back from the guests; use another, or set escape: to another',
    ],
  ])('%j', (body, problem) => {
    expect(problems(hotkeys(body))).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ]);
  });
});

describe('keys of the guest, the way out, and layouts', () => {
  test.each([
    ['passthrough: F1\n', '4:14 "passthrough" must be a list, not text; write a list'],
    ['passthrough: [Scroll, Scrol]\n', '4:23 unknown key "Scrol"; did you mean ScrollLock?'],
    [
      'passthrough: [5]\n',
      '4:15 this must be a key or a chord, not a number; write e.g. F12 or Ctrl+Alt+Delete',
    ],
    ['passthrough: [F1 F2]\n', '4:15 "F1 F2" is a sequence; name each key or chord by itself, as F1'],
    [
      'passthrough: [Ctrl+Alt+Esc]\n',
      '4:15 "Ctrl+Alt+Esc" takes the keyboard back from the guests: it cannot go to them; set escape: to another',
    ],
    ['escape: Ctrl+Alt+Escp\n', '4:9 unknown key "Escp"; did you mean Esc?'],
    ['escape: Ctrl+Alt\n', /^4:9 "Ctrl\+Alt" has modifiers only/],
    ['escape: Esc\n', '4:9 Esc alone would be missed by every guest; write a chord, e.g. Ctrl+Alt+Esc'],
    ['escape: no\n', /^4:9 /],
    ['escape: Ctrl+Alt+F1\n', '4:9 Ctrl+Alt+F1 always switches virtual terminals; choose another'],
    [
      'passthrough: [Ctrl+Alt+F2]\n',
      '4:15 Ctrl+Alt+F2 always switches virtual terminals: it cannot go to guests; remove it',
    ],
    ['layouts: { desk: { DP-1: windos } }\n', '4:26 unknown guest "windos"; did you mean "windows"?'],
    ['layouts: { desk: { DP-9: windows } }\n', /^4:20 unknown output "DP-9"/],
    ['layouts: { desk: {} }\n', '4:12 "desk" is empty; add at least one'],
    [
      'layouts: { "a b": { DP-1: windows } }\n',
      '4:12 "a b" is no name; use letters, digits, ".", "_" and "-" only',
    ],
    [
      'layouts: { desk: { DP-1: linux, dp-1: windows } }\n',
      '4:33 DP-1 is in this layout twice; remove one of them',
    ],
  ])('%j', (body, problem) => {
    expect(problems(guests + body)).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ]);
  });

  test('an unknown layout, and which it may be', () => {
    expect(
      problems(`${guests}layouts: { desk: { DP-1: linux } }\nhotkeys: { F1: { layout: dsk }, F2: desk }\n`),
    ).toEqual([
      '5:26 unknown layout "dsk"; did you mean "desk"?',
      '5:37 unknown action "desk"; for that layout write { layout: desk }',
    ]);
  });
});

describe('seats', () => {
  const left = 'left: { devices: [Logi*], outputs: [DP-1] }';
  const right = 'right: { devices: [Cherry*], outputs: [HDMI-A-1] }';
  /** Line 5 is the first below `seats:`. */
  const seats = (...lines: string[]) => `${guests}seats:\n${lines.map((line) => `  ${line}\n`).join('')}`;

  test.each([
    [
      [left, 'right: { devices: [logi*], outputs: [HDMI-A-1] }'],
      '6:22 "logi*" is of seat left (line 5) already; remove one of them',
    ],
    [
      [left, 'right: { devices: [Cherry*], outputs: [dp-1] }'],
      '6:42 DP-1 is of seat left (line 5) already; remove one of them',
    ],
    [
      ['left: { devices: [a, b, A], outputs: [DP-1] }'],
      '5:27 "A" is of seat left (line 5) already; remove one of them',
    ],
    [['left: { devices: [Logi*], outputs: [DP-3] }'], /^5:39 unknown output "DP-3"; did you mean "DP-1"\?/],
    [
      ['left: { devices: [Logi*], outputs: [] }'],
      '5:38 a seat without an output; name its monitor, e.g. DP-1',
    ],
    [['left: { devices: [Logi*] }'], '5:3 "left" has no "outputs"; add outputs: …'],
    [['left: { devices: [Logi*], outputs: DP-1 }'], '5:38 "outputs" must be a list, not text; write a list'],
    [
      ['left: { devices: [Logi*], outputs: [1] }'],
      '5:39 this must be an output, not a number; write e.g. DP-1',
    ],
    [
      ['left: { devices: [], outputs: [DP-1] }'],
      '5:20 a seat without a device; name its keyboard, e.g. "Logitech *"',
    ],
    [['left: { outputs: [DP-1] }'], '5:3 "left" has no "devices"; add devices: …'],
    [
      ['left: { devices: [7], outputs: [DP-1] }'],
      /^5:21 this must be a device, not a number; write its name /,
    ],
    [['left: { devices: [" "], outputs: [DP-1] }'], /^5:21 this must be a device, not an empty text; /],
    [
      ['left: { devices: [/dev/hidraw0], outputs: [DP-1] }'],
      /^5:21 this must be a device below \/dev\/input, not "\/dev\/hidraw0"; /,
    ],
    [
      ['left: { devices: [event3], outputs: [DP-1] }'],
      /^5:21 this must be the name of a device; did you mean \/dev\/input\/event3\?; /,
    ],
    [
      ['left: { devices: ["udev:left"], outputs: [DP-1] }'],
      /^5:21 this must be a seat of udev's, which are called seat0, seat1 and so on, not "udev:left"; /,
    ],
    [['left: { devices: [Logi*], output: [DP-1] }'], '5:29 unknown key "output"; did you mean "outputs"?'],
    [['left: [Logi*]'], '5:9 "left" must be a mapping, not a list; write key: value below it'],
    [
      ['default: { devices: [Logi*], outputs: [DP-1] }'],
      '5:3 "default" is the seat that has what no other has; choose another name',
    ],
    [
      ['"a b": { devices: [Logi*], outputs: [DP-1] }'],
      '5:3 "a b" is no name; use letters, digits, ".", "_" and "-" only',
    ],
  ] as [string[], string | RegExp][])('%j', (lines, problem) => {
    expect(problems(seats(...lines))).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ]);
  });

  const own = (hotkeys: string) => `left: { devices: [Logi*], outputs: [DP-1], hotkeys: { ${hotkeys} } }`;
  test.each([
    ['F1: { show: windows, on: HDMI-A-1 }', 'HDMI-A-1 is of seat right'],
    ['F1: { next: HDMI-A-1 }', 'HDMI-A-1 is of seat right'],
    ['F1: { focus: HDMI-A-1 }', 'HDMI-A-1 is of seat right'],
    ['F1: { blank: HDMI-A-1 }', 'HDMI-A-1 is of seat right'],
    ['F1: { swap: [DP-1, HDMI-A-1] }', 'HDMI-A-1 is of seat right'],
    ['F1: { layout: desk }', 'HDMI-A-1 is of seat right'],
  ])('a hotkey that reaches into another: %s', (hotkey, whose) => {
    const text = `${seats(own(hotkey), right)}layouts: { desk: { HDMI-A-1: linux } }\n`;
    expect(problems(text)).toEqual([
      expect.stringMatching(`^5:\\d+ ${whose}: a hotkey of seat left is for its own outputs, DP-1$`),
    ]);
  });

  test('hotkeys of their own are checked as all are', () => {
    expect(problems(seats(own('F1: nxt, Ctrl+Alt+F2: next, F3: { show: linus }'), right))).toEqual([
      '5:61 unknown action "nxt"; did you mean "next"?',
      '5:66 Ctrl+Alt+F2 always switches virtual terminals; choose another',
      '5:97 unknown guest "linus"; did you mean "linux"?',
    ]);
  });

  test('hotkeys of the file that nobody could press', () => {
    const hotkeys =
      'hotkeys: { F1: { blank: DP-1 }, F2: { swap: [DP-1, HDMI-A-1] }, F3: { blank: HDMI-A-1 } }\n';
    expect(problems(seats(own('F1: next'), right) + hotkeys)).toEqual([
      '7:16 DP-1 is of seat left, which has hotkeys of its own; move this one there',
      '7:37 DP-1 is of seat left, HDMI-A-1 is of seat right: a hotkey is for the outputs of one seat; write one for each, or use a command (kms-switcher layout)',
    ]);
  });

  test('an output that is in no seat', () => {
    expect(problems(seats(own('F1: { blank: HDMI-A-1 }')))).toEqual([
      '5:61 HDMI-A-1 is in no seat: a hotkey of seat left is for its own outputs, DP-1',
    ]);
  });
});

describe('seamless', () => {
  const rows =
    'write rows of outputs, e.g. [[DP-1, HDMI-A-1]], or [[DP-1], [HDMI-A-1]] for one above the other';
  const seats =
    'seats: { left: { devices: [Logi*], outputs: [DP-1] }, right: { devices: [Cherry*], outputs: [HDMI-A-1] } }\n';

  test.each([
    ['seamless: true', `4:11 seamless says where outputs stand, and cannot be true or false; ${rows}`],
    [
      'seamless: { DP-1: HDMI-A-1 }',
      `4:11 seamless says where outputs stand, and cannot be a mapping; ${rows}`,
    ],
    ['seamless:', `4:10 seamless says where outputs stand, and cannot be nothing; ${rows}`],
    ['seamless: []', `4:11 the pointer goes from output to output: name two at least; ${rows}`],
    ['seamless: [[DP-1]]', `4:11 the pointer goes from output to output: name two at least; ${rows}`],
    ['seamless: [[DP-1, HDMI-A-1], []]', `4:30 a row is a list of outputs, not an empty row; ${rows}`],
    ['seamless: [[DP-1, 7]]', '4:19 this must be an output, not a number; write e.g. DP-1'],
    ['seamless: [[DP-1, HDMI-A-1], ~]', `4:30 a row is a list of outputs, not nothing; ${rows}`],
    [
      'seamless: [[DP-1], [HDMI-A-2]]',
      '4:21 unknown output "HDMI-A-2"; did you mean "HDMI-A-1"? here are DP-1, HDMI-A-1',
    ],
    [
      'seamless: [[DP-1, HDMI-A-1], [dp-1]]',
      '4:31 DP-1 stands in line 4 already; an output is in one place: remove one of them',
    ],
    ['seamles: [[DP-1, HDMI-A-1]]', '4:1 unknown key "seamles"; did you mean "seamless"?'],
  ])('%j', (line, problem) => {
    expect(problems(`${guests}${line}\n`)).toEqual([problem]);
  });

  test('a row that is no list', () => {
    expect(problems(`${guests}seamless: [DP-1, HDMI-A-1]\n`)).toEqual([
      `4:12 a row is a list of outputs, not text; ${rows}`,
      `4:18 a row is a list of outputs, not text; ${rows}`,
    ]);
  });

  test('outputs of several seats', () => {
    expect(problems(`${guests}${seats}seamless: [[DP-1, HDMI-A-1]]\n`)).toEqual([
      '5:13 DP-1 is of seat left, whose pointer alone goes there; write seamless: below that seat',
      '5:19 HDMI-A-1 is of seat right, whose pointer alone goes there; write seamless: below that seat',
    ]);
    const own = seats.replace('[DP-1]', '[DP-1], seamless: [[DP-1, HDMI-A-1]]');
    expect(problems(`${guests}${own}`)).toEqual([
      '4:71 HDMI-A-1 is of seat right: the pointer of seat left goes to its own outputs, DP-1',
    ]);
    const rest = seats.replace(/, right.*/, ' }').replace('[DP-1]', '[DP-1], seamless: [[DP-1], [HDMI-A-1]]');
    expect(problems(`${guests}${rest}`)).toEqual([
      '4:73 HDMI-A-1 is in no seat: the pointer of seat left goes to its own outputs, DP-1',
    ]);
  });

  test('in the secure profile', () => {
    expect(problems(`${guests}seamless: [[DP-1, HDMI-A-1]]\nsecure: true\n`)).toEqual([
      '4:1 the secure profile moves the focus when somebody asks for it, not with the pointer; remove seamless',
    ]);
  });
});

describe('card and control', () => {
  test.each([
    [
      'card: card7x\n',
      '1:7 "card7x" is no card; write e.g. card0, /dev/dri/card0 or a path below /dev/dri/by-path',
    ],
    ['card: [card0, card0]\n', '1:15 "card0" is named twice; remove one of them'],
    ['card: [card0, all]\n', '1:15 "all" stands alone; write card: all'],
    ['card: []\n', '1:7 no card at all; write e.g. card: card0, or leave it out'],
    ['card: [card0, 1]\n', '1:15 a card cannot be a number; write e.g. card0, [card0, card1] or all'],
    ['card: {}\n', '1:7 a card cannot be a mapping; write e.g. card0, [card0, card1] or all'],
    [
      'card: /dev/dri/renderD128\n',
      '1:7 "/dev/dri/renderD128" is a render node, which has no outputs; write its card, e.g. card0',
    ],
    [
      'card: /dev/dri/by-path/x-render\n',
      '1:7 "/dev/dri/by-path/x-render" is a render node, which has no outputs; write its card, e.g. /dev/dri/by-path/x-card',
    ],
    ['control: c.sock\n', '1:10 "c.sock" is not an absolute path; write e.g. /run/kms-switcher/c.sock'],
  ])('%j', (line, problem) => {
    expect(problems(line + guests)).toEqual([problem]);
  });

  test('what a flag replaces is checked all the same', () => {
    expect(problems(`control: c.sock\n${guests}`, here, { control: '/run/c.sock' })).toHaveLength(1);
  });
});

test('all problems at once, in the order of the file, with a text to print', () => {
  const text = `log: { level: loud }\n${guests}outputs:\n  DP-2: { show: wind, mode: big }\n`;
  expect(() => parseConfig(text, { file: '/etc/c.yaml' }, here)).toThrow(
    [
      '/etc/c.yaml:1:15: unknown log level "loud"; known: error, warning, notice, info, debug',
      '/etc/c.yaml:6:3: unknown output "DP-2"; did you mean "DP-1"? here are DP-1, HDMI-A-1',
      '/etc/c.yaml:6:17: unknown guest "wind"; did you mean "windows"?',
      '/etc/c.yaml:6:29: "big" is no mode; write e.g. 1920x1080, 1920x1080@60, preferred, current, max or guest, or a modeline',
    ].join('\n'),
  );
});
