import { execFile } from 'node:child_process';
import { printable } from './words';

const VIRSH_MS = 5000;
const MAX_XML_BYTES = 4 * 1024 * 1024;

const XML_TO_WRITE =
  "give it <graphics type='dbus'><gl enable='yes' rendernode='/dev/dri/renderD128'/></graphics> with virsh edit, and start it again";

/** The D-Bus address of a running domain's display. Rejects in words for the guest's owner. */
export async function libvirtAddress(
  domain: string,
  uri: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  return addressIn(await dumpXml(domain, uri, signal), domain);
}

/** The address in a domain's XML. Throws in words. */
export function addressIn(xml: string, domain: string): string {
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
  if (display.get('p2p') === 'yes') {
    throw new Error(
      `libvirt domain ${domain} has <graphics type='dbus' p2p='yes'>, which only libvirt's own clients can use: ` +
        "take p2p='yes' away with virsh edit, and start it again",
    );
  }
  if (!running) throw new Error(`libvirt domain ${domain} is not running: virsh start ${domain}`);
  const address = display.get('address');
  if (address === undefined || address === '') {
    throw new Error(
      `libvirt tells no address of the D-Bus display of domain ${domain}: is libvirt older than 8.4?`,
    );
  }
  return address;
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

function dumpXml(domain: string, uri: string | undefined, signal: AbortSignal): Promise<string> {
  const args = [...(uri === undefined ? [] : ['--connect', uri]), 'dumpxml', '--domain', domain];
  return new Promise((resolve, reject) => {
    execFile(
      'virsh',
      args,
      {
        timeout: VIRSH_MS,
        killSignal: 'SIGKILL',
        signal,
        maxBuffer: MAX_XML_BYTES,
        env: { ...process.env, LC_ALL: 'C' },
      },
      (error, stdout, stderr) => {
        if (error) reject(new Error(whyNot(error, stderr, domain, uri), { cause: error }));
        else resolve(stdout);
      },
    );
  });
}

function whyNot(
  error: Error & { code?: unknown; killed?: boolean },
  stderr: string,
  domain: string,
  uri: string | undefined,
): string {
  if (error.code === 'ENOENT') {
    return 'virsh is not installed, and libvirt domains are found with it: install libvirt-clients, or write qemu: with qmp: in the config';
  }
  if (error.killed === true)
    return `libvirt does not answer virsh dumpxml ${domain} within ${VIRSH_MS / 1000} s`;
  const said = printable(
    stderr
      .replace(/^error: /gm, '')
      .trim()
      .replace(/\s*\n\s*/g, '; '),
    300,
  );
  if (/no domain|failed to get domain/i.test(said)) {
    return `libvirt${uri === undefined ? '' : ` at ${uri}`} has no domain ${domain} (${said}): check domain: and uri: in the config`;
  }
  return `virsh cannot tell where the display of domain ${domain} is: ${said || printable(error.message)}`;
}
