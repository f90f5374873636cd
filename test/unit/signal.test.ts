import type { SignalConfig } from '../../src/config/config';
import type { Card } from '../../src/kms/card';
import { Output } from '../../src/kms/output';
import { formatSettings, readSignal } from '../../src/kms/signal';
import type { NativeCard, PropertyInfo } from '../../src/native';
import {
  connector,
  connectorInfo,
  FakeCard,
  fakeLog,
  FakeSource,
  settle,
  systemError,
} from './support/fake-card';
import { mode } from './support/modes';

const [CONNECTOR, OTHER_CONNECTOR] = [1, 2];
const [CRTC, OTHER_CRTC] = [40, 41];
const [VRR, CAPABLE, BPC, RGB] = [7, 8, 9, 10];
const all: SignalConfig = { vrr: true, maxBpc: 10, broadcastRgb: 'limited' };

const ranges = (...names: string[]): Partial<PropertyInfo> & { value: bigint } => ({
  ...{ id: RGB, name: 'Broadcast RGB', value: 0n },
  enums: names.map((name, value) => ({ name, value: BigInt(value) })),
});

let kernel: FakeCard;
let card: Card;
let log: ReturnType<typeof fakeLog>;
let outputs: Output[];
let picture: FakeSource;

beforeEach(async () => {
  kernel = new FakeCard();
  kernel.connectors = [connectorInfo(CONNECTOR), connectorInfo(OTHER_CONNECTOR)];
  for (const id of [CONNECTOR, OTHER_CONNECTOR]) {
    kernel.settings.set(id, [
      { id: CAPABLE, name: 'vrr_capable', value: 1n },
      { id: BPC, name: 'max bpc', value: 8n, range: [8n, 12n] },
      ranges('Automatic', 'Full', 'Limited 16:235'),
    ]);
  }
  for (const id of [CRTC, OTHER_CRTC]) kernel.settings.set(id, [{ id: VRR, name: 'VRR_ENABLED', value: 0n }]);
  card = kernel.open();
  log = fakeLog();
  outputs = [CONNECTOR, OTHER_CONNECTOR].map((id) => new Output(card, connector(id), log));
  picture = new FakeSource();
  picture.picture = await card.native.createDumb({
    width: 1920,
    height: 1080,
    format: 0,
    fill: 0,
    framebuffer: true,
  });
});
afterEach(async () => {
  for (const output of outputs) await output.darken();
  picture.picture!.close();
  card.close();
  jest.restoreAllMocks();
  expect(kernel.wrongs).toEqual([]);
});

async function light(output: Output, crtc: number, signal?: SignalConfig): Promise<void> {
  await output.light(crtc, mode(), undefined, signal);
  output.show(picture, 0);
  await settle();
}
const warnings = (): string[] => log.lines.filter((line) => line.startsWith('warning'));
const read = (signal: SignalConfig): Record<string, string> =>
  Object.fromEntries(
    readSignal(kernel as unknown as NativeCard, CONNECTOR, CRTC, signal).map(({ name, trouble, change }) => [
      name,
      trouble ?? (change ? `${change.object}/${change.property}=${change.value}` : 'nothing'),
    ]),
  );

describe('a setting', () => {
  test('is a property of the CRTC or the connector, with its value', () => {
    expect(read(all)).toEqual({ vrr: '40/7=1', 'max-bpc': '1/9=10', 'broadcast-rgb': '1/10=2' });
    expect(read({ vrr: false, broadcastRgb: 'full' })).toEqual({ vrr: '40/7=0', 'broadcast-rgb': '1/10=1' });
    expect(read({ maxBpc: 12, broadcastRgb: 'auto' })).toEqual({
      'max-bpc': '1/9=12',
      'broadcast-rgb': '1/10=0',
    });
    expect(read({})).toEqual({});
  });

  test('that the card does not have says so', () => {
    for (const id of [CRTC, CONNECTOR]) kernel.settings.set(id, []);
    const absent = (property: string): string =>
      `this output has no such setting (the driver, fake, gives it no "${property}")`;
    expect(read(all)).toEqual({
      vrr: absent('vrr_capable'),
      'max-bpc': absent('max bpc'),
      'broadcast-rgb': absent('Broadcast RGB'),
    });
    // As it is anyway.
    expect(read({ vrr: false })).toEqual({ vrr: 'nothing' });
  });

  test('that this output or monitor does not take says what it takes', () => {
    kernel.settings.set(CONNECTOR, [
      { id: CAPABLE, name: 'vrr_capable', value: 0n },
      { id: BPC, name: 'max bpc', value: 8n, range: [8n, 10n] },
      ranges('Full', 'Limited 16:235'),
    ]);
    expect(read({ vrr: true, maxBpc: 12, broadcastRgb: 'auto' })).toEqual({
      vrr: 'the monitor cannot vary its refresh rate',
      'max-bpc': 'this output takes 8 to 10',
      'broadcast-rgb': 'this output takes Full, Limited 16:235',
    });
    expect(read({ maxBpc: 6 })).toEqual({ 'max-bpc': 'this output takes 8 to 10' });
    expect(read({ vrr: false })).toEqual({ vrr: '40/7=0' });
  });
});

describe('an output', () => {
  test('is lit with its settings, which the console does not keep', async () => {
    await light(outputs[0]!, CRTC, all);
    expect(kernel.told).toEqual(['40/7=1', '1/9=10', '1/10=2', 'set 40']);
    expect(formatSettings(outputs[0]!.signal)).toEqual(['vrr on, max-bpc 10, broadcast-rgb limited']);
    expect(warnings()).toEqual([]);
    kernel.told.length = 0;
    await card.restore(log);
    expect(kernel.told).toEqual(['40/7=0', '1/9=8', '1/10=0', 'off 40', 'off 41']);
  });

  test('goes on without what there is not, and says so once', async () => {
    kernel.settings.set(CONNECTOR, [{ id: BPC, name: 'max bpc', value: 8n }]);
    for (let time = 0; time < 3; time++) {
      await light(outputs[0]!, CRTC, all);
      await outputs[0]!.darken();
    }
    expect(kernel.told.slice(0, 2)).toEqual(['1/9=10', 'set 40']);
    const absent = 'stays as it is: this output has no such setting (the driver, fake, gives it no';
    expect(warnings()).toEqual([
      `warning: Virtual-1: vrr ${absent} "vrr_capable")`,
      `warning: Virtual-1: broadcast-rgb ${absent} "Broadcast RGB")`,
    ]);
  });

  test('goes on without what the card refuses', async () => {
    kernel.propertyErrors.set(BPC, systemError('EINVAL', -22, 'ioctl(DRM_IOCTL_MODE_OBJ_SETPROPERTY)'));
    await light(outputs[0]!, CRTC, all);
    expect(kernel.told).toEqual(['40/7=1', '1/10=2', 'set 40']);
    expect(outputs[0]!.signal.map(({ trouble }) => trouble)).toEqual([
      undefined,
      'the card refuses it: EINVAL, ioctl(DRM_IOCTL_MODE_OBJ_SETPROPERTY)',
      undefined,
    ]);
    expect(warnings()).toHaveLength(1);
  });

  test('that stays as it is is left alone; with other settings it is lit anew', async () => {
    await light(outputs[0]!, CRTC, all);
    kernel.told.length = 0;
    await light(outputs[0]!, CRTC, all);
    expect(kernel.told).toEqual([]);
    await light(outputs[0]!, CRTC, { maxBpc: 12 });
    expect(kernel.told).toEqual(['1/9=12', '40/7=0', '1/10=0', 'set 40']);
  });

  test('does not inherit what was set on its CRTC for another', async () => {
    await light(outputs[0]!, CRTC, all);
    await outputs[0]!.darken();
    kernel.told.length = 0;
    await light(outputs[1]!, CRTC);
    expect(kernel.told).toEqual(['40/7=0', 'set 40']);
    await card.restore(log);
    expect(kernel.settings.get(CONNECTOR)!.map(({ value }) => value)).toEqual([1n, 8n, 0n]);
  });
});
