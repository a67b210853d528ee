/**
 * Finds out which file system a partition holds, and reads its allocation map.
 *
 * A partition may have several signatures: leftovers of an older format, or a container around the
 * real content. Its map is used only if exactly one of our readers recognises it and no other
 * signature contradicts. Every other partition is kept raw, with the reason in words.
 */
import type { FsReport } from "./reader.ts";
import { FS_READERS } from "./readers.ts";
import { keepAll } from "./report.ts";
import { findSignatures } from "./signatures.ts";
import type { SectorSource } from "../disk/source.ts";

/**
 * Reads the file system of a partition.
 *
 * @param source - The partition; only read.
 * @returns A report; if none of our readers applies, its kind is "raw" or the name of the foreign
 *   system.
 * @throws A system error when the device fails.
 */
export function readFileSystem(source: SectorSource): FsReport {
  const readers = FS_READERS.filter((reader) => reader.recognises(source));
  const foreign = findSignatures(source);
  const [reader] = readers;
  const [first] = foreign;
  if (reader === undefined || first?.opaque === true) {
    const because =
      first === undefined ? "no known file system was found in it" : `it is ${first.title}`;
    return keepAll(source, nameless(first?.name ?? "raw"), "unknown", because);
  }
  if (readers.length + foreign.length > 1) {
    const names = [...readers.map(({ kind }) => kind), ...foreign.map(({ name }) => name)];
    const because = `it carries the signatures of ${names.join(" and ")}`;
    return keptRaw(source, because);
  }
  return reader.read(source);
}

/**
 * Reports a partition whose file systems, if there are any, must not be read.
 *
 * @param because - Part of a sentence.
 */
export function keptRaw(source: SectorSource, because: string): FsReport {
  return keepAll(source, nameless("raw"), "unknown", because);
}

function nameless(
  kind: string,
): Pick<FsReport, "kind" | "features" | "blockBytes" | "uuid" | "label"> {
  return { kind, features: [], blockBytes: 0, uuid: "", label: "" };
}
