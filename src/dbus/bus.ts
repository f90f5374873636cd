import * as os from 'node:os';
import { systemError } from '../native';
import { Asked } from './asked';
import { Broken, TooMuch } from './broken';
import { HeaderCache, type KnownHeader } from './header-cache';
import * as header from './header';
import { Match } from './match';
import { isBusName, isInterface, isMember, isPath } from './names';
import { Objects, type BusMethod, type Route, type Serve } from './objects';
import { Reader, type Area } from './reader';
import { fds } from './received';
import { Transport, type Where } from './transport';
import { BusError, type BusMessage, type BusSignal, type BusValue } from './values';
import { Writer } from './writer';

const { EBADF, ECANCELED, EINVAL, EMSGSIZE, ENOBUFS, ENOENT, ENOTCONN, ENOTSUP, EPERM } = os.constants.errno;

/** Longest message taken where nobody says otherwise. */
const MOST_BYTES = 1024 * 1024;
/** Most calls under way. */
const MOST_CALLS = 4096;

const DAEMON = 'org.freedesktop.DBus';
const ERRORS = 'org.freedesktop.DBus.Error';

interface Call {
  readonly destination: string;
  resolve(values: BusValue[]): void;
  reject(error: Error): void;
}

interface Listening {
  readonly match: Match;
  readonly callback: (signal: BusSignal) => void;
}

const reader = new Reader();
const head = new Writer();
const body = new Writer();

/**
 * A D-Bus connection: to a bus, or to one peer. Authentication and reading go on by themselves. The peer is hostile:
 * what is no D-Bus ends the connection, and what is too much is refused; a turn of the loop does a bounded piece of
 * work, and file descriptors that nobody takes are closed elsewhere.
 *
 * After `close` every method throws EBADF.
 */
export class Bus {
  #state: 'open' | 'lost' | 'closed' = 'open';
  readonly #transport: Transport;
  readonly #isBus: boolean;
  #name = '';
  #serial = 0;
  readonly #calls = new Map<number, Call>();
  readonly #asked = new Asked();
  readonly #objects = new Objects();
  readonly #listening: Listening[] = [];
  readonly #headers = new HeaderCache<Route>();
  readonly #emptyReply = emptyReply();
  #onClosed: ((errno: number, reason: string) => void) | undefined;
  #onDrained: (() => void) | undefined;

  /** Begins at once; whatever fails is told through {@link onClosed}. `mostBytes`: the longest message taken. */
  constructor(where: Where, mostBytes = MOST_BYTES) {
    this.#isBus = 'address' in where;
    this.#transport = new Transport(where, mostBytes, {
      message: (area, at, size) => this.#message(area, at, size),
      undelivered: (serial) => {
        this.#settle(serial)?.reject(systemError(ENOTSUP, 'sendmsg'));
      },
      drained: () => {
        this.#onDrained?.();
      },
      lost: (errno, reason) => {
        this.#lost(errno, reason);
      },
    });
    if (this.#isBus) this.#hello();
  }

  /** Our unique name on a bus; '' between peers, before it is known, and when the connection is gone. */
  get name(): string {
    return this.#name;
  }

  /**
   * Calls a method. Resolves with the values of the reply; file descriptors in it are not taken. Rejects with a
   * {@link BusError}, or a NativeError when the connection is lost. Never times out: the caller decides how long it
   * waits.
   */
  call(message: BusMessage): Promise<BusValue[]> {
    this.#requireUnclosed();
    return new Promise((resolve, reject) => {
      if (this.#calls.size >= MOST_CALLS) throw systemError(ENOBUFS, 'sendmsg');
      const serial = this.#post(header.CALL, 0, message);
      this.#calls.set(serial, { destination: message.destination ?? '', resolve, reject });
    });
  }

  /** A call without a reply. Queued when the peer does not read; throws when the connection is gone. */
  send(message: BusMessage): void {
    this.#requireUnclosed();
    this.#post(header.CALL, header.NO_REPLY, message);
  }

  /** Emits a signal. */
  emit(message: BusMessage): void {
    this.#requireUnclosed();
    this.#post(header.SIGNAL, header.NO_REPLY, message);
  }

  /**
   * Serves methods at a path. `callback` gets the index of the method and the serial to answer to (0: no answer is
   * wanted). Where the signature consists of numbers, fds and arrays of them alone, they are in {@link numbers} and
   * {@link fds} and `values` is null, so that a frame allocates nothing. Otherwise they are in `values`, and file
   * descriptors are not taken. What is not served is answered with UnknownMethod.
   */
  serve(path: string, methods: readonly BusMethod[], callback: Serve): void {
    this.#requireUnclosed();
    if (this.#state === 'lost') return; // onClosed tells
    this.#objects.add(path, methods, callback);
    this.#headers.clear();
  }

  /** Answers a call, by default with nothing. Returns 0, or `-errno`: ENOENT for a serial that was answered before. */
  reply(serial: number, signature?: string, values: readonly BusValue[] = []): number {
    this.#requireUnclosed();
    if (!this.#asked.has(serial)) return -ENOENT;
    const to = this.#asked.sender(serial);
    const theirs = this.#asked.serial(serial);
    const status =
      signature === undefined && to === ''
        ? this.#replyNothing(theirs)
        : this.#answer(theirs, to, signature, values);
    if (status === 0) this.#asked.remove(serial);
    return status;
  }

  /** Answers a call with an error. Returns 0, or `-errno`: EINVAL for a name that is none. */
  fail(serial: number, name: string, message: string): number {
    this.#requireUnclosed();
    if (!this.#asked.has(serial)) return -ENOENT;
    if (!isInterface(name)) return -EINVAL;
    const status = this.#answerError(this.#asked.serial(serial), this.#asked.sender(serial), name, message);
    if (status === 0) this.#asked.remove(serial);
    return status;
  }

  /** Signals that match, in D-Bus words: `type='signal',member='…'`. File descriptors are not taken. */
  onSignal(rule: string, callback: (signal: BusSignal) => void): void {
    this.#requireUnclosed();
    const match = new Match(rule);
    if (this.#state === 'lost') return; // onClosed tells
    this.#listening.push({ match, callback });
    if (this.#isBus) this.#askDaemon('AddMatch', 's', [rule], () => undefined);
  }

  /**
   * Called once, when the connection is lost (`errno` > 0) or refused; not after `close`. `reason` says what a peer did
   * that is no D-Bus; '' when it just went.
   */
  onClosed(callback: (errno: number, reason: string) => void): void {
    this.#requireUnclosed();
    this.#onClosed = callback;
  }

  /** Messages that wait for the peer to read: `send` throws ENOBUFS when they are {@link MOST_MESSAGES}. */
  get waiting(): number {
    return this.#transport.waiting;
  }

  /** Called whenever the peer has taken the last message that waited. */
  onDrained(callback: () => void): void {
    this.#requireUnclosed();
    this.#onDrained = callback;
  }

  /** Stops and resumes reading and dispatching: backpressure. */
  pause(): void {
    this.#requireUnclosed();
    this.#transport.pause();
  }

  resume(): void {
    this.#requireUnclosed();
    this.#transport.resume();
  }

  /** What waits to be sent is dropped; calls under way are rejected (ECANCELED). */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#onClosed = this.#onDrained = undefined;
    this.#transport.close();
    this.#release(systemError(ECANCELED, 'sendmsg'));
  }

  #requireUnclosed(): void {
    if (this.#state === 'closed') throw systemError(EBADF, 'sendmsg');
  }

  // What comes.

  /** Handles one message; returns whether the next may follow at once. */
  #message(area: Area, at: number, size: number): boolean {
    const { bytes, view } = area;
    const little = header.isLittle(area, at);
    const type = bytes[at + 1]!;
    const serial = view.getUint32(at + header.SERIAL_AT, little);
    if (serial === 0) throw new Broken('a message has the serial 0');
    const known = this.#header(area, at, type, little);
    const from = at + header.bodyOffset(header.fieldBytes(area, at));
    const { fields } = known;
    if (fields.signature === '' && from < at + size)
      throw new Broken('a message has a body and no signature');
    this.#transport.claim(fields.fds);
    try {
      reader.begin(area, little, at, from, at + size);
      if (type === header.CALL) this.#called(known, serial, (bytes[at + 2]! & header.NO_REPLY) === 0);
      else if (type === header.SIGNAL) this.#signalled(fields);
      else if (type === header.RETURN || type === header.ERROR) this.#answered(type, fields);
    } finally {
      fds.end();
    }
    // Who waits for an answer goes on before anything that came after it.
    return type !== header.RETURN && type !== header.ERROR;
  }

  #header(area: Area, at: number, type: number, little: boolean): KnownHeader<Route> {
    const length = header.fieldBytes(area, at);
    const from = at + header.FIXED_BYTES;
    const repeats = type === header.CALL || type === header.SIGNAL;
    const known = repeats ? this.#headers.find(area, from, length, type, little) : undefined;
    if (known) return known;
    reader.begin(area, little, at, from, from + length);
    const fields = header.readFields(reader, type);
    reader.begin(area, little, at, from + length, at + header.bodyOffset(length));
    reader.align(8);
    return repeats
      ? this.#headers.add(area, from, length, type, little, fields)
      : { type, fields, route: undefined };
  }

  #called(known: KnownHeader<Route>, serial: number, answer: boolean): void {
    const { fields } = known;
    const route = (known.route ??= this.#objects.find(fields.path, fields.interface, fields.member));
    if (!route) {
      if (answer) this.#answerUnserved(serial, fields);
      return;
    }
    let values: BusValue[] | null = null;
    try {
      if (fields.signature !== route.signature) {
        if (answer)
          this.#answerError(serial, fields.sender, `${ERRORS}.InvalidArgs`, `expected '${route.signature}'`);
        return;
      }
      if (answer && this.#asked.full) throw new TooMuch('too many calls wait for their answers');
      if (route.flat) reader.flatBody(route.flat);
      else values = reader.body(fields.signature);
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      if (answer) this.#answerError(serial, fields.sender, `${ERRORS}.LimitsExceeded`, error.message);
      return;
    }
    const ours = answer ? this.#asked.add(serial, fields.sender) : 0;
    try {
      route.serve(route.method, ours, values);
    } catch (error) {
      rethrow(error);
    }
  }

  /** What every peer answers, and that there is nothing else. */
  #answerUnserved(serial: number, { path, interface: of, member, sender }: header.Fields): void {
    let status: number;
    const introspection =
      of === `${DAEMON}.Introspectable` && member === 'Introspect'
        ? this.#objects.introspect(path)
        : undefined;
    if (of === `${DAEMON}.Peer` && member === 'Ping') status = this.#answer(serial, sender);
    else if (introspection !== undefined) status = this.#answer(serial, sender, 's', [introspection]);
    else if (this.#objects.has(path)) {
      status = this.#answerError(serial, sender, `${ERRORS}.UnknownMethod`, 'there is no such method');
    } else status = this.#answerError(serial, sender, `${ERRORS}.UnknownObject`, 'there is no such object');
    // A peer that asks for so much and reads none of it.
    if (status !== 0) throw new Broken('it does not read the answers to its calls', ENOBUFS);
  }

  #answered(type: number, fields: header.Fields): void {
    const call = this.#calls.get(fields.replySerial);
    if (!call) return;
    // On a bus nobody answers for another, but for the bus itself.
    const { destination } = call;
    if (destination.startsWith(':') && fields.sender !== destination && fields.sender !== DAEMON) return;
    try {
      const values = reader.body(fields.signature);
      this.#calls.delete(fields.replySerial);
      if (type === header.RETURN) call.resolve(values);
      else call.reject(new BusError(fields.error, typeof values[0] === 'string' ? values[0] : ''));
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      this.#settle(fields.replySerial)?.reject(systemError(EMSGSIZE, 'recvmsg'));
    }
  }

  #signalled(fields: header.Fields): void {
    const listening = this.#listening.filter(({ match }) => match.fits(fields));
    if (listening.length === 0) return;
    const { path, interface: of, member, signature } = fields;
    let values: BusValue[];
    try {
      values = reader.body(signature);
    } catch (error) {
      if (error instanceof TooMuch) return;
      throw error;
    }
    for (const { match, callback } of listening) {
      if (this.#state !== 'open') return;
      if (!match.fitsValues(values)) continue;
      try {
        callback({ path, interface: of, member, signature, values });
      } catch (error) {
        rethrow(error);
      }
    }
  }

  // What goes.

  #hello(): void {
    this.#askDaemon('Hello', '', [], ([name]) => {
      if (this.#state === 'open') this.#name = typeof name === 'string' ? name : '';
    });
  }

  /** What a bus has to grant. */
  #askDaemon(
    member: string,
    signature: string,
    values: readonly BusValue[],
    granted: (values: readonly BusValue[]) => void,
  ): void {
    const message = { destination: DAEMON, path: '/org/freedesktop/DBus', interface: DAEMON };
    this.call({ ...message, member, signature, values }).then(granted, (error: unknown) => {
      if (error instanceof BusError) this.#transport.lose(EPERM);
    });
  }

  /** Sends a call or signal; returns its serial. */
  #post(type: number, flags: number, message: BusMessage): number {
    const { path, interface: of, member, destination = '', signature, values } = message;
    if (!isPath(path)) throw new TypeError('message.path must be an object path of D-Bus');
    if (!isInterface(of)) throw new TypeError('message.interface must be a name of D-Bus');
    if (!isMember(member)) throw new TypeError('message.member must be a name of D-Bus');
    if (destination !== '' && !isBusName(destination)) {
      throw new TypeError('message.destination must be a name on a bus');
    }
    if (!this.#transport.usable) throw systemError(ENOTCONN, 'sendmsg');
    const serial = this.#nextSerial();
    const status = this.#write(
      type,
      flags,
      serial,
      { path, interface: of, member, destination, signature },
      values,
    );
    if (status !== 0) throw systemError(-status, 'sendmsg');
    return serial;
  }

  #replyNothing(to: number): number {
    const { bytes, view } = this.#emptyReply;
    view.setUint32(header.SERIAL_AT, this.#nextSerial(), true);
    view.setUint32(EMPTY_REPLY_TO, to, true);
    return this.#transport.post(bytes, 0);
  }

  #answer(to: number, destination: string, signature = '', values: readonly BusValue[] = []): number {
    const fields = { replySerial: to, destination, signature };
    return this.#write(header.RETURN, header.NO_REPLY, this.#nextSerial(), fields, values);
  }

  #answerError(to: number, destination: string, error: string, message: string): number {
    const fields = { replySerial: to, destination, error, signature: 's' };
    const text = message.replaceAll('\0', '?');
    return this.#write(header.ERROR, header.NO_REPLY, this.#nextSerial(), fields, [text]);
  }

  /** Returns 0 or `-errno`; a message for a connection that is about to be lost is just dropped. */
  #write(
    type: number,
    flags: number,
    serial: number,
    fields: Partial<header.Fields>,
    values: readonly BusValue[],
  ): number {
    body.begin();
    body.body(fields.signature ?? '', values);
    head.begin();
    header.writeHeader(head, type, flags, serial, body.length, { ...fields, fds: body.fds.length });
    head.bytes(body.written);
    return this.#transport.post(head.written, serial, body.fds);
  }

  #nextSerial(): number {
    this.#serial = (this.#serial % 0xffff_ffff) + 1;
    return this.#serial;
  }

  // The end.

  #settle(serial: number): Call | undefined {
    const call = this.#calls.get(serial);
    this.#calls.delete(serial);
    return call;
  }

  #lost(errno: number, reason: string): void {
    this.#state = 'lost';
    const callback = this.#onClosed;
    this.#onClosed = this.#onDrained = undefined;
    this.#release(systemError(errno, 'recvmsg'));
    try {
      callback?.(errno, reason);
    } catch (error) {
      rethrow(error);
    }
  }

  #release(why: Error): void {
    this.#objects.clear();
    this.#headers.clear();
    this.#listening.length = 0;
    this.#asked.clear();
    this.#name = '';
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.reject(why);
  }
}

/** Where in an empty reply the serial is that it answers. */
const EMPTY_REPLY_TO = 20;

function emptyReply(): { bytes: Uint8Array; view: DataView } {
  head.begin();
  header.writeHeader(head, header.RETURN, header.NO_REPLY, 1, 0, { replySerial: 1 });
  const bytes = Uint8Array.from(head.written);
  return { bytes, view: new DataView(bytes.buffer) };
}

/** Makes an uncaughtException of what a callback throws. */
function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
