/**
 * Fixups: changes to an image's content when it goes to a disk of another size.
 *
 * Only a GPT depends on the size of its disk: its backup stands at the end, both headers point at
 * each other, and the protective MBR spans the disk. On a disk of the very same size nothing is
 * changed, so a restore is byte for byte. Standard: UEFI 2.10 sections 5.2.3 and 5.3.2; the effect
 * is that of `sgdisk -e`.
 */
import { crc32 } from "node:zlib";
import { ByteWriter } from "../core/bytes.ts";
import { SituationError } from "../core/errors.ts";
import { type GptCopy, readGptCopy } from "../disk/gpt.ts";
import { isProtective, MBR_BYTES, readMbrEntries } from "../disk/mbr.ts";
import { memorySource } from "../disk/source.ts";
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

/**
 * Makes the fixup for a GPT that goes to a disk of another size.
 *
 * @param chunk - The one with sector 0; its first extent holds the primary GPT.
 * @param saved - The disk that was saved.
 * @returns The fixup; its `make` throws SituationError `gpt_not_movable`.
 */
export function gptFixup(chunk: number, saved: DiskBytes, target: DiskBytes): Fixup {
  const sectorsOf = ({ sizeBytes, sectorBytes }: DiskBytes): number => sizeBytes / sectorBytes;
  return {
    chunk,
    make: (writes) =>
      writes.flatMap((write) => {
        if (write.offset !== 0) return [write];
        const { head, backup } = moveGpt(write.bytes, target.sectorBytes, sectorsOf(target));
        return [backup, { offset: 0, bytes: head }];
      }),
    unmake(found) {
      try {
        return moveGpt(found, saved.sectorBytes, sectorsOf(saved)).head;
      } catch (error) {
        if (error instanceof SituationError) return undefined; // no GPT there
        throw error;
      }
    },
  };
}

/**
 * Makes a GPT fit a disk of another size.
 *
 * @param head - First bytes of the disk as captured: MBR, header and entries, whole sectors. Not
 *   changed.
 * @param sectorBytes - Logical sector size.
 * @param sectorCount - Size of the target. Unit: sectors.
 * @throws {@link SituationError} `gpt_not_movable` if the captured primary GPT is damaged.
 * @internal Exported for a test.
 */
export function moveGpt(head: Uint8Array, sectorBytes: number, sectorCount: number): MovedGpt {
  const copy = readGptCopy(memorySource(head, sectorBytes), 1);
  if (copy === undefined) {
    throw new SituationError(
      "gpt_not_movable",
      "Cannot fit the image to a disk of another size: its primary GPT is damaged",
      {
        cure: "Use a disk of the same size, or repair the source's GPT (sgdisk) and save it again",
      },
    );
  }
  const last = sectorCount - 1;
  const entriesSectors = Math.ceil(copy.entries.byteLength / sectorBytes);
  const entriesLba = last - entriesSectors;
  const places = { lastUsable: entriesLba - 1, diskGuid: copy.diskGuid };
  const result = new Uint8Array(head);
  resizeProtectiveMbr(result, sectorCount);
  const primary = result.subarray(sectorBytes, 2 * sectorBytes);
  const original = new Uint8Array(primary);
  writeHeader(primary, copy, { ...places, own: 1, alternate: last, entries: copy.entriesLba });
  const backup = new Uint8Array((entriesSectors + 1) * sectorBytes);
  backup.set(copy.entries);
  const backupHeader = backup.subarray(entriesSectors * sectorBytes);
  backupHeader.set(original);
  writeHeader(backupHeader, copy, { ...places, own: last, alternate: 1, entries: entriesLba });
  return { head: result, backup: { offset: entriesLba * sectorBytes, bytes: backup } };
}

interface HeaderPlaces {
  readonly own: number;
  readonly alternate: number;
  readonly lastUsable: number;
  readonly entries: number;
}

function writeHeader(sector: Uint8Array, copy: GptCopy, places: HeaderPlaces): void {
  new ByteWriter(sector, 16).u32le(0).u32le(0).u64le(places.own).u64le(places.alternate);
  new ByteWriter(sector, 48).u64le(places.lastUsable);
  new ByteWriter(sector, 72).u64le(places.entries);
  const checksum = crc32(sector.subarray(0, copy.headerBytes));
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
