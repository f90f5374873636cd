import { messageOf } from '../../error';
import { XR24 } from '../../fourcc';
import { EXCHANGE_BYTES, native, type NativeSocket } from '../../native';
import { displayBudget, SCANOUT_COST } from '../budget';
import { makeEdid } from '../edid';
import type { GuestHost, GuestLink, HeadSink } from '../sink';
import { PixelCanvas } from './canvas';
import {
  CURSOR_SIDE,
  displayInfoReply,
  edidReply,
  featuresReply,
  MAX_HEADS,
  MAX_SIDE,
  Request,
  UPDATE_REPLY,
} from './protocol';
import { MessageStream, ProtocolError, type MessageHandler } from './stream';

const EAGAIN = -11;
const EMSGSIZE = -90;
/** A process that ended with replies unread. */
const ECONNRESET = -104;
/** Frames a guest may send before the first of them is shown; then it is not read until one is. */
const MAX_UNSHOWN = 64;
/** Replies a guest may leave unread; then it is not read either. */
const MAX_UNREAD_BYTES = 64 * 1024;
/** Read at a time, but for pixels: some 300 messages, so that a guest that sends many cannot hold up the others. */
const READ_BYTES = 4096;
/** Bit 0 of a buffer's flags: virtio-gpu's Y_0_TOP, which means the opposite of what it is called. */
const FLAG_BOTTOM_UP = 1;
const MAX_CANVAS_BYTES = 256 * 1024 * 1024;

/** One head as the connection sees it: what was sent, and how much of it has been answered. */
interface HeadState {
  readonly sink: HeadSink;
  canvas: PixelCanvas | undefined;
  hasBuffer: boolean;
  /** Number of the newest frame, of the newest shown. */
  frame: number;
  shown: number;
  /** How many of the frames not yet shown wait for a reply (those of buffers do, those of pixels do not). */
  replies: number;
}

/** A guest's process on its socket: speaks the protocol and hands the rest to the host. */
export class Connection implements MessageHandler {
  readonly #stream = new MessageStream(this);
  readonly #heads = new Map<number, HeadState>();
  readonly #edids = new Map<string, Uint8Array>();
  readonly #outbox: Uint8Array[] = [];
  #outboxBytes = 0;
  #unshown = 0;
  readonly #budget = displayBudget();
  #paused = false;
  #bulk = false;
  #flooded = false;
  #closed = false;
  #drawing: HeadState | undefined;
  readonly #rectangle = { x: 0, y: 0, width: 0, height: 0 };
  // Filled anew for every scanout, so that a flip allocates nothing.
  readonly #plane = { fd: -1, device: 0, inode: 0, offset: 0, pitch: 0 };
  readonly #layout = {
    width: 0,
    height: 0,
    format: 0,
    modifierHigh: 0,
    modifierLow: 0,
    bottomUp: false,
    planes: [this.#plane],
  };
  readonly #screen = { x: 0, y: 0, width: 0, height: 0 };

  constructor(
    private readonly link: GuestLink,
    private readonly socket: NativeSocket,
    private readonly host: GuestHost,
    private readonly onClosed: (reason: string) => void,
    private readonly onFlood: () => void,
  ) {
    socket.limit(READ_BYTES);
    socket.onData((length) => {
      this.#data(length);
    });
  }

  /** A head's frames up to `frame` are on the panel. */
  shown(index: number, frame: number): void {
    const head = this.#heads.get(index);
    if (!head || this.#closed) return;
    const count = frame - head.shown;
    if (count <= 0) return;
    head.shown = frame;
    this.#unshown -= count;
    for (let reply = Math.min(count, head.replies); reply > 0; reply--) {
      head.replies--;
      this.#send(UPDATE_REPLY);
    }
    if (this.#paused) this.#pace();
  }

  /** Disconnects the guest; `reason` goes to the log and to `status`. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#budget.close();
    this.#stream.close();
    this.socket.close();
    this.onClosed(reason);
  }

  message(request: number, words: Uint32Array, bytes: Uint8Array, at: number): void {
    if (this.#closed) return; // Refused in the middle of what was read at once.
    switch (request) {
      case Request.DMABUF_SCANOUT:
      case Request.DMABUF_SCANOUT2:
        this.#scanout(words, at, request === Request.DMABUF_SCANOUT2);
        break;
      case Request.DMABUF_UPDATE:
        this.#dmabufUpdate(words, at);
        break;
      case Request.CURSOR_POS:
      case Request.CURSOR_POS_HIDE:
      case Request.CURSOR_UPDATE:
        this.#cursor(request, words, bytes, at);
        break;
      case Request.SCANOUT:
        this.#pixelScanout(this.#head(words[at]!), words[at + 1]!, words[at + 2]!);
        break;
      case Request.GET_PROTOCOL_FEATURES:
        this.#send(featuresReply());
        break;
      case Request.GET_DISPLAY_INFO:
        this.#send(
          displayInfoReply(
            Array.from({ length: MAX_HEADS }, (_, head) => this.host.display(this.link, head)),
          ),
        );
        break;
      case Request.GET_EDID:
        this.#send(edidReply(this.#edid(words[at]!)));
        break;
      default:
        // SET_PROTOCOL_FEATURES: both optional requests are understood whether or not they were asked for.
        break;
    }
  }

  pixelsBegin(words: Uint32Array, at: number, bytes: number): void {
    if (this.#closed) return;
    const head = this.#head(words[at]!);
    const [x, y, width, height] = [words[at + 1]!, words[at + 2]!, words[at + 3]!, words[at + 4]!];
    const { canvas } = head;
    if (!canvas) throw new ProtocolError('UPDATE before SCANOUT');
    if (width === 0 || height === 0 || x + width > canvas.width || y + height > canvas.height) {
      throw new ProtocolError(
        `UPDATE of ${width}x${height} at ${x},${y} in a ${canvas.width}x${canvas.height} scanout`,
      );
    }
    if (bytes !== width * height * 4) {
      throw new ProtocolError(
        `UPDATE of ${width}x${height} with ${bytes} bytes of pixels instead of ${width * height * 4}`,
      );
    }
    canvas.begin(x, y, width);
    Object.assign(this.#rectangle, { x, y, width, height });
    this.#drawing = head;
  }

  pixels(bytes: Uint8Array, from: number, to: number): void {
    this.#drawing?.canvas?.write(bytes, from, to);
  }

  pixelsEnd(): void {
    const head = this.#drawing;
    this.#drawing = undefined;
    if (!head || this.#closed) return;
    const { x, y, width, height } = this.#rectangle;
    this.#update(head, x, y, width, height);
  }

  #data(length: number): void {
    if (length <= 0) {
      // prettier-ignore
      this.close(
        length === 0 || length === ECONNRESET ? 'the guest closed the connection'
        : length === EMSGSIZE ? 'the guest sent too many file descriptors at once'
        : `the connection broke (errno ${-length})`,
      );
      return;
    }
    try {
      const handled = this.#stream.take(length);
      this.#budget.spend(handled);
      this.#readInBulk(this.#stream.expectsPixels);
      this.#pace();
    } catch (error) {
      this.close(messageOf(error));
    }
  }

  #readInBulk(bulk: boolean): void {
    if (bulk === this.#bulk || this.#closed) return;
    this.#bulk = bulk;
    this.socket.limit(bulk ? EXCHANGE_BYTES : READ_BYTES);
  }

  #head(index: number): HeadState {
    const known = this.#heads.get(index);
    if (known) return known;
    if (index >= MAX_HEADS) throw new ProtocolError(`scanout ${index}: there are 0 to ${MAX_HEADS - 1}`);
    const head: HeadState = {
      sink: this.host.head(this.link, index),
      canvas: undefined,
      hasBuffer: false,
      frame: 0,
      shown: 0,
      replies: 0,
    };
    this.#heads.set(index, head);
    return head;
  }

  #scanout(words: Uint32Array, at: number, withModifier: boolean): void {
    const head = this.#head(words[at]!);
    const screen = this.#screen;
    screen.x = words[at + 1]!;
    screen.y = words[at + 2]!;
    screen.width = words[at + 3]!;
    screen.height = words[at + 4]!;
    if (screen.width === 0 || screen.height === 0) {
      this.#off(head);
      return;
    }
    const layout = this.#layout;
    layout.width = words[at + 5]!;
    layout.height = words[at + 6]!;
    this.#plane.pitch = words[at + 7]!;
    layout.format = words[at + 9]!;
    layout.bottomUp = (words[at + 8]! & FLAG_BOTTOM_UP) !== 0;
    // DMABUF_SCANOUT came before modifiers: QEMU takes its buffers as linear.
    layout.modifierLow = withModifier ? words[at + 10]! : 0;
    layout.modifierHigh = withModifier ? words[at + 11]! : 0;
    const fd = this.#stream.takeFd();
    if (fd < 0) throw new ProtocolError('DMABUF_SCANOUT without a file descriptor');
    const { width, height } = layout;
    if (
      width > MAX_SIDE ||
      height > MAX_SIDE ||
      screen.x + screen.width > width ||
      screen.y + screen.height > height
    ) {
      native.discard(fd);
      throw new ProtocolError(
        `scanout of ${screen.width}x${screen.height} at ${screen.x},${screen.y} in a buffer of ${width}x${height}`,
      );
    }
    this.#budget.spend(SCANOUT_COST);
    head.canvas = undefined;
    head.hasBuffer = true;
    const { device, inode } = this.#stream.identity;
    const plane = this.#plane;
    plane.fd = fd;
    plane.device = device;
    plane.inode = inode;
    head.sink.scanout(layout, screen);
  }

  #dmabufUpdate(words: Uint32Array, at: number): void {
    const head = this.#head(words[at]!);
    head.replies++;
    this.#update(head, words[at + 1]!, words[at + 2]!, words[at + 3]!, words[at + 4]!);
    // Nothing to wait for: QEMU answers at once, too.
    if (!head.hasBuffer) this.shown(words[at]!, head.frame);
  }

  #update(head: HeadState, x: number, y: number, width: number, height: number): void {
    head.frame++;
    this.#unshown++;
    head.sink.update(head.frame, x, y, width, height);
  }

  #off(head: HeadState): void {
    head.canvas = undefined;
    head.hasBuffer = false;
    head.sink.off();
  }

  #pixelScanout(head: HeadState, width: number, height: number): void {
    if (width === 0 || height === 0) {
      this.#off(head);
      return;
    }
    let bytes = width * height * 4;
    for (const other of this.#heads.values()) bytes += other === head ? 0 : (other.canvas?.bytes.length ?? 0);
    if (width > MAX_SIDE || height > MAX_SIDE || bytes > MAX_CANVAS_BYTES) {
      throw new ProtocolError(
        `SCANOUT of ${width}x${height}: more than ${MAX_CANVAS_BYTES >> 20} MiB of pixels`,
      );
    }
    head.hasBuffer = false;
    head.canvas = new PixelCanvas(width, height);
    head.sink.canvas({
      width,
      height,
      format: XR24,
      offset: 0,
      pitch: width * 4,
      source: head.canvas.bytes,
      kind: 'pixels in its messages',
    });
  }

  #cursor(request: number, words: Uint32Array, bytes: Uint8Array, at: number): void {
    const { sink } = this.#head(words[at]!);
    if (request === Request.CURSOR_UPDATE) {
      const [hotX, hotY] = [words[at + 3]!, words[at + 4]!];
      if (hotX >= CURSOR_SIDE || hotY >= CURSOR_SIDE) {
        throw new ProtocolError(
          `cursor hot spot ${hotX},${hotY} outside its ${CURSOR_SIDE}x${CURSOR_SIDE} image`,
        );
      }
      const from = (at + 5) * 4;
      const pixels = bytes.slice(from, from + CURSOR_SIDE * CURSOR_SIDE * 4);
      sink.cursorImage({ width: CURSOR_SIDE, height: CURSOR_SIDE, pixels }, hotX, hotY);
    }
    // Positions are signed in practice: a pointer hangs over the left and top edges.
    sink.cursorMove(words[at + 1]! | 0, words[at + 2]! | 0, request !== Request.CURSOR_POS_HIDE);
  }

  #edid(head: number): Uint8Array {
    if (head >= MAX_HEADS) throw new ProtocolError(`scanout ${head}: there are 0 to ${MAX_HEADS - 1}`);
    const display = this.host.display(this.link, head);
    if (display?.edid) return display.edid;
    const { width, height, refresh, mmWidth, mmHeight } = display ?? FALLBACK_DISPLAY;
    const request = { guest: this.link.guest, head, width, height, refresh, mmWidth, mmHeight };
    // Kept, because a guest may ask as often as it likes.
    const key = JSON.stringify(request);
    const edid = this.#edids.get(key) ?? makeEdid(request);
    this.#edids.set(key, edid);
    return edid;
  }

  #send(bytes: Uint8Array): void {
    if (this.#outbox.length === 0) {
      const sent = this.socket.send(bytes);
      if (sent === bytes.length) return;
      if (sent < 0 && sent !== EAGAIN) return; // The peer has gone; reading will say so.
      this.socket.onceWritable(() => {
        this.#flush();
      });
      bytes = sent > 0 ? bytes.subarray(sent) : bytes;
    }
    this.#outbox.push(bytes);
    this.#outboxBytes += bytes.length;
  }

  #flush(): void {
    while (this.#outbox.length > 0 && !this.#closed) {
      const bytes = this.#outbox[0]!;
      const sent = this.socket.send(bytes);
      if (sent === EAGAIN) {
        this.socket.onceWritable(() => {
          this.#flush();
        });
        break;
      }
      if (sent < 0) {
        // The peer has gone. Reading will say so, and must not wait for replies that nobody takes any more.
        this.#outbox.length = this.#outboxBytes = 0;
        break;
      }
      this.#outboxBytes -= sent;
      if (sent < bytes.length) this.#outbox[0] = bytes.subarray(sent);
      else this.#outbox.shift();
    }
    if (this.#paused) this.#pace();
  }

  /** Reads on or not: a guest that sends more than can be shown is slowed down, and nobody else notices. */
  #pace(): void {
    if (this.#closed) return;
    const { exhausted } = this.#budget;
    const full = this.#unshown >= MAX_UNSHOWN || this.#outboxBytes > MAX_UNREAD_BYTES || exhausted;
    if (full && !this.#flooded) {
      this.#flooded = true;
      this.onFlood();
    }
    if (exhausted) {
      this.#budget.whenBack(() => {
        this.#pace();
      });
    }
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.socket.pause();
    else this.socket.resume();
  }
}

/** For a head that no output is meant for. */
const FALLBACK_DISPLAY = { width: 1024, height: 768, refresh: 60_000, mmWidth: 270, mmHeight: 203 };
