/**
 * Decides which partition table of a disk counts.
 *
 * The order is the kernel's. With a protective MBR the GPT counts; a GPT without one is a leftover.
 * A boot sector of FAT or NTFS has the signature 0x55AA as well, but is no table (its "entries" are
 * code). An MBR that names no partition is no table either: it may be a boot loader or an empty
 * label in front of a file system that covers the whole disk, so the whole disk counts.
 *
 * A table that cannot be cut into partitions never refuses the disk: every sector is kept, because
 * anything we guessed would be restored as truth, and the image says why.
 */
import { FormatError } from "../core/errors.ts";
import { findForeignLabel } from "./labels.ts";
import {
  isProtective,
  MBR_BYTES,
  type MbrEntry,
  protectsGpt,
  readMbr,
  readMbrEntries,
} from "./mbr.ts";
import { readGpt, readGptCopy } from "./gpt.ts";
import { readBytes, type SectorSource } from "./source.ts";
import type { PartitionTable } from "./table.ts";

/**
 * @returns The table; kind `none` if the disk has no table, an MBR without partitions, or a table
 *   that cannot be used: then it says why.
 * @throws {@link FormatError} `no_disk` for a disk without a sector; a system error when the device
 *   fails.
 */
export function readPartitionTable(source: SectorSource): PartitionTable {
  if (source.sectorCount * source.sectorBytes < MBR_BYTES) {
    throw new FormatError("no_disk", `Cannot read disk: ${source.sectorCount} sectors, 1 wanted`);
  }
  const sector = readBytes(source, 0, MBR_BYTES);
  const table = wholeIfUnreadable(() => readTable(source, sector));
  if (table.kind !== "none" || table.wholeBecause !== undefined) return table;
  const label = findForeignLabel(source);
  if (label === undefined) return table;
  return { ...table, wholeBecause: `it has ${label}, which huck does not read` };
}

function readTable(source: SectorSource, sector: Uint8Array): PartitionTable {
  const entries = readMbrEntries(sector);
  const gpt = protectsGpt(sector) ? readGpt(source) : undefined;
  if (gpt !== undefined) return { ...gpt, warnings: [...gpt.warnings, ...hybridWarnings(entries)] };
  if (entries === undefined || isBootSector(sector, entries)) return readNoTable();
  if (!isProtective(entries)) return readMbrBesideGpt(source);
  throw new FormatError(
    "gpt_damaged",
    "Cannot read partition table: both GPT copies are damaged, one valid copy wanted",
  );
}

/** Turns what is wrong with a table into the reason to keep all of the disk. */
function wholeIfUnreadable(read: () => PartitionTable): PartitionTable {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const found = error.message.slice(error.message.indexOf(": ") + 2);
    return { ...readNoTable(), wholeBecause: `its partition table cannot be used: ${found}` };
  }
}

function hybridWarnings(entries: readonly MbrEntry[] = []): string[] {
  const others = entries.filter((entry) => !isProtective([entry])).length;
  if (others === 0) return [];
  const name = others === 1 ? "entry" : "entries";
  return [`The MBR is a hybrid: ${others} ${name} beside the protective one.`];
}

function readNoTable(warnings: readonly string[] = []): PartitionTable {
  const nothing = { partitions: [], tableSectors: [], backupSectors: 0 };
  return { kind: "none", diskId: "", ...nothing, warnings };
}

function readMbrBesideGpt(source: SectorSource): PartitionTable {
  const table = readMbr(source);
  const warnings = [...table.warnings];
  if (readGptCopy(source, 1) !== undefined) {
    warnings.push("A GPT without protective MBR was found and ignored, as the kernel does.");
  }
  if (table.partitions.some(({ container }) => !container)) return { ...table, warnings };
  if (table.unclear !== undefined && table.unclear.length > 0) {
    throw new FormatError(
      "bad_ebr",
      "Cannot read partition table: the chain of logical partitions has no beginning",
    );
  }
  return readNoTable([...warnings, "The MBR names no partition: the disk is taken as a whole."]);
}

/**
 * True for a FAT, exFAT or NTFS boot sector whose "entries" are empty or nonsense. An entry of type
 * 0 may be a partition, but with the name of a file system before it, it is more likely code.
 */
function isBootSector(sector: Uint8Array, entries: readonly MbrEntry[]): boolean {
  const text = (offset: number, length: number): string =>
    String.fromCharCode(...sector.subarray(offset, offset + length));
  const oem = text(3, 8);
  const named = oem === "NTFS    " || oem === "EXFAT   " || oem === "-FVE-FS-";
  const fat = text(0x36, 3) === "FAT" || text(0x52, 5) === "FAT32";
  const typed = entries.filter((entry) => entry.type !== 0);
  return (named || fat) && typed.every((entry) => entry.start === 0);
}
