import { printable } from './words';

const XML_TO_WRITE =
  "give it <graphics type='dbus'><gl enable='yes' rendernode='/dev/dri/renderD128'/></graphics> with virsh edit, and start it again";

/** Where a running domain's display is: at the address of a bus, or QEMU wants a connection of ours (`p2p='yes'`). */
export type DomainDisplay = { readonly bus: string } | 'p2p';

/** The display in a domain's XML, as `virsh dumpxml` prints it. Throws in words. */
export function displayIn(xml: string, domain: string): DomainDisplay {
  const text = xml.replace(/<!--[\s\S]*?-->/g, '');
  const running = /<domain\b[^>]*\sid\s*=\s*["']\d+["']/.test(text);
  const graphics = [...text.matchAll(/<graphics\b((?:[^>"']|"[^"]*"|'[^']*')*)>/g)].map(([, attributes]) =>
    attributesOf(attributes!),
  );
  const display = graphics.find((attributes) => attributes.get('type') === 'dbus');
  if (!display) {
    const others = graphics.map((attributes) => attributes.get('type') ?? '?').join(', ');
    const has = others === '' ? 'no graphics' : `graphics of type ${printable(others)} only`;
    throw new Error(`libvirt domain ${domain} has ${has}: ${XML_TO_WRITE}`);
  }
  if (!running) throw new Error(`libvirt domain ${domain} is not running: virsh start ${domain}`);
  if (display.get('p2p') === 'yes') return 'p2p';
  const address = display.get('address');
  if (address === undefined || address === '') {
    throw new Error(
      `libvirt tells no address of the D-Bus display of domain ${domain}: is libvirt older than 8.4?`,
    );
  }
  return { bus: address };
}

function attributesOf(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(([, name, double, single]) => [
      name!,
      unescapeXml(double ?? single ?? ''),
    ]),
  );
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? whole;
      const code = hex !== undefined ? parseInt(hex, 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

/** A line of `virsh qemu-monitor-event`; undefined: it is none. */
export function eventIn(
  line: string,
): { readonly name: string; readonly data: Readonly<Record<string, unknown>> } | undefined {
  const [, name, text] = /^event ([A-Z_]+) at [\d.]+ for domain '.*': (.*)$/.exec(line) ?? [];
  if (name === undefined) return undefined;
  let data: unknown;
  try {
    data = JSON.parse(text!);
  } catch {
    // `<null>`, or `(null)` of older ones: an event without data.
  }
  return { name, data: typeof data === 'object' && data !== null ? { ...data } : {} };
}
