import * as path from 'node:path';
import { EXCHANGE_BYTES, EXCHANGE_FDS, native, type NativeSocket } from '../../../src/native';
import { Child, repository } from './child';
import { scratch } from './daemon';
import { eventually, within } from './eventually';
import type { Image } from './image';
import { PixelBuffer } from './wire-guest';

const table = new Float64Array(native.exchange, EXCHANGE_FDS * 8);
const bytes = new DataView(native.exchange, 0, EXCHANGE_BYTES);

/** A dma-buf whose GPU takes as long as the test says, ten seconds at most: test/guests/fenced-buffer. */
export class FencedBuffer extends PixelBuffer {
  readonly #socket: NativeSocket;
  #answered: () => void = () => undefined;

  private constructor(socket: NativeSocket, fd: number, image: Image, stride: number) {
    super(image.width, image.height, { stride, fd });
    this.#socket = socket;
  }

  static override async of(image: Image): Promise<FencedBuffer> {
    const path_ = path.join(scratch(), 'buffer.sock');
    const args = [path_, `${image.width}`, `${image.height}`];
    const child = new Child(path.join(repository, 'build/guests/fenced-buffer'), args);
    const socket = await eventually(() => {
      if (child.exit) throw new Error(child.stderr.join('\n'));
      return native.connect(path_);
    });
    let buffer: FencedBuffer | undefined;
    const made = new Promise<FencedBuffer>((resolve) => {
      socket.onData((length) => {
        if (length <= 0) return;
        if (buffer) buffer.#answered();
        else resolve((buffer = new FencedBuffer(socket, table[1]!, image, bytes.getUint32(0, true))));
      });
    });
    await (await within('a buffer with fences', made)).write(image);
    return buffer!;
  }

  /** From now on the GPU is drawing. */
  begin(): Promise<void> {
    return this.#tell('a');
  }

  /** All is drawn. */
  finish(): Promise<void> {
    return this.#tell('s');
  }

  override close(): void {
    super.close();
    // Ends the process, too.
    this.#socket.close();
  }

  #tell(command: string): Promise<void> {
    const answered = new Promise<void>((resolve) => (this.#answered = resolve));
    this.#socket.send(Buffer.from(command));
    return within(`the answer to ${command}`, answered);
  }
}
