import type { SignalConfig } from '../config/config';
import { messageOf } from '../error';
import type { NativeCard, PropertyInfo } from '../native';
import { findProperty, OBJECT_CONNECTOR, OBJECT_CRTC } from './connector';
import type { CardReader } from './reader';

/** A property of a CRTC or connector that a modeset sets. */
export interface PropertyChange {
  readonly object: number;
  /** OBJECT_CRTC or OBJECT_CONNECTOR. */
  readonly type: number;
  readonly property: number;
  readonly value: number;
  /** Before. */
  readonly was: number;
}

/** One setting of the config, for whoever asks what became of it. */
export interface SignalSetting {
  /** As the config has it. */
  readonly name: 'vrr' | 'max-bpc' | 'broadcast-rgb';
  readonly value: string;
  /** Why it is not so, and has been left as it was. */
  trouble?: string;
  /** What makes it so; absent: nothing can, or need. */
  readonly change?: PropertyChange;
}

/** https://docs.kernel.org/gpu/drm-kms.html#standard-connector-properties */
const RANGE_NAMES = { auto: 'Automatic', full: 'Full', limited: 'Limited 16:235' } as const;

/** Finds out how a connector and its CRTC get what a config asks of the signal, or why they do not. */
export function readSignal(
  card: CardReader,
  connector: number,
  crtc: number,
  { vrr, maxBpc, broadcastRgb }: SignalConfig,
): SignalSetting[] {
  const settings: SignalSetting[] = [];
  const change = (object: number, type: number, { id, value: was }: PropertyInfo, value: number) => ({
    change: { object, type, property: id, value, was: Number(was) },
  });

  if (vrr !== undefined) {
    const enabled = findProperty(card, crtc, OBJECT_CRTC, 'VRR_ENABLED');
    const capable = findProperty(card, connector, OBJECT_CONNECTOR, 'vrr_capable');
    settings.push({
      ...{ name: 'vrr', value: vrr ? 'on' : 'off' },
      ...(enabled && capable && (!vrr || capable.value !== 0n)
        ? change(crtc, OBJECT_CRTC, enabled, vrr ? 1 : 0)
        : vrr && {
            trouble:
              enabled && capable ? 'the monitor cannot vary its refresh rate' : absent(card, 'vrr_capable'),
          }),
    });
  }
  if (maxBpc !== undefined) {
    const property = findProperty(card, connector, OBJECT_CONNECTOR, 'max bpc');
    const [least, most] = property?.range ?? [];
    const outside = least !== undefined && most !== undefined && (maxBpc < least || maxBpc > most);
    settings.push({
      ...{ name: 'max-bpc', value: `${maxBpc}` },
      ...(!property
        ? { trouble: absent(card, 'max bpc') }
        : outside
          ? { trouble: `this output takes ${least} to ${most}` }
          : change(connector, OBJECT_CONNECTOR, property, maxBpc)),
    });
  }
  if (broadcastRgb !== undefined) {
    const property = findProperty(card, connector, OBJECT_CONNECTOR, 'Broadcast RGB');
    const wanted = property?.enums.find(({ name }) => name === RANGE_NAMES[broadcastRgb]);
    settings.push({
      ...{ name: 'broadcast-rgb', value: broadcastRgb },
      ...(!property
        ? { trouble: absent(card, 'Broadcast RGB') }
        : wanted
          ? change(connector, OBJECT_CONNECTOR, property, Number(wanted.value))
          : {
              trouble: `this output takes ${property.enums.map(({ name }) => name).join(', ') || 'nothing'}`,
            }),
    });
  }
  return settings;
}

function absent(card: CardReader, property: string): string {
  return `this output has no such setting (the driver, ${card.driverName()}, gives it no "${property}")`;
}

/** What is told of a setting. */
export type SettingStatus = Pick<SignalSetting, 'name' | 'value' | 'trouble'>;

export function settingStatus({ name, value, trouble }: SignalSetting): SettingStatus {
  return { name, value, ...(trouble !== undefined && { trouble }) };
}

/** A line for all settings that are as they should be, and one for each that is not. */
export function formatSettings(settings: readonly SettingStatus[]): string[] {
  const done = settings.filter(({ trouble }) => trouble === undefined);
  return [
    ...(done.length > 0 ? [done.map(({ name, value }) => `${name} ${value}`).join(', ')] : []),
    ...settings
      .filter(({ trouble }) => trouble !== undefined)
      .map(({ name, trouble }) => `${name} stays as it is: ${trouble}`),
  ];
}

/** What a config asks of the signal of one lit output, and what becomes of it. */
export class Signal {
  readonly settings: readonly SignalSetting[];
  #changes: readonly PropertyChange[];

  constructor(
    card: { readonly native: NativeCard; readonly savedProperties: SavedProperties },
    connector: number,
    crtc: number,
    /** The very object that says so. */
    readonly config: SignalConfig,
    /** Of a setting that cannot be as it is wanted. */
    private readonly onTrouble: (setting: SignalSetting) => void,
  ) {
    this.settings = readSignal(card.native, connector, crtc, config);
    for (const setting of this.settings) if (setting.trouble !== undefined) onTrouble(setting);
    const wanted = this.settings.flatMap(({ change }) => change ?? []);
    this.#changes = card.savedProperties.changes([connector, crtc], wanted);
  }

  /** What a modeset has to say. */
  get changes(): readonly PropertyChange[] {
    return this.#changes;
  }

  /** The card took no such change, or, where none is named, not all of them: it is left as it is. */
  refused(error: unknown, refused?: PropertyChange): void {
    this.#changes = this.#changes.filter((change) => refused !== undefined && change !== refused);
    for (const setting of this.settings) {
      if (!setting.change || (refused !== undefined && setting.change !== refused)) continue;
      setting.trouble = `the card refuses it: ${messageOf(error)}`;
      this.onTrouble(setting);
    }
  }
}

/** What properties were before we changed them. */
export class SavedProperties {
  readonly #saved = new Map<string, PropertyChange>();

  constructor(private readonly card: Pick<NativeCard, 'setProperty'>) {}

  /**
   * What a modeset of these CRTCs and connectors is to say: what is wanted, and of what was changed for another output
   * or another monitor, how it was.
   */
  changes(objects: readonly number[], wanted: readonly PropertyChange[]): PropertyChange[] {
    for (const change of wanted) {
      const { object, property, was } = change;
      const key = `${object}/${property}`;
      if (!this.#saved.has(key)) this.#saved.set(key, { ...change, value: was });
    }
    const others = [...this.#saved.values()].filter(
      ({ object, property }) =>
        objects.includes(object) &&
        !wanted.some((change) => change.object === object && change.property === property),
    );
    return [...wanted, ...others];
  }

  /** Sets all as it was. `onFailed`: of what could not be set. */
  async restore(onFailed: (error: unknown) => void): Promise<void> {
    for (const { object, type, property, value } of this.#saved.values())
      await this.card.setProperty(object, type, property, value).catch(onFailed);
    this.#saved.clear();
  }
}
