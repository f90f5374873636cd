import { parseEdid } from '../../src/kms/edid';
import { matchOutputs } from '../../src/kms/match';
import { isMeant, monitorName, namesMonitor } from '../../src/kms/monitor';
import { monitorEdid } from './support/edids';

const identity = (given: Parameters<typeof monitorEdid>[0]) => parseEdid(monitorEdid(given))!;
const dell = identity({ name: 'DELL U2720Q', serialText: '8F3WX83' });
const lg = identity({ maker: 'GSM', product: 0x5b09, name: 'LG ULTRAWIDE', serial: 0x1234 });
const bare = identity({ maker: 'XYZ', product: 0x12 });

test('a monitor is named by make, model and serial, as sway and kanshi do', () => {
  expect(monitorName(dell)).toBe('Dell Inc. DELL U2720Q 8F3WX83');
  expect(monitorName(lg)).toBe('LG Electronics LG ULTRAWIDE 0x00001234');
  expect(monitorName(bare)).toBe('XYZ 0x0012 Unknown');
});

test.each([
  ['Dell Inc. DELL U2720Q 8F3WX83', true],
  ['Dell Inc. DELL U2720Q *', true],
  ['dell inc.  dell u2720q *', true],
  ['DEL DELL U2720Q 8F3WX83', true],
  ['* 8F3WX83', true],
  ['*', true],
  ['*U2720*', true],
  ['Dell Inc* DELL U2720Q', false],
  ['Dell Inc. DELL U2720Q', false],
  ['DellXInc. DELL U2720Q *', false],
  ['Goldstar *', false],
])('"%s" means a Dell: %s', (name, meant) => {
  expect(namesMonitor(name)).toBe(true);
  expect(isMeant(name, { identity: dell })).toBe(meant);
});

test('makers go by their older names as well', () => {
  for (const name of ['Goldstar * 0x00001234', 'Goldstar Company Ltd LG *', 'LG Electronics *', 'GSM *'])
    expect(isMeant(name, { identity: lg })).toBe(true);
});

test('a place on an MST hub is a name; a connector is not, and means nobody', () => {
  expect(isMeant('mst:236-1-8', { path: 'mst:236-1-8' })).toBe(true);
  expect(isMeant('mst:*-1-8', { path: 'mst:236-1-8' })).toBe(true);
  expect(isMeant('mst:236-1', { path: 'mst:236-1-8' })).toBe(false);
  expect(namesMonitor('mst:236-1-8')).toBe(true);
  for (const connector of ['HDMI-A-1', 'card1/DP-2', 'eDP-1']) expect(namesMonitor(connector)).toBe(false);
  expect(isMeant('*', {})).toBe(false);
});

describe('which output of the config a connector is', () => {
  const here = (...monitors: [string, typeof dell?][]) =>
    monitors.map(([name, who]) => ({ name, identity: who }));
  const match = (
    names: readonly string[],
    connectors: ReturnType<typeof here>,
    before?: [string, string][],
  ) => {
    const { configs, warnings } = matchOutputs(
      names.map((name) => ({ name })),
      connectors,
      new Map(before),
    );
    return { found: Object.fromEntries([...configs].map(([on, { name }]) => [on, name])), warnings };
  };

  test('a connector by its name, whether anything is there or not', () => {
    expect(match(['DP-1', 'DP-2'], here(['DP-1', dell]))).toEqual({
      found: { 'DP-1': 'DP-1', 'DP-2': 'DP-2' },
      warnings: [],
    });
  });

  test('a monitor wherever it is', () => {
    expect(match(['Dell *', 'GSM *'], here(['DP-1', lg], ['DP-2'], ['DP-3', dell]))).toEqual({
      found: { 'DP-1': 'GSM *', 'DP-3': 'Dell *' },
      warnings: [],
    });
  });

  test('of two that one name means: the first, or the one that was it before', () => {
    const both = here(['DP-1', dell], ['DP-2', dell]);
    const warning = (now: string) =>
      `"Dell *" means the monitors on DP-1 and DP-2: it is ${now} now; say more, or name the others by connector`;
    expect(match(['Dell *'], both)).toEqual({ found: { 'DP-1': 'Dell *' }, warnings: [warning('DP-1')] });
    expect(match(['Dell *'], both, [['DP-2', 'Dell *']])).toEqual({
      found: { 'DP-2': 'Dell *' },
      warnings: [warning('DP-2')],
    });
  });

  test('identical monitors are told apart by their connectors', () => {
    const both = here(['DP-1', dell], ['DP-2', dell]);
    expect(match(['Dell *', 'DP-1'], both)).toEqual({
      found: { 'DP-1': 'DP-1', 'DP-2': 'Dell *' },
      warnings: [],
    });
  });

  test('of two names that mean one monitor: the one that says more, and a word about it', () => {
    const names = ['*', 'Dell *', 'Dell Inc. DELL U2720Q 8F3WX83'];
    expect(match(names, here(['DP-1', dell], ['DP-2', lg]))).toEqual({
      found: { 'DP-1': names[2], 'DP-2': '*' },
      warnings: [
        `the monitor on DP-1 is "${names[2]}" and "Dell *": the first says more and is used; nothing is left for the second`,
        `the monitor on DP-1 is "${names[2]}" and "*": the first says more and is used`,
      ],
    });
  });

  test('a connector before a monitor; the name that gets none is told', () => {
    expect(match(['Dell *', 'DP-1'], here(['DP-1', dell]))).toEqual({
      found: { 'DP-1': 'DP-1' },
      warnings: [
        'the monitor on DP-1 is "DP-1" and "Dell *": the first says more and is used; nothing is left for the second',
      ],
    });
  });

  test('of two names that say as much, the first in the file', () => {
    expect(match(['Dell *', '* 8F3W'.replace('8F3W', '*X83')], here(['DP-1', dell])).found).toEqual({
      'DP-1': 'Dell *',
    });
  });
});
