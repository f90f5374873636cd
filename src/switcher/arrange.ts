import type { OutputConfig } from '../config/config';
import { assignCrtcs } from '../kms/assign';
import { isAnalog, type Connector } from '../kms/connector';
import { parseRangeLimits } from '../kms/edid';
import type { Turn } from '../kms/fit';
import type { Size, View } from '../kms/fitting';
import { chooseGuestMode } from '../kms/guest-mode';
import { matchOutputs } from '../kms/match';
import { isMeant, namesMonitor } from '../kms/monitor';
import { chooseMode, type ModeChoice } from '../kms/modes';
import type { ModeInfo } from '../native';
import { CommandError } from './layout';

/** What an output is so far. */
export interface Standing {
  /** 0: dark. */
  readonly crtc: number;
  /** What is on its panel. */
  readonly mode: ModeInfo | null;
  /** What the layout has known it by. */
  readonly key: string;
  /** What its mode is chosen for, where that follows its guest; null: no guest shows anything there. */
  readonly screen: Size | null;
  /** Why the card has refused a mode there. */
  refused(mode: ModeInfo): string | undefined;
}

/** A card's connectors, and what of it decides about them. */
export interface CardConnectors {
  readonly connectors: readonly Connector[];
  readonly limits: Limits;
}

/** What of a card decides. */
export interface Limits {
  /** Ids, in the card's order. */
  readonly crtcs: readonly number[];
  readonly maxWidth: number;
  readonly maxHeight: number;
  /** What every output shows has an indicator above it. */
  readonly indicator?: boolean;
  /** What a CRTC is set to, by whomever. */
  modeOf(crtc: number): ModeInfo | null;
}

/** What one connector becomes. */
export interface Arranged {
  readonly connector: Connector;
  /** The config's name for it, else the connector's: what the layout knows it by. */
  readonly key: string;
  readonly config: OutputConfig | undefined;
  /** 0: dark. */
  readonly crtc: number;
  /** Of those with a CRTC. */
  readonly choice: ModeChoice | undefined;
  /**
   * The mode that its guests are told of. Where `choice` follows the guest, the one without any: were it the guest's own,
   * each of the two would go after the other.
   */
  readonly told: ModeInfo | undefined;
  readonly view: View;
  /** Connected, but all CRTCs it could use are needed by others. */
  readonly short: boolean;
}

export interface Arrangement {
  /** In the order in which they are lit: the config's, then the cards'. */
  readonly outputs: readonly Arranged[];
  readonly warnings: readonly string[];
}

/**
 * What becomes of the connectors of all cards: which of the config's outputs each is, its CRTC and its mode. Changes
 * nothing; whoever lights the outputs, and whoever only wants to know, asks this.
 */
export function arrange(
  cards: readonly CardConnectors[],
  configs: readonly OutputConfig[],
  standing: (connector: string) => Standing | undefined = () => undefined,
): Arrangement {
  const connectors = cards.flatMap((card) => card.connectors);
  const keys = new Map(connectors.map(({ name }) => [name, standing(name)?.key ?? name]));
  const { configs: configOf, warnings } = matchOutputs(
    configs,
    connectors.filter(({ connected }) => connected),
    keys,
  );
  // Where CRTCs are short, outputs that are to show a guest come first.
  const rank = ({ name }: Connector): number => {
    const config = configOf.get(name);
    if (!config) return configs.length * 2;
    return configs.indexOf(config) + (config.show ? 0 : configs.length);
  };
  const ordered = [...connectors].sort((a, b) => rank(a) - rank(b));
  const given = new Map<Connector, { readonly limits: Limits; readonly crtc: number }>();
  for (const { limits, connectors: own } of cards) {
    const usable = ordered.filter((connector) => own.includes(connector) && isUsable(connector));
    const indices = assignCrtcs(
      usable.map(({ name, possibleCrtcs, crtc }) => ({
        name,
        possibleCrtcs,
        current: limits.crtcs.indexOf(standing(name)?.crtc || crtc),
        wanted: configOf.get(name)?.show !== undefined,
      })),
      limits.crtcs.length,
    );
    for (const connector of own) {
      const index = indices[usable.indexOf(connector)] ?? -1;
      given.set(connector, { limits, crtc: limits.crtcs[index] ?? 0 });
    }
  }
  const outputs = ordered.map((connector): Arranged => {
    const { name, info, edid } = connector;
    const config = configOf.get(name);
    const known = standing(name);
    const { limits, crtc } = given.get(connector)!;
    const current = known?.mode ?? (crtc === 0 ? null : limits.modeOf(crtc));
    const view = viewOf(config, limits.indicator);
    const refused = (mode: ModeInfo): string | undefined => known?.refused(mode);
    const wish = config?.mode ?? 'preferred';
    const choice =
      wish === 'guest'
        ? chooseGuestMode(info.modes, known?.screen ?? null, view, refused)
        : chooseMode(info.modes, wish, current, {
            analog: isAnalog(connector),
            range: edid && parseRangeLimits(edid),
            maxWidth: limits.maxWidth,
            maxHeight: limits.maxHeight,
            refused,
          });
    const told = wish === 'guest' ? chooseGuestMode(info.modes, null, view, refused) : choice;
    return {
      connector,
      key: config?.name ?? name,
      config,
      crtc,
      choice: crtc === 0 ? undefined : choice,
      told: crtc === 0 ? undefined : told?.mode,
      view,
      short: crtc === 0 && isUsable(connector),
    };
  });
  return { outputs, warnings };
}

const isUsable = ({ connected, info }: Connector): boolean => connected && info.modes.length > 0;

/**
 * The key of what a user calls an output: a connector, a monitor of the config, or any that is connected. Throws
 * {@link CommandError}.
 */
export function resolveOutput(
  text: string,
  outputs: readonly Pick<Arranged, 'connector' | 'key'>[],
  configs: readonly OutputConfig[],
): string {
  const known = outputs.find(({ connector }) => connector.name === text);
  if (known) return known.key;
  if (configs.some(({ name }) => name === text)) return text;
  const here = outputs.map(({ connector }) => connector.name).join(', ') || 'none';
  if (!namesMonitor(text)) throw new CommandError(`there is no output ${text}: here are ${here}`);
  const meant = outputs.filter(({ connector }) => connector.connected && isMeant(text, connector));
  if (meant.length > 1) {
    const names = meant.map(({ connector }) => connector.name).join(' or ');
    throw new CommandError(`"${text}" may be the monitor on ${names}: say which`);
  }
  if (meant[0]) return meant[0].key;
  throw new CommandError(`no monitor "${text}" is connected: see kms-switcher outputs`);
}

/** Outputs in the order of the config, those it does not name last, as they were. */
export function inConfigOrder<T>(
  outputs: readonly T[],
  configs: readonly Pick<OutputConfig, 'name'>[],
  keyOf: (output: T) => string,
): T[] {
  const place = (output: T): number => {
    const index = configs.findIndex(({ name }) => name === keyOf(output));
    return index < 0 ? configs.length : index;
  };
  return [...outputs].sort((a, b) => place(a) - place(b));
}

/** How screens stand on an output. */
export function viewOf(config: OutputConfig | undefined, indicator = false): View {
  const { fit = 'auto', rotate = 0 } = config ?? {};
  return { fit, turn: (rotate / 90) as Turn, ...(indicator && { indicator }) };
}
