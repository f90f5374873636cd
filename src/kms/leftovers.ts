import type { PropertyInfo } from '../native';
import { findProperty, OBJECT_CONNECTOR, OBJECT_CRTC, OBJECT_PLANE } from './connector';
import type { CardReader } from './reader';
import { ROTATE_0 } from './scanout';

const IMMUTABLE = 1 << 2;

/** What of a card shows a picture; ids. */
export interface Used {
  readonly connector: number;
  readonly crtc: number;
  readonly primary: number;
  readonly cursor: number | undefined;
}

/** A property that has to be another. */
export interface Reset {
  readonly object: number;
  readonly property: number;
  readonly value: number;
}

/** What changes no picture: no blob; the largest value; of enums, that of a name. */
type Neutral = 'none' | 'most' | { readonly name: string };

const DEFAULT: Neutral = { name: 'Default' };

/** https://docs.kernel.org/gpu/drm-kms.html#kms-properties */
const NEUTRAL: Readonly<Record<number, Readonly<Record<string, Neutral>>>> = {
  [OBJECT_CONNECTOR]: { Colorspace: DEFAULT, HDR_OUTPUT_METADATA: 'none' },
  [OBJECT_CRTC]: { GAMMA_LUT: 'none', DEGAMMA_LUT: 'none', CTM: 'none', SCALING_FILTER: DEFAULT },
  [OBJECT_PLANE]: { alpha: 'most', 'pixel blend mode': { name: 'Pre-multiplied' }, SCALING_FILTER: DEFAULT },
};

/**
 * What programs that had the card before us (colour managers, HDR desktops, compositors with overlays) have set for
 * their own pictures and left behind, where it would spoil ours. What is as it should be is not among it: some monitors
 * blank when they are told again.
 */
export function leftovers(
  card: Pick<CardReader, 'properties'>,
  { connector, crtc, primary, cursor }: Used,
): Reset[] {
  const resets = [
    ...neutralise(card, connector, OBJECT_CONNECTOR),
    ...neutralise(card, crtc, OBJECT_CRTC),
    ...neutralise(card, primary, OBJECT_PLANE),
  ];
  if (cursor === undefined) return resets;
  const rotation = findProperty(card, cursor, OBJECT_PLANE, 'rotation');
  return [
    ...resets,
    ...neutralise(card, cursor, OBJECT_PLANE),
    ...(rotation && rotation.value !== BigInt(ROTATE_0) ? to(cursor, rotation, BigInt(ROTATE_0)) : []),
    ...restack(card, primary, cursor),
  ];
}

function neutralise(card: Pick<CardReader, 'properties'>, object: number, type: number): Reset[] {
  return card.properties(object, type).flatMap((property) => {
    const neutral = NEUTRAL[type]?.[property.name];
    const value = neutral && valueOf(property, neutral);
    return value === undefined || value === property.value ? [] : to(object, property, value);
  });
}

/** Brings the primary plane under the cursor plane again, where somebody has put it above. */
function restack(card: Pick<CardReader, 'properties'>, primary: number, cursor: number): Reset[] {
  const below = findProperty(card, primary, OBJECT_PLANE, 'zpos');
  const above = findProperty(card, cursor, OBJECT_PLANE, 'zpos');
  if (!below?.range || !above?.range || below.value < above.value) return [];
  return [...to(primary, below, below.range[0]), ...to(cursor, above, above.range[1])];
}

function valueOf({ range, enums }: PropertyInfo, neutral: Neutral): bigint | undefined {
  if (neutral === 'none') return 0n;
  if (neutral === 'most') return range?.[1];
  return enums.find(({ name }) => name === neutral.name)?.value;
}

function to(object: number, { id, flags }: PropertyInfo, value: bigint): Reset[] {
  return (flags & IMMUTABLE) === 0 ? [{ object, property: id, value: Number(value) }] : [];
}
