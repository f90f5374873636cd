import type { ModeInfo, PropertyInfo } from '../native';
import type { CardReader } from '../kms/reader';

/** A file that is not what `drm_info -j` writes, and what is wrong with it. */
export class SavedCardError extends Error {
  override name = 'SavedCardError';
}

type Json = Readonly<Record<string, unknown>>;

/**
 * The cards of a file that `drm_info -j` has written, by their device nodes. Such a file has neither EDIDs nor the
 * numbers of connectors: they are counted by type in the order of the cards, as the kernel does.
 * https://gitlab.freedesktop.org/emersion/drm_info
 */
export function readSavedCards(json: string): Map<string, CardReader> {
  let parsed: unknown;
  try {
    // Modifiers are 64-bit numbers, more than a JavaScript number holds.
    parsed = JSON.parse(json.replace(/([:[,]\s*)(\d{16,})(?=\s*[,}\]])/g, '$1"$2"'));
  } catch (error) {
    throw new SavedCardError(`this is no JSON (${String(error)}): write it with drm_info -j`);
  }
  const counts = new Map<number, number>();
  const number = (file: string): number => Number(/\d+$/.exec(file)?.[0] ?? 0);
  const cards = Object.entries(object(parsed, 'the file'))
    .filter(([file]) => file.startsWith('/dev/dri/'))
    .sort(([a], [b]) => number(a) - number(b))
    .map(([file, card]): [string, CardReader] => [file, savedCard(object(card, file), counts)]);
  if (cards.length === 0)
    throw new SavedCardError('there is no card in this file: write it with drm_info -j');
  return new Map(cards);
}

function savedCard(card: Json, counts: Map<number, number>): CardReader {
  const list = (key: string): Json[] => array(card[key], key).map((entry) => object(entry, key));
  const byId = (key: string): Map<number, Json> =>
    new Map(list(key).map((entry) => [integer(entry, 'id'), entry]));
  const [connectors, encoders, crtcs, planes] = [
    byId('connectors'),
    byId('encoders'),
    byId('crtcs'),
    byId('planes'),
  ];
  const blobs = new Map<number, Uint8Array>();
  const size = object(card.fb_size ?? {}, 'fb_size');
  const infos = new Map(
    [...connectors].map(([id, connector]) => {
      const type = integer(connector, 'type');
      const typeId = (counts.get(type) ?? 0) + 1;
      counts.set(type, typeId);
      const info = {
        id,
        type,
        typeId,
        connection: integer(connector, 'status'),
        mmWidth: integer(connector, 'phy_width'),
        mmHeight: integer(connector, 'phy_height'),
        encoderId: integer(connector, 'encoder_id'),
        encoders: array(connector.encoders, 'encoders').map(Number),
        modes: array(connector.modes, 'modes').map((mode) => readMode(object(mode, 'a mode'))),
      };
      return [id, info];
    }),
  );
  const find = <T>(map: ReadonlyMap<number, T>, id: number, what: string): T => {
    const found = map.get(id);
    if (found === undefined) throw new SavedCardError(`the file names ${what} ${id}, but does not have it`);
    return found;
  };
  const connector = (id: number) => find(infos, id, 'connector');
  return {
    driverName: () => text(object(card.driver ?? {}, 'driver').name),
    resources: () => ({
      crtcs: [...crtcs.keys()],
      connectors: [...connectors.keys()],
      encoders: [...encoders.keys()],
      minWidth: integer(size, 'min_width', 0),
      maxWidth: integer(size, 'max_width', Infinity),
      minHeight: integer(size, 'min_height', 0),
      maxHeight: integer(size, 'max_height', Infinity),
    }),
    connector,
    probeConnector: (id) => Promise.resolve(connector(id)),
    encoder: (id) => {
      const encoder = find(encoders, id, 'encoder');
      return {
        id,
        type: integer(encoder, 'type'),
        crtcId: integer(encoder, 'crtc_id'),
        possibleCrtcs: integer(encoder, 'possible_crtcs'),
        possibleClones: integer(encoder, 'possible_clones'),
      };
    },
    crtc: (id) => {
      const crtc = find(crtcs, id, 'CRTC');
      return {
        id,
        framebuffer: integer(crtc, 'fb_id'),
        x: integer(crtc, 'x'),
        y: integer(crtc, 'y'),
        mode: crtc.mode === null || crtc.mode === undefined ? null : readMode(object(crtc.mode, 'a mode')),
        gammaSize: integer(crtc, 'gamma_size', 0),
      };
    },
    planes: () => [...planes.keys()],
    plane: (id) => {
      const plane = find(planes, id, 'plane');
      return {
        id,
        crtcId: integer(plane, 'crtc_id'),
        framebuffer: integer(plane, 'fb_id'),
        possibleCrtcs: integer(plane, 'possible_crtcs'),
        formats: array(plane.formats, 'formats').map(Number),
      };
    },
    properties: (id) => {
      const owner = connectors.get(id) ?? crtcs.get(id) ?? planes.get(id);
      const properties = Object.entries(object(owner?.properties ?? {}, 'properties'));
      return properties.map(([name, property]) => readProperty(name, object(property, name), blobs));
    },
    blob: (id) => find(blobs, id, 'blob'),
  };
}

/** A blob's bytes are not in the file; those that matter are made anew from what drm_info understood of them. */
function readProperty(name: string, property: Json, blobs: Map<number, Uint8Array>): PropertyInfo {
  let value = BigInt(integerText(property.raw_value ?? 0));
  const bytes =
    name === 'IN_FORMATS' && Array.isArray(property.data)
      ? inFormatsBlob(property.data.map((entry) => object(entry, name)))
      : name === 'PATH' && typeof property.data === 'string'
        ? Buffer.from(property.data)
        : undefined;
  if (bytes) blobs.set(Number(value), bytes);
  else if (name === 'EDID' || name === 'PATH' || name === 'IN_FORMATS') value = 0n;
  const enums = Array.isArray(property.spec) ? property.spec.map((entry) => object(entry, name)) : [];
  return {
    id: integer(property, 'id', 0),
    name,
    flags: integer(property, 'flags', 0),
    value,
    enums: enums.map((entry) => ({ value: BigInt(integerText(entry.value ?? 0)), name: text(entry.name) })),
    ...rangeOf(property.spec),
  };
}

function rangeOf(spec: unknown): Pick<PropertyInfo, 'range'> {
  // Not every version of drm_info writes it.
  if (typeof spec !== 'object' || spec === null || !('min' in spec && 'max' in spec)) return {};
  return { range: [BigInt(integerText(spec.min)), BigInt(integerText(spec.max))] };
}

/** `struct drm_format_modifier_blob`, as the kernel has it. */
function inFormatsBlob(data: readonly Json[]): Uint8Array {
  const pairs = data.map((entry) => ({
    modifier: BigInt(integerText(entry.modifier)),
    formats: array(entry.formats, 'formats').map(Number),
  }));
  const formats = [...new Set(pairs.flatMap((pair) => pair.formats))];
  const windows = pairs.flatMap((pair) => {
    const masks = new Map<number, bigint>();
    for (const format of pair.formats) {
      const index = formats.indexOf(format);
      const window = index - (index % 64);
      masks.set(window, (masks.get(window) ?? 0n) | (1n << BigInt(index % 64)));
    }
    return [...masks].map(([window, mask]) => ({ window, mask, modifier: pair.modifier }));
  });
  const HEADER = 24;
  const modifiersAt = HEADER + Math.ceil(formats.length / 2) * 8;
  const blob = new Uint8Array(modifiersAt + windows.length * 24);
  const view = new DataView(blob.buffer);
  [1, 0, formats.length, HEADER, windows.length, modifiersAt].forEach((word, index) => {
    view.setUint32(index * 4, word, true);
  });
  formats.forEach((format, index) => {
    view.setUint32(HEADER + index * 4, format, true);
  });
  windows.forEach(({ window, mask, modifier }, index) => {
    const at = modifiersAt + index * 24;
    view.setBigUint64(at, mask, true);
    view.setUint32(at + 8, window, true);
    view.setBigUint64(at + 16, modifier, true);
  });
  return blob;
}

function readMode(mode: Json): ModeInfo {
  const field = (name: string): number => integer(mode, name);
  return {
    clock: field('clock'),
    hdisplay: field('hdisplay'),
    hsyncStart: field('hsync_start'),
    hsyncEnd: field('hsync_end'),
    htotal: field('htotal'),
    hskew: field('hskew'),
    vdisplay: field('vdisplay'),
    vsyncStart: field('vsync_start'),
    vsyncEnd: field('vsync_end'),
    vtotal: field('vtotal'),
    vscan: field('vscan'),
    vrefresh: field('vrefresh'),
    flags: field('flags'),
    type: field('type'),
    name: text(mode.name),
  };
}

function object(value: unknown, what: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new SavedCardError(`${what} is not what drm_info -j writes`);
}

function array(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw new SavedCardError(`${what} is not the list that drm_info -j writes`);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function integer(of: Json, key: string, otherwise?: number): number {
  const value = of[key] ?? otherwise;
  if (typeof value === 'number') return value;
  throw new SavedCardError(`"${key}" is not the number that drm_info -j writes`);
}

/** A number, or the digits of one that is too large. */
function integerText(value: unknown): string {
  if (typeof value === 'number' && Number.isInteger(value)) return String(value);
  if (typeof value === 'string' && /^\d+$/.test(value)) return value;
  throw new SavedCardError('a value is not the whole number that drm_info -j writes');
}
