import { listCards, openNode } from '../kms/card';
import { readConnector, type Connector } from '../kms/connector';
import type { EdidIdentity } from '../kms/edid';
import { modeName } from '../kms/modes';
import { monitorName } from '../kms/monitor';
import { Exit, Failure } from './exit';
import { table } from './table';

interface OutputListing {
  readonly card: string;
  readonly driver: string;
  readonly name: string;
  readonly connected: boolean;
  readonly monitor: EdidIdentity | null;
  /** Make, model and serial, as a config may name it. */
  readonly identity: string | null;
  /** Where it hangs on an MST hub; a config may name it by that. */
  readonly path: string | null;
  readonly mmWidth: number;
  readonly mmHeight: number;
  /** The preferred mode first. */
  readonly modes: readonly string[];
  /** Ids of the CRTCs that can drive it. */
  readonly crtcs: readonly number[];
  readonly crtc: number | null;
}

/** All connectors of a card, or of every card: what a config may name. Lights nothing. */
export async function outputs(card: string | undefined, json: boolean): Promise<string> {
  const files = card === undefined ? listCards() : [card];
  const found: OutputListing[] = [];
  let problem: unknown;
  for (const file of files) {
    try {
      found.push(...(await listOutputs(file)));
    } catch (error) {
      // Render-only devices and cards of another user: worth a word only when nothing else is there.
      problem ??= error;
    }
  }
  if (found.length === 0) {
    if (problem instanceof Error) throw problem;
    throw new Failure(Exit.UNAVAILABLE, 'this machine has no card that can drive displays (see ls /dev/dri)');
  }
  if (json) return JSON.stringify(found, null, 2);
  return table(
    ['OUTPUT', 'CARD', 'STATE', 'PREFERRED', 'MODES', 'CRTCS', 'MONITOR'],
    found.map((output) => [
      output.name,
      `${output.card} ${output.driver}`,
      output.connected ? 'connected' : 'disconnected',
      output.modes[0] ?? '-',
      String(output.modes.length),
      output.crtcs.join(' '),
      output.identity ?? '-',
    ]),
  );
}

async function listOutputs(file: string): Promise<OutputListing[]> {
  const card = openNode(file);
  try {
    // The first to open a card is its master; this command has no use for that, a starting daemon does.
    card.dropMaster();
    const { connectors, crtcs } = card.resources();
    const listed: OutputListing[] = [];
    for (const id of connectors) {
      const connector = await readConnector(card, id, true);
      if (!connector.writeback) listed.push(listing(file, card.driverName(), connector, crtcs));
    }
    return listed;
  } finally {
    card.close();
  }
}

function listing(
  file: string,
  driver: string,
  connector: Connector,
  crtcs: readonly number[],
): OutputListing {
  const { name, connected, identity, path, info, possibleCrtcs, crtc } = connector;
  const PREFERRED = 8;
  const modes = [...info.modes].sort((a, b) => (b.type & PREFERRED) - (a.type & PREFERRED));
  return {
    card: file.slice(file.lastIndexOf('/') + 1),
    driver,
    name,
    connected,
    monitor: identity ?? null,
    identity: identity ? monitorName(identity) : null,
    path: path ?? null,
    mmWidth: info.mmWidth,
    mmHeight: info.mmHeight,
    modes: modes.map(modeName),
    crtcs: crtcs.filter((_, index) => (possibleCrtcs & (1 << index)) !== 0),
    crtc: crtc === 0 ? null : crtc,
  };
}
