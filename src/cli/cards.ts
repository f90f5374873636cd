import { basename } from 'node:path';
import type { CardChoice, Config } from '../config/config';
import { readConnectors, type ConnectorName } from '../config/connectors';
import { CardError, CardNode, connectedNames, deviceOf, listCards, type Devices } from '../kms/card';
import { isMeant, namesMonitor } from '../kms/monitor';
import type { NativeCard } from '../native';

/**
 * Opens the cards that a config means, by `open`. Those that cannot be had are left out if there are others. Throws
 * {@link CardError}.
 */
export async function openCards(
  choice: CardChoice,
  devices: Devices,
  open: (file: string) => Promise<void>,
): Promise<void> {
  const files =
    choice.by === 'monitor' ? [firstCard(devices)] : choice.by === 'all' ? listCards() : choice.files;
  const problems: CardError[] = [];
  const opened = new Set<string>();
  for (const file of files) {
    const device = deviceOf(file);
    if (opened.has(device)) continue;
    try {
      await open(file);
      opened.add(device);
    } catch (error) {
      if (!(error instanceof CardError)) throw error;
      problems.push(error);
    }
  }
  if (opened.size > 0) return;
  // Of a card that only renders nobody wants to hear, where another is only busy.
  throw (
    problems.find(({ reason }) => reason === 'busy' || reason === 'permission') ?? problems[0] ?? noCard()
  );
}

/** Which of some cards, by their device nodes, a config means. */
export async function meantCards(
  { cards: choice, outputs }: Pick<Config, 'cards' | 'outputs'>,
  files: readonly string[],
  connectorsOf: (card: string) => Promise<readonly ConnectorName[]> = readConnectors,
): Promise<readonly string[]> {
  switch (choice.by) {
    case 'all':
      return files;
    case 'name': {
      const named = choice.files.map(deviceOf);
      return files.filter((file) => named.includes(file));
    }
    case 'outputs': {
      const meant: string[] = [];
      for (const file of files) {
        // One that comes back may have another name, and has the same outputs.
        const known = choice.files.includes(file);
        const connectors = known ? [] : await connectorsOf(basename(file));
        if (known || connectors.some((connector) => outputs.some(({ name }) => means(name, connector))))
          meant.push(file);
      }
      return meant;
    }
    case 'monitor':
      return [];
  }
}

function means(output: string, connector: ConnectorName): boolean {
  return output === connector.name || (namesMonitor(output) && isMeant(output, connector));
}

/** The first card with a connected monitor, else the first that has connectors at all. Throws {@link CardError}. */
export function firstCard(devices?: Devices): string {
  const files = listCards();
  const found =
    files.find((file) => asked(file, devices, (card) => connectedNames(card).length > 0)) ??
    files.find((file) => hasDisplays(file, devices)) ??
    files[0];
  if (found === undefined) throw noCard();
  return found;
}

/** Whether it is a card that can drive displays, and can be opened. */
export function hasDisplays(file: string, devices?: Devices): boolean {
  return asked(file, devices, (card) => card.resources().connectors.length > 0);
}

/** A card that cannot even be asked is worth a word only when none is left: whoever opens it says it. */
function asked(file: string, devices: Devices | undefined, ask: (card: NativeCard) => boolean): boolean {
  try {
    const node = CardNode.open(file, devices);
    try {
      // Who opens a card that has no master is its master.
      if (!devices) node.native.dropMaster();
      return ask(node.native);
    } finally {
      node.close();
    }
  } catch {
    return false;
  }
}

function noCard(): CardError {
  return new CardError(
    'absent',
    'this machine has no card that can drive displays (/dev/dri is empty): a GPU with a loaded kernel driver is needed',
  );
}
