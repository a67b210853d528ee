/**
 * FsReader: the interface of a file-system reader, and its report about a partition.
 *
 * An allocation map is right only if the journal is empty. A reader starts with "all used" and
 * removes only what it can prove free. If there is anything it does not understand, it reports
 * `unknown` or `rawBecause`.
 */
import type { SectorSource } from "../disk/source.ts";
import type { Range } from "../core/ranges.ts";

export interface FsReport {
  /**
   * Name of the file system, lower case: "ext4", "fat32", "swap", or "raw" when none was
   * recognised.
   */
  readonly kind: string;
  /**
   * `clean`: the map is right. `dirty`: the map may be out of date. `unknown`: the reader cannot
   * tell.
   */
  readonly state: "clean" | "dirty" | "unknown";
  /** Feature names as the file system's own tools print them. */
  readonly features: readonly string[];
  /** File-system block (ext) or cluster (FAT) size. Unit: bytes. */
  readonly blockBytes: number;
  /**
   * Sectors in use, relative to the partition; a normal list. With `rawBecause` it is the whole
   * partition.
   */
  readonly used: readonly Range[];
  /**
   * Sectors between the end of the file system and what is kept at the end of the partition: not in
   * use. Empty if there are none, and with `rawBecause`.
   */
  readonly behind: Range;
  /** UUID or volume id as the tools print it; empty if there is none. */
  readonly uuid: string;
  /** Volume label; empty if there is none. */
  readonly label: string;
  /** Warnings for the operator, one sentence each. */
  readonly warnings: readonly string[];
  /** Why every sector must be kept; undefined if the map can be used. */
  readonly rawBecause?: string;
}

/** A reader of one file system, or family. It is one file and one line in readers.ts. */
export interface FsReader {
  readonly kind: string;
  /**
   * Looks for the signature.
   *
   * @returns True if {@link read} is worth calling.
   */
  recognises(source: SectorSource): boolean;
  /**
   * Reads the allocation map.
   *
   * @param source - The partition; only read.
   * @returns For a damaged file system a report with `rawBecause`, not an exception.
   * @throws A system error when the device itself fails.
   */
  read(source: SectorSource): FsReport;
}
