/** The candidate a misspelt word most likely meant: few edits away, case aside; undefined if none is close. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const lower = word.toLowerCase();
  let best: string | undefined;
  let least = Math.floor((word.length + 1) / 3) + 1;
  for (const candidate of candidates) {
    // A word cut short is near however much is missing: warn, warning.
    const isStart = lower.length > 2 && candidate.toLowerCase().startsWith(lower);
    const edits = isStart ? 1 : distance(lower, candidate.toLowerCase());
    if (edits < least) {
      best = candidate;
      least = edits;
    }
  }
  return best;
}

/** `; did you mean "x"?`, or else the choices when there are few, to end a message with. */
export function hint(word: string, candidates: Iterable<string>): string {
  const choices = [...candidates];
  const near = nearest(word, choices);
  if (near !== undefined) return `; did you mean "${near}"?`;
  if (choices.length === 0 || choices.length > 16) return '';
  return `; known: ${choices.join(', ')}`;
}

/** Edits between two words: a letter added, dropped, replaced, or two neighbours exchanged. */
function distance(a: string, b: string): number {
  // Names are short; a text this long is no misspelling of one.
  if (Math.abs(a.length - b.length) > 8 || a.length > 80) return Infinity;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      let edits = Math.min(
        previous[j]! + 1,
        row[j - 1]! + 1,
        previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, before[j - 2]! + 1);
      row.push(edits);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}
