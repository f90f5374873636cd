import { assignCrtcs, type Candidate } from '../../src/kms/assign';
import { Random } from './support/random';

const candidate = (name: string, possibleCrtcs: number, current = -1, wanted = false): Candidate => ({
  name,
  possibleCrtcs,
  current,
  wanted,
});

/** All ways of giving each candidate a CRTC it can use, or none, no CRTC twice. */
function* everyWay(
  candidates: readonly Candidate[],
  crtcs: number,
  given: number[] = [],
): Generator<number[]> {
  if (given.length === candidates.length) {
    yield given;
    return;
  }
  const { possibleCrtcs } = candidates[given.length]!;
  for (let crtc = 0; crtc < crtcs; crtc++) {
    if (possibleCrtcs & (1 << crtc) && !given.includes(crtc)) {
      yield* everyWay(candidates, crtcs, [...given, crtc]);
    }
  }
  yield* everyWay(candidates, crtcs, [...given, -1]);
}

const lit = (way: readonly number[]): number => way.filter((crtc) => crtc >= 0).length;
const wanted = (way: readonly number[], candidates: readonly Candidate[]): number =>
  way.filter((crtc, index) => crtc >= 0 && candidates[index]!.wanted).length;
const kept = (way: readonly number[], candidates: readonly Candidate[]): number =>
  way.filter((crtc, index) => crtc >= 0 && crtc === candidates[index]!.current).length;

describe('CRTC assignment', () => {
  test('lights as many as can be, then as many wanted, then keeps as many as can be: 500 random cards against brute force', () => {
    const random = new Random(1);
    for (let round = 0; round < 500; round++) {
      const crtcs = random.below(5);
      const candidates = Array.from({ length: random.below(6) }, (_, index) =>
        candidate(`C-${index}`, random.below(1 << crtcs), random.below(crtcs + 1) - 1, random.below(2) === 1),
      );
      const found = assignCrtcs(candidates, crtcs);
      const ways = [...everyWay(candidates, crtcs)];
      const mostLit = Math.max(...ways.map(lit));
      const bright = ways.filter((way) => lit(way) === mostLit);
      const mostWanted = Math.max(...bright.map((way) => wanted(way, candidates)));
      const right = bright.filter((way) => wanted(way, candidates) === mostWanted);
      const mostKept = Math.max(...right.map((way) => kept(way, candidates)));
      const score = { lit: lit(found), wanted: wanted(found, candidates), kept: kept(found, candidates) };
      expect({ round, ...score }).toEqual({
        round,
        lit: mostLit,
        wanted: mostWanted,
        kept: mostKept,
      });
      // One of the ways: no CRTC twice, none that the connector cannot use.
      expect(ways).toContainEqual(found);
    }
  });

  test('keeps what is lit where it is', () => {
    expect(assignCrtcs([candidate('A', 0b11, 1), candidate('B', 0b11, 0)], 2)).toEqual([1, 0]);
    // A newcomer in front of one that is lit does not push it to another CRTC.
    expect(assignCrtcs([candidate('new', 0b11), candidate('old', 0b11, 0)], 2)).toEqual([1, 0]);
  });

  test('takes the CRTC of one that nobody wants where there is no other', () => {
    expect(assignCrtcs([candidate('guest', 1, -1, true), candidate('old', 1, 0)], 1)).toEqual([0, -1]);
  });

  test('moves a lit one only where another could not be lit otherwise', () => {
    expect(assignCrtcs([candidate('picky', 0b01), candidate('old', 0b11, 0)], 2)).toEqual([0, 1]);
  });

  test('a connector that can use any CRTC leaves another its only one', () => {
    expect(assignCrtcs([candidate('any', 0b11), candidate('picky', 0b01)], 2)).toEqual([1, 0]);
    const chain = [candidate('A', 0b111), candidate('B', 0b011), candidate('C', 0b001)];
    expect(assignCrtcs(chain, 3)).toEqual([2, 1, 0]);
  });

  test('among equals the first is lit', () => {
    expect(assignCrtcs([candidate('A', 1), candidate('B', 1), candidate('C', 1)], 1)).toEqual([0, -1, -1]);
    expect(assignCrtcs([candidate('A', 0b11), candidate('B', 0b11), candidate('C', 0b11)], 2)).toEqual([
      0, 1, -1,
    ]);
  });

  test('a current CRTC that the connector cannot use any more counts for nothing', () => {
    expect(assignCrtcs([candidate('A', 0b10, 0)], 2)).toEqual([1]);
    expect(assignCrtcs([candidate('A', 0, 0)], 2)).toEqual([-1]);
  });

  test('a card without CRTCs, and no connectors', () => {
    expect(assignCrtcs([candidate('A', 0b1, 0), candidate('B', 0b1)], 0)).toEqual([-1, -1]);
    expect(assignCrtcs([], 4)).toEqual([]);
  });

  test('a virtual card with many of both does not take long', () => {
    const many = Array.from({ length: 16 }, (_, index) =>
      candidate(`Virtual-${index}`, 0xff, index < 4 ? 7 - index : -1),
    );
    const started = performance.now();
    const found = assignCrtcs(many, 8);
    expect(performance.now() - started).toBeLessThan(5000);
    expect(lit(found)).toBe(8);
    expect(kept(found, many)).toBe(4);
  });
});
