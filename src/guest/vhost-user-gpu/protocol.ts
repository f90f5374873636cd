/**
 * The display half of vhost-user-gpu, as bytes. Numbers are in the machine's own byte order.
 * https://www.qemu.org/docs/master/interop/vhost-user-gpu.html
 */
import type { Display } from '../sink';

export const HEADER_BYTES = 12;
export const FLAG_REPLY = 4;
export const MAX_HEADS = 16;
/** Side of a pointer image. */
export const CURSOR_SIDE = 64;
/** Largest width or height of anything: what KMS drivers take at most. */
export const MAX_SIDE = 16384;

export const Request = {
  GET_PROTOCOL_FEATURES: 1,
  SET_PROTOCOL_FEATURES: 2,
  GET_DISPLAY_INFO: 3,
  CURSOR_POS: 4,
  CURSOR_POS_HIDE: 5,
  CURSOR_UPDATE: 6,
  SCANOUT: 7,
  UPDATE: 8,
  DMABUF_SCANOUT: 9,
  DMABUF_UPDATE: 10,
  GET_EDID: 11,
  DMABUF_SCANOUT2: 12,
} as const;

const FEATURE_EDID = 1;
const FEATURE_DMABUF2 = 2;

const UPDATE_BYTES = 20;

/** Payload bytes of each request; of UPDATE, those before the pixels. */
// prettier-ignore
const PAYLOAD_BYTES: readonly number[] = [
  -1, 0, 8, 0, 12, 12, 20 + CURSOR_SIDE * CURSOR_SIDE * 4, 12, UPDATE_BYTES, 40, UPDATE_BYTES, 4, 48,
];

/** Payload bytes a request must have (UPDATE: at least), or -1 for an unknown one. */
export function payloadBytes(request: number): number {
  return PAYLOAD_BYTES[request] ?? -1;
}

/** Largest message that is handled whole; the pixels of UPDATE are taken as they come. */
export const MAX_MESSAGE_BYTES = HEADER_BYTES + Math.max(...PAYLOAD_BYTES);

function message(request: number, payload: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(HEADER_BYTES + payload);
  new Uint32Array(bytes.buffer, 0, 3).set([request, FLAG_REPLY, payload]);
  return { bytes, view: new DataView(bytes.buffer, HEADER_BYTES) };
}

/** The machine's byte order: DataView wants to be told. */
const LITTLE = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

export function featuresReply(): Uint8Array {
  const { bytes, view } = message(Request.GET_PROTOCOL_FEATURES, 8);
  view.setUint32(LITTLE ? 0 : 4, FEATURE_EDID | FEATURE_DMABUF2, LITTLE);
  return bytes;
}

/** The one reply on the frame path, made once: "the update is on the panel". */
export const UPDATE_REPLY: Uint8Array = message(Request.DMABUF_UPDATE, 0).bytes;

const RESP_OK_DISPLAY_INFO = 0x1101;
const RESP_OK_EDID = 0x1104;
/** struct virtio_gpu_ctrl_hdr */
const CTRL_HEADER_BYTES = 24;
/** struct virtio_gpu_display_one: rectangle, enabled, flags. */
const DISPLAY_BYTES = 24;

/**
 * struct virtio_gpu_resp_display_info. Virtio structures are little-endian whatever the machine is; heads stand side
 * by side, from left to right.
 */
export function displayInfoReply(displays: readonly (Display | undefined)[]): Uint8Array {
  const { bytes, view } = message(Request.GET_DISPLAY_INFO, CTRL_HEADER_BYTES + MAX_HEADS * DISPLAY_BYTES);
  view.setUint32(0, RESP_OK_DISPLAY_INFO, true);
  let x = 0;
  displays.slice(0, MAX_HEADS).forEach((display, index) => {
    if (!display) return;
    const at = CTRL_HEADER_BYTES + index * DISPLAY_BYTES;
    view.setUint32(at, x, true);
    view.setUint32(at + 8, display.width, true);
    view.setUint32(at + 12, display.height, true);
    view.setUint32(at + 16, 1, true);
    x += display.width;
  });
  return bytes;
}

const EDID_BYTES = 1024;

/** struct virtio_gpu_resp_edid. An EDID of more than 1024 bytes is cut: the structure holds no more. */
export function edidReply(edid: Uint8Array): Uint8Array {
  const { bytes, view } = message(Request.GET_EDID, CTRL_HEADER_BYTES + 8 + EDID_BYTES);
  const kept = edid.subarray(0, EDID_BYTES);
  view.setUint32(0, RESP_OK_EDID, true);
  view.setUint32(CTRL_HEADER_BYTES, kept.length, true);
  bytes.set(kept, HEADER_BYTES + CTRL_HEADER_BYTES + 8);
  return bytes;
}
