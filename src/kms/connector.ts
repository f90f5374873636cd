import type { ConnectorInfo, NativeCard } from '../native';
import { parseEdid, type EdidIdentity } from './edid';

export const OBJECT_CRTC = 0xcccccccc;
export const OBJECT_CONNECTOR = 0xc0c0c0c0;
export const OBJECT_PLANE = 0xeeeeeeee;

/** Kernel spelling of `DRM_MODE_CONNECTOR_*`, by number: drivers/gpu/drm/drm_connector.c. */
// prettier-ignore
const TYPE_NAMES = [
  'Unknown', 'VGA', 'DVI-I', 'DVI-D', 'DVI-A', 'Composite', 'SVIDEO', 'LVDS', 'Component', 'DIN', 'DP', 'HDMI-A',
  'HDMI-B', 'TV', 'eDP', 'Virtual', 'DSI', 'DPI', 'Writeback', 'SPI', 'USB',
];

const TYPE_WRITEBACK = 18;

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
}

/** `HDMI-A-1` for a connector's type and number. */
export function connectorName(type: number, typeId: number): string {
  return `${TYPE_NAMES[type] ?? `Type${type}`}-${typeId}`;
}

/**
 * Reads one connector. With `probe` the monitor is asked again, on a worker thread; without, it is what the kernel
 * knows already.
 */
export async function readConnector(card: NativeCard, id: number, probe: boolean): Promise<Connector> {
  const info = probe ? await card.probeConnector(id) : card.connector(id);
  const encoders = info.encoders.map((encoder) => card.encoder(encoder));
  const edid = readEdid(card, id);
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
  };
}

function readEdid(card: NativeCard, connector: number): Uint8Array | undefined {
  const property = card.properties(connector, OBJECT_CONNECTOR).find(({ name }) => name === 'EDID');
  return property !== undefined && property.value !== 0n ? card.blob(Number(property.value)) : undefined;
}
