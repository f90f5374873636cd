import { messageOf } from '../error';
import { native, type NativeDumb } from '../native';
import { OBJECT_CONNECTOR } from './connector';
import { fourccName, XR24 } from '../fourcc';
import { REFLECT_Y, ROTATE_0, ROTATE_MASK, type Scanout } from './scanout';
import { planeShapes } from './formats';
import type { Framebuffer } from './framebuffers';
import type { Output } from './output';
import { encodePng } from './png';

/** Where the pixels of a panel lie in memory. */
export interface PanelPixels {
  readonly width: number;
  readonly height: number;
  readonly framebuffer: Framebuffer | null;
  readonly dumb: NativeDumb | undefined;
  readonly format: number;
  readonly pitch: number;
  /** Which part of the buffer stands where on the panel. */
  readonly scanout: Scanout;
  readonly cursor: { readonly image: NativeDumb; readonly x: number; readonly y: number } | undefined;
}

/** A photograph of a panel, as a PNG that says in its text how it was taken. */
export interface Photograph {
  readonly png: Buffer;
  readonly width: number;
  readonly height: number;
  /** `writeback`: the display engine's own composition; `readback`: framebuffer and cursor, put together here. */
  readonly method: 'writeback' | 'readback';
  /** Why it is not a writeback. */
  readonly reason?: string;
}

/**
 * Photographs what an output shows, pointer included: with its card's writeback connector where there is one, else
 * from the framebuffer and the cursor image. Throws an Error in words for the user.
 */
export async function photograph(output: Output): Promise<Photograph> {
  const mode = output.mode;
  if (!mode) throw new Error(`${output.name} is off: there is nothing to photograph`);
  const { hdisplay: width, vdisplay: height } = mode;
  let reason: string | undefined;
  let rows: Uint8Array | undefined;
  try {
    rows = await writeback(output, width, height);
  } catch (error) {
    reason = messageOf(error);
  }
  const method = rows ? 'writeback' : 'readback';
  rows ??= await readBack(output);
  const text = {
    Title: output.name,
    Software: 'kms-switcher',
    Source: reason ? `${method} (${reason})` : method,
  };
  const png = await encodePng(rows, width, height, text);
  return { png, width, height, method, ...(reason ? { reason } : {}) };
}

async function writeback(output: Output, width: number, height: number): Promise<Uint8Array> {
  const { card } = output;
  if (!card.canWriteback) throw new Error('the driver has no atomic commits');
  const bit = 1 << card.crtcs.indexOf(output.crtc);
  const connectors = await card.connectors(false);
  const connector = connectors.find(
    (candidate) => candidate.writeback && (candidate.possibleCrtcs & bit) !== 0,
  );
  if (!connector) throw new Error('the card has no writeback connector for this CRTC');
  const ids = new Map(
    card.native.properties(connector.id, OBJECT_CONNECTOR).map(({ name, id }) => [name, id]),
  );
  const id = (name: string): number => {
    const found = ids.get(name);
    if (found === undefined) throw new Error(`the writeback connector has no property ${name}`);
    return found;
  };
  const properties = {
    crtcId: id('CRTC_ID'),
    framebufferId: id('WRITEBACK_FB_ID'),
    outFence: id('WRITEBACK_OUT_FENCE_PTR'),
  };
  const target = await card.native.createDumb({ width, height, format: XR24, fill: 0, framebuffer: true });
  try {
    const { crtc } = output;
    const job = { crtc, connector: connector.id, framebuffer: target.framebuffer, properties };
    await output.still(() => card.exclusive(() => card.native.writeback(job)));
    return await native.readRgb({
      source: target,
      offset: 0,
      pitch: target.pitch,
      x: 0,
      y: 0,
      width,
      height,
      format: XR24,
    });
  } finally {
    target.close();
  }
}

async function readBack(output: Output): Promise<Uint8Array> {
  const panel = output.panel();
  if (!panel) throw new Error(`${output.name} shows nothing yet`);
  const { width, height, framebuffer, dumb, format, pitch, scanout } = panel;
  if (!planeShapes(format)) throw new Error(`pixel format ${fourccName(format)} cannot be read back`);
  const source = framebuffer?.mapping() ?? dumb;
  if (!source) throw new Error(`${output.name} shows nothing yet`);
  const offset = framebuffer?.layout.planes[0]?.offset ?? 0;
  framebuffer?.retain();
  try {
    const { x, y, width: across, height: down, encoding } = scanout;
    const colours = framebuffer?.colours(encoding);
    const pixels = await native.readRgb({
      source,
      offset,
      pitch,
      x,
      y,
      width: across,
      height: down,
      format,
      colours,
    });
    const rows = onPanel(pixels, scanout, width, height);
    if (panel.cursor) blend(rows, width, height, panel.cursor);
    return rows;
  } finally {
    framebuffer?.release();
  }
}

/** What a scanout makes of its part of a buffer: scaled to the nearest pixel, turned, in its place on black. */
function onPanel(rows: Uint8Array, scanout: Scanout, width: number, height: number): Uint8Array {
  const { panelX, panelY, panelWidth, panelHeight, rotation } = scanout;
  if (panelWidth === width && panelHeight === height && scanout.width === width && rotation === ROTATE_0)
    return rows;
  const panel = new Uint8Array((width * 3 + 1) * height);
  const stride = scanout.width * 3 + 1;
  const turn = (4 - Math.log2(rotation & ROTATE_MASK)) % 4;
  for (let row = 0; row < panelHeight; row++) {
    let to = (panelY + row) * (width * 3 + 1) + 1 + panelX * 3;
    for (let column = 0; column < panelWidth; column++) {
      const [right, lower] = [panelWidth - 1 - column, panelHeight - 1 - row];
      const u = turn === 0 ? column : turn === 1 ? row : turn === 2 ? right : lower;
      const v = turn === 0 ? row : turn === 1 ? right : turn === 2 ? lower : column;
      const [across, down] = turn % 2 === 0 ? [panelWidth, panelHeight] : [panelHeight, panelWidth];
      const x = Math.floor(((2 * u + 1) * scanout.width) / (2 * across));
      const y = Math.floor(((2 * v + 1) * scanout.height) / (2 * down));
      const from = ((rotation & REFLECT_Y) !== 0 ? scanout.height - 1 - y : y) * stride + 1 + x * 3;
      for (let channel = 0; channel < 3; channel++) panel[to++] = rows[from + channel]!;
    }
  }
  return panel;
}

/** Puts a premultiplied AR24 pointer over RGB rows (each led by PNG's filter byte). */
function blend(
  rows: Uint8Array,
  width: number,
  height: number,
  cursor: NonNullable<PanelPixels['cursor']>,
): void {
  const { image } = cursor;
  const pixels = new Uint8Array(image.pixels);
  for (let row = 0; row < image.height; row++) {
    const y = cursor.y + row;
    if (y < 0 || y >= height) continue;
    for (let column = 0; column < image.width; column++) {
      const x = cursor.x + column;
      if (x < 0 || x >= width) continue;
      const from = row * image.pitch + column * 4;
      const to = y * (width * 3 + 1) + 1 + x * 3;
      const keep = 255 - pixels[from + 3]!;
      for (let channel = 0; channel < 3; channel++) {
        const under = Math.round((rows[to + channel]! * keep) / 255);
        rows[to + channel] = Math.min(255, pixels[from + 2 - channel]! + under);
      }
    }
  }
}
