/** JSON that came from outside and may be none. */

/**
 * Reads a JSON text.
 *
 * @returns Its value, to be checked by a schema; undefined if the text is no JSON.
 */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no JSON text means undefined, so every schema refuses it
  }
}
