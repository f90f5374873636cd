import type { ConnectorInfo, PropertyInfo } from '../native';
import type { CardReader } from './reader';
import { parseEdid, type EdidIdentity } from './edid';

export const OBJECT_CRTC = 0xcccccccc;
export const OBJECT_CONNECTOR = 0xc0c0c0c0;
export const OBJECT_PLANE = 0xeeeeeeee;

/** A property of an object of the card's, by its name. */
export function findProperty(
  card: Pick<CardReader, 'properties'>,
  object: number,
  type: number,
  name: string,
): PropertyInfo | undefined {
  return card.properties(object, type).find((property) => property.name === name);
}

/** Kernel spelling of `DRM_MODE_CONNECTOR_*`, by number: drivers/gpu/drm/drm_connector.c. */
// prettier-ignore
const TYPE_NAMES = [
  'Unknown', 'VGA', 'DVI-I', 'DVI-D', 'DVI-A', 'Composite', 'SVIDEO', 'LVDS', 'Component', 'DIN', 'DP', 'HDMI-A',
  'HDMI-B', 'TV', 'eDP', 'Virtual', 'DSI', 'DPI', 'Writeback', 'SPI', 'USB',
];

const TYPE_WRITEBACK = 18;
/** VGA, DVI-A, Composite, SVIDEO, Component, DIN, TV. */
const ANALOG_TYPES = new Set([1, 4, 5, 6, 8, 9, 13]);
const LINK_STATUS_BAD = 1n;

/** A connector as the rest of the house sees it: one reading of the kernel's, with names resolved. */
export interface Connector {
  readonly id: number;
  /** `HDMI-A-1` */
  readonly name: string;
  readonly connected: boolean;
  readonly writeback: boolean;
  readonly info: ConnectorInfo;
  /** Bit n: the n-th CRTC of the card can drive it, through one of its encoders. */
  readonly possibleCrtcs: number;
  /** The CRTC that drives it now, or 0. */
  readonly crtc: number;
  readonly edid: Uint8Array | undefined;
  readonly identity: EdidIdentity | undefined;
  /** Where it hangs on an MST hub, `mst:236-1-8`. */
  readonly path: string | undefined;
  /** What is sent does not arrive any more: the mode has to be set again. */
  readonly linkBad: boolean;
}

/** `HDMI-A-1` for a connector's type and number. */
export function connectorName(type: number, typeId: number): string {
  return `${TYPE_NAMES[type] ?? `Type${type}`}-${typeId}`;
}

/**
 * Reads one connector. With `probe` the monitor is asked again, on a worker thread; without, it is what the kernel
 * knows already.
 */
export async function readConnector(card: CardReader, id: number, probe: boolean): Promise<Connector> {
  const info = probe ? await card.probeConnector(id) : card.connector(id);
  const encoders = info.encoders.map((encoder) => card.encoder(encoder));
  const properties = card.properties(id, OBJECT_CONNECTOR);
  const blob = (name: string): Uint8Array | undefined => {
    const value = properties.find((property) => property.name === name)?.value ?? 0n;
    return value === 0n ? undefined : card.blob(Number(value));
  };
  const edid = blob('EDID');
  return {
    id,
    name: connectorName(info.type, info.typeId),
    connected: info.connection === 1,
    writeback: info.type === TYPE_WRITEBACK,
    info,
    possibleCrtcs: encoders.reduce((mask, encoder) => mask | encoder.possibleCrtcs, 0),
    crtc: encoders.find((encoder) => encoder.id === info.encoderId)?.crtcId ?? 0,
    edid,
    identity: edid && parseEdid(edid),
    path: text(blob('PATH')),
    linkBad: properties.some(({ name, value }) => name === 'link-status' && value === LINK_STATUS_BAD),
  };
}

/** Whether reduced blanking is not for what hangs here. */
export function isAnalog({ info }: Connector): boolean {
  return ANALOG_TYPES.has(info.type);
}

/** A property's text, up to its terminating zero. */
function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('latin1').replace(/\0.*$/s, '');
}
