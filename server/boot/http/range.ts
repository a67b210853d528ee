/**
 * Reads requests: which file is wanted (RFC 9112 3.2), and which bytes of it (RFC 9110 14).
 *
 * One range is served. If several are asked for, the whole file is, as the RFC allows.
 */

/** Bytes of a file: `[start, end)`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Gives the path of a request's target. Some firmware, and every client of a proxy, sends the whole
 * URL; the host that it names does not matter, because we serve one tree. A query names nothing
 * here.
 */
export function pathOf(target: string): string {
  const isAbsolute = /^https?:\/\//i.test(target);
  const slash = isAbsolute ? target.indexOf("/", target.indexOf("//") + 2) : 0;
  const path = slash < 0 ? "/" : target.slice(slash);
  const query = path.search(/[?#]/);
  return query < 0 ? path : path.slice(0, query);
}

/**
 * Reads a Range header; undefined if the request has none.
 *
 * @returns The range; "whole" if there is none that we honour; "unsatisfiable" if it lies outside
 *   the file.
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
