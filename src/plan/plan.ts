import type { BufferLayout, Viewport } from '../buffers';
import type { HeadRef } from '../config/config';
import { fourccName, XR24 } from '../fourcc';
import { Fitting, roomOn, type Size, type View } from '../kms/fitting';
import { planeShapes, halves, opaque } from '../kms/formats';
import { INVALID_MODIFIER } from '../kms/in-formats';
import { modeName, sameMode } from '../kms/modes';
import { monitorName } from '../kms/monitor';
import { primaryPlanes, readPlanes, type Plane } from '../kms/planes';
import { pans } from '../kms/quirks';
import type { CardReader } from '../kms/reader';
import { OBJECT_CONNECTOR } from '../kms/connector';
import { fillPanel, isPlain, newScanout, type Scanout } from '../kms/scanout';
import { readSignal, settingStatus, type PropertyChange, type SettingStatus } from '../kms/signal';
import type { Target } from '../kms/commit';
import type { ModeInfo } from '../native';
import { inConfigOrder, type Arranged, type Arrangement } from '../switcher/arrange';
import { sameHead, type Assignment } from '../switcher/layout';

/** A guest's buffer, real or assumed: all of it is its screen. */
export interface PlannedBuffer extends Size {
  readonly format: number;
  readonly modifier: bigint;
}

/** A question about buffers of one kind on one output; holds a buffer of that kind until it is closed. */
export interface Probe {
  readonly framebuffer: number;
  accepts(scanout: Scanout): boolean;
  /** Whether it could be shown on that target without a modeset. */
  isSeamless(scanout: Scanout): boolean;
  close(): void;
}

/** Asks a live card with commits that test only. */
export interface Tester {
  /** undefined: the card has no memory for such a buffer. */
  probe(target: Target, lit: boolean, buffer: PlannedBuffer): Promise<Probe | undefined>;
}

/** A card that is planned for. */
export interface PlannedCard {
  readonly card: string;
  readonly commit: string;
  readonly reader: CardReader;
  readonly tester?: Tester | undefined;
  /** Why nothing can be tested. */
  readonly untested?: string | undefined;
}

/** What is so now, on the cards and in what is known of them. */
export interface Situation {
  readonly cards: readonly PlannedCard[];
  /** The one that a connector is on. */
  cardOf(connector: string): PlannedCard;
  /** The outputs of the config. */
  readonly names: readonly string[];
  /** What becomes of the outputs, without the modes that have been refused, if they are to show such screens. */
  arrange(
    refused: (output: string, mode: ModeInfo) => string | undefined,
    screen: (output: string) => Size | null,
  ): Arrangement;
  /** What a connector shows now; undefined: nothing of ours. */
  now(
    connector: string,
  ): { readonly crtc: number; readonly mode: ModeInfo | null; readonly shows?: Assignment } | undefined;
  /** What each output, by its key, is to show. */
  assignment(arrangement: Arrangement): (key: string) => Assignment;
  /** What a head shows that is told a size; and whether it is only assumed. */
  buffer(head: HeadRef, size: Size): { readonly buffer: PlannedBuffer; readonly assumed: boolean };
}

export interface OutputPlan {
  readonly output: string;
  readonly card: string;
  /** What the config calls it. */
  readonly config: string | null;
  readonly monitor: string | null;
  readonly crtc: number | null;
  /** The plane that shows the guest, and what else the CRTC could use. */
  readonly plane: number | null;
  readonly otherPlanes: readonly number[];
  readonly mode: string | null;
  readonly modeWhy: string | null;
  readonly modeNote?: string;
  /** As in `status`. */
  readonly signal?: readonly SettingStatus[];
  /**
   * `none`; `flip`: at one vblank, nothing blinks; `modeset`: dark for a moment; `off`: goes dark; `dark`: is and stays
   * dark.
   */
  readonly change: 'none' | 'flip' | 'modeset' | 'off' | 'dark';
  readonly why?: string;
  readonly guest: string | null;
  readonly head: number | null;
  /** Another output that shows the same head, and whose size the guest is told. */
  readonly mirrors?: string;
  readonly buffer: {
    readonly width: number;
    readonly height: number;
    readonly format: string;
    /** Hexadecimal. */
    readonly modifier: string;
    readonly assumed: boolean;
  } | null;
  /** As in `status`; `refused`: the guest cannot be shown; `unknown`: only a test by the hardware could tell. */
  readonly path: 'direct' | 'copy' | 'picture' | 'refused' | 'unknown' | null;
  readonly reason?: string;
}

export interface CardPlan {
  readonly card: string;
  readonly driver: string;
  readonly commit: string;
  /** Who says so: the hardware, by commits that test only; or what is written of it. */
  readonly by: 'test commits' | 'properties';
  /** Why not the hardware. */
  readonly byWhy?: string;
}

/** What is said of a card is of the first. */
export interface Plan extends CardPlan {
  readonly cards: readonly CardPlan[];
  readonly outputs: readonly OutputPlan[];
  readonly warnings: readonly string[];
}

/** What would be done, and is not: by the very functions that do it. */
export async function makePlan(situation: Situation): Promise<Plan> {
  const arrangement = await arrangeTested(situation);
  const planners = new Map(situation.cards.map((card) => [card, new Planner(situation, card)]));
  const assignment = situation.assignment(arrangement);
  const leaderOf = findLeaders(situation, arrangement);
  const outputs: OutputPlan[] = [];
  for (const arranged of arrangement.outputs) {
    const shows = assignment(arranged.key);
    const planner = planners.get(situation.cardOf(arranged.connector.name))!;
    outputs.push(await planner.output(arranged, shows, leaderOf(arranged)));
  }
  const cards = situation.cards.map(cardPlan);
  return {
    ...cards[0]!,
    cards,
    outputs,
    warnings: [
      ...arrangement.warnings,
      ...situation.names
        .filter((name) => !arrangement.outputs.some(({ key }) => key === name))
        .map((name) => `"${name}" of the config is not here`),
    ],
  };
}

function cardPlan({ card, commit, reader, tester, untested }: PlannedCard): CardPlan {
  return {
    card,
    driver: reader.driverName(),
    commit,
    by: tester ? 'test commits' : 'properties',
    ...(untested === undefined ? {} : { byWhy: untested }),
  };
}

/** The arrangement after the card was asked for each mode. */
async function arrangeTested(situation: Situation): Promise<Arrangement> {
  const refused: { readonly output: string; readonly mode: ModeInfo }[] = [];
  const isRefused = (output: string, mode: ModeInfo): boolean =>
    refused.some((one) => one.output === output && sameMode(one.mode, mode));
  for (;;) {
    const why = (output: string, mode: ModeInfo): string | undefined =>
      isRefused(output, mode) ? 'a test commit was refused' : undefined;
    const screens = screensOf(
      situation,
      situation.arrange(why, () => null),
    );
    const arrangement = situation.arrange(why, (output) => screens.get(output) ?? null);
    const before = refused.length;
    for (const { connector, crtc, choice } of arrangement.outputs) {
      const { tester } = situation.cardOf(connector.name);
      if (!tester || crtc === 0 || !choice || isRefused(connector.name, choice.mode)) continue;
      const { mode } = choice;
      const target = { crtc, connector: connector.id, mode };
      if (!(await withFilled(tester, target, (probe, filled) => probe.accepts(filled))))
        refused.push({ output: connector.name, mode });
    }
    if (refused.length === before) return arrangement;
  }
}

/** For each output the one whose size its guest is told: the first that is lit and shows the same head. */
function findLeaders(situation: Situation, arrangement: Arrangement): (arranged: Arranged) => Arranged {
  const assignment = situation.assignment(arrangement);
  const inOrder = inConfigOrder(
    arrangement.outputs.filter(({ crtc, choice }) => crtc !== 0 && choice),
    situation.names.map((name) => ({ name })),
    ({ key }) => key,
  );
  return (arranged) =>
    inOrder.find(({ key }) => sameHead(assignment(key).head, assignment(arranged.key).head)) ?? arranged;
}

/** What each output is to show, by its connector; blank ones keep the mode of what they do not show. */
function screensOf(situation: Situation, arrangement: Arrangement): Map<string, Size> {
  const assignment = situation.assignment(arrangement);
  const leaderOf = findLeaders(situation, arrangement);
  const screens = new Map<string, Size>();
  for (const arranged of arrangement.outputs) {
    const { head } = assignment(arranged.key);
    const { told, view } = leaderOf(arranged);
    if (head && told) screens.set(arranged.connector.name, situation.buffer(head, roomOn(told, view)).buffer);
  }
  return screens;
}

class Planner {
  readonly #planes: readonly Plane[];
  readonly #crtcs: readonly number[];
  readonly #primary: ReadonlyMap<number, number>;

  constructor(
    private readonly situation: Situation,
    private readonly card: PlannedCard,
  ) {
    const { reader } = card;
    this.#crtcs = reader.resources().crtcs;
    this.#planes = readPlanes(reader);
    this.#primary = new Map([...primaryPlanes(reader, this.#crtcs)].map(([crtc, { id }]) => [crtc, id]));
  }

  /** `leader`: the output whose size the guest is told, which may be another one that shows the same head. */
  async output(arranged: Arranged, { head, blank }: Assignment, leader: Arranged): Promise<OutputPlan> {
    const { connector, key, config, crtc, choice, short } = arranged;
    const now = this.situation.now(connector.name);
    const wasLit = (now?.crtc ?? 0) !== 0 && now?.mode != null;
    const about = {
      output: connector.name,
      card: this.card.card,
      config: config?.name ?? null,
      monitor: connector.identity ? monitorName(connector.identity) : null,
      guest: head?.guest ?? null,
      head: head?.head ?? null,
    };
    if (crtc === 0 || !choice) {
      return {
        ...about,
        ...{ crtc: null, plane: null, otherPlanes: [], mode: null, modeWhy: null, buffer: null, path: null },
        change: wasLit ? 'off' : 'dark',
        why: short
          ? 'no CRTC is left for it'
          : connector.connected
            ? 'its monitor lists no modes'
            : 'no monitor',
      };
    }
    const { mode } = choice;
    const sameNow = now?.crtc === crtc && now.mode !== null && sameMode(now.mode, mode);
    const signal = readSignal(this.card.reader, connector.id, crtc, config?.signal ?? {});
    // What a connector sends changes with a modeset; a refresh rate that varies needs none.
    const sends = signal.find(
      ({ change }) => change?.type === OBJECT_CONNECTOR && change.value !== change.was,
    );
    const shows = now?.shows;
    const same = shows?.blank === blank && (shows.head === null ? head === null : sameHead(shows.head, head));
    const told = roomOn(leader.told ?? mode, leader.view);
    const shown = head && !blank ? this.situation.buffer(head, told) : undefined;
    const plane = this.#primary.get(crtc) ?? null;
    const bit = 1 << this.#crtcs.indexOf(crtc);
    const target = { crtc, connector: connector.id, mode };
    const changes = signal.flatMap(({ change }) => change ?? []);
    const seamless = (await this.#isSeamless(target, changes)) ?? (sameNow && !sends);
    const way = shown ? await this.#way(target, seamless, shown.buffer, arranged.view) : undefined;
    return {
      ...about,
      crtc,
      plane,
      otherPlanes: this.#planes
        .filter(({ id, possibleCrtcs }) => id !== plane && (possibleCrtcs & bit) !== 0)
        .map(({ id }) => id),
      mode: modeName(mode),
      modeWhy: choice.why,
      ...(choice.note === undefined ? {} : { modeNote: choice.note }),
      ...(leader === arranged ? {} : { mirrors: leader.connector.name }),
      ...(signal.length > 0 ? { signal: signal.map(settingStatus) } : {}),
      change: !seamless ? 'modeset' : same ? 'none' : 'flip',
      ...(!seamless && {
        why: !sameNow
          ? whyModeset(now, crtc, key)
          : sends
            ? `${sends.name} is another now`
            : 'the card says so',
      }),
      buffer: shown ? describe(shown.buffer, shown.assumed) : null,
      path: way?.path ?? 'picture',
      ...(way?.reason === undefined ? {} : { reason: way.reason }),
    };
  }

  /** Whether a target can be lit without a modeset; undefined: there is nobody to ask. */
  async #isSeamless(target: Target, changes: readonly PropertyChange[]): Promise<boolean | undefined> {
    const { tester } = this.card;
    const signal = { changes, refused: () => undefined };
    return tester && withFilled(tester, { ...target, signal }, (probe, filled) => probe.isSeamless(filled));
  }

  /** How a buffer gets onto a panel. */
  async #way(
    target: Target,
    lit: boolean,
    buffer: PlannedBuffer,
    view: View,
  ): Promise<{ path: NonNullable<OutputPlan['path']>; reason?: string }> {
    const { format, modifier } = buffer;
    const name = fourccName(format);
    if (!planeShapes(format)) return { path: 'refused', reason: `pixel format ${name} is not supported` };
    const primary = this.#primary.get(target.crtc);
    const planes = this.#planes.filter(({ id }) => primary === undefined || id === primary);
    if (!planes.some(({ formats }) => formats.has(opaque(format), modifier))) {
      const list = primary === undefined ? 'no plane lists' : `plane ${primary} does not list`;
      return copied(buffer, `${list} ${kind(buffer)}`);
    }
    const { mode } = target;
    const { tester } = this.card;
    const probe = await tester?.probe(target, lit, buffer);
    const question = { asked: false };
    const accepts = (scanout: Scanout): boolean => {
      if (!tester && isPlain(scanout, mode)) return true;
      question.asked = true;
      return probe?.accepts(scanout) ?? false;
    };
    const { reader } = this.card;
    const fitting = new Fitting(view, mode.hdisplay, mode.vdisplay, accepts, pans(reader.driverName()));
    const { reason } = fitting.ofBuffer(layoutOf(buffer), probe?.framebuffer ?? 0, screenOf(buffer));
    probe?.close();
    if (reason === undefined) return { path: 'direct' };
    if (!tester && question.asked)
      return { path: 'unknown', reason: `${reason}, unless a test commit says otherwise` };
    return copied(buffer, reason);
  }
}

/** What the hardware does not take is copied, where its rows can be read: see `Framebuffer.mapping`. */
function copied({ modifier }: PlannedBuffer, reason: string): { path: 'copy' | 'refused'; reason: string } {
  return modifier === 0n || modifier === INVALID_MODIFIER
    ? { path: 'copy', reason }
    : { path: 'refused', reason: `${reason}, and only linear buffers can be copied` };
}

function kind({ format, modifier }: PlannedBuffer): string {
  const code = fourccName(opaque(format));
  return modifier === INVALID_MODIFIER
    ? `format ${code}`
    : `format ${code} with modifier 0x${modifier.toString(16)}`;
}

function whyModeset(
  now: { readonly crtc: number; readonly mode: ModeInfo | null } | undefined,
  crtc: number,
  key: string,
): string {
  if (!now?.mode || now.crtc === 0) return `${key} is dark now`;
  if (now.crtc !== crtc) return `it is on CRTC ${now.crtc} now`;
  return `its mode is ${modeName(now.mode)} now`;
}

/** Asks about a target that a buffer of ours fills; undefined: there is no memory for one. */
async function withFilled(
  tester: Tester,
  target: Target,
  ask: (probe: Probe, filled: Scanout) => boolean,
): Promise<boolean | undefined> {
  const { mode } = target;
  const { hdisplay: width, vdisplay: height } = mode;
  const probe = await tester.probe(target, false, { width, height, format: XR24, modifier: 0n });
  if (!probe) return undefined;
  try {
    return ask(probe, fillPanel(newScanout(), probe.framebuffer, mode));
  } finally {
    probe.close();
  }
}

function layoutOf({ width, height, format, modifier }: PlannedBuffer): BufferLayout {
  return { width, height, format, ...halves(modifier), bottomUp: false, planes: [] };
}

const screenOf = ({ width, height }: PlannedBuffer): Viewport => ({ x: 0, y: 0, width, height });

function describe(
  { width, height, format, modifier }: PlannedBuffer,
  assumed: boolean,
): OutputPlan['buffer'] {
  return { width, height, format: fourccName(format), modifier: `0x${modifier.toString(16)}`, assumed };
}
