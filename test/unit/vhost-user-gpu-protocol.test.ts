import * as os from 'node:os';
import type { Display } from '../../src/guest/sink';
import {
  displayInfoReply,
  edidReply,
  featuresReply,
  MAX_MESSAGE_BYTES,
  payloadBytes,
  UPDATE_REPLY,
} from '../../src/guest/vhost-user-gpu/protocol';

/** `01 00 00 00 …` and runs `00*20`, as bytes. */
function hex(text: string): number[] {
  return text
    .trim()
    .split(/\s+/)
    .flatMap((word) => {
      const [byte, times] = word.split('*');
      return Array<number>(Number(times ?? 1)).fill(Number.parseInt(byte!, 16));
    });
}

const display = (width: number, height: number): Display => ({
  width,
  height,
  refresh: 60_000,
  mmWidth: 0,
  mmHeight: 0,
  edid: undefined,
});

// Written out for the byte order of x86 and ARM; the header of a big-endian machine differs.
const littleEndian = os.endianness() === 'LE' ? describe : describe.skip;

littleEndian('the bytes of replies', () => {
  test('GET_PROTOCOL_FEATURES', () => {
    expect([...featuresReply()]).toEqual(
      hex('01 00 00 00  04 00 00 00  08 00 00 00  03 00 00 00 00 00 00 00'),
    );
  });

  test('DMABUF_UPDATE', () => {
    expect([...UPDATE_REPLY]).toEqual(hex('0a 00 00 00  04 00 00 00  00 00 00 00'));
  });

  test('GET_DISPLAY_INFO without a monitor', () => {
    expect([...displayInfoReply([])]).toEqual(
      hex('03 00 00 00  04 00 00 00  98 01 00 00  01 11 00 00 00*20  00*384'),
    );
  });

  test('GET_DISPLAY_INFO: heads stand side by side, those without a monitor take no room', () => {
    const reply = displayInfoReply([display(1920, 1080), undefined, display(2560, 1440), display(800, 600)]);
    expect([...reply]).toEqual(
      hex(`
        03 00 00 00  04 00 00 00  98 01 00 00
        01 11 00 00 00*20
        00 00 00 00  00 00 00 00  80 07 00 00  38 04 00 00  01 00 00 00  00 00 00 00
        00*24
        80 07 00 00  00 00 00 00  00 0a 00 00  a0 05 00 00  01 00 00 00  00 00 00 00
        80 11 00 00  00 00 00 00  20 03 00 00  58 02 00 00  01 00 00 00  00 00 00 00
        00*288`),
    );
  });

  test('GET_DISPLAY_INFO has room for 16 heads and tells of no more', () => {
    const reply = displayInfoReply(Array.from({ length: 20 }, () => display(1, 1)));
    expect(reply).toHaveLength(12 + 408);
    expect([...reply.subarray(-24)]).toEqual(
      hex('0f 00 00 00  00 00 00 00  01 00 00 00  01 00 00 00  01 00 00 00  00 00 00 00'),
    );
  });

  test('GET_EDID', () => {
    const edid = Uint8Array.from({ length: 128 }, (_, index) => 0xff - index);
    expect([...edidReply(edid)]).toEqual([
      ...hex('0b 00 00 00  04 00 00 00  20 04 00 00  04 11 00 00 00*20  80 00 00 00  00 00 00 00'),
      ...edid,
      ...hex('00*896'),
    ]);
  });

  test('GET_EDID of nothing, of the most there can be, and of more', () => {
    expect([...edidReply(new Uint8Array(0))]).toEqual(
      hex('0b 00 00 00  04 00 00 00  20 04 00 00  04 11 00 00 00*20  00*8  00*1024'),
    );
    const head = hex('0b 00 00 00  04 00 00 00  20 04 00 00  04 11 00 00 00*20  00 04 00 00  00 00 00 00');
    expect([...edidReply(new Uint8Array(1024).fill(0xee))]).toEqual([...head, ...hex('ee*1024')]);
    expect([...edidReply(new Uint8Array(1280).fill(0xee))]).toEqual([...head, ...hex('ee*1024')]);
  });
});

test('the size of every request', () => {
  const sizes = Array.from({ length: 14 }, (_, request) => payloadBytes(request));
  expect(sizes).toEqual([-1, 0, 8, 0, 12, 12, 16404, 12, 20, 40, 20, 4, 48, -1]);
  expect(payloadBytes(0xffffffff)).toBe(-1);
  expect(MAX_MESSAGE_BYTES).toBe(12 + 16404);
});
