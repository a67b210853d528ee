/**
 * Makes the reports of the readers: a map that can be trusted, or a reason to keep every sector.
 *
 * "Keep every sector" is made in one place, so that no reader can give such a reason with a map
 * that is short.
 */
import type { FsReport } from "./reader.ts";
import { normalRanges, type Range } from "../core/ranges.ts";
import type { SectorSource } from "../disk/source.ts";
import type { ByteCount } from "../core/units.ts";
import type { UsedMap } from "./used-map.ts";

/**
 * So much is always kept at the end of a partition, also where no file system lies: backups of boot
 * sectors, superblocks of RAID and footers of encryption stand there. Unit: bytes.
 */
const TAIL_BYTES = 65536;
const NOTHING: Range = { start: 0, end: 0 };

/** What a reader knows of a file system before it reads the map. */
export type FsIdentity = Pick<FsReport, "kind" | "features" | "blockBytes" | "uuid" | "label">;

/**
 * Reports that every sector must be kept.
 *
 * @param state - `dirty` or `unknown`; `clean` for bytes that are no file system of ours.
 * @param reason - Part of a sentence: "its journal needs recovery".
 * @returns The whole partition as used.
 */
export function keepAll(
  source: SectorSource,
  identity: FsIdentity,
  state: FsReport["state"],
  reason: string,
): FsReport {
  const used = [{ start: 0, end: source.sectorCount }];
  return { ...identity, state, used, behind: NOTHING, warnings: [], rawBecause: reason };
}

/**
 * Reports a map that can be trusted. Of what lies behind the file system, the last 64 KiB of the
 * partition are kept; the rest is named, so that somebody can look at it.
 *
 * @param usedBytes - Bytes in use; widened to whole sectors.
 * @param endBytes - Where the file system ends; at most the length of the partition.
 */
export function cleanMap(
  source: SectorSource,
  identity: FsIdentity,
  usedBytes: UsedMap,
  endBytes: ByteCount,
): FsReport {
  const { sectorBytes, sectorCount } = source;
  const { ranges, warnings } = usedBytes;
  const sectors = ranges.map(({ start, end }) => ({
    start: Math.floor(start / sectorBytes),
    end: Math.min(sectorCount, Math.ceil(end / sectorBytes)),
  }));
  const fileSystemEnd = Math.ceil(endBytes / sectorBytes);
  const tailStart = Math.max(fileSystemEnd, sectorCount - TAIL_BYTES / sectorBytes);
  const used = normalRanges([...sectors, { start: tailStart, end: sectorCount }]);
  const behind = { start: fileSystemEnd, end: tailStart };
  return { ...identity, state: "clean", used, behind, warnings };
}

/**
 * The text of a UUID in stored byte order (RFC 9562).
 *
 * @param bytes - 16 bytes.
 * @returns Lower case with dashes; empty if all bytes are zero.
 */
export function uuidText(bytes: Uint8Array): string {
  if (bytes.every((byte) => byte === 0)) return "";
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
