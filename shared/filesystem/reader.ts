/**
 * FsReader: what every file-system reader tells about a partition.
 *
 * An allocation map is true only when the journal is empty. A reader begins with "all used" and
 * takes away only what it can prove free; whatever it does not understand makes it answer `unknown`
 * or `rawBecause`.
 */
import type { SectorSource } from "../disk/source.ts";
import type { Range } from "../core/ranges.ts";

/** What a reader found out. */
export interface FsReport {
  /**
   * Name of the file system, lower case: "ext4", "fat32", "swap", or "raw" when none was
   * recognised.
   */
  readonly kind: string;
  /** `clean`: the map is true. `dirty`: it may lag behind. `unknown`: the reader cannot tell. */
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
  /** UUID or volume id as the tools print it; empty when there is none. */
  readonly uuid: string;
  /** Volume label; empty when there is none. */
  readonly label: string;
  /** What an operator should know: one sentence each. */
  readonly warnings: readonly string[];
  /** Why every sector must be kept, when that is so. */
  readonly rawBecause?: string;
}

/** A reader of one file system. */
export interface FsReader {
  /** Kind it reads, as in {@link FsReport.kind}. */
  readonly kind: string;
  /**
   * Looks for the signature.
   *
   * @returns True when {@link read} is worth calling.
   */
  recognises(source: SectorSource): boolean;
  /**
   * Reads the allocation map.
   *
   * @param source - The partition; only ever read.
   * @returns What was found; damage gives a report with `rawBecause`, not an exception.
   * @throws A system error when the device itself fails.
   */
  read(source: SectorSource): FsReport;
}
