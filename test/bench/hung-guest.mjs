// A guest of one buffer, of which its GPU finishes a picture when it is told to, or never.

import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

import { launch } from './children.mjs';

const { native, EXCHANGE_FDS } = createRequire(import.meta.url)('../../dist/native.js');

// Of docs/vhost-user-gpu.md.
const GET_PROTOCOL_FEATURES = 1;
const SET_PROTOCOL_FEATURES = 2;
const DMABUF_UPDATE = 10;
const DMABUF_SCANOUT2 = 12;
const XR24 = 0x34325258;

const words = (...numbers) => Buffer.from(Uint32Array.from(numbers).buffer);

async function connect(path) {
  for (let tries = 0; ; tries++) {
    try {
      return native.connect(path);
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(50);
    }
  }
}

/** A connection of which one answer is awaited at a time. */
class Peer {
  #socket;
  #answered;

  static async at(path) {
    const peer = new Peer();
    peer.#socket = await connect(path);
    return peer;
  }

  /** Resolves when something has come, with what `read` then finds in the exchange. */
  answer(read = () => undefined) {
    return new Promise((resolve, reject) => {
      this.#answered = (length) =>
        length > 0 ? resolve(read()) : reject(new Error(`the connection was closed (${length})`));
      this.#socket.onData((length) => this.#answered(length));
    });
  }

  send(bytes, fds = []) {
    if (this.#socket.send(bytes, fds) !== bytes.length) throw new Error('a message was not sent at once');
  }

  close() {
    this.#socket.close();
  }
}

export class HungGuest {
  #buffer;
  #guest;
  #layout;
  #fd;

  /** `socket`: the guest's; `folder`: for a socket of its own. */
  static async join(socket, folder, width, height) {
    const guest = new HungGuest();
    const path = `${folder}/fenced-buffer.sock`;
    launch('build/guests/fenced-buffer', [path, `${width}`, `${height}`], ['ignore', 'ignore', 'inherit']);
    guest.#buffer = await Peer.at(path);
    const [stride, fd] = await guest.#buffer.answer(() => [
      new DataView(native.exchange).getUint32(0, true),
      new Float64Array(native.exchange, EXCHANGE_FDS * 8)[1],
    ]);
    guest.#fd = fd;
    guest.#layout = words(0, 0, 0, width, height, width, height, stride, 0, XR24, 0, 0);
    guest.#guest = await Peer.at(socket);
    const features = guest.#guest.answer();
    guest.#tell(GET_PROTOCOL_FEATURES, words());
    await features;
    guest.#tell(SET_PROTOCOL_FEATURES, words(3, 0));
    return guest;
  }

  /** Shows the buffer; resolves when that is answered. */
  async show() {
    const shown = this.#guest.answer();
    this.#tell(DMABUF_SCANOUT2, this.#layout, [this.#fd]);
    this.#tell(DMABUF_UPDATE, words(0, 0, 0, 1, 1));
    await shown;
  }

  /** From now on the GPU is drawing; after ten seconds the kernel gives it up. */
  async begin() {
    await this.#order('a');
  }

  async finish() {
    await this.#order('s');
  }

  close() {
    this.#guest.close();
    this.#buffer.close();
  }

  async #order(command) {
    const done = this.#buffer.answer();
    this.#buffer.send(Buffer.from(command));
    await done;
  }

  #tell(request, payload, fds) {
    this.#guest.send(Buffer.concat([words(request, 0, payload.length), payload]), fds);
  }
}
