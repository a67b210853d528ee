/**
 * Decides which partition table of a disk counts.
 *
 * The order is the kernel's. With a protective MBR the GPT counts; a GPT without one is a leftover.
 * A boot sector of FAT or NTFS has the signature 0x55AA as well, but is no table (its "entries" are
 * code). An MBR that names no partition is no table either: it may be a boot loader or an empty
 * label in front of a file system that covers the whole disk, so the whole disk counts. A disk
 * whose protective MBR points to two broken GPTs is refused, because anything we guessed would be
 * restored as truth.
 */
import { FormatError } from "../core/errors.ts";
import { isProtective, MBR_BYTES, type MbrEntry, readMbr, readMbrEntries } from "./mbr.ts";
import { readGpt, readGptCopy } from "./gpt.ts";
import { readBytes, type SectorSource } from "./source.ts";
import type { PartitionTable } from "./table.ts";

/**
 * @returns The table; kind `none` if the disk has no table, or an MBR without partitions.
 * @throws {@link FormatError} `gpt_damaged`, and those of the table readers.
 */
export function readPartitionTable(source: SectorSource): PartitionTable {
  if (source.sectorCount * source.sectorBytes < MBR_BYTES) {
    throw new FormatError("no_disk", `Cannot read disk: ${source.sectorCount} sectors, 1 wanted`);
  }
  const sector = readBytes(source, 0, MBR_BYTES);
  const entries = readMbrEntries(sector);
  if (entries === undefined || isBootSector(sector, entries)) return readNoTable();
  if (!isProtective(entries)) return readMbrBesideGpt(source);
  const gpt = readGpt(source);
  if (gpt === undefined) {
    throw new FormatError(
      "gpt_damaged",
      "Cannot read partition table: both GPT copies are damaged, one valid copy wanted",
    );
  }
  if (entries.length === 1) return gpt;
  const others = entries.length - 1;
  const hybrid = `The MBR is a hybrid: ${others} entries beside the protective one.`;
  return { ...gpt, warnings: [...gpt.warnings, hybrid] };
}

/**
 * Finds the logical sector size of a disk that is a plain file.
 *
 * @param source - The file as 512-byte sectors.
 * @returns 4096 if there is a GPT header at byte 4096 and none at byte 512, else 512. Unit: bytes.
 */
export function guessSectorBytes(source: SectorSource): 512 | 4096 {
  const large = 4096;
  const sectorCount = Math.floor((source.sectorCount * source.sectorBytes) / large);
  if (sectorCount < 2 || readGptCopy(source, 1) !== undefined) return 512;
  const widened: SectorSource = {
    sectorBytes: large,
    sectorCount,
    read(lba, into) {
      source.read((lba * large) / source.sectorBytes, into);
    },
  };
  return readGptCopy(widened, 1) === undefined ? 512 : large;
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
