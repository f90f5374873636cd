import { findProperty, OBJECT_CRTC, OBJECT_PLANE } from '../../../src/kms/connector';
import { native, type NativeCard } from '../../../src/native';
import { Image } from './image';
import type { Panels } from './panels';
import { XR24 } from './wire-guest';

const [UNIVERSAL_PLANES, ATOMIC] = [2, 3];
const OVERLAY = 0n;
const SIDE = 200;

/** Opens a card as a program of its own would, one that knows planes. */
export function openOther(file: string, fd?: number): NativeCard {
  const card = native.openCard(file, fd);
  for (const capability of [UNIVERSAL_PLANES, ATOMIC]) card.setClientCapability(capability, 1);
  return card;
}

/** Sets a mode on a CRTC, with a picture of its own. */
export async function paint(
  card: NativeCard,
  crtc: number,
  connector: string,
  picture: Image,
): Promise<void> {
  const { width, height } = picture;
  const dumb = await card.createDumb({ width, height, format: XR24, fill: 0, framebuffer: true });
  new Uint32Array(dumb.pixels).set(picture.pixels);
  const { id, modes } = card
    .resources()
    .connectors.map((one) => card.connector(one))
    .find(({ typeId }) => typeId === Number(connector.split('-')[1]))!;
  const mode = modes.find(({ hdisplay, vdisplay }) => hdisplay === width && vdisplay === height)!;
  await card.setCrtc(crtc, dumb.framebuffer, 0, 0, [id], mode);
  card.setCursor(crtc, null, 0, 0);
}

/** Turns the colours of a CRTC round by a gamma table, and lays a square over its picture. */
export async function spoil(card: NativeCard, crtc: number): Promise<void> {
  const property = (object: number, type: number, name: string): number =>
    findProperty(card, object, type, name)!.id;
  const bit = 1 << card.resources().crtcs.indexOf(crtc);
  const plane = card.planes().find((id) => {
    const { crtcId, possibleCrtcs } = card.plane(id);
    const type = findProperty(card, id, OBJECT_PLANE, 'type')!.value;
    return crtcId === 0 && (possibleCrtcs & bit) !== 0 && type === OVERLAY;
  })!;
  const size = { width: SIDE, height: SIDE };
  const square = await card.createDumb({ ...size, format: XR24, fill: 0xff00ff, framebuffer: true });
  // Two entries of struct drm_color_lut, white and black: as large as a rectangle of damage.
  const gamma = card.createDamageBlob(-1, 0xffff, 0, 0);
  const fixed = SIDE * 65536;
  const changes = [
    [crtc, property(crtc, OBJECT_CRTC, 'GAMMA_LUT'), gamma],
    ...Object.entries({
      ...{ CRTC_ID: crtc, FB_ID: square.framebuffer, SRC_X: 0, SRC_Y: 0, SRC_W: fixed, SRC_H: fixed },
      ...{ CRTC_X: 100, CRTC_Y: 100, CRTC_W: SIDE, CRTC_H: SIDE },
    }).map(([name, value]) => [plane, property(plane, OBJECT_PLANE, name), value]),
  ];
  await card.atomicSet(new Float64Array(changes.flat()), changes.length, 0);
  card.destroyBlob(gamma);
}

/** Whether what `spoil` did to a CRTC is still so. */
export function spoilt(panels: Panels, crtc: number): { gamma: boolean; square: boolean } {
  const card = openOther(panels.device);
  const gamma = findProperty(card, crtc, OBJECT_CRTC, 'GAMMA_LUT')!.value !== 0n;
  const square = card.planes().some((id) => {
    const type = findProperty(card, id, OBJECT_PLANE, 'type')!.value;
    return type === OVERLAY && card.plane(id).crtcId === crtc;
  });
  card.close();
  return { gamma, square };
}
