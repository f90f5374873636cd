import { byExactness, isMeant, namesMonitor, type Monitor } from './monitor';

/** Something that has been named in a config: an output there. */
interface Named {
  readonly name: string;
}

/** A connector, and the monitor that hangs on it, if any. */
interface Candidate extends Monitor, Named {}

export interface Matches<T extends Named> {
  /** What is meant for a connector, by the connector's name. */
  readonly configs: ReadonlyMap<string, T>;
  /** What is not as clear as it might be. */
  readonly warnings: readonly string[];
}

/**
 * Which of the config's outputs each connector is. A connector's own name comes first, then what says more about a
 * monitor before what says less. Each is one output: of several monitors that could be meant, the one that was it
 * before (`before`: keys by connector), else the first.
 */
export function matchOutputs<T extends Named>(
  configs: readonly T[],
  connectors: readonly Candidate[],
  before: ReadonlyMap<string, string> = new Map(),
): Matches<T> {
  const found = new Map<string, T>();
  const warnings: string[] = [];
  const byMonitor = configs.filter(({ name }) => namesMonitor(name));
  for (const config of configs) if (!byMonitor.includes(config)) found.set(config.name, config);
  // Sorting is stable: of equals, the first in the file.
  for (const config of [...byMonitor].sort((a, b) => byExactness(a.name, b.name))) {
    const { name } = config;
    const meant = connectors.filter((connector) => isMeant(name, connector));
    const free = meant.filter((connector) => !found.has(connector.name));
    const chosen = free.find((connector) => before.get(connector.name) === name) ?? free[0];
    if (chosen) found.set(chosen.name, config);
    if (free.length > 1) {
      warnings.push(
        `"${name}" means the monitors on ${list(free)}: it is ${chosen!.name} now; say more, or name the others by connector`,
      );
    }
    for (const connector of meant) {
      const other = found.get(connector.name);
      if (other === undefined || other === config || (chosen && !namesMonitor(other.name))) continue;
      warnings.push(
        `the monitor on ${connector.name} is "${other.name}" and "${name}": the first says more and is used` +
          (chosen ? '' : '; nothing is left for the second'),
      );
    }
  }
  return { configs: found, warnings };
}

const list = (connectors: readonly Named[]): string => connectors.map(({ name }) => name).join(' and ');
