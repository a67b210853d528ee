/**
 * Counts what a manifest holds before anybody builds it.
 *
 * JSON.parse and zod make every value before a schema can refuse the list it is in: 8 MB of commas
 * cost seconds and hundreds of MB. One pass over the bytes counts values and depth. It does not
 * check the syntax; JSON.parse does that afterwards.
 */
import { MANIFEST_DEPTH_MAX, MANIFEST_VALUES_MAX } from "./limits.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING: readonly number[] = [0x5b, 0x7b];
const CLOSING: readonly number[] = [0x5d, 0x7d];

/**
 * @param bytes - JSON as UTF-8, of bounded length.
 * @returns What is beyond its bound, as part of a sentence; undefined if nothing is.
 */
export function boundFaultOf(bytes: Uint8Array): string | undefined {
  let values = 1;
  let depth = 0;
  let inText = false;
  for (let at = 0; at < bytes.byteLength; at += 1) {
    const byte = bytes[at] ?? 0;
    if (inText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inText = false;
      continue;
    }
    if (byte === QUOTE) inText = true;
    else if (byte === COMMA) values += 1;
    else if (OPENING.includes(byte)) {
      depth += 1;
      values += 1;
    } else if (CLOSING.includes(byte)) depth -= 1;
    if (depth > MANIFEST_DEPTH_MAX) return `more than ${MANIFEST_DEPTH_MAX} values in each other`;
    if (values > MANIFEST_VALUES_MAX) return `more than ${MANIFEST_VALUES_MAX} values`;
  }
  return undefined;
}
