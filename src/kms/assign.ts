/** One connector that wants light. */
export interface Candidate {
  readonly name: string;
  /** Bit n: the n-th CRTC can drive it. */
  readonly possibleCrtcs: number;
  /** Index of the CRTC that drives it now, or -1. */
  readonly current: number;
}

/**
 * Gives each connector a CRTC index so that as many as can be are lit and, among those ways, as few as can be lose the
 * CRTC they have (a move is a modeset: seconds of black). Among equals, earlier candidates win. -1: none left.
 *
 * A search, not the first free bit: a connector that can use any CRTC must not take the only one of another. Cards
 * have at most eight or so of each, and the bound prunes nearly all of it.
 */
export function assignCrtcs(candidates: readonly Candidate[], crtcCount: number): number[] {
  let best: number[] = candidates.map(() => -1);
  let bestScore = -1;
  const trial: number[] = candidates.map(() => -1);
  // A lit connector outweighs any number of kept CRTCs.
  const lit = candidates.length + 1;

  const visit = (index: number, used: number, score: number): void => {
    if (index === candidates.length) {
      if (score > bestScore) {
        bestScore = score;
        best = trial.slice();
      }
      return;
    }
    if (score + (candidates.length - index) * (lit + 1) <= bestScore) return;
    const candidate = candidates[index]!;
    const free = candidate.possibleCrtcs & ~used;
    if (candidate.current >= 0 && (free & (1 << candidate.current)) !== 0) {
      trial[index] = candidate.current;
      visit(index + 1, used | (1 << candidate.current), score + lit + 1);
    }
    for (let crtc = 0; crtc < crtcCount; crtc++) {
      if (crtc === candidate.current || (free & (1 << crtc)) === 0) continue;
      trial[index] = crtc;
      visit(index + 1, used | (1 << crtc), score + lit);
    }
    trial[index] = -1;
    visit(index + 1, used, score);
  };

  visit(0, 0, 0);
  return best;
}
