import { realpathSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { defaultHotkeys } from '../input/defaults';
import type { Known } from './actions';
import { entry, isMapping, kindOf } from './checker';
import type { Checker } from './checker';
import { defaultControl, defaultLogLevel, defaultSeat } from './config';
import type { CardChoice, Config } from './config';
import type { ConnectorName } from './connectors';
import { parseDocument } from './document';
import type { ConfigDocument } from './document';
import { checkGuests } from './guests';
import { checkHotkeys, checkKeys } from './hotkeys';
import { checkLayouts } from './layouts';
import { OutputNames } from './output-names';
import { checkOutputs } from './outputs';
import { ConfigError } from './problems';
import type { Problem } from './problems';
import { checkShape } from './schema';
import { checkSeats } from './seats';
import { checkSecure } from './secure';
import type { Settings } from './settings';
import {
  allCards,
  cardDevice,
  cardProblem,
  durationProblem,
  isLogLevel,
  logLevelProblem,
  parseDuration,
  socketPathProblem,
} from './values';

// Far more than anyone writes; keeps a wrong path from filling memory.
const largestFile = 1024 * 1024;

/**
 * Reads and checks the file of `settings`. Throws {@link ConfigError} with everything that is wrong with it.
 * Without `connectors` (no card here) output names are taken as they are, with a note.
 */
export async function loadConfig(
  settings: Settings,
  connectors: readonly ConnectorName[] | undefined,
): Promise<Config> {
  return parseConfig(await readText(settings.file), settings, connectors);
}

/** The same for the text of the file. */
export function parseConfig(
  text: string,
  settings: Settings,
  connectors: readonly ConnectorName[] | undefined,
): Config {
  const document = parseDocument(text);
  const problems = [...document.problems];
  if (document.data === undefined) throw new ConfigError(settings.file, problems);
  if (!isMapping(document.data)) {
    const message =
      document.data === null
        ? 'the file is empty; it needs guests: at least'
        : `the file must be a mapping, not ${kindOf(document.data)}; begin with guests:`;
    throw new ConfigError(settings.file, [...problems, { ...document.position([]), message }]);
  }
  const notes: string[] = [];
  const checker: Checker = {
    report: (path, message, at) => problems.push({ ...document.position(path, at), message }),
    note: (message) => notes.push(message),
    line: (path) => document.position(path, 'key').line,
  };
  const config = checkMeaning(document.data, settings, connectors, checker);
  problems.push(...shapeProblems(document, problems));
  if (problems.length > 0) throw new ConfigError(settings.file, problems);
  return { ...config, notes };
}

/** What the schema finds beyond what the checks of meaning found at the same place. */
function shapeProblems(document: ConfigDocument, known: readonly Problem[]): Problem[] {
  const taken = new Set(known.map(({ line, column }) => `${line}:${column}`));
  const found = checkShape(document.data).map((problem) => ({
    ...document.position(problem.path, problem.at),
    message: problem.message,
    crude: problem.crude,
  }));
  const fine = found.filter(({ crude, line, column }) => !crude && !taken.has(`${line}:${column}`));
  const told = fine.length > 0 || known.length > 0 ? fine : found;
  return told.map(({ line, column, message }) => ({ line, column, message }));
}

function checkMeaning(
  data: Readonly<Record<string, unknown>>,
  settings: Settings,
  connectors: readonly ConnectorName[] | undefined,
  checker: Checker,
): Omit<Config, 'notes'> {
  // What the file says is checked even where a flag takes its place.
  const file = {
    control: checked(data, ['control'], socketPathProblem, checker),
    level: checked(data, ['log', 'level'], logLevelProblem, checker),
    cards: readCards(data.card, checker),
  };
  const blankAfter = entry(entry(data, 'power'), 'blank-after');
  const power = blankAfter === undefined ? undefined : readDuration(blankAfter, checker);
  const control = settings.control ?? file.control ?? defaultControl;
  const level = settings.logLevel ?? file.level;
  const chosen = settings.card === undefined ? file.cards : cardsNamed([settings.card]);
  const inForce = chosen?.by === 'name' ? chosen.files.map(cardName) : undefined;
  // One that a link names and that is not here has no name yet.
  const driven = inForce?.every((name) => name !== undefined) ? inForce : undefined;
  const awaits = chosen !== undefined && (chosen.by !== 'name' || chosen.files.length > 1);
  const names = new OutputNames(connectors, driven, checker, awaits);
  const guests = checkGuests(data.guests, control, checker);
  // Guests with a bad socket exist all the same.
  const guestNames = new Set(isMapping(data.guests) ? Object.keys(data.guests) : []);
  const outputs = checkOutputs(data.outputs, guestNames, names, checker);
  const layouts = checkLayouts(data.layouts, guestNames, names, checker);
  const known = { guests: guestNames, layouts: new Set(layouts.map(({ name }) => name)), names };
  const secure = checkSecure(data, known, checker);
  const keyboard = secure
    ? {
        secure,
        hotkeys: [],
        passthrough: [],
        seats: [{ name: defaultSeat, devices: [], outputs: [], hotkeys: [] }],
      }
    : checkKeyboard(data, { guests, outputs, layouts }, known, checker);
  const naming = data.outputs ?? data.hotkeys ?? data.layouts ?? data.seats ?? data.seamless;
  if (connectors === undefined && naming !== undefined)
    checker.note('there is no graphics card here: output names were not checked');

  const implied = names.impliedCards.map(cardDevice);
  const byOutputs: CardChoice = implied.length > 0 ? { by: 'outputs', files: implied } : { by: 'monitor' };
  return {
    file: settings.file,
    cards: chosen ?? byOutputs,
    control,
    log: { level: level !== undefined && isLogLevel(level) ? level : defaultLogLevel },
    handover: secure || entry(data, 'handover') === 'blank' ? 'blank' : 'keep',
    power: power === undefined ? {} : { blankAfter: power },
    guests,
    outputs,
    ...keyboard,
    layouts,
  };
}

/** What keyboards do beside typing. */
function checkKeyboard(
  data: Readonly<Record<string, unknown>>,
  place: Pick<Config, 'guests' | 'outputs' | 'layouts'>,
  known: Known,
  checker: Checker,
): Pick<Config, 'hotkeys' | 'passthrough' | 'escape' | 'seats'> {
  const keys = checkKeys(data.escape, data.passthrough, checker);
  const written = data.hotkeys === undefined ? undefined : checkHotkeys(data.hotkeys, keys, known, checker);
  const { seamless } = data;
  const seats = checkSeats(data.seats, { ...place, hotkeys: written, keys, seamless }, known, checker);
  return { hotkeys: written ?? defaultHotkeys(place.guests, place.outputs, keys), ...keys, seats };
}

/** `power.blank-after` in ms. */
function readDuration(value: unknown, checker: Checker): number | undefined {
  const problem = durationProblem(value);
  if (problem === undefined) return parseDuration(String(value));
  checker.report(['power', 'blank-after'], problem);
  return undefined;
}

/** A text of the file, if it is there and nothing is wrong with it. */
function checked(
  data: unknown,
  path: readonly string[],
  problem: (value: string) => string | undefined,
  checker: Checker,
): string | undefined {
  const value = path.reduce(entry, data);
  if (typeof value !== 'string') return undefined;
  const message = problem(value);
  if (message === undefined) return value;
  checker.report(path, message);
  return undefined;
}

/** `card:`, one or several; undefined: the file does not say. */
function readCards(value: unknown, checker: Checker): CardChoice | undefined {
  if (value === undefined) return undefined;
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  const good: string[] = [];
  for (const [index, text] of texts.entries()) {
    const path = Array.isArray(value) ? ['card', `${index}`] : ['card'];
    const problem =
      typeof text !== 'string'
        ? `a card cannot be ${kindOf(text)}; write e.g. card0, [card0, card1] or all`
        : Array.isArray(value) && text === allCards
          ? `"${allCards}" stands alone; write card: ${allCards}`
          : (cardProblem(text) ??
            (good.includes(cardDevice(text)) ? `"${text}" is named twice; remove one of them` : undefined));
    if (problem !== undefined) checker.report(path, problem);
    else good.push(typeof text === 'string' && text !== allCards ? cardDevice(text) : allCards);
  }
  if (texts.length === 0) checker.report(['card'], `no card at all; write e.g. card: card0, or leave it out`);
  return good.length === 0 ? undefined : cardsNamed(good);
}

function cardsNamed(names: readonly string[]): CardChoice {
  return names.includes(allCards) ? { by: 'all' } : { by: 'name', files: names };
}

/** `card1` for a device node, through the link that by-path is; undefined if there is none such. */
function cardName(device: string): string | undefined {
  try {
    const target = device.startsWith('/dev/dri/by-path/') ? realpathSync(device) : device;
    return /^card\d+$/.exec(basename(target))?.[0];
  } catch {
    return undefined;
  }
}

async function readText(file: string): Promise<string> {
  const refuse = (message: string) => new ConfigError(file, [{ line: 0, column: 0, message }]);
  try {
    const status = await stat(file);
    if (!status.isFile()) throw refuse('this is not a file; name the config file itself');
    if (status.size > largestFile)
      throw refuse('this is larger than a config can be (1 MiB); name another file');
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT')
      throw refuse('there is no such file; write it, or name another with --config or KMS_SWITCHER_CONFIG');
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw refuse('this is not UTF-8 text; save it as UTF-8');
    throw refuse(`cannot be read (${code ?? String(error)}); let the user of the daemon read it`);
  }
}
