/**
 * What a boot file request asks for: a published file, or the script of one MAC.
 *
 * A target is matched as it stands in the request line: nothing is decoded, joined or normalised,
 * so "..", "%2e" and backslashes are simply names that do not exist. Ranges are RFC 9110 14: one
 * range is served, several are answered with the whole file, as the RFC allows.
 */
import type { Mac } from "../addresses.ts";
import { parseMac } from "../addresses.ts";

/** What is asked for. */
export type BootTarget =
  | { readonly kind: "file"; readonly name: string }
  | { readonly kind: "script"; readonly mac: Mac };

/** Bytes of a file that are wanted: `[start, end)`. Unit: bytes. */
export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

/**
 * Reads a request target.
 *
 * @param target - As it stands in the request line.
 * @returns What it names; undefined when it is none of our forms.
 */
export function parseTarget(target: string): BootTarget | undefined {
  if (target.length > TARGET_CHARACTERS_MAX) return undefined;
  const file = /^\/boot\/files\/([A-Za-z0-9._-]+)$/.exec(target)?.[1];
  if (file !== undefined) return { kind: "file", name: file };
  const mac = /^\/boot\/nodes\/((?:[0-9a-f]{2}-){5}[0-9a-f]{2})\/script\.ipxe$/.exec(target)?.[1];
  return mac === undefined ? undefined : { kind: "script", mac: parseMac(mac) };
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

/** Longer than any target of ours. */
const TARGET_CHARACTERS_MAX = 256;
