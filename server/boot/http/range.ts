/**
 * The bytes of a file that a Range header asks for (RFC 9110 14).
 *
 * One range is served; several are answered with the whole file, as the RFC allows.
 */

/** Bytes of a file that are wanted: `[start, end)`. Unit: bytes. */
export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

/**
 * Reads a Range header.
 *
 * @param header - The header; undefined when absent.
 * @param sizeBytes - Size of the file.
 * @returns The range; "whole" when there is none that we honour; "unsatisfiable" when it lies
 * outside the file.
 */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | "whole" | "unsatisfiable" {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
  if (match === null) return "whole";
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return "whole";
  if (first === "") {
    const count = Math.min(Number(last), sizeBytes);
    return count === 0 ? "unsatisfiable" : { start: sizeBytes - count, end: sizeBytes };
  }
  const start = Number(first);
  const end = last === "" ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (last !== "" && Number(last) < start) return "whole"; // RFC 9110 14.1.1: invalid, so ignored
  return start >= sizeBytes ? "unsatisfiable" : { start, end };
}
