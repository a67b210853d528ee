/**
 * Finds out for which logical sector size the content of a plain file was made.
 *
 * A partition table counts in sectors and does not say how long they are. A GPT tells by its place.
 * An MBR does not, so we look where its partitions would begin: with the right size there are file
 * systems. If that tells nothing, or too much, the answer is 512 with a doubt for the operator.
 */
import { findSignatures } from "./signatures.ts";
import { FS_READERS } from "./readers.ts";
import { readGptCopy } from "../disk/gpt.ts";
import { isProtective, MBR_BYTES, type MbrEntry, readMbrEntries } from "../disk/mbr.ts";
import { partitionSource, readBytes, type SectorSource } from "../disk/source.ts";

const LARGE = 4096;
/** Where nothing is recognised, this much is looked at for any data. Unit: bytes. */
const GLANCE_BYTES = 65536;

/** A sector size, and what speaks against it. */
export interface SectorSizeGuess {
  /** Unit: bytes. */
  readonly sectorBytes: 512 | 4096;
  /** A sentence for the operator if the other size is possible too. */
  readonly doubt?: string;
}

/**
 * @param source - The file as 512-byte sectors.
 * @throws A system error when the file cannot be read.
 */
export function guessSectorBytes(source: SectorSource): SectorSizeGuess {
  const wide = widened(source);
  if (wide.sectorCount < 2 || readGptCopy(source, 1) !== undefined) return { sectorBytes: 512 };
  if (readGptCopy(wide, 1) !== undefined) return { sectorBytes: LARGE };
  const entries = readMbrEntries(readBytes(source, 0, MBR_BYTES)) ?? [];
  const fits = entries.every(({ start }) => start >= 1 && start < wide.sectorCount);
  if (entries.length === 0 || isProtective(entries) || !fits) return { sectorBytes: 512 };
  return guessFrom(entries, source, wide);
}

function guessFrom(
  entries: readonly MbrEntry[],
  source: SectorSource,
  wide: SectorSource,
): SectorSizeGuess {
  const small = entries.filter((entry) => isKnown(source, entry)).length;
  const large = entries.filter((entry) => isKnown(wide, entry)).length;
  if (large === 0 && small > 0) return { sectorBytes: 512 };
  if (large > 0 && small === 0) return { sectorBytes: LARGE };
  if (large === 0 && !entries.some((entry) => holdsData(wide, entry))) return { sectorBytes: 512 };
  const sectorBytes = large > small ? LARGE : 512;
  const other = large > small ? 512 : LARGE;
  return {
    sectorBytes,
    doubt:
      `The partition table fits sectors of 512 and of 4096 bytes; ${sectorBytes} was taken. ` +
      `If that is wrong, save again with --sector-bytes ${other}.`,
  };
}

/** True if the entry leads to a file system, a container, or the first EBR of a chain. */
function isKnown(source: SectorSource, entry: MbrEntry): boolean {
  const view = viewOf(source, entry);
  if (view.sectorCount * view.sectorBytes < MBR_BYTES) return false;
  const known = FS_READERS.some((reader) => reader.recognises(view));
  return known || findSignatures(view).length > 0 || isRecord(view);
}

function isRecord(view: SectorSource): boolean {
  return (readMbrEntries(readBytes(view, 0, MBR_BYTES)) ?? []).length > 0;
}

function holdsData(source: SectorSource, entry: MbrEntry): boolean {
  const view = viewOf(source, entry);
  const length = Math.min(GLANCE_BYTES, view.sectorCount * view.sectorBytes);
  return readBytes(view, 0, length).some((byte) => byte !== 0);
}

/** What the disk has of a partition. */
function viewOf(source: SectorSource, { start, sectorCount }: MbrEntry): SectorSource {
  const first = Math.min(start, source.sectorCount);
  return partitionSource(source, first, Math.min(sectorCount, source.sectorCount - first));
}

/** The same file in sectors of 4096 bytes; what is left at its end is left out. */
function widened(source: SectorSource): SectorSource {
  return {
    sectorBytes: LARGE,
    sectorCount: Math.floor((source.sectorCount * source.sectorBytes) / LARGE),
    read(lba, into) {
      source.read((lba * LARGE) / source.sectorBytes, into);
    },
  };
}
