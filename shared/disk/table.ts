/**
 * The content of a partition table of any kind.
 *
 * The readers of MBR and GPT give the same type, so that allocation and image know only one kind of
 * disk. Sector numbers are logical sectors of the disk. For all kinds it is decided here which
 * partitions a disk can hold, by the kernel's rules (block/partitions/core.c and efi.c). A table
 * whose partitions overlap, or begin in sector 0, cannot be cut into partitions: such a disk is
 * kept whole.
 */
import { FormatError } from "../core/errors.ts";
import type { Range } from "../core/ranges.ts";
import type { Lba } from "../core/units.ts";

/** Most partitions of one disk: the kernel's DISK_MAX_PARTS (FORMAT.md, "Limits"). */
export const PARTITIONS_MAX = 256;

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
  /**
   * Sectors that are kept wherever no partition covers them, because the table says that something
   * is there, but not what; absent: none. A normal list.
   */
  readonly unclear?: readonly Range[];
  /**
   * Why the disk has a table and yet counts as one piece of which every sector is kept: part of a
   * sentence. Then the kind is `none`.
   */
  readonly wholeBecause?: string;
  /** Warnings for the operator, one sentence each. */
  readonly warnings: readonly string[];
}

/** What a disk can hold of the partitions that its table names. */
export interface PartitionsOnDisk {
  /** By ascending start, containers first. */
  readonly partitions: readonly Partition[];
  /** What the disk has of partitions that were left out. */
  readonly unclear: readonly Range[];
  /** Warnings for the operator, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Sorts partitions, and fits them to the disk as the kernel does: one that begins beyond the end is
 * left out; one that only ends there is cut (MBR) or left out (GPT).
 *
 * @param partitions - In any order.
 * @param sectorCount - Size of the disk. Unit: sectors.
 * @param beyond - What becomes of a partition that begins on the disk and ends beyond it.
 * @throws {@link FormatError} `too_many_partitions`, `partition_outside`, `partitions_overlap`.
 */
export function partitionsOnDisk(
  partitions: readonly Partition[],
  sectorCount: number,
  beyond: "cut" | "leave out",
): PartitionsOnDisk {
  const kept: Partition[] = [];
  const unclear: Range[] = [];
  const warnings: string[] = [];
  for (const partition of partitions) {
    checkSense(partition);
    const { number, start } = partition;
    const end = start + partition.sectorCount;
    const name = `Partition ${number} (sectors ${start} to ${end})`;
    const room = Math.max(0, sectorCount - start);
    if (end <= sectorCount) kept.push(partition);
    else if (room === 0) warnings.push(`${name} begins beyond the end of the disk.`);
    else if (beyond === "cut") {
      kept.push({ ...partition, sectorCount: room });
      warnings.push(`${name} ends beyond the disk: it is cut at sector ${sectorCount}.`);
    } else {
      unclear.push({ start, end: sectorCount });
      warnings.push(
        `${name} ends beyond the disk, so the kernel does not show it: ` +
          "what the disk has of it is kept whole.",
      );
    }
  }
  return { partitions: checkedPartitions(kept), unclear, warnings };
}

/**
 * @returns The same partitions by ascending start, containers first.
 * @throws {@link FormatError} `too_many_partitions`, `partitions_overlap`.
 */
function checkedPartitions(partitions: readonly Partition[]): Partition[] {
  if (partitions.length > PARTITIONS_MAX) {
    throw new FormatError(
      "too_many_partitions",
      `Cannot read partition table: it has ${partitions.length} partitions, ` +
        `at most ${PARTITIONS_MAX} wanted`,
    );
  }
  const sorted = [...partitions].sort(
    (left, right) => left.start - right.start || Number(right.container) - Number(left.container),
  );
  let previous: Partition | undefined;
  for (const partition of sorted) {
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

function checkSense({ number, start, sectorCount }: Partition): void {
  if (start >= 1 && sectorCount > 0) return;
  const found = start < 1 ? "begins in sector 0, where the table stands" : "ends before it begins";
  throw new FormatError(
    "partition_outside",
    `Cannot read partition table: partition ${number} ${found}`,
  );
}
