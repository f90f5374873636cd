/** The names of the D-Bus specification, "Valid Names" and "Valid Object Paths". */

const LONGEST = 255;
const PATH = /^\/(?:[A-Za-z0-9_]+(?:\/[A-Za-z0-9_]+)*)?$/;
const INTERFACE = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$/;
const MEMBER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const BUS =
  /^(?::[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+|[A-Za-z_-][A-Za-z0-9_-]*(?:\.[A-Za-z_-][A-Za-z0-9_-]*)+)$/;

export function isPath(text: string): boolean {
  return PATH.test(text);
}

/** Also of errors, whose names are made alike. */
export function isInterface(text: string): boolean {
  return text.length <= LONGEST && INTERFACE.test(text);
}

export function isMember(text: string): boolean {
  return text.length <= LONGEST && MEMBER.test(text);
}

/** Of a connection to a bus: unique (`:1.7`) or well-known. */
export function isBusName(text: string): boolean {
  return text.length <= LONGEST && BUS.test(text);
}
