import type { CursorChange } from './cursor-plane';
import type { Encoding } from './formats';
import type { CrtcPlane } from './planes';
import type { Scanout } from './scanout';

/** As many as the addon takes: it refuses a commit of more. */
const MAX_CHANGES = 512;

/** What is told to the kernel in one commit: (object, property, value), those of one object together. */
export class Changes {
  readonly triples = new Float64Array(MAX_CHANGES * 3);
  count = 0;

  add(object: number, property: number, value: number): void {
    const at = this.count++ * 3;
    this.triples[at] = object;
    this.triples[at + 1] = property;
    this.triples[at + 2] = value;
  }

  clear({ id, framebufferId, crtcId }: CrtcPlane): void {
    this.add(id, framebufferId, 0);
    this.add(id, crtcId, 0);
  }

  /** What a plane shows and where, as far as that is not so already. SRC_* are 16.16 fixed point. */
  show(plane: CrtcPlane, now: Scanout | undefined, next: Scanout): void {
    const { id } = plane;
    this.add(id, plane.framebufferId, next.framebuffer);
    if (now?.x !== next.x) this.add(id, plane.srcX, next.x * 65536);
    if (now?.y !== next.y) this.add(id, plane.srcY, next.y * 65536);
    if (now?.panelX !== next.panelX) this.add(id, plane.crtcX, next.panelX);
    if (now?.panelY !== next.panelY) this.add(id, plane.crtcY, next.panelY);
    if (now?.width !== next.width) this.add(id, plane.srcWidth, next.width * 65536);
    if (now?.height !== next.height) this.add(id, plane.srcHeight, next.height * 65536);
    if (now?.panelWidth !== next.panelWidth) this.add(id, plane.crtcWidth, next.panelWidth);
    if (now?.panelHeight !== next.panelHeight) this.add(id, plane.crtcHeight, next.panelHeight);
    if (plane.rotation !== 0 && now?.rotation !== next.rotation) this.add(id, plane.rotation, next.rotation);
    if (now?.encoding !== next.encoding) this.colours(plane, next.encoding);
  }

  /** How a plane reads YUV, if it can. */
  colours({ id, colours }: CrtcPlane, encoding: Encoding): void {
    const value = colours?.encodings[encoding];
    if (!colours || value === undefined) return;
    this.add(id, colours.encoding, value);
    if (colours.range !== 0) this.add(id, colours.range, colours.ranges[encoding]);
  }

  /** What the cursor plane of a CRTC shows and where, as far as that is not so already. */
  point(plane: CrtcPlane, crtc: number, { now, next }: CursorChange): void {
    const { id } = plane;
    const { image } = next;
    if (!image) {
      this.clear(plane);
      return;
    }
    const fresh = now.image === null;
    if (fresh) {
      this.add(id, plane.crtcId, crtc);
      this.add(id, plane.srcX, 0);
      this.add(id, plane.srcY, 0);
      this.add(id, plane.srcWidth, image.width * 65536);
      this.add(id, plane.srcHeight, image.height * 65536);
      this.add(id, plane.crtcWidth, image.width);
      this.add(id, plane.crtcHeight, image.height);
    }
    if (now.image !== image) this.add(id, plane.framebufferId, image.framebuffer);
    if (fresh || now.x !== next.x) this.add(id, plane.crtcX, next.x);
    if (fresh || now.y !== next.y) this.add(id, plane.crtcY, next.y);
    if (plane.hotspotX !== 0 && (fresh || now.hotX !== next.hotX)) this.add(id, plane.hotspotX, next.hotX);
    if (plane.hotspotY !== 0 && (fresh || now.hotY !== next.hotY)) this.add(id, plane.hotspotY, next.hotY);
  }
}
