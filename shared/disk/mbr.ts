/**
 * MBR partition tables, with extended partitions.
 *
 * Layout: UEFI 2.10 section 5.2.1. The chain of extended boot records (EBRs) is a convention
 * without a standard, so we read and number it as Linux does (block/partitions/msdos.c): entries of
 * an EBR are logical partitions counted from that EBR, the third and fourth only if they fit; an
 * entry of an extended type names the next EBR, counted from the container; without one the chain
 * ends. All chains of a disk are numbered in one go. A chain may be hostile, so its length is
 * limited and sectors visited before are refused. CHS addresses are ignored. An entry is in use if
 * it has a length, as for Linux and sfdisk; type 0 is a type like any other.
 */
import { ByteReader } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import { normalRanges } from "../core/ranges.ts";
import type { Lba } from "../core/units.ts";
import { readBytes, type SectorSource } from "./source.ts";
import {
  type Partition,
  PARTITIONS_MAX,
  type PartitionsOnDisk,
  partitionsOnDisk,
  type PartitionTable,
} from "./table.ts";

/** Offset of the four entries in an MBR or EBR. Unit: bytes. */
const ENTRIES_OFFSET = 446;
/** Offset of the disk signature. Unit: bytes. */
const SIGNATURE_OFFSET = 440;
/** Length of an MBR, whatever the sector size. Unit: bytes. */
export const MBR_BYTES = 512;
/** Type of the partition that protects a GPT (UEFI 2.10 5.2.3). */
const TYPE_PROTECTIVE = 0xee;
/** Number of the first logical partition. */
const FIRST_LOGICAL = 5;
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
  if (!hasSignature(sector)) return undefined;
  const slots = readSlots(sector);
  if (slots.some(({ status }) => status !== 0 && status !== 0x80)) return undefined;
  return slots.filter(({ sectorCount }) => sectorCount !== 0);
}

/** All four entries, used or not; none if the sector lacks the signature 0x55AA. */
function readSlots(sector: Uint8Array): MbrEntry[] {
  if (!hasSignature(sector)) return [];
  const reader = new ByteReader(sector, "MBR", ENTRIES_OFFSET);
  return [0, 1, 2, 3].map((index) => {
    const status = reader.u8();
    const type = reader.skip(3).u8();
    const start = reader.skip(3).u32le();
    return { index, status, type, start, sectorCount: reader.u32le() };
  });
}

function hasSignature(sector: Uint8Array): boolean {
  return sector[510] === 0x55 && sector[511] === 0xaa;
}

/**
 * Tells whether a GPT counts: an entry of the protective type is enough for Linux (efi.c) and
 * libblkid, whatever its length and its status byte.
 *
 * @param sector - Sector 0, at least 512 bytes.
 */
export function protectsGpt(sector: Uint8Array): boolean {
  return readSlots(sector).some(({ type }) => type === TYPE_PROTECTIVE);
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
 * @throws {@link FormatError} `no_mbr`, `ebr_loop` and those of `partitionsOnDisk`.
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
  const chains = entries.filter(isExtended).map((entry) => readChain(source, entry));
  const primary = entries.map((entry) =>
    partitionOf(entry, entry.index + 1, entry.start, isExtended(entry)),
  );
  const logical = chains.flatMap((chain) => chain.logical);
  const numbered = logical.map((one, index) => ({ ...one, number: FIRST_LOGICAL + index }));
  const { partitions, unclear, warnings } = partitionsOnDisk(
    [...primary, ...numbered],
    source.sectorCount,
    "cut",
  );
  const ebrs = chains.flatMap((chain) => chain.ebrs);
  return {
    kind: "mbr",
    diskId: new ByteReader(sector, "MBR", SIGNATURE_OFFSET).u32le().toString(16).padStart(8, "0"),
    partitions,
    tableSectors: normalRanges([0, ...ebrs].map((start) => ({ start, end: start + 1 }))),
    backupSectors: 0,
    unclear: normalRanges([...unclear, ...chains.flatMap((chain) => chain.unclear)]),
    warnings: [...warnings, ...chains.flatMap((chain) => chain.warnings)],
  };
}

/** What one container holds. */
interface Chain extends Pick<PartitionsOnDisk, "unclear" | "warnings"> {
  /** Not numbered yet. */
  readonly logical: readonly Partition[];
  readonly ebrs: readonly Lba[];
}

/**
 * Follows the extended boot records of one container, at most {@link PARTITIONS_MAX} of them. A
 * chain that breaks off ends there, as for Linux; then all of the container is kept.
 *
 * @throws {@link FormatError} `ebr_loop`.
 */
function readChain(source: SectorSource, container: MbrEntry): Chain {
  const logical: Partition[] = [];
  const visited = new Set<Lba>();
  const chain = (broken: Pick<Chain, "unclear" | "warnings">): Chain => ({
    ...{ logical, ebrs: [...visited] },
    ...broken,
  });
  let next: Pick<MbrEntry, "start" | "sectorCount"> | undefined = container;
  while (next !== undefined) {
    const ebr: Lba = next.start;
    if (visited.has(ebr) || visited.size >= PARTITIONS_MAX) {
      throw new FormatError(
        "ebr_loop",
        `Cannot read extended partition: the EBR chain does not end at sector ${ebr}`,
      );
    }
    const record = readRecord(source, ebr);
    if (record === undefined || !hasSignature(record)) {
      const empty = ebr === container.start && record?.every((byte) => byte === 0) === true;
      return chain(empty ? { unclear: [], warnings: [] } : brokenAt(source, container, ebr));
    }
    visited.add(ebr);
    const entries = readSlots(record).filter(({ sectorCount }) => sectorCount !== 0);
    for (const entry of entries) {
      if (isExtended(entry) || !fitsRecord(entry, ebr, next.sectorCount, container)) continue;
      logical.push(partitionOf(entry, 0, ebr + entry.start, false));
    }
    const link: MbrEntry | undefined = entries.find(isExtended);
    next = link && { start: container.start + link.start, sectorCount: link.sectorCount };
  }
  return chain({ unclear: [], warnings: [] });
}

/** The bytes of an EBR; undefined if its sector lies beyond the disk. */
function readRecord(source: SectorSource, ebr: Lba): Uint8Array | undefined {
  if (ebr >= source.sectorCount) return undefined;
  return readBytes(source, ebr * source.sectorBytes, MBR_BYTES);
}

/** The third and fourth entry of an EBR may be garbage: they count if they lie where they must. */
function fitsRecord(
  entry: MbrEntry,
  ebr: Lba,
  recordSectors: number,
  container: MbrEntry,
): boolean {
  if (entry.index < 2) return true;
  const end = ebr + entry.start + entry.sectorCount;
  return (
    entry.start + entry.sectorCount <= recordSectors &&
    ebr + entry.start >= container.start &&
    end <= container.start + container.sectorCount
  );
}

function brokenAt(
  source: SectorSource,
  { index, start, sectorCount }: MbrEntry,
  ebr: Lba,
): Pick<Chain, "unclear" | "warnings"> {
  const end = Math.min(source.sectorCount, start + sectorCount);
  const name = `the extended partition ${index + 1}`;
  return {
    unclear: [{ start, end }],
    warnings: [
      `The chain of logical partitions breaks off: no EBR stands in sector ${ebr}. ` +
        `What follows is no partition for the kernel; all of ${name} is kept.`,
    ],
  };
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
