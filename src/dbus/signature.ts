/** Deepest nesting of arrays, and of structs, in a signature; of both and of variants in a message. */
const MAX_NESTING = 32;
export const MAX_DEPTH = 64;
/** Longest array, in bytes. */
export const MAX_ARRAY = 64 * 1024 * 1024;
const MAX_LENGTH = 255;
/** Signatures of variants come from strangers. */
const MAX_KNOWN = 512;

/** One complete type of a signature. */
export interface Type {
  /** Its first character. */
  readonly code: string;
  readonly signature: string;
  readonly alignment: number;
  /** Bytes of a number; 0: not the same for all values. */
  readonly size: number;
  /** What an array's elements are, or the members of a struct or of a dictionary's entry. */
  readonly inner: readonly Type[];
}

/** Alignment and size; of what is made of others no size. */
const BASIC: ReadonlyMap<string, readonly [alignment: number, size: number]> = new Map([
  ['y', [1, 1]],
  ['b', [4, 4]],
  ['n', [2, 2]],
  ['q', [2, 2]],
  ['i', [4, 4]],
  ['u', [4, 4]],
  ['x', [8, 8]],
  ['t', [8, 8]],
  ['d', [8, 8]],
  ['h', [4, 4]],
  ['s', [4, 0]],
  ['o', [4, 0]],
  ['g', [1, 0]],
]);

const known = new Map<string, readonly Type[] | undefined>();

/** The types of a signature; undefined for what is none. */
export function typesOf(signature: string): readonly Type[] | undefined {
  const found = known.get(signature);
  if (found !== undefined || known.has(signature)) return found;
  const types = signature.length > MAX_LENGTH ? undefined : parse(signature);
  if (known.size === MAX_KNOWN) known.clear();
  known.set(signature, types);
  return types;
}

/** The type of a signature that has just one. */
export function typeOf(signature: string): Type | undefined {
  const types = typesOf(signature);
  return types?.length === 1 ? types[0] : undefined;
}

function parse(signature: string): readonly Type[] | undefined {
  const types: Type[] = [];
  for (let at = 0; at < signature.length;) {
    const type = parseOne(signature, at, 0, 0);
    if (!type) return undefined;
    types.push(type);
    at += type.signature.length;
  }
  return types;
}

function parseOne(signature: string, at: number, arrays: number, structs: number): Type | undefined {
  const code = signature.charAt(at);
  const basic = BASIC.get(code);
  if (basic) return { code, signature: code, alignment: basic[0], size: basic[1], inner: [] };
  if (code === 'v') return { code, signature: code, alignment: 1, size: 0, inner: [] };
  if (code === 'a' && arrays < MAX_NESTING) {
    const element =
      signature.charAt(at + 1) === '{'
        ? parseEntry(signature, at + 1, arrays + 1, structs)
        : parseOne(signature, at + 1, arrays + 1, structs);
    return element && { code, signature: `a${element.signature}`, alignment: 4, size: 0, inner: [element] };
  }
  return code === '(' && structs < MAX_NESTING ? parseStruct(signature, at, arrays, structs + 1) : undefined;
}

function parseStruct(signature: string, from: number, arrays: number, structs: number): Type | undefined {
  const inner: Type[] = [];
  let at = from + 1;
  while (signature.charAt(at) !== ')') {
    const member = parseOne(signature, at, arrays, structs);
    if (!member) return undefined;
    inner.push(member);
    at += member.signature.length;
  }
  if (inner.length === 0) return undefined;
  return { code: '(', signature: signature.slice(from, at + 1), alignment: 8, size: 0, inner };
}

function parseEntry(signature: string, at: number, arrays: number, structs: number): Type | undefined {
  const key = parseOne(signature, at + 1, arrays, structs + 1);
  if (!key || !BASIC.has(key.code) || structs === MAX_NESTING) return undefined;
  const value = parseOne(signature, at + 2, arrays, structs + 1);
  if (!value || signature.charAt(at + 2 + value.signature.length) !== '}') return undefined;
  return {
    code: '{',
    signature: `{${key.signature}${value.signature}}`,
    alignment: 8,
    size: 0,
    inner: [key, value],
  };
}
