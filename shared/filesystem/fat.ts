/**
 * Reader of FAT12, FAT16 and FAT32: which sectors of the partition are in use.
 *
 * Layout: Microsoft FAT specification 1.03 (the same as ECMA-107 for FAT12/16). The type follows
 * from the number of clusters alone. A cluster is free if its entry is 0 in every copy of the
 * table. The free count of FSInfo is only a hint, and we never read it. Reserved sectors, tables
 * and the fixed root directory are always kept.
 */
import type { FsReader, FsReport } from "./reader.ts";
import { cleanMap, type FsIdentity, keepAll } from "./report.ts";
import { ByteReader } from "../core/bytes.ts";
import { readBytes, type SectorSource } from "../disk/source.ts";
import { UsedMap } from "./used-map.ts";

/** Below the first number of clusters it is a FAT12, below the second a FAT16. */
const FAT16_CLUSTERS_MIN = 4085;
const FAT32_CLUSTERS_MIN = 65525;
/**
 * Tables are read in pieces of this length: a multiple of 3 bytes, so that no FAT12 pair is cut.
 * Unit: bytes.
 */
const PIECE_BYTES = 3 << 18;
/** FAT32 entries have 28 bits. */
const ENTRY32_MASK = 0x0fffffff;
/** Bit of the boot sector's state byte that Linux and Windows set while the volume is mounted. */
const STATE_DIRTY = 0x01;

interface FatLayout {
  readonly bits: 12 | 16 | 32;
  readonly sectorBytes: number;
  readonly clusterBytes: number;
  readonly clusterCount: number;
  /** Offset of the first byte of each copy of the table. */
  readonly tables: readonly number[];
  readonly tableBytes: number;
  /** Offset of the first byte of cluster 2. */
  readonly dataStart: number;
  readonly totalBytes: number;
  readonly state: number;
  readonly uuid: string;
  readonly label: string;
}

export const fatReader: FsReader = {
  kind: "fat",
  recognises: (source) => typeof readLayout(source) !== "undefined",
  read(source) {
    const layout = readLayout(source);
    if (layout === undefined) {
      return keepAll(source, UNREADABLE, "unknown", "its boot sector contradicts itself");
    }
    const identity = identityOf(layout);
    const doubt = dirtyBecause(source, layout);
    if (doubt !== undefined) return keepAll(source, identity, "dirty", doubt);
    return readMap(source, layout, identity);
  },
};

const UNREADABLE: FsIdentity = { kind: "fat", features: [], blockBytes: 0, uuid: "", label: "" };

/**
 * Checks everything that a FAT boot sector must satisfy, so that no other boot sector is taken for
 * one.
 */
function readLayout(source: SectorSource): FatLayout | undefined {
  if (source.sectorCount * source.sectorBytes < 512) return undefined;
  const boot = readBytes(source, 0, 512);
  const at = (offset: number): ByteReader => new ByteReader(boot, "FAT boot sector", offset);
  const u16 = (offset: number): number => at(offset).u16le();
  const u32 = (offset: number): number => at(offset).u32le();
  const jump = boot[0] === 0xeb || boot[0] === 0xe9;
  if (!jump || u16(510) !== 0xaa55) return undefined;
  const sectorBytes = u16(11);
  const sectorsPerCluster = at(13).u8();
  const reserved = u16(14);
  const tableCount = at(16).u8();
  const media = at(21).u8();
  const plausible =
    [512, 1024, 2048, 4096].includes(sectorBytes) &&
    isPowerOfTwo(sectorsPerCluster) &&
    reserved > 0 &&
    tableCount > 0 &&
    (media === 0xf0 || media >= 0xf8);
  if (!plausible) return undefined;
  const tableSectors = u16(22) !== 0 ? u16(22) : u32(36);
  const totalSectors = u16(19) !== 0 ? u16(19) : u32(32);
  const rootSectors = Math.ceil((u16(17) * 32) / sectorBytes);
  const dataSector = reserved + tableCount * tableSectors + rootSectors;
  const clusterCount = Math.floor((totalSectors - dataSector) / sectorsPerCluster);
  const wide = u16(22) === 0;
  const bits = wide ? 32 : clusterCount < FAT16_CLUSTERS_MIN ? 12 : 16;
  const tableBytes = tableSectors * sectorBytes;
  const entriesBytes = Math.ceil(((clusterCount + 2) * bits) / 8);
  const totalBytes = totalSectors * sectorBytes;
  const fits =
    clusterCount > 0 &&
    entriesBytes <= tableBytes &&
    totalBytes <= source.sectorCount * source.sectorBytes &&
    (wide ? u16(17) === 0 : clusterCount < FAT32_CLUSTERS_MIN);
  if (!fits) return undefined;
  const extended = wide ? 64 : 36;
  const signed = at(extended + 2).u8() === 0x29;
  return {
    bits,
    sectorBytes,
    clusterBytes: sectorsPerCluster * sectorBytes,
    clusterCount,
    tables: Array.from(
      { length: tableCount },
      (_, n) => (reserved + n * tableSectors) * sectorBytes,
    ),
    tableBytes,
    dataStart: dataSector * sectorBytes,
    totalBytes,
    state: at(extended + 1).u8(),
    uuid: signed ? volumeId(u32(extended + 3)) : "",
    label: signed
      ? at(extended + 7)
          .latin1(11)
          .trimEnd()
      : "",
  };
}

function identityOf(layout: FatLayout): FsIdentity {
  return {
    kind: `fat${layout.bits}`,
    features: [],
    blockBytes: layout.clusterBytes,
    uuid: layout.uuid,
    label: layout.label,
  };
}

/**
 * Entry 1 of FAT16 and FAT32 has bits for "shut down in order" and "no disk errors" at its top;
 * both are 1 if all is well.
 */
function dirtyBecause(source: SectorSource, layout: FatLayout): string | undefined {
  if ((layout.state & STATE_DIRTY) !== 0) return "its boot sector says that it is mounted";
  if (layout.bits === 12) return undefined;
  for (const table of layout.tables) {
    const reader = new ByteReader(readBytes(source, table, 8), "FAT");
    const wide = layout.bits === 32;
    const entry = wide ? reader.skip(4).u32le() : reader.skip(2).u16le();
    if ((entry & (wide ? 0x08000000 : 0x8000)) === 0) return "it was not unmounted in order";
    if ((entry & (wide ? 0x04000000 : 0x4000)) === 0) return "disk errors are recorded in it";
  }
  return undefined;
}

function readMap(source: SectorSource, layout: FatLayout, identity: FsIdentity): FsReport {
  const used = new UsedMap();
  used.add(0, layout.dataStart);
  used.add(layout.dataStart + layout.clusterCount * layout.clusterBytes, layout.totalBytes);
  for (const table of layout.tables) collectUsed(source, layout, table, used);
  return cleanMap(source, identity, used, layout.totalBytes);
}

function collectUsed(source: SectorSource, layout: FatLayout, table: number, used: UsedMap): void {
  const { bits, clusterBytes, dataStart, clusterCount } = layout;
  /** Clusters are numbered from 2. */
  const add = (first: number, end: number): void => {
    used.add(dataStart + (first - 2) * clusterBytes, dataStart + (end - 2) * clusterBytes);
  };
  const entriesPerPiece = (PIECE_BYTES * 8) / bits;
  const entryCount = clusterCount + 2;
  let runStart = -1;
  for (let first = 0; first < entryCount; first += entriesPerPiece) {
    const count = Math.min(entriesPerPiece, entryCount - first);
    const length = Math.ceil((count * bits) / 8);
    const piece = readBytes(source, table + (first * bits) / 8, length);
    const entryAt = entryReader(piece, bits);
    for (let index = 0; index < count; index += 1) {
      const cluster = first + index;
      const inUse = cluster >= 2 && entryAt(index) !== 0;
      if (inUse && runStart < 0) runStart = cluster;
      if (inUse || runStart < 0) continue;
      add(runStart, cluster);
      runStart = -1;
    }
  }
  if (runStart >= 0) add(runStart, entryCount);
}

function entryReader(piece: Uint8Array, bits: 12 | 16 | 32): (index: number) => number {
  const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
  if (bits === 32) return (index) => view.getUint32(index * 4, true) & ENTRY32_MASK;
  if (bits === 16) return (index) => view.getUint16(index * 2, true);
  return (index) => {
    const byte = Math.floor((index * 3) / 2);
    const pair = (piece[byte] ?? 0) | ((piece[byte + 1] ?? 0) << 8);
    return index % 2 === 0 ? pair & 0xfff : pair >> 4;
  };
}

function volumeId(id: number): string {
  const hex = id.toString(16).padStart(8, "0").toUpperCase();
  return `${hex.slice(0, 4)}-${hex.slice(4)}`;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
