/**
 * GUID partition tables: UEFI 2.10 section 5.3.
 *
 * A GPT has two copies, each guarded by two CRC-32: of the header and of the entries. A copy is
 * valid only if both CRCs match and the header names the sector it stands in; if both copies are
 * valid, the primary counts. The length of an entry array is bounded before a byte of it is read.
 */
import { crc32 } from "node:zlib";
import { ByteReader } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import { normalRanges, type Range, subtractRanges } from "../core/ranges.ts";
import type { Lba } from "../core/units.ts";
import { readBytes, type SectorSource } from "./source.ts";
import { type Partition, type PartitionTable, partitionsOnDisk } from "./table.ts";

/** "EFI PART" in little-endian order. */
const SIGNATURE = 0x5452415020494645n;
/** Shortest header the standard allows. Unit: bytes. */
const HEADER_BYTES_MIN = 92;
/** Most bytes of an entry array that we read: 64 times the usual 16 KiB. */
const ENTRIES_BYTES_MAX = 1 << 20;
/** Characters of a partition name (UTF-16 code units). */
const NAME_UNITS = 36;
/** Shortest entry the standard allows, and the only one that Linux reads. Unit: bytes. */
const ENTRY_BYTES_MIN = 128;

/** One copy of a GPT whose checksums both matched. */
export interface GptCopy {
  /** Sector of this header. */
  readonly headerLba: Lba;
  /** Sector of the other header. */
  readonly alternateLba: Lba;
  /** First sector a partition may use. */
  readonly firstUsable: Lba;
  /** Last sector a partition may use. */
  readonly lastUsable: Lba;
  /** Disk GUID, lower case. */
  readonly diskGuid: string;
  /** First sector of the entry array. */
  readonly entriesLba: Lba;
  /** Length of the header that its CRC covers. Unit: bytes. */
  readonly headerBytes: number;
  /** Size of one entry. Unit: bytes. */
  readonly entryBytes: number;
  /** The entry array, as stored. */
  readonly entries: Uint8Array;
}

/**
 * @param lba - Sector of the header.
 * @returns The copy, or undefined if anything about it is wrong.
 * @throws A system error when the device fails.
 */
export function readGptCopy(source: SectorSource, lba: Lba): GptCopy | undefined {
  if (lba < 1 || lba >= source.sectorCount) return undefined;
  const sector = readBytes(source, lba * source.sectorBytes, source.sectorBytes);
  const header = readGptHeader(sector, lba);
  if (header === undefined) return undefined;
  const { entriesLba, entriesLength } = header;
  const entriesEnd = entriesLba + Math.ceil(entriesLength / source.sectorBytes);
  if (entriesLba < 1 || entriesEnd > source.sectorCount) return undefined;
  const entries = readBytes(source, entriesLba * source.sectorBytes, entriesLength);
  if (crc32(entries) !== header.entriesCrc) return undefined;
  return { ...header.copy, entries };
}

/**
 * Reads the GPT of a disk from the first valid copy.
 *
 * @returns The table, or undefined if neither copy is valid.
 * @throws {@link FormatError} as `partitionsOnDisk`.
 */
export function readGpt(source: SectorSource): PartitionTable | undefined {
  const last = source.sectorCount - 1;
  const primary = readGptCopy(source, 1);
  const backup =
    (primary === undefined ? undefined : readGptCopy(source, primary.alternateLba)) ??
    readGptCopy(source, last);
  const ruling = primary ?? backup;
  if (ruling === undefined) return undefined;
  const found = partitionsOnDisk(readEntries(ruling), source.sectorCount, "leave out");
  const sectors = (copy: GptCopy | undefined): Range[] =>
    copy === undefined ? [] : sectorsOf(copy, source.sectorBytes);
  const ownSectors = normalRanges([{ start: 0, end: 2 }, ...sectors(primary)]);
  const copySectors = subtractRanges(normalRanges(sectors(backup)), ownSectors);
  return {
    kind: "gpt",
    diskId: ruling.diskGuid,
    partitions: found.partitions,
    tableSectors: normalRanges([...ownSectors, ...copySectors]),
    copySectors,
    backupSectors: 1 + Math.ceil(ruling.entries.byteLength / source.sectorBytes),
    unclear: normalRanges(found.unclear),
    warnings: [...warningsOf(primary, backup, last), ...found.warnings],
  };
}

/** The text of a GUID as tools print it: mixed byte order (UEFI 2.10 appendix A). */
function guidText(bytes: Uint8Array): string {
  const order = [3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15];
  return order
    .map((index) => (index < 0 ? "-" : (bytes[index] ?? 0).toString(16).padStart(2, "0")))
    .join("");
}

/** A GPT header whose checksum matched, and where its entries stand. */
export interface GptHeader {
  readonly copy: Omit<GptCopy, "entries">;
  /** First sector of the entry array. */
  readonly entriesLba: Lba;
  /** Unit: bytes, at most 1 MiB. */
  readonly entriesLength: number;
  readonly entriesCrc: number;
}

/**
 * Reads a GPT header without its entries.
 *
 * @param sector - All of it.
 * @param lba - Where it stands.
 * @returns Undefined if anything about it is wrong.
 */
export function readGptHeader(sector: Uint8Array, lba: Lba): GptHeader | undefined {
  const reader = new ByteReader(sector, "GPT header");
  if (reader.u64le() !== SIGNATURE) return undefined;
  const headerBytes = reader.skip(4).u32le();
  if (headerBytes < HEADER_BYTES_MIN || headerBytes > sector.byteLength) return undefined;
  const headerCrc = reader.u32le();
  const covered = new Uint8Array(sector.subarray(0, headerBytes));
  covered.fill(0, 16, 20);
  if (crc32(covered) !== headerCrc) return undefined;
  try {
    const headerLba = reader.skip(4).u64leAsNumber();
    const alternateLba = reader.u64leAsNumber();
    const firstUsable = reader.u64leAsNumber();
    const lastUsable = reader.u64leAsNumber();
    const diskGuid = guidText(reader.view(16));
    const entriesLba = reader.u64leAsNumber();
    const entryCount = reader.u32le();
    const entryBytes = reader.u32le();
    const entriesCrc = reader.u32le();
    const entriesLength = entryCount * entryBytes;
    if (headerLba !== lba || entryBytes < ENTRY_BYTES_MIN || entryBytes % 8 !== 0) return undefined;
    if (entriesLength > ENTRIES_BYTES_MAX || entryCount === 0) return undefined;
    const limits = { headerLba, alternateLba, firstUsable, lastUsable, diskGuid };
    const copy = { ...limits, entriesLba, headerBytes, entryBytes };
    return { copy, entriesLba, entriesLength, entriesCrc };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function readEntries(copy: GptCopy): Partition[] {
  const partitions: Partition[] = [];
  const count = Math.floor(copy.entries.byteLength / copy.entryBytes);
  for (let index = 0; index < count; index += 1) {
    const reader = new ByteReader(copy.entries, "GPT entry", index * copy.entryBytes);
    const type = reader.view(16);
    if (type.every((byte) => byte === 0)) continue;
    const guid = guidText(reader.view(16));
    const start = sectorNumber(reader.u64le());
    const end = sectorNumber(reader.u64le()) + 1;
    const name = nameText(reader.skip(8));
    const sectorCount = end - start;
    const common = { type: guidText(type), name, guid, container: false };
    partitions.push({ number: index + 1, start, sectorCount, ...common });
  }
  return partitions;
}

/** No disk reaches 2^52 sectors, so a larger number stands for beyond the end. */
function sectorNumber(stored: bigint): Lba {
  return stored < 2n ** 52n ? Number(stored) : 2 ** 52;
}

/** Lone surrogates, which JSON cannot carry, become U+FFFD. */
function nameText(reader: ByteReader): string {
  const text = new TextDecoder("utf-16le").decode(reader.view(NAME_UNITS * 2));
  return text.split("\0", 1)[0] ?? "";
}

function sectorsOf(copy: GptCopy, sectorBytes: number): Range[] {
  const { headerLba, entriesLba, entries } = copy;
  const entriesEnd = entriesLba + Math.ceil(entries.byteLength / sectorBytes);
  return [
    { start: headerLba, end: headerLba + 1 },
    { start: entriesLba, end: entriesEnd },
  ];
}

function* warningsOf(
  primary: GptCopy | undefined,
  backup: GptCopy | undefined,
  last: Lba,
): Generator<string> {
  if (primary === undefined) {
    yield "The primary GPT is damaged; the backup was used. The image will fit no disk of " +
      "another size: repair the table first (sgdisk) if it must.";
  }
  if (backup === undefined) yield "The backup GPT is damaged or missing.";
  else if (backup.headerLba !== last) {
    yield `The backup GPT stands in sector ${backup.headerLba}, not in the last one (${last}).`;
  }
  const { entryBytes = ENTRY_BYTES_MIN } = primary ?? backup ?? {};
  if (entryBytes !== ENTRY_BYTES_MIN) {
    yield `The entries of the GPT have ${entryBytes} bytes each: Linux does not read such a table.`;
  }
  if (primary === undefined || backup === undefined) return;
  if (Buffer.compare(primary.entries, backup.entries) !== 0) {
    yield "The two GPT copies differ; the primary was used.";
  }
}
