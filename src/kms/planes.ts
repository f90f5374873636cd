import type { PropertyInfo } from '../native';
import { OBJECT_PLANE } from './connector';
import type { Encoding } from './formats';
import { PlaneFormats } from './in-formats';
import type { CardReader } from './reader';
import { ROTATE_0 } from './scanout';

/** Values of a plane's `type` property: <drm/drm_plane.h>. */
const TYPE_PRIMARY = 1n;
const TYPE_CURSOR = 2n;
const TYPES = ['overlay', 'primary', 'cursor'] as const;

/** A plane that serves a CRTC: ids of its properties. 0: it has no such property. */
export interface CrtcPlane {
  readonly id: number;
  readonly crtcId: number;
  readonly framebufferId: number;
  readonly srcX: number;
  readonly srcY: number;
  readonly srcWidth: number;
  readonly srcHeight: number;
  readonly crtcX: number;
  readonly crtcY: number;
  readonly crtcWidth: number;
  readonly crtcHeight: number;
  readonly rotation: number;
  readonly inFence: number;
  readonly damage: number;
  /**
   * Virtualised cursor planes: whoever shows the screen has a pointer of his own, and needs to know what it points
   * with.
   */
  readonly hotspotX: number;
  readonly hotspotY: number;
  /** The bits that `rotation` takes. */
  readonly rotations: number;
  /** How YUV is read; undefined: the plane cannot be told. */
  readonly colours: PlaneColours | undefined;
}

/** Properties of a plane that say how YUV is read, the values they may have, and those they had. 0: no such property. */
export interface PlaneColours {
  readonly encoding: number;
  readonly range: number;
  /** Values by the encoding; for RGB, which neither matters to, those from before us. */
  readonly encodings: Readonly<Partial<Record<Encoding, number>>>;
  readonly ranges: Readonly<Record<Encoding, number>>;
}

/** A plane as far as it can be told what it is good for. */
export interface Plane {
  readonly id: number;
  readonly type: (typeof TYPES)[number];
  /** Bit n: the n-th CRTC of the card. */
  readonly possibleCrtcs: number;
  readonly formats: PlaneFormats;
}

/** All planes of a card, with the buffers they take. */
export function readPlanes(card: CardReader): Plane[] {
  return card.planes().map((id) => {
    const properties = card.properties(id, OBJECT_PLANE);
    const value = (name: string): number =>
      Number(properties.find((property) => property.name === name)?.value ?? 0n);
    const { possibleCrtcs, formats } = card.plane(id);
    const list = value('IN_FORMATS');
    return {
      id,
      type: TYPES[value('type')] ?? 'overlay',
      possibleCrtcs,
      formats: (list === 0 ? undefined : PlaneFormats.parse(card.blob(list))) ?? PlaneFormats.linear(formats),
    };
  });
}

interface Candidate {
  readonly plane: CrtcPlane;
  readonly possibleCrtcs: number;
  /** The CRTC it is on now. */
  readonly crtc: number;
}

/**
 * The primary plane of each CRTC, by CRTC id: the one that is there already, else the first that can be. Fewer than
 * CRTCs: the card cannot be driven plane by plane.
 */
export function primaryPlanes(card: CardReader, crtcs: readonly number[]): Map<number, CrtcPlane> {
  return planesOf(card, crtcs, TYPE_PRIMARY);
}

/** The cursor plane of each CRTC that has one, by CRTC id. */
export function cursorPlanes(card: CardReader, crtcs: readonly number[]): Map<number, CrtcPlane> {
  return planesOf(card, crtcs, TYPE_CURSOR);
}

function planesOf(card: CardReader, crtcs: readonly number[], type: bigint): Map<number, CrtcPlane> {
  const candidates = card.planes().flatMap((id): Candidate[] => {
    const properties = new Map(
      card.properties(id, OBJECT_PLANE).map((property) => [property.name, property]),
    );
    if (properties.get('type')?.value !== type) return [];
    const { possibleCrtcs, crtcId } = card.plane(id);
    return [{ plane: describe(id, properties), possibleCrtcs, crtc: crtcId }];
  });
  const found = new Map<number, CrtcPlane>();
  const take = (crtc: number, fits: (candidate: Candidate) => boolean): void => {
    const index = found.has(crtc) ? -1 : candidates.findIndex(fits);
    if (index >= 0) found.set(crtc, candidates.splice(index, 1)[0]!.plane);
  };
  for (const crtc of crtcs) take(crtc, (candidate) => candidate.crtc === crtc);
  // Those for one CRTC alone before those that could also serve another.
  for (const only of [true, false]) {
    crtcs.forEach((crtc, index) => {
      take(crtc, ({ possibleCrtcs }) =>
        only ? possibleCrtcs === 1 << index : (possibleCrtcs & (1 << index)) !== 0,
      );
    });
  }
  return found;
}

function describe(id: number, properties: ReadonlyMap<string, PropertyInfo>): CrtcPlane {
  const property = (name: string): number => properties.get(name)?.id ?? 0;
  const rotation = properties.get('rotation');
  return {
    id,
    crtcId: property('CRTC_ID'),
    framebufferId: property('FB_ID'),
    srcX: property('SRC_X'),
    srcY: property('SRC_Y'),
    srcWidth: property('SRC_W'),
    srcHeight: property('SRC_H'),
    crtcX: property('CRTC_X'),
    crtcY: property('CRTC_Y'),
    crtcWidth: property('CRTC_W'),
    crtcHeight: property('CRTC_H'),
    rotation: rotation?.id ?? 0,
    inFence: property('IN_FENCE_FD'),
    damage: property('FB_DAMAGE_CLIPS'),
    hotspotX: property('HOTSPOT_X'),
    hotspotY: property('HOTSPOT_Y'),
    // The enums of a bitmask property are bit numbers.
    rotations: rotation?.enums.reduce((bits, { value }) => bits | (1 << Number(value)), 0) ?? ROTATE_0,
    colours: describeColours(properties),
  };
}

/** https://docs.kernel.org/gpu/drm-kms.html#color-management-properties (COLOR_ENCODING, COLOR_RANGE) */
function describeColours(properties: ReadonlyMap<string, PropertyInfo>): PlaneColours | undefined {
  const encoding = properties.get('COLOR_ENCODING');
  if (!encoding) return undefined;
  const range = properties.get('COLOR_RANGE');
  const before = Number(range?.value ?? 0n);
  const limited = valueNamed(range, 'YCbCr limited range') ?? before;
  const [standard, high] = [601, 709].map((number) => valueNamed(encoding, `ITU-R BT.${number} YCbCr`));
  return {
    encoding: encoding.id,
    range: range?.id ?? 0,
    encodings: {
      0: Number(encoding.value),
      ...(standard !== undefined && { 601: standard }),
      ...(high !== undefined && { 709: high }),
    },
    ranges: { 0: before, 601: limited, 709: limited },
  };
}

function valueNamed(property: PropertyInfo | undefined, name: string): number | undefined {
  const found = property?.enums.find((candidate) => candidate.name === name);
  return found && Number(found.value);
}
