import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OutputConfig } from '../../src/config/config';
import { fourcc } from '../../src/fourcc';
import { readConnector, type Connector } from '../../src/kms/connector';
import type { CardReader } from '../../src/kms/reader';
import type { Scanout } from '../../src/kms/scanout';
import type { ModeInfo } from '../../src/native';
import { assumedBuffer, readAssumption, type Assumption } from '../../src/plan/assumption';
import { coldSituation } from '../../src/plan/cold';
import { makePlan, type OutputPlan, type Plan, type Tester } from '../../src/plan/plan';
import { formatPlan } from '../../src/plan/print';
import { readSavedCards } from '../../src/plan/saved-card';
import type { LayoutAction } from '../../src/switcher/layout';

const saved = readFileSync(join(__dirname, 'fixtures/vkms.drm-info'), 'utf8');
const card = (): CardReader => readSavedCards(saved).get('/dev/dri/card1')!;

interface Wish {
  readonly reader?: CardReader;
  readonly action?: LayoutAction;
  readonly assume?: Assumption;
  readonly tester?: Tester;
  readonly secure?: boolean;
}

async function planOf(
  outputs: readonly (Partial<OutputConfig> & { name: string })[],
  wish: Wish = {},
): Promise<Plan> {
  const { reader = card(), action, assume = {}, tester, secure = false } = wish;
  const connectors: Connector[] = [];
  for (const id of reader.resources().connectors) connectors.push(await readConnector(reader, id, false));
  const untested = tester ? undefined : 'a file';
  const situation = coldSituation({
    cards: [{ card: '/dev/dri/card1', commit: 'atomic', reader, connectors, tester, untested }],
    ...{ action, secure },
    outputs: outputs.map((output) => ({ mode: 'preferred', ...output })),
    guests: ['windows', 'linux'],
    buffer: (_head, size) => assumedBuffer(assume, size),
  });
  return makePlan(situation);
}

const show = (guest: string, head = 0) => ({ show: { guest, head } });
const one = ({ outputs }: Plan, name: string): OutputPlan => outputs.find(({ output }) => output === name)!;

test('a saved card reads as it was: connectors counted by type, planes with their formats', async () => {
  const reader = card();
  const connectors = await Promise.all(
    reader.resources().connectors.map((id) => readConnector(reader, id, true)),
  );
  expect(connectors.map(({ name, connected, possibleCrtcs }) => [name, connected, possibleCrtcs])).toEqual([
    ['Writeback-1', false, 1],
    ['Virtual-1', true, 7],
    ['Virtual-2', true, 7],
    ['Virtual-3', true, 7],
  ]);
  expect(connectors[1]!.info.modes[0]).toMatchObject({
    hdisplay: 1024,
    clock: 65000,
    htotal: 1344,
    name: '1024x768',
  });
  expect(reader.driverName()).toBe('vkms');
  expect(reader.resources()).toMatchObject({ crtcs: [80, 87, 91], maxWidth: 8192 });
});

test('a head on several outputs has the size of the first that is lit, turned as its user sees it', async () => {
  const plan = await planOf([
    { name: 'Virtual-9', ...show('windows') },
    { name: 'Virtual-3', ...show('windows'), mode: { width: 800, height: 600, refresh: 60_000 }, rotate: 90 },
    { name: 'Virtual-1', ...show('windows') },
    { name: 'Virtual-2', ...show('linux') },
  ]);
  const buffer = { width: 600, height: 800, assumed: true };
  expect(one(plan, 'Virtual-3')).toMatchObject({ guest: 'windows', buffer });
  expect(one(plan, 'Virtual-1')).toMatchObject({ guest: 'windows', buffer, mirrors: 'Virtual-3' });
  for (const name of ['Virtual-2', 'Virtual-3']) expect(one(plan, name).mirrors).toBeUndefined();
  expect(formatPlan(plan)).toContain('Virtual-1: mirrors Virtual-3, whose size its guest is told');
});

test('what is asked of the signal is told, and blinks where the connector sends something else', async () => {
  const withProperties = (properties: object): CardReader => {
    const cards = JSON.parse(saved) as Record<string, { connectors: { id: number; properties: object }[] }>;
    for (const { properties: known } of cards['/dev/dri/card1']!.connectors) Object.assign(known, properties);
    return readSavedCards(JSON.stringify(cards)).get('/dev/dri/card1')!;
  };
  const signal = { vrr: true, maxBpc: 12 } as const;
  const outputs = [{ name: 'Virtual-1', ...show('windows'), signal }];
  const nothing = await planOf(outputs);
  expect(one(nothing, 'Virtual-1')).toMatchObject({
    change: 'flip',
    signal: [
      { name: 'vrr', value: 'on', trouble: expect.stringContaining('no such setting') as string },
      { name: 'max-bpc', value: '12', trouble: expect.stringContaining('vkms') as string },
    ],
  });
  const bpc = (value: number, max: number): object => ({
    'max bpc': { id: 900, flags: 2, raw_value: value, spec: { min: 8, max }, value, data: null },
  });
  const changed = await planOf(outputs, { reader: withProperties(bpc(8, 16)) });
  expect(one(changed, 'Virtual-1')).toMatchObject({ change: 'modeset', why: 'max-bpc is another now' });
  expect(formatPlan(changed)).toContain('Virtual-1: max-bpc 12\n');
  const same = await planOf(outputs, { reader: withProperties(bpc(12, 16)) });
  expect(one(same, 'Virtual-1').change).toBe('flip');
  const beyond = await planOf(outputs, { reader: withProperties(bpc(8, 10)) });
  expect(one(beyond, 'Virtual-1')).toMatchObject({
    change: 'flip',
    signal: [{ name: 'vrr' }, { name: 'max-bpc', trouble: 'this output takes 8 to 10' }],
  });
  expect(one(await planOf([{ name: 'Virtual-1' }]), 'Virtual-1').signal).toBeUndefined();
});

test('a config: CRTCs, planes, modes and why, and what shows how', async () => {
  const plan = await planOf([
    { name: 'Virtual-1', ...show('windows') },
    { name: 'Virtual-2', ...show('linux', 1), mode: { width: 1600, height: 900, refresh: 75_000 } },
    { name: 'Dell *' },
  ]);
  expect(plan).toMatchObject({ driver: 'vkms', by: 'properties', byWhy: 'a file' });
  expect(one(plan, 'Virtual-1')).toMatchObject({
    ...{
      crtc: 80,
      plane: 40,
      mode: '1024x768@60',
      modeWhy: 'the monitor prefers it',
      change: 'flip',
      path: 'direct',
    },
    ...{ guest: 'windows', head: 0, config: 'Virtual-1' },
    buffer: { width: 1024, height: 768, format: 'XR24', modifier: '0x0', assumed: true },
  });
  expect(one(plan, 'Virtual-2')).toMatchObject({
    ...{ crtc: 87, mode: '1600x900@74.91', change: 'modeset', why: 'its mode is 1024x768@60 now', head: 1 },
    modeWhy: "not in the monitor's list: made by CVT, reduced blanking",
  });
  expect(one(plan, 'Virtual-3')).toMatchObject({ crtc: 91, guest: null, path: 'picture', config: null });
  expect(plan.warnings).toEqual(['"Dell *" of the config is not here']);
});

test('a mode that follows the guest is that of the size of its screen, if the monitor lists it', async () => {
  const outputs = [{ name: 'Virtual-1', mode: 'guest' as const, ...show('windows') }];
  const told = { width: 1024, height: 768, assumed: true };
  expect(one(await planOf(outputs), 'Virtual-1')).toMatchObject({
    ...{ mode: '1024x768@60', modeWhy: 'the monitor prefers it', change: 'flip', buffer: told },
  });
  const assume = { width: 2560, height: 1600 };
  expect(one(await planOf(outputs, { assume }), 'Virtual-1')).toMatchObject({
    ...{
      mode: '2560x1600@59.99',
      modeWhy: "its guest's screen is 2560x1600",
      change: 'modeset',
      path: 'direct',
    },
  });
  const odd = await planOf(outputs, { assume: { width: 1000, height: 700 } });
  expect(one(odd, 'Virtual-1')).toMatchObject({
    mode: '1024x768@60',
    modeNote: "the monitor has no mode for its guest's 1000x700: using 1024x768@60",
  });
  // Another output of the same head: by its own list, by the size that the first one's guest is told.
  const two = [...outputs, { name: 'Virtual-2', mode: 'guest' as const, ...show('windows') }];
  two[0] = { ...two[0]!, rotate: 90 } as (typeof two)[0];
  expect(one(await planOf(two), 'Virtual-2')).toMatchObject({ mode: '1024x768@60', mirrors: 'Virtual-1' });
});

test('a mode that follows the guest and is refused by a test commit leaves another of its size', async () => {
  const tester: Tester = {
    probe: ({ mode }) =>
      Promise.resolve({
        framebuffer: 1,
        accepts: () => mode.clock !== 348_500,
        isSeamless: () => false,
        close: () => undefined,
      }),
  };
  const plan = await planOf([{ name: 'Virtual-1', mode: 'guest', ...show('windows') }], {
    tester,
    assume: { width: 2560, height: 1600 },
  });
  expect(one(plan, 'Virtual-1').mode).toBe('2560x1600@59.97');
  expect(one(plan, 'Virtual-1').modeNote).toBe(
    'the card refuses 2560x1600@59.99: a test commit was refused: using 2560x1600@59.97',
  );
});

test('a switch moves the head, and what was there goes where it came from', async () => {
  const outputs = [
    { name: 'Virtual-1', ...show('windows') },
    { name: 'Virtual-2', ...show('linux') },
  ];
  const action: LayoutAction = { kind: 'show', head: { guest: 'linux', head: 0 } };
  const plan = await planOf(outputs, { action });
  expect(plan.outputs.map(({ guest }) => guest)).toEqual(['linux', 'windows', null]);
  await expect(planOf(outputs, { action: { ...action, on: 'DP-1' } })).rejects.toThrow(
    'there is no output DP-1: here are Virtual-1, Virtual-2, Virtual-3',
  );
  await expect(
    planOf(outputs, { action: { kind: 'show', head: { guest: 'mac', head: 0 } } }),
  ).rejects.toThrow('there is no guest mac: the config has windows, linux');
});

test('in the secure profile every guest is copied below its name', async () => {
  const plan = await planOf([{ name: 'Virtual-1', ...show('windows') }], { secure: true });
  expect(one(plan, 'Virtual-1')).toMatchObject({ path: 'copy', reason: 'the indicator stands above it' });
});

test('without outputs in the config the guests get the monitors in order', async () => {
  expect((await planOf([])).outputs.map(({ guest }) => guest)).toEqual(['windows', 'linux', null]);
});

test.each<[Parameters<typeof readAssumption>[0], string, string]>([
  [{ format: 'YV12' }, 'refused', 'pixel format YV12 is not supported'],
  [{ format: 'NV12' }, 'copy', 'plane 40 does not list format NV12 with modifier 0x0'],
  [{ format: 'XR30' }, 'copy', 'plane 40 does not list format XR30 with modifier 0x0'],
  [
    { modifier: '0x100000000000002' },
    'refused',
    'plane 40 does not list format XR24 with modifier 0x100000000000002, and only linear buffers can be copied',
  ],
  [
    { width: 640, height: 480 },
    'unknown',
    "the guest's screen is smaller than the mode, unless a test commit says otherwise",
  ],
])('a buffer of %o is %s', async (buffer, path, reason) => {
  const plan = await planOf([{ name: 'Virtual-1', ...show('windows') }], { assume: readAssumption(buffer) });
  expect(one(plan, 'Virtual-1')).toMatchObject({ path, reason });
});

test('an opaque twin and a screen larger than the mode need no question', async () => {
  const outputs = [{ name: 'Virtual-1', ...show('windows'), fit: 'none' as const }];
  for (const assume of [{ format: fourcc('AR24') }, { width: 2000, height: 1000 }])
    expect(one(await planOf(outputs, { assume }), 'Virtual-1').path).toBe('direct');
});

describe('with test commits', () => {
  let open = 0;
  let seamless = true;
  afterEach(() => {
    expect(open).toBe(0);
  });
  const tester = (takes: (scanout: Scanout, mode: ModeInfo) => boolean): Tester => ({
    probe: ({ mode }) =>
      Promise.resolve({
        framebuffer: ++open,
        accepts: (scanout) => takes(scanout, mode),
        isSeamless: () => seamless,
        close: () => open--,
      }),
  });
  const outputs = [{ name: 'Virtual-1', ...show('windows') }];
  const assume = { width: 640, height: 480 };

  test.each([
    [true, 'direct', undefined],
    [false, 'copy', "the guest's screen is smaller than the mode"],
  ])('the card takes it: %s', async (takes, path, reason) => {
    const plan = await planOf(outputs, { assume, tester: tester(({ width }) => takes || width !== 640) });
    expect(plan).toMatchObject({ by: 'test commits' });
    expect(plan).not.toHaveProperty('byWhy');
    const { path: found, reason: why } = one(plan, 'Virtual-1');
    expect([found, why]).toEqual([path, reason]);
  });

  test('the card says what is seamless, whatever modes look like', async () => {
    const other = { width: 1280, height: 1024, refresh: 75_000 };
    const changes = async (mode?: typeof other): Promise<unknown[]> => {
      const plan = await planOf([{ name: 'Virtual-1', ...show('windows'), ...(mode && { mode }) }], {
        tester: tester(() => true),
      });
      const { change, why } = one(plan, 'Virtual-1');
      return [change, why];
    };
    expect(await changes(other)).toEqual(['flip', undefined]);
    seamless = false;
    expect(await changes(other)).toEqual(['modeset', 'its mode is 1024x768@60 now']);
    expect(await changes()).toEqual(['modeset', 'the card says so']);
    seamless = true;
  });

  test('a made mode that the card refuses is left for the preferred one', async () => {
    const mode = { width: 1600, height: 900, refresh: 75_000 };
    const plan = await planOf([{ name: 'Virtual-1', ...show('windows'), mode }], {
      tester: tester((_, { hdisplay }) => hdisplay !== 1600),
    });
    expect(one(plan, 'Virtual-1')).toMatchObject({
      mode: '1024x768@60',
      modeNote: 'the card refuses 1600x900@74.91: a test commit was refused: keeping 1024x768@60',
    });
  });
});

test('for people: a table, and why', async () => {
  const plan = await planOf([
    { name: 'Virtual-2', ...show('linux', 1), mode: { width: 1600, height: 900, refresh: 75_000 } },
  ]);
  expect(formatPlan(plan).split('\n')).toEqual([
    '/dev/dri/card1 (vkms), atomic commits; by properties only: a file; nothing was changed',
    'OUTPUT     CRTC  PLANE  MODE            CHANGE           GUEST    BUFFER                   PATH',
    'Virtual-2  87    55     1600x900@74.91  modeset, blinks  linux:1  1600x900 XR24 (assumed)  direct',
    'Virtual-1  80    40     1024x768@60     flip, seamless   -        -                        picture',
    'Virtual-3  91    70     1024x768@60     flip, seamless   -        -                        picture',
    "Virtual-2: mode: not in the monitor's list: made by CVT, reduced blanking",
    'Virtual-2: modeset, blinks: its mode is 1024x768@60 now',
    'Virtual-1: mode: the monitor prefers it',
    'Virtual-3: mode: the monitor prefers it',
  ]);
});

test.each([
  ['not JSON', '{', /^this is no JSON \(.*\): write it with drm_info -j$/],
  ['a list', '[]', /^the file is not what drm_info -j writes$/],
  ['no card', '{}', /^there is no card in this file/],
  ['a card of something else', '{"/dev/dri/card0":{"connectors":4}}', /^connectors is not the list/],
  ['an id that is text', '{"/dev/dri/card0":{"connectors":[{"id":"4"}]}}', /^"id" is not the number/],
])('a file that is %s is refused', (_, text, message) => {
  expect(() => readSavedCards(text)).toThrow(message);
});

test('what the file names but has not is refused when it is asked for', () => {
  const reader = readSavedCards(saved.replace(/"encoders":\[\{"id":\d+/, '"encoders":[{"id":9999')).get(
    '/dev/dri/card1',
  )!;
  expect(() => reader.resources().encoders.map((id) => reader.encoder(id))).not.toThrow();
  expect(() => reader.crtc(1)).toThrow('the file names CRTC 1, but does not have it');
});

test.each([
  [{ width: 0 }, 'a size of 0 cannot be: width and height go from 1 to 16384'],
  [{ height: 20000 }, 'a size of 20000 cannot be: width and height go from 1 to 16384'],
  [{ format: 'XRGB8888' }, '"XRGB8888" is no pixel format: write its four characters, e.g. XR24'],
  [{ modifier: 'linear' }, '"linear" is no modifier: write it in hexadecimal, e.g. 0x100000000000001'],
])('an assumption of %o is refused', (wish, message) => {
  expect(() => readAssumption(wish)).toThrow(message);
});
