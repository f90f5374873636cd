import { fourcc, XR24 } from '../../src/fourcc';
import { photograph, type PanelPixels } from '../../src/kms/capture';
import { semiPlanar, type Encoding } from '../../src/kms/formats';
import type { Framebuffer } from '../../src/kms/framebuffers';
import type { Output } from '../../src/kms/output';
import { newScanout } from '../../src/kms/scanout';
import { decodePng } from '../lab/harness/png';

const [WIDTH, HEIGHT] = [2, 2];
const NV12 = fourcc('NV12');
let uses: number;

/** A guest's buffer of these bytes, whose second plane, if any, begins behind the first. */
function framebufferOf(format: number, source: Uint8Array, pitch: number, rows: number): Framebuffer {
  const shape = semiPlanar(format);
  return {
    format,
    layout: { planes: [{ offset: 0, pitch }] },
    mapping: () => source,
    colours: (encoding: Encoding) =>
      shape && encoding !== 0 ? { ...shape, source, offset: pitch * rows, pitch, encoding } : undefined,
    retain: () => uses++,
    release: () => uses--,
  } as unknown as Framebuffer;
}

/** Pixels as a photograph without writeback has them. */
async function read(framebuffer: Framebuffer, pitch: number, at: [number, number], encoding: Encoding) {
  const scanout = newScanout();
  Object.assign(scanout, { x: at[0], y: at[1], encoding });
  Object.assign(scanout, { width: WIDTH, height: HEIGHT, panelWidth: WIDTH, panelHeight: HEIGHT });
  const panel: PanelPixels = {
    ...{
      width: WIDTH,
      height: HEIGHT,
      framebuffer,
      dumb: undefined,
      format: framebuffer.format,
      pitch,
      scanout,
    },
    cursor: undefined,
  };
  const output = {
    name: 'Virtual-1',
    mode: { hdisplay: WIDTH, vdisplay: HEIGHT },
    card: { canWriteback: false },
    panel: () => panel,
  } as unknown as Output;
  const { png, method } = await photograph(output);
  expect([method, uses]).toEqual(['readback', 0]);
  return [...decodePng(png).image.pixels].map((pixel) => (pixel & 0xffffff).toString(16).padStart(6, '0'));
}

beforeEach(() => {
  uses = 0;
});

test('a part of an RGB buffer is read from where it begins', async () => {
  const pixels = Uint32Array.from({ length: 12 }, (_, at) => at);
  const framebuffer = framebufferOf(XR24, new Uint8Array(pixels.buffer), 16, 3);
  expect(await read(framebuffer, 16, [1, 1], 0)).toEqual(['000005', '000006', '000009', '00000a']);
});

test('a part of a YUV buffer is read with the colours that are its own, as they were encoded', async () => {
  // Four columns and rows of grey; of the four pairs of colours the last is all red.
  const source = new Uint8Array(24).fill(126);
  source.set([128, 128, 128, 128, 128, 128, 128, 240], 16);
  const framebuffer = framebufferOf(NV12, source, 4, 4);
  const grey = '808080';
  expect(await read(framebuffer, 4, [1, 1], 601)).toEqual([grey, grey, grey, 'ff2580']);
  expect(await read(framebuffer, 4, [1, 1], 709)).toEqual([grey, grey, grey, 'ff4480']);
});
