/** The base block of an EDID as monitors have it: who they are, and their range limits. */
export function monitorEdid({
  maker = 'DEL',
  product = 0x41a1,
  serial = 0,
  name,
  serialText,
  range,
}: {
  readonly maker?: string;
  readonly product?: number;
  readonly serial?: number;
  readonly name?: string;
  readonly serialText?: string;
  /** Vertical Hz, horizontal kHz, from and to, and tens of MHz. */
  readonly range?: readonly [number, number, number, number, number];
}): Uint8Array {
  const edid = new Uint8Array(128);
  const view = new DataView(edid.buffer);
  edid.set([0, 255, 255, 255, 255, 255, 255, 0]);
  view.setUint16(
    8,
    Buffer.from(maker).reduce((id, letter) => (id << 5) | (letter - 64), 0),
  );
  view.setUint16(10, product, true);
  view.setUint32(12, serial, true);
  edid.set([1, 30, 1, 4], 16);
  const texts: [number, string | undefined][] = [
    [0xfc, name],
    [0xff, serialText],
  ];
  let at = 72;
  for (const [tag, text] of texts) {
    if (text === undefined) continue;
    edid.set([0, 0, 0, tag, 0, ...Buffer.from(`${text}\n`.padEnd(13).slice(0, 13))], at);
    at += 18;
  }
  if (range) edid.set([0, 0, 0, 0xfd, 0, ...range], 108);
  edid[127] = -edid.reduce((sum, byte) => sum + byte, 0);
  return edid;
}
