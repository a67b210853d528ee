/**
 * Partition tables of other systems, which we know but do not read.
 *
 * Linux reads most of them (block/partitions). A disk or partition that has one holds more than one
 * thing, so a file system found at its head must not be taken for all of it. The list is that of
 * libblkid (util-linux, libblkid/src/partitions), with the Amiga's table.
 */
import { ByteReader } from "../core/bytes.ts";
import { MBR_BYTES, readMbrEntries } from "./mbr.ts";
import { readBytes, type SectorSource } from "./source.ts";

/** [title, offset in bytes, bytes in hexadecimal]. The units are 512 bytes on every disk. */
const LABELS: readonly (readonly [string, number, string])[] = [
  ["a BSD disk label", 512, "57455682"],
  ["a BSD disk label", 0, "57455682"],
  ["a BSD disk label", 64, "57455682"],
  ["a Solaris label", 512 + 12, "eede0d60"],
  ["a UnixWare label", 29 * 512 + 4, "0d605eca"],
  ["an SGI disk label", 0, "0be5a941"],
  ["an AIX disk label", 0, "c9c2d4c1"],
];
/** All labels lie in this much of a disk. Unit: bytes. */
const HEAD_BYTES = 30 * 512;
/** The Sun label is 256 words of 16 bits, the last but one a magic number, and its XOR is 0. */
const SUN_MAGIC = 0xdabe;
const SUN_WORDS = 256;
/** An Amiga's table begins in one of the first 16 blocks. */
const AMIGA_BLOCKS = 16;
/** Type of the MBR partition that spans a dynamic disk of Windows (LDM). */
const TYPE_DYNAMIC = "0x42";
/** Type of a Minix partition, which may hold a table of the MBR's form. */
const TYPE_MINIX = "0x81";

/**
 * Finds a table of another system.
 *
 * @param source - A disk or partition.
 * @returns Its name with an article, or undefined if there is none.
 * @throws A system error when the device fails.
 */
export function findForeignLabel(source: SectorSource): string | undefined {
  const head = readBytes(source, 0, Math.min(HEAD_BYTES, source.sectorCount * source.sectorBytes));
  const holds = (offset: number, hex: string): boolean =>
    Buffer.from(head.subarray(offset, offset + hex.length / 2)).toString("hex") === hex;
  const found = LABELS.find(([, offset, hex]) => holds(offset, hex));
  if (found !== undefined) return found[0];
  if (holds(0, hexOf("ER")) && holds(512, hexOf("PM"))) return "an Apple partition map";
  if (isSun(head)) return "a Sun disk label";
  for (let block = 0; block < AMIGA_BLOCKS; block += 1) {
    if (holds(block * 512, hexOf("RDSK"))) return "an Amiga partition table";
  }
  return undefined;
}

/**
 * Says why a partition holds more than the file system at its head.
 *
 * @param source - The partition.
 * @param type - Its type, as in the partition table.
 * @returns Part of a sentence, or undefined if nothing speaks for it.
 */
export function nestedBecause(source: SectorSource, type: string): string | undefined {
  if (type === TYPE_DYNAMIC) return "it belongs to a dynamic disk of Windows";
  const label = findForeignLabel(source);
  if (label !== undefined) return `it has ${label}, which huck does not read`;
  if (type !== TYPE_MINIX) return undefined;
  const entries = readMbrEntries(readBytes(source, 0, MBR_BYTES)) ?? [];
  return entries.length > 0 ? "it holds partitions of its own" : undefined;
}

function isSun(head: Uint8Array): boolean {
  if (head.byteLength < 2 * SUN_WORDS) return false;
  const reader = new ByteReader(head, "Sun label");
  let sum = 0;
  let magic = 0;
  for (let word = 0; word < SUN_WORDS; word += 1) {
    const value = reader.u16be();
    sum ^= value;
    if (word === SUN_WORDS - 2) magic = value;
  }
  return magic === SUN_MAGIC && sum === 0;
}

function hexOf(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}
