import type { CardChoice, Config } from '../config/config';
import { listConnectors, type ConnectorName } from '../config/connectors';
import { CardError, CardNode, connectedNames, deviceOf, listCards, type Devices } from '../kms/card';
import { isMeant, namesMonitor } from '../kms/monitor';

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
    choice.by === 'monitor' ? [withMonitor(devices)] : choice.by === 'all' ? listCards() : choice.files;
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

/** The device nodes of cards that are here and that a config means. */
export function cardsHere(
  { cards: choice, outputs }: Config,
  files: readonly string[] = listCards(),
  connectors: readonly ConnectorName[] = listConnectors() ?? [],
): string[] {
  switch (choice.by) {
    case 'all':
      return [...files];
    case 'name': {
      const named = choice.files.map(deviceOf);
      return files.filter((file) => named.includes(file));
    }
    case 'outputs': {
      // One that comes back may have another name, and has the same outputs.
      const names = connectors.filter((connector) => outputs.some(({ name }) => means(name, connector)));
      return files.filter(
        (file) => choice.files.includes(file) || names.some(({ card }) => file.endsWith(`/${card}`)),
      );
    }
    case 'monitor':
      return [];
  }
}

function means(output: string, connector: ConnectorName): boolean {
  return output === connector.name || (namesMonitor(output) && isMeant(output, connector));
}

/** The first card with a connected monitor, else the first that has connectors at all. Throws {@link CardError}. */
function withMonitor(devices: Devices): string {
  const files = listCards();
  let fallback: string | undefined;
  for (const file of files) {
    try {
      const probe = CardNode.open(file, devices);
      try {
        if (connectedNames(probe.native).length > 0) return file;
        if (fallback === undefined && probe.native.resources().connectors.length > 0) fallback = file;
      } finally {
        probe.close();
      }
    } catch {
      // A card that cannot even be asked is worth a word only when none is left: whoever opens it says it.
    }
  }
  const found = fallback ?? files[0];
  if (found === undefined) throw noCard();
  return found;
}

function noCard(): CardError {
  return new CardError(
    'absent',
    'this machine has no card that can drive displays (/dev/dri is empty): a GPU with a loaded kernel driver is needed',
  );
}
