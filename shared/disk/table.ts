/**
 * The content of a partition table of any kind.
 *
 * The readers of MBR and GPT give the same type, so that allocation and image know only one kind of
 * disk. Sector numbers are logical sectors of the disk. For all kinds it is checked here that
 * partitions lie on the disk, do not overlap, and are few enough; a table that breaks this
 * describes no disk that we could restore.
 */
import { FormatError } from "../core/errors.ts";
import type { Range } from "../core/ranges.ts";
import type { Lba } from "../core/units.ts";

/** Most partitions of one disk (FORMAT.md, "Limits"). */
export const PARTITIONS_MAX = 128;

/** One partition. */
export interface Partition {
  /**
   * Its number as the kernel counts: 1 .. 4 primary, 5 and up logical; in a GPT its place, from 1.
   */
  readonly number: number;
  /** First sector. */
  readonly start: Lba;
  /** Length. Unit: sectors, at least 1. */
  readonly sectorCount: number;
  /** Type: a GUID in lower case for GPT, "0x83" for MBR, empty for a whole-disk file system. */
  readonly type: string;
  /** Name from the GPT; empty elsewhere. */
  readonly name: string;
  /** Unique GUID from the GPT; empty elsewhere. */
  readonly guid: string;
  /**
   * True for an extended partition: it only encloses logical ones and has no content of its own.
   */
  readonly container: boolean;
}

/** Kinds of partition table. `none`: the disk is one file system, or holds nothing that we know. */
export type TableKind = "none" | "mbr" | "gpt";

/** The partition table of a disk, or its absence. */
export interface PartitionTable {
  readonly kind: TableKind;
  /** Disk GUID (GPT) or the 32-bit signature in hexadecimal (MBR); empty if there is none. */
  readonly diskId: string;
  /** By ascending `start`; containers before the partitions in them. */
  readonly partitions: readonly Partition[];
  /**
   * Sectors outside the partitions that hold table structures: MBR, GPT copies, EBRs. A normal
   * list.
   */
  readonly tableSectors: readonly Range[];
  /**
   * Those of them that hold the backup GPT, which is made anew for a disk of another size; absent:
   * none.
   */
  readonly copySectors?: readonly Range[];
  /** Sectors that a backup GPT takes at the end of the disk; 0 for other tables. */
  readonly backupSectors: number;
  /** Warnings for the operator, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Sorts partitions and checks that one disk can hold them.
 *
 * @param partitions - In any order.
 * @param sectorCount - Size of the disk. Unit: sectors.
 * @returns The same partitions by ascending start, containers first.
 * @throws {@link FormatError} `too_many_partitions`, `partition_outside`, `partitions_overlap`.
 */
export function checkedPartitions(
  partitions: readonly Partition[],
  sectorCount: number,
): Partition[] {
  if (partitions.length > PARTITIONS_MAX) {
    throw new FormatError(
      "too_many_partitions",
      `Cannot read partition table: ${partitions.length} partitions, ` +
        `at most ${PARTITIONS_MAX} wanted`,
    );
  }
  const sorted = [...partitions].sort(
    (left, right) => left.start - right.start || Number(right.container) - Number(left.container),
  );
  let previous: Partition | undefined;
  for (const partition of sorted) {
    checkInside(partition, sectorCount);
    if (partition.container) continue;
    if (previous !== undefined && partition.start < previous.start + previous.sectorCount) {
      throw new FormatError(
        "partitions_overlap",
        `Cannot read partition table: partition ${partition.number} begins ` +
          `inside ${previous.number}`,
      );
    }
    previous = partition;
  }
  return sorted;
}

function checkInside(partition: Partition, sectorCount: number): void {
  const end = partition.start + partition.sectorCount;
  if (partition.start >= 1 && partition.sectorCount > 0 && end <= sectorCount) return;
  throw new FormatError(
    "partition_outside",
    `Cannot read partition table: partition ${partition.number} covers sectors ` +
      `${partition.start} to ${end}, the disk has ${sectorCount}`,
  );
}
