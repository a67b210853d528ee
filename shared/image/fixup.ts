/**
 * Fixups: changes to an image's content when it goes to a disk of another size.
 *
 * Only a GPT depends on the size of its disk: its backup stands at the end, both headers point at
 * each other, and the protective MBR spans the disk. On a disk of the very same size nothing is
 * changed, so a restore is byte for byte. Standard: UEFI 2.10 sections 5.2.3 and 5.3.2; the effect
 * is that of `sgdisk -e`.
 */
import { crc32 } from "node:zlib";
import { ByteReader, ByteWriter } from "../core/bytes.ts";
import { SituationError } from "../core/errors.ts";
import type { Range } from "../core/ranges.ts";
import type { Lba } from "../core/units.ts";
import { type GptHeader, readGptHeader } from "../disk/gpt.ts";
import { isProtective, MBR_BYTES, readMbrEntries } from "../disk/mbr.ts";
import type { DiskWrite } from "../disk/block-device.ts";
import type { Fixup } from "./placement.ts";

const MBR_ENTRIES_OFFSET = 446;
const MBR_ENTRY_BYTES = 16;

/** A GPT that was made to fit another disk. */
export interface MovedGpt {
  /**
   * The head of the disk with the new primary header and protective MBR; as long as the old head.
   */
  readonly head: Uint8Array;
  /** The backup entries and header; they must be written before the head. */
  readonly backup: DiskWrite;
}

/** Size of a disk. Unit: bytes. */
interface DiskBytes {
  readonly sizeBytes: number;
  readonly sectorBytes: number;
}

/** The disk that was saved. */
interface SavedDisk extends DiskBytes {
  /** Where its partitions end, by the manifest. Unit: bytes. */
  readonly partitionsEnd: number;
  /**
   * @param run - Unit: bytes of the saved disk.
   * @returns The gate chunks with content in it.
   */
  readonly gateChunksIn: (run: Range) => readonly number[];
}

/**
 * Makes the fixup for a GPT that goes to a disk of another size.
 *
 * @param chunk - The one with sector 0; its first extent holds the primary header, and usually the
 *   entries, which may stand in other gate chunks.
 * @param saved - The disk that was saved.
 * @returns The fixup; its `make` throws SituationError `gpt_not_movable`.
 */
export function gptFixup(chunk: number, saved: SavedDisk, target: DiskBytes): Fixup {
  const { sectorBytes } = saved;
  return {
    chunk,
    needs(writes) {
      const { entriesLba, entriesLength } = primaryOf(headOf(writes), sectorBytes);
      const start = entriesLba * sectorBytes;
      const chunks = saved.gateChunksIn({ start, end: start + entriesLength });
      return chunks.filter((one) => one !== chunk);
    },
    make(writes, others) {
      const head = headOf(writes);
      const entries = entriesOf(primaryOf(head, sectorBytes), sectorBytes, [...writes, ...others]);
      const moved = moveGpt(head, entries, target);
      if (moved.backup.offset < saved.partitionsEnd) throw noRoom(moved.backup.offset);
      return writes.flatMap((write) =>
        write.offset === 0 ? [moved.backup, { offset: 0, bytes: moved.head }] : [write],
      );
    },
    unmake(found) {
      const head = new Uint8Array(found);
      const header = found.byteLength < 2 * sectorBytes ? undefined : headerIn(head, sectorBytes);
      return header === undefined ? undefined : resizedHead(head, header, saved).head;
    },
  };
}

/**
 * Makes a GPT fit a disk of another size.
 *
 * @param head - First bytes of the disk as captured: MBR and header, whole sectors. Not changed.
 * @param entries - The entry array that the header names.
 * @param target - The disk that it goes to.
 * @throws {@link SituationError} `gpt_not_movable` if the captured primary GPT is damaged, or the
 *   target has no room for a backup behind what the GPT names.
 * @internal Exported for a test.
 */
export function moveGpt(head: Uint8Array, entries: Uint8Array, target: DiskBytes): MovedGpt {
  const { sectorBytes } = target;
  const header = primaryOf(head, sectorBytes);
  if (crc32(entries) !== header.entriesCrc) throw damaged("the checksum of its entries is wrong");
  const { entriesLba, entriesLength } = header;
  const { head: result, last, entriesAt } = resizedHead(head, header, target);
  const entriesEnd = entriesLba + Math.ceil(entriesLength / sectorBytes);
  if (Math.max(entriesEnd, lastUsed(entries, header.copy.entryBytes) + 1) > entriesAt) {
    throw noRoom(entriesAt * sectorBytes);
  }
  const backup = new Uint8Array((last + 1 - entriesAt) * sectorBytes);
  backup.set(entries);
  const backupHeader = backup.subarray(backup.byteLength - sectorBytes);
  backupHeader.set(head.subarray(sectorBytes, 2 * sectorBytes));
  const places = { own: last, alternate: 1, lastUsable: entriesAt - 1, entries: entriesAt };
  writeHeader(backupHeader, header, places);
  return { head: result, backup: { offset: entriesAt * sectorBytes, bytes: backup } };
}

/** A copy of the head whose header and protective MBR are those of a disk of that size. */
function resizedHead(
  head: Uint8Array,
  header: GptHeader,
  { sizeBytes, sectorBytes }: DiskBytes,
): { readonly head: Uint8Array; readonly last: Lba; readonly entriesAt: Lba } {
  const last = Math.floor(sizeBytes / sectorBytes) - 1;
  const entriesAt = last - Math.ceil(header.entriesLength / sectorBytes);
  const result = new Uint8Array(head);
  resizeProtectiveMbr(result, last + 1);
  const primary = result.subarray(sectorBytes, 2 * sectorBytes);
  const places = { own: 1, alternate: last, lastUsable: entriesAt - 1, entries: header.entriesLba };
  writeHeader(primary, header, places);
  return { head: result, last, entriesAt };
}

function headOf(writes: readonly DiskWrite[]): Uint8Array {
  return writes.find(({ offset }) => offset === 0)?.bytes ?? new Uint8Array();
}

function headerIn(head: Uint8Array, sectorBytes: number): GptHeader | undefined {
  return readGptHeader(head.subarray(sectorBytes, 2 * sectorBytes), 1);
}

/** @throws {@link SituationError} `gpt_not_movable`. */
function primaryOf(head: Uint8Array, sectorBytes: number): GptHeader {
  if (head.byteLength < 2 * sectorBytes) throw damaged("it is not in the image");
  const header = headerIn(head, sectorBytes);
  if (header === undefined) throw damaged("its header is");
  return header;
}

/** The entry array, out of the pieces of disk that hold it. */
function entriesOf(
  { entriesLba, entriesLength }: GptHeader,
  sectorBytes: number,
  pieces: readonly DiskWrite[],
): Uint8Array {
  const entries = new Uint8Array(entriesLength);
  const start = entriesLba * sectorBytes;
  for (const { offset, bytes } of pieces) {
    const from = Math.max(start, offset);
    const end = Math.min(start + entriesLength, offset + bytes.byteLength);
    if (from < end) entries.set(bytes.subarray(from - offset, end - offset), from - start);
  }
  return entries;
}

/** The last sector that an entry in use names; 0 if none is in use. */
function lastUsed(entries: Uint8Array, entryBytes: number): Lba {
  let last = 0;
  for (let at = 0; at + entryBytes <= entries.byteLength; at += entryBytes) {
    const reader = new ByteReader(entries, "GPT entry", at);
    if (reader.view(16).every((byte) => byte === 0)) continue;
    last = Math.max(last, Number(reader.skip(24).u64le()));
  }
  return last;
}

function damaged(how: string): SituationError {
  return new SituationError(
    "gpt_not_movable",
    `Cannot fit the image to a disk of another size: its primary GPT is damaged (${how})`,
    { cure: "Use a disk of the same size, or repair the source's GPT (sgdisk) and save it again" },
  );
}

function noRoom(found: number): SituationError {
  return new SituationError(
    "gpt_not_movable",
    "Cannot fit the image to a disk of another size: its partitions reach beyond byte " +
      `${found}, where the backup GPT begins`,
    { cure: "Use a larger disk, or one of the very size of the disk that was saved" },
  );
}

interface HeaderPlaces {
  readonly own: number;
  readonly alternate: number;
  readonly lastUsable: number;
  readonly entries: number;
}

function writeHeader(sector: Uint8Array, header: GptHeader, places: HeaderPlaces): void {
  new ByteWriter(sector, 16).u32le(0).u32le(0).u64le(places.own).u64le(places.alternate);
  new ByteWriter(sector, 48).u64le(places.lastUsable);
  new ByteWriter(sector, 72).u64le(places.entries);
  const checksum = crc32(sector.subarray(0, header.copy.headerBytes));
  new ByteWriter(sector, 16).u32le(checksum);
}

/** Leaves a hybrid MBR alone: its protective entry does not span the disk. */
function resizeProtectiveMbr(head: Uint8Array, sectorCount: number): void {
  const entries = readMbrEntries(head.subarray(0, MBR_BYTES)) ?? [];
  const [only] = entries;
  if (only === undefined || entries.length > 1 || !isProtective(entries)) return;
  const length = Math.min(sectorCount - only.start, 0xffffffff);
  const offset = MBR_ENTRIES_OFFSET + only.index * MBR_ENTRY_BYTES;
  new ByteWriter(head, offset + 12).u32le(length);
}
