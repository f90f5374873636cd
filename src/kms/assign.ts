/** One connector that wants light. */
export interface Candidate {
  readonly name: string;
  /** Bit n: the n-th CRTC can drive it. */
  readonly possibleCrtcs: number;
  /** Index of the CRTC that drives it now, or -1. */
  readonly current: number;
  /** Lit rather than others where CRTCs are short: a guest is meant for it. */
  readonly wanted: boolean;
}

/** The best that can be made of the candidates from one on, with the CRTCs that are left. */
interface Rest {
  readonly score: number;
  readonly crtc: number;
  readonly next: Rest | undefined;
}

/**
 * Gives each connector a CRTC index so that as many as can be are lit; among those ways, as many as can be that are
 * wanted; among those, as few as can be lose the CRTC they have (a move is a modeset: seconds of black). Among equals,
 * earlier candidates win. -1: none left.
 *
 * All ways are looked at, not the first free bit: a connector that can use any CRTC must not take the only one of
 * another. What comes of the same candidates and the same free CRTCs is worked out once.
 */
export function assignCrtcs(candidates: readonly Candidate[], crtcCount: number): number[] {
  // A wanted connector outweighs any number of kept CRTCs, a lit one any number of both.
  const wanted = candidates.length + 1;
  const known = candidates.map(() => new Map<number, Rest>());

  const visit = (index: number, left: number): Rest | undefined => {
    const candidate = candidates[index];
    if (!candidate) return undefined;
    const before = known[index]!.get(left);
    if (before) return before;
    let best: Rest | undefined;
    const consider = (crtc: number, worth: number, next: Rest | undefined): void => {
      const score = worth + (next?.score ?? 0);
      if (!best || score > best.score) best = { score, crtc, next };
    };
    const usable = candidate.possibleCrtcs & left;
    const { current } = candidate;
    const lit = wanted * wanted + (candidate.wanted ? wanted : 0);
    const keeps = current >= 0 && (usable & (1 << current)) !== 0;
    if (keeps) consider(current, lit + 1, visit(index + 1, left & ~(1 << current)));
    for (let crtc = 0; crtc < crtcCount; crtc++) {
      if ((usable & (1 << crtc)) === 0 || (keeps && crtc === current)) continue;
      consider(crtc, lit, visit(index + 1, left & ~(1 << crtc)));
    }
    consider(-1, 0, visit(index + 1, left));
    known[index]!.set(left, best!);
    return best;
  };

  const found: number[] = [];
  for (let rest = visit(0, 2 ** crtcCount - 1); rest; rest = rest.next) found.push(rest.crtc);
  return found;
}
