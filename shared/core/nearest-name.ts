/**
 * Finds the name that was meant when another was typed: "Did you mean ...?".
 *
 * Work is bounded: at most {@link NAMES_MAX} names of at most {@link LETTERS_MAX} letters are
 * compared.
 */

/**
 * Gives the first of the names that differ least from a word; undefined if none is within one
 * letter, or within a third of the word's letters.
 */
export function nearestName(names: readonly string[], word: string): string | undefined {
  let best: string | undefined;
  if (word.length > LETTERS_MAX) return undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const name of names.slice(0, NAMES_MAX)) {
    if (Math.abs(name.length - word.length) >= least || name.length > LETTERS_MAX) continue;
    const distance = editDistance(name, word);
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}

/** Begins a cure with the name that was meant; empty if none is near. */
export function nearestHint(names: readonly string[], word: string): string {
  const name = nearestName(names, word);
  return name === undefined ? "" : `Did you mean "${name}"? `;
}

/** Counts letters to add, drop, replace, or swap with their neighbour (Damerau, 1964). */
function editDistance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let at = 1; at <= from.length; at += 1) {
    const above = rows[at - 1] ?? [];
    const row = [at];
    for (let other = 1; other <= to.length; other += 1) {
      const isSame = from[at - 1] === to[other - 1];
      const steps = [
        (above[other] ?? 0) + 1,
        (row[other - 1] ?? 0) + 1,
        (above[other - 1] ?? 0) + (isSame ? 0 : 1),
      ];
      const isSwap = from[at - 1] === to[other - 2] && from[at - 2] === to[other - 1];
      if (at > 1 && other > 1 && isSwap) steps.push((rows[at - 2]?.[other - 2] ?? 0) + 1);
      row.push(Math.min(...steps));
    }
    rows.push(row);
  }
  return rows.at(-1)?.at(-1) ?? 0;
}

/** Longer words are no slips of the finger. */
const LETTERS_MAX = 48;
/** As many as a lab has nodes: 4096 * 48 * 48 steps at most, under a quarter of a second. */
const NAMES_MAX = 4096;
