import * as os from 'node:os';
import { Broken } from './broken';
import { isBusName, isInterface, isMember, isPath } from './names';
import type { Area, Reader } from './reader';
import { typeOf, typesOf } from './signature';
import type { Writer } from './writer';

const { ENOBUFS } = os.constants.errno;

/** Kinds of messages; whatever else there may be one day is ignored. */
export const CALL = 1;
export const RETURN = 2;
export const ERROR = 3;
export const SIGNAL = 4;

/** A flag: the caller wants no answer. */
export const NO_REPLY = 1;

/** Bytes of a message in front of its header fields. */
export const FIXED_BYTES = 16;
/** Where in them its serial is. */
export const SERIAL_AT = 8;
/** Most bytes of header fields: names are short. */
const MAX_FIELDS = 64 * 1024;
const VERSION = 1;
const LITTLE = 0x6c;
const BIG = 0x42;

/** What a header says besides the serial. Texts are '' and numbers 0 where there is none. */
export interface Fields {
  path: string;
  interface: string;
  member: string;
  error: string;
  replySerial: number;
  destination: string;
  sender: string;
  signature: string;
  fds: number;
}

/** The fields by their numbers. */
const FIELDS = [
  ['path', 'o'],
  ['interface', 's'],
  ['member', 's'],
  ['error', 's'],
  ['replySerial', 'u'],
  ['destination', 's'],
  ['sender', 's'],
  ['signature', 'g'],
  ['fds', 'u'],
] as const;

const VALID: Readonly<Record<string, (text: string) => boolean>> = {
  path: isPath,
  interface: isInterface,
  member: isMember,
  error: isInterface,
  destination: isBusName,
  sender: isBusName,
  signature: (text) => typesOf(text) !== undefined,
};

/** Which a kind of message has to have. */
const REQUIRED: Readonly<Record<number, readonly (keyof Fields)[]>> = {
  [CALL]: ['path', 'member'],
  [RETURN]: ['replySerial'],
  [ERROR]: ['error', 'replySerial'],
  [SIGNAL]: ['path', 'interface', 'member'],
};

export function isLittle(area: Area, at: number): boolean {
  return area.bytes[at] === LITTLE;
}

/** Bytes of header fields, of a message that is at `at` with its first FIXED_BYTES. */
export function fieldBytes(area: Area, at: number): number {
  return area.view.getUint32(at + 12, isLittle(area, at));
}

/** Bytes of all of it: `most` at most. */
export function messageBytes(area: Area, at: number, most: number): number {
  const order = area.bytes[at];
  if (order !== LITTLE && order !== BIG) throw new Broken('a message is of no endianness');
  if (area.bytes[at + 3] !== VERSION) throw new Broken(`a message is of version ${area.bytes[at + 3]!}`);
  const fields = fieldBytes(area, at);
  if (fields > MAX_FIELDS) throw new Broken(`a message has ${fields} bytes of header`, ENOBUFS);
  const body = area.view.getUint32(at + 4, order === LITTLE);
  const size = bodyOffset(fields) + body;
  if (size > most) throw new Broken(`a message has ${size} bytes: more than ${most}`, ENOBUFS);
  return size;
}

/** Where in a message its body begins. */
export function bodyOffset(fields: number): number {
  return FIXED_BYTES + ((fields + 7) & ~7);
}

/** Reads the fields of a message of a kind, from behind its fixed part; the reader ends where they do. */
export function readFields(reader: Reader, type: number): Fields {
  if (type === 0) throw new Broken('a message is of no kind');
  // prettier-ignore
  const fields: Fields = {
    path: '', interface: '', member: '', error: '', replySerial: 0, destination: '', sender: '', signature: '', fds: 0,
  };
  let seen = 0;
  while (!reader.atEnd) {
    reader.align(8);
    const number = reader.uint8();
    const signature = reader.signature();
    const known = FIELDS[number - 1];
    if (!known) {
      if (number === 0) throw new Broken('a header field has the number 0');
      const other = typeOf(signature);
      if (!other) throw new Broken(`header field ${number} is not one value`);
      reader.value(other, 1);
      continue;
    }
    const [name, expected] = known;
    if (signature !== expected)
      throw new Broken(`the ${name} of a message is of type ${JSON.stringify(signature)}`);
    if ((seen & (1 << number)) !== 0) throw new Broken(`a message has its ${name} twice`);
    seen |= 1 << number;
    if (name === 'replySerial' || name === 'fds') fields[name] = reader.uint32();
    else {
      const text = expected === 'g' ? reader.signature() : reader.name();
      if (!VALID[name]!(text)) throw new Broken(`the ${name} of a message is none`);
      fields[name] = text;
    }
  }
  for (const name of REQUIRED[type] ?? []) {
    if (fields[name] === '' || fields[name] === 0)
      throw new Broken(`a message of kind ${type} has no ${name}`);
  }
  return fields;
}

/** Writes a header, but for the body that follows it. Fields that are absent or empty are left out. */
export function writeHeader(
  writer: Writer,
  type: number,
  flags: number,
  serial: number,
  body: number,
  fields: Partial<Fields>,
): void {
  writer.uint8(LITTLE);
  writer.uint8(type);
  writer.uint8(flags);
  writer.uint8(VERSION);
  writer.uint32(body);
  writer.uint32(serial);
  writer.uint32(0);
  FIELDS.forEach(([name, signature], index) => {
    const value = fields[name];
    if (value === undefined || value === '' || value === 0) return;
    writer.align(8);
    writer.uint8(index + 1);
    writer.signature(signature);
    if (typeof value === 'number') writer.uint32(value);
    else if (signature === 'g') writer.signature(value);
    else writer.string(value);
  });
  writer.setUint32(12, writer.length - FIXED_BYTES);
  writer.align(8);
}
