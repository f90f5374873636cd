import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listConnectors, type ConnectorName } from '../../src/config/connectors';
import { parseConfig } from '../../src/config/load';
import { parseMode } from '../../src/config/mode';
import { parseEdid } from '../../src/kms/edid';
import { monitorEdid } from './support/edids';

const dell = parseEdid(monitorEdid({ name: 'DELL U2720Q', serialText: '8F3WX83' }))!;
const guests = 'guests: { windows: { vhost-user-gpu: { listen: /run/w.sock } } }\n';
const parse = (text: string, connectors: readonly ConnectorName[]) =>
  parseConfig(guests + text, { file: 'c.yaml' }, connectors);

const one: ConnectorName[] = [
  { card: 'card0', name: 'DP-1' },
  { card: 'card1', name: 'DP-2', identity: dell },
];

test('an output may be named by its monitor, which says the card, and so may the output of a hotkey', () => {
  const config = parse(
    'outputs: { "Dell Inc. DELL U2720Q *": { show: windows } }\nhotkeys: { Ctrl+Alt+1: { show: windows, on: "* 8F3WX83" } }\n',
    one,
  );
  expect(config.outputs).toEqual([
    { name: 'Dell Inc. DELL U2720Q *', show: { guest: 'windows', head: 0 }, mode: 'preferred' },
  ]);
  expect(config.hotkeys[0]?.action).toEqual({
    kind: 'show',
    head: { guest: 'windows', head: 0 },
    on: '* 8F3WX83',
  });
  expect(config.cards).toEqual({ by: 'outputs', files: ['/dev/dri/card1'] });
  expect(config.notes).toEqual([]);
});

test('one that is not here is noted; a place on a hub cannot be known here', () => {
  expect(parse('outputs: { "Acer *": {}, "mst:236-1-8": {} }\n', one).notes).toEqual([
    'line 2: no monitor "Acer *" is connected now; kms-switcher outputs lists those that are',
  ]);
});

test('what is not clear is noted: two monitors of one name, one monitor of two', () => {
  const two = [...one, { card: 'card1', name: 'DP-3', identity: dell }];
  expect(parse('outputs: { "Dell *": {} }\n', two).notes).toEqual([
    '"Dell *" means the monitors on DP-2 and DP-3: it is DP-2 now; say more, or name the others by connector',
  ]);
  expect(parse('outputs: { "Dell *": {}, "* 8F3WX83": {} }\n', one).notes).toEqual([
    'the monitor on DP-2 is "* 8F3WX83" and "Dell *": the first says more and is used; nothing is left for the second',
  ]);
});

test('the kernel tells which monitors it knows', () => {
  const directory = mkdtempSync(join(tmpdir(), 'drm-'));
  mkdirSync(join(directory, 'card0'));
  for (const [name, edid] of [
    ['DP-1', monitorEdid({ name: 'DELL U2720Q', serialText: '8F3WX83' })],
    ['DP-2', ''],
  ] as const) {
    mkdirSync(join(directory, `card0-${name}`));
    writeFileSync(join(directory, `card0-${name}`, 'edid'), edid);
  }
  expect(listConnectors(directory)).toEqual([
    { card: 'card0', name: 'DP-1', identity: dell },
    { card: 'card0', name: 'DP-2', identity: undefined },
  ]);
  rmSync(directory, { recursive: true });
});

test('a modeline is read as Xorg and cvt write it', () => {
  const modeline = {
    ...{ clock: 148_500, hdisplay: 1920, hsyncStart: 2008, hsyncEnd: 2052, htotal: 2200, hskew: 0 },
    ...{ vdisplay: 1080, vsyncStart: 1084, vsyncEnd: 1089, vtotal: 1125, vscan: 0, vrefresh: 60 },
    ...{ flags: 0b0101, type: 0x20, name: '1920x1080' },
  };
  const text = '148.50 1920 2008 2052 2200 1080 1084 1089 1125 +hsync +vsync';
  for (const start of ['modeline ', 'Modeline "1920x1080_60.00"  '])
    expect(parseMode(start + text)).toEqual({ mode: { modeline } });
});
