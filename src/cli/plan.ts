import * as fs from 'node:fs';
import type { Config, HeadRef } from '../config/config';
import { listConnectors } from '../config/connectors';
import { loadConfig } from '../config/load';
import { settings, type Flags } from '../config/settings';
import { ask, NotRunning } from '../control/client';
import type { PlanRequest, Status } from '../control/protocol';
import { messageOf } from '../error';
import { Card, CardError, connectedNames, deviceOf, listCards, openNode } from '../kms/card';
import { readConnector, type Connector } from '../kms/connector';
import { primaryPlanes } from '../kms/planes';
import { assumedBuffer, readAssumption, type Assumption } from '../plan/assumption';
import { coldSituation, type ColdCard } from '../plan/cold';
import { makePlan, type Plan } from '../plan/plan';
import { formatPlan } from '../plan/print';
import { readSavedCards } from '../plan/saved-card';
import { TestCommits } from '../plan/tester';
import { CommandError, type LayoutAction } from '../switcher/layout';
import { firstCard, hasDisplays } from './cards';
import { Exit, Failure } from './exit';

/** What the command line says. */
export interface PlanFlags {
  readonly config?: string | undefined;
  readonly card?: string | undefined;
  readonly show?: string | undefined;
  readonly on?: string | undefined;
  readonly size?: string | undefined;
  readonly format?: string | undefined;
  readonly modifier?: string | undefined;
  readonly drmInfo?: string | undefined;
  readonly legacy: boolean;
}

/** What a config or a switch would do, without doing it: asks the daemon, else the card, else a saved drm_info. */
export async function plan(flags: PlanFlags, control: string, json: boolean): Promise<string> {
  const made = await makeIt(flags, control);
  return json ? JSON.stringify(made, null, 2) : formatPlan(made);
}

async function makeIt(flags: PlanFlags, control: string): Promise<Plan> {
  const size = readSize(flags.size);
  const head = readHead(flags.show);
  if (flags.on !== undefined && !head) throw new Failure(Exit.USAGE, '--on goes with --show GUEST');
  const { format, modifier } = flags;
  const assumption = usage(() => readAssumption({ ...size, format, modifier }));
  const files: Flags = { config: flags.config, card: flags.card };
  const load = (): Promise<Config> =>
    loadConfig(settings(files, process.env), flags.drmInfo === undefined ? listConnectors() : undefined);
  const config = flags.config === undefined ? undefined : await load();
  if (flags.drmInfo === undefined && flags.card === undefined && !flags.legacy) {
    const { on } = flags;
    const asked = await askDaemon(control, config, {
      ...{ command: 'plan', ...head, ...size },
      ...(on === undefined ? {} : { on }),
      ...(format === undefined ? {} : { format }),
      ...(modifier === undefined ? {} : { modifier }),
    });
    if (asked) return asked;
  }
  const action: LayoutAction | undefined = head && {
    ...{ kind: 'show', head },
    ...(flags.on === undefined ? {} : { on: flags.on }),
  };
  const wish = { config: config ?? (await load()), action, assumption };
  return flags.drmInfo === undefined ? planOfCards(wish, flags.legacy) : planOfFile(wish, flags.drmInfo);
}

interface Wish {
  readonly config: Config;
  readonly action: LayoutAction | undefined;
  readonly assumption: Assumption;
}

/** The daemon's answer; undefined: there is none, or it does not drive all cards that are meant. */
async function askDaemon(
  control: string,
  config: Config | undefined,
  request: PlanRequest,
): Promise<Plan | undefined> {
  try {
    if (!config) return await ask<Plan>(control, request);
    const { cards } = await ask<Status>(control, { command: 'status' });
    const driven = cards.map(({ card }) => deviceOf(card));
    if (!wanted(config).every((file) => driven.includes(deviceOf(file)))) return undefined;
    const text = fs.readFileSync(config.file, 'utf8');
    return await ask<Plan>(control, { ...request, config: text });
  } catch (error) {
    if (error instanceof NotRunning) return undefined;
    throw error;
  }
}

/** Live cards that no daemon of ours drives. */
async function planOfCards(wish: Wish, legacy: boolean): Promise<Plan> {
  const files = wanted(wish.config);
  const opened: { readonly cold: Omit<ColdCard, 'connectors'>; close(): void }[] = [];
  try {
    for (const file of files.length > 0 ? files : [firstOrSaved()]) opened.push(openCold(file, legacy));
    return await planCold(
      opened.map(({ cold }) => cold),
      wish,
    );
  } finally {
    for (const card of opened) card.close();
  }
}

/** The card that `run` would choose. */
function firstOrSaved(): string {
  try {
    return firstCard();
  } catch (cause) {
    const message = `${messageOf(cause)}; or plan from a saved one with --drm-info FILE`;
    throw new Failure(Exit.UNAVAILABLE, message, { cause });
  }
}

/** Whoever is its master may test; who is not, reads. */
function openCold(
  file: string,
  legacy: boolean,
): { readonly cold: Omit<ColdCard, 'connectors'>; close(): void } {
  let card: Card | undefined;
  let untested = 'SetCrtc and PageFlip cannot be tested';
  try {
    card = Card.open(file, () => undefined, legacy);
  } catch (error) {
    if (!(error instanceof CardError) || error.reason !== 'busy') throw error;
    untested = 'another program drives the card';
  }
  const native = card?.native ?? openNode(file);
  const tester = card?.commit.name === 'atomic' ? new TestCommits(card) : undefined;
  return {
    cold: {
      ...{ card: file, commit: card?.commit.name ?? (legacy ? 'legacy' : 'atomic'), reader: native, tester },
      untested: tester ? undefined : untested,
    },
    close: () => {
      if (card) card.close();
      else native.close();
    },
  };
}

/** The cards that a config means; empty: the first with a connected monitor. */
function wanted({ cards }: Config): readonly string[] {
  if (cards.by === 'all') return listCards().filter((file) => hasDisplays(file));
  return cards.by === 'monitor' ? [] : cards.files;
}

async function planOfFile(wish: Wish, file: string): Promise<Plan> {
  const saved = readSavedCards(fs.readFileSync(file, 'utf8'));
  const { cards } = wish.config;
  const first =
    [...saved.keys()].find((card) => connectedNames(saved.get(card)!).length > 0) ?? [...saved.keys()][0]!;
  const names = cards.by === 'all' ? [...saved.keys()] : cards.by === 'monitor' ? [first] : cards.files;
  const cold = names.map((card) => {
    const reader = saved.get(card);
    if (!reader)
      throw new Failure(Exit.FAILURE, `${file} has no ${card}: it has ${[...saved.keys()].join(', ')}`);
    const { crtcs } = reader.resources();
    const commit = primaryPlanes(reader, crtcs).size < crtcs.length ? 'legacy' : 'atomic';
    return { card, reader, commit, untested: `${file} is what was saved of it` };
  });
  return await planCold(cold, wish);
}

async function planCold(
  given: readonly Omit<ColdCard, 'connectors'>[],
  { config, action, assumption }: Wish,
): Promise<Plan> {
  const cards: ColdCard[] = [];
  for (const card of given) {
    const connectors: Connector[] = [];
    for (const id of card.reader.resources().connectors)
      connectors.push(await readConnector(card.reader, id, true));
    cards.push({ ...card, connectors });
  }
  const situation = coldSituation({
    cards,
    action,
    outputs: config.outputs,
    guests: config.guests.map(({ name }) => name),
    secure: config.secure !== undefined,
    buffer: (head, size) => assumedBuffer(isMeant(head, action) ? assumption : {}, size),
  });
  return await makePlan(situation);
}

/** Sizes and formats are those of the guest that is shown, or of all. */
function isMeant(head: HeadRef, action: LayoutAction | undefined): boolean {
  return action?.kind !== 'show' || (action.head.guest === head.guest && action.head.head === head.head);
}

function readSize(text: string | undefined): { width: number; height: number } | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+)x(\d+)$/.exec(text);
  if (!match) throw new Failure(Exit.USAGE, `"${text}" is no size: write e.g. 1280x800`);
  return { width: Number(match[1]), height: Number(match[2]) };
}

function readHead(text: string | undefined): HeadRef | undefined {
  if (text === undefined) return undefined;
  const match = /^([^:]+)(?::(\d+))?$/.exec(text);
  if (!match) throw new Failure(Exit.USAGE, `${text} is not GUEST or GUEST:HEAD`);
  return { guest: match[1]!, head: Number(match[2] ?? 0) };
}

function usage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof CommandError ? new Failure(Exit.USAGE, error.message) : error;
  }
}
