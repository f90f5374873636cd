import * as fs from 'node:fs';

const VERSION = 'RFB 003.008\n';
const NO_AUTHENTICATION = 1;
const SET_DESKTOP_SIZE = 251;

/**
 * The monitor on a head of the display device that `run --heads` names. To QEMU it is a VNC client, and a client that
 * says how large its window is (SetDesktopSize) is what plugs a monitor in: with an EDID that prefers that size.
 * https://github.com/rfbproto/rfbproto/blob/master/rfbproto.rst
 */
export class OuterMonitor {
  /** The connection outlives whoever opens the port: one handshake for each head. */
  static readonly #ports = new Map<number, number>();
  readonly #port: number;

  constructor(head: number) {
    this.#port = OuterMonitor.#ports.get(head) ?? shakeHands(`/dev/virtio-ports/lab.head${head}`);
    OuterMonitor.#ports.set(head, this.#port);
  }

  /** Plugs it in, or makes it another with this preferred mode; to say the same again changes nothing. */
  plug(width: number, height: number): void {
    const message = Buffer.alloc(8 + 16);
    message.writeUInt8(SET_DESKTOP_SIZE, 0);
    message.writeUInt16BE(width, 2);
    message.writeUInt16BE(height, 4);
    message.writeUInt8(1, 6); // one screen, which fills it
    message.writeUInt16BE(width, 8 + 8);
    message.writeUInt16BE(height, 8 + 10);
    fs.writeSync(this.#port, message);
  }

  unplug(): void {
    this.plug(0, 0);
  }
}

function shakeHands(path: string): number {
  const port = fs.openSync(path, 'r+');
  const read = (length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length;) {
      const more = fs.readSync(port, bytes, at, length - at, null);
      if (more === 0) throw new Error(`${path}: QEMU has hung up`);
      at += more;
    }
    return bytes;
  };
  read(VERSION.length);
  fs.writeSync(port, VERSION);
  const kinds = read(read(1)[0]!);
  if (!kinds.includes(NO_AUTHENTICATION)) throw new Error(`${path}: QEMU wants to know who we are`);
  fs.writeSync(port, Uint8Array.of(NO_AUTHENTICATION));
  if (read(4).readUInt32BE() !== 0) throw new Error(`${path}: QEMU does not want us`);
  fs.writeSync(port, Uint8Array.of(1)); // Others may look, too.
  const INIT = 20;
  read(read(INIT + 4).readUInt32BE(INIT));
  return port;
}
