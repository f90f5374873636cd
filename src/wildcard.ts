/** The whole of a text, letters in either case, with `*` for any text; spaces are as wide as they like. */
export function wildcard(pattern: string): RegExp {
  const parts = pattern.trim().replace(/\s+/g, ' ').split('*');
  return new RegExp(`^${parts.map((text) => text.replace(/[^\w\s]/g, '\\$&')).join('.*')}$`, 'i');
}
