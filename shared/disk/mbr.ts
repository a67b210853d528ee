/**
 * MBR partition tables, with extended partitions.
 *
 * Layout: UEFI 2.10 section 5.2.1. The chain of extended boot records (EBRs) is a convention
 * without a standard. The first two entries of an EBR are logical partitions counted from that EBR,
 * except that an entry of an extended type names the next EBR, counted from the container; without
 * one the chain ends. A chain may be hostile, so its length is limited and sectors visited before
 * are refused. CHS addresses are ignored. An entry is in use if it has a length, as for Linux
 * (block/partitions/msdos.c) and sfdisk; type 0 is a type like any other.
 */
import { ByteReader } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import { normalRanges, type Range } from "../core/ranges.ts";
import type { Lba } from "../core/units.ts";
import { readBytes, type SectorSource } from "./source.ts";
import { checkedPartitions, type Partition, type PartitionTable, PARTITIONS_MAX } from "./table.ts";

/** Offset of the four entries in an MBR or EBR. Unit: bytes. */
const ENTRIES_OFFSET = 446;
/** Offset of the disk signature. Unit: bytes. */
const SIGNATURE_OFFSET = 440;
/** Length of an MBR, whatever the sector size. Unit: bytes. */
export const MBR_BYTES = 512;
/** Type of the partition that protects a GPT (UEFI 2.10 5.2.3). */
const TYPE_PROTECTIVE = 0xee;
/** Types of extended partitions: CHS, LBA, Linux. */
const TYPES_EXTENDED: readonly number[] = [0x05, 0x0f, 0x85];

/** One entry of an MBR that is in use: it has a length, and any type, 0 included. */
export interface MbrEntry {
  /** 0 .. 3. */
  readonly index: number;
  /** 0x80 bootable, 0 not; any other value means that these bytes are no table. */
  readonly status: number;
  /** Partition type, 0 .. 255. */
  readonly type: number;
  /** First sector, relative to where the entry counts from. */
  readonly start: number;
  /** Length. Unit: sectors. */
  readonly sectorCount: number;
}

/**
 * Reads the four entries of an MBR or EBR.
 *
 * @param sector - At least 512 bytes.
 * @returns The entries in use, or undefined if the sector lacks the signature 0x55AA or holds
 *   impossible status bytes.
 */
export function readMbrEntries(sector: Uint8Array): readonly MbrEntry[] | undefined {
  if (sector[510] !== 0x55 || sector[511] !== 0xaa) return undefined;
  const reader = new ByteReader(sector, "MBR", ENTRIES_OFFSET);
  const entries: MbrEntry[] = [];
  for (let index = 0; index < 4; index += 1) {
    const status = reader.u8();
    const type = reader.skip(3).u8();
    const start = reader.skip(3).u32le();
    const sectorCount = reader.u32le();
    if (status !== 0 && status !== 0x80) return undefined;
    if (sectorCount !== 0) entries.push({ index, status, type, start, sectorCount });
  }
  return entries;
}

/**
 * Tells whether an MBR only protects a GPT.
 *
 * @param entries - From {@link readMbrEntries}.
 * @returns True if one entry protects a GPT; with further entries the MBR is a hybrid.
 */
export function isProtective(entries: readonly MbrEntry[]): boolean {
  return entries.some((entry) => entry.type === TYPE_PROTECTIVE);
}

/**
 * Reads an MBR and all its extended boot records.
 *
 * @throws {@link FormatError} `no_mbr`, `ebr_loop`, `bad_ebr` and those of `checkedPartitions`.
 */
export function readMbr(source: SectorSource): PartitionTable {
  const sector = readBytes(source, 0, MBR_BYTES);
  const entries = readMbrEntries(sector);
  if (entries === undefined) {
    throw new FormatError(
      "no_mbr",
      "Cannot read MBR: no signature 0x55AA with a table, one wanted",
    );
  }
  const partitions: Partition[] = [];
  const tableSectors: Range[] = [{ start: 0, end: 1 }];
  for (const entry of entries) {
    const container = isExtended(entry);
    partitions.push(partitionOf(entry, entry.index + 1, entry.start, container));
    if (!container) continue;
    const chain = readChain(source, entry);
    partitions.push(...chain.logical.map((one, index) => ({ ...one, number: 5 + index })));
    tableSectors.push(...chain.ebrs.map((start) => ({ start, end: start + 1 })));
  }
  const signature = new ByteReader(sector, "MBR", SIGNATURE_OFFSET).u32le();
  return {
    kind: "mbr",
    diskId: signature.toString(16).padStart(8, "0"),
    partitions: checkedPartitions(partitions, source.sectorCount),
    tableSectors: normalRanges(tableSectors),
    backupSectors: 0,
    warnings: [],
  };
}

/**
 * Follows the extended boot records of one container, at most {@link PARTITIONS_MAX} of them.
 *
 * @throws {@link FormatError} `ebr_loop`, `bad_ebr`.
 */
function readChain(
  source: SectorSource,
  container: MbrEntry,
): { readonly logical: readonly Partition[]; readonly ebrs: readonly Lba[] } {
  const logical: Partition[] = [];
  const visited = new Set<Lba>();
  let next: Lba | undefined = container.start;
  while (next !== undefined) {
    if (visited.has(next) || visited.size >= PARTITIONS_MAX) {
      throw new FormatError(
        "ebr_loop",
        `Cannot read extended partition: EBR chain does not end at sector ${next}`,
      );
    }
    visited.add(next);
    const ebr: Lba = next;
    const entries = readMbrEntries(readBytes(source, ebr * source.sectorBytes, MBR_BYTES));
    if (entries === undefined) {
      throw new FormatError("bad_ebr", `Cannot read extended partition: no EBR in sector ${ebr}`);
    }
    for (const entry of entries) {
      if (entry.index > 1 || isExtended(entry)) continue;
      logical.push(partitionOf(entry, 0, ebr + entry.start, false));
    }
    const link = entries.find(isExtended);
    next = link === undefined ? undefined : container.start + link.start;
  }
  return { logical, ebrs: [...visited] };
}

function isExtended(entry: MbrEntry): boolean {
  return TYPES_EXTENDED.includes(entry.type);
}

function partitionOf(entry: MbrEntry, number: number, start: Lba, container: boolean): Partition {
  return {
    number,
    start,
    sectorCount: entry.sectorCount,
    type: `0x${entry.type.toString(16).padStart(2, "0")}`,
    name: "",
    guid: "",
    container,
  };
}
