import type { CardChoice, GuestConfig, SecureConfig } from '../config/config';
import { listConnectors } from '../config/connectors';
import { loadConfig } from '../config/load';
import { settings, type Flags } from '../config/settings';
import { formatRows } from '../input/seamless';
import { headName, sameHead } from '../switcher/layout';

/** Reads a config as `run` would and says what it means; touches no display. Throws ConfigError. */
export async function check(flags: Flags): Promise<string> {
  const config = await loadConfig(settings(flags, process.env), listConnectors());
  const lines = [
    `${config.file}: ok`,
    ...cardLines(config.cards),
    ...config.guests.map(({ name, link }) => `  guest ${name}: ${describe(link)}`),
    ...config.outputs.map(({ name, show }) => {
      if (!show) return `  output ${name}: no guest`;
      const first = config.outputs.find((other) => sameHead(other.show ?? null, show));
      const mirrors = first?.name === name ? '' : `, mirrors ${first?.name}, whose size the guest is told`;
      return `  output ${name}: ${headName(show)}${mirrors}`;
    }),
    ...config.seats
      .slice(0, -1)
      .map(
        ({ name, devices, outputs, hotkeys }) =>
          `  seat ${name}: ${outputs.join(', ')}; ${devices.join(', ')}; ${hotkeys.length} hotkeys`,
      ),
    ...config.seats.flatMap(({ name, seamless }) =>
      seamless ? [`  seamless, seat ${name}: ${formatRows(seamless)}`] : [],
    ),
    ...(config.secure ? [`  secure profile: ${switching(config.secure)}`] : []),
    `  ${config.hotkeys.length} hotkeys, control socket ${config.control}`,
    ...config.notes.map((note) => `  note: ${note}`),
  ];
  return lines.join('\n');
}

/** Which cards are driven, where it is not just one. */
function cardLines(cards: CardChoice): string[] {
  if (cards.by === 'all') return ['  all cards, and those that come later'];
  return cards.by === 'monitor' || cards.files.length === 1 ? [] : [`  cards ${cards.files.join(', ')}`];
}

function switching({ device, keys }: SecureConfig): string {
  const by = device === undefined ? '' : `${keys.length} keys of "${device}" and `;
  return `guests are switched by ${by}the control socket alone; each stands below a strip with its name, and is copied there`;
}

function describe(link: GuestConfig['link']): string {
  switch (link.kind) {
    case 'vhost-user-gpu':
      return `${link.kind}, listens on ${link.listen}`;
    case 'qemu':
      if ('qmp' in link.at) return `${link.kind}, by the QMP socket ${link.at.qmp}`;
      return `${link.kind}, ${link.at.vm ?? 'the only one'} on the bus ${link.at.bus}`;
    case 'libvirt':
      return `${link.kind}, domain ${link.domain}${link.uri === undefined ? '' : ` of ${link.uri}`}`;
  }
}
