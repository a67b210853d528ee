/**
 * The superblock of ext2, ext3 and ext4, read once into a checked object.
 *
 * Layout: Linux Documentation/filesystems/ext4/super.rst. The feature words decide whether we may
 * trust a bitmap: with an unknown feature we do not know what a clear bit means. Counts are checked
 * against the size of the partition before anything is computed from them.
 */
import { ByteReader } from "../core/bytes.ts";
import { crc32c } from "../core/digest.ts";
import { readBytes, type SectorSource } from "../disk/source.ts";

/** Offset of the superblock. Unit: bytes. */
const SUPERBLOCK_OFFSET = 1024;
/** Its length. Unit: bytes. */
const SUPERBLOCK_BYTES = 1024;
const MAGIC = 0xef53;
/** Largest block: 64 KiB (log 6). */
const LOG_BLOCK_MAX = 6;
/** Length of a descriptor in a plain file system, and the longest we know. Unit: bytes. */
const DESCRIPTOR_BYTES = 32;
const DESCRIPTOR_BYTES_MAX = 1024;

/** Bits of `s_feature_incompat` that we act on. */
export const Incompat = {
  recover: 0x4,
  journalDevice: 0x8,
  metaBg: 0x10,
  wide: 0x80,
  mmp: 0x100,
  checksumSeed: 0x2000,
} as const;
/** Bits of `s_feature_ro_compat` that we act on. */
export const RoCompat = {
  sparseSuper: 0x1,
  groupChecksum: 0x10,
  bigalloc: 0x200,
  metadataChecksum: 0x400,
  orphanPresent: 0x10000,
} as const;
/** Bits of `s_feature_compat` that we act on. */
export const Compat = { hasJournal: 0x4, sparseSuper2: 0x200 } as const;

/** Names as dumpe2fs prints them; a bit without a name here is unknown to us. */
const COMPAT_NAMES: Readonly<Record<number, string>> = {
  0x1: "dir_prealloc",
  0x2: "imagic_inodes",
  0x4: "has_journal",
  0x8: "ext_attr",
  0x10: "resize_inode",
  0x20: "dir_index",
  0x40: "lazy_bg",
  0x200: "sparse_super2",
  0x400: "fast_commit",
  0x800: "stable_inodes",
  0x1000: "orphan_file",
};
const INCOMPAT_NAMES: Readonly<Record<number, string>> = {
  0x2: "filetype",
  0x4: "needs_recovery",
  0x8: "journal_dev",
  0x10: "meta_bg",
  0x40: "extent",
  0x80: "64bit",
  0x100: "mmp",
  0x200: "flex_bg",
  0x400: "ea_inode",
  0x1000: "dirdata",
  0x2000: "metadata_csum_seed",
  0x4000: "large_dir",
  0x8000: "inline_data",
  0x10000: "encrypt",
  0x20000: "casefold",
};
const RO_COMPAT_NAMES: Readonly<Record<number, string>> = {
  0x1: "sparse_super",
  0x2: "large_file",
  0x8: "huge_file",
  0x10: "uninit_bg",
  0x20: "dir_nlink",
  0x40: "extra_isize",
  0x100: "quota",
  0x200: "bigalloc",
  0x400: "metadata_csum",
  0x1000: "read-only",
  0x2000: "project",
  0x4000: "shared_blocks",
  0x8000: "verity",
  0x10000: "orphan_present",
};

/** The checked superblock. Counts of blocks are in file-system blocks. */
export interface ExtSuperblock {
  readonly blockBytes: number;
  readonly blocksCount: number;
  /** Free clusters times blocks per cluster, according to the superblock. */
  readonly freeBlocks: number;
  readonly firstDataBlock: number;
  readonly blocksPerGroup: number;
  /** Blocks per cluster: 1 without bigalloc. */
  readonly clusterRatio: number;
  readonly inodesPerGroup: number;
  readonly inodeBytes: number;
  readonly groupCount: number;
  readonly descriptorBytes: number;
  readonly reservedDescriptorBlocks: number;
  readonly firstMetaGroup: number;
  readonly backupGroups: readonly [number, number];
  readonly compat: number;
  readonly incompat: number;
  readonly roCompat: number;
  /** `s_state`: 1 cleanly unmounted, 2 errors seen. */
  readonly state: number;
  readonly lastOrphan: number;
  readonly journalInode: number;
  readonly mmpBlock: number;
  /** Seed of metadata_csum: the raw CRC register. */
  readonly checksumSeed: number;
  readonly uuidBytes: Uint8Array;
  readonly label: string;
  readonly features: readonly string[];
  /** Features that we have no name for. */
  readonly unknownFeatures: readonly string[];
  /** False if the superblock's own checksum is switched on and wrong. */
  readonly checksumRight: boolean;
}

/** @returns True if the partition has the magic number of ext. */
export function hasExtMagic(source: SectorSource): boolean {
  if (source.sectorCount * source.sectorBytes < SUPERBLOCK_OFFSET + SUPERBLOCK_BYTES) return false;
  const bytes = readBytes(source, SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES);
  return new ByteReader(bytes, "ext superblock", 0x38).u16le() === MAGIC;
}

/**
 * @param source - It has the magic number of ext.
 * @returns True if it is an external journal, which has a superblock but no groups.
 */
export function isJournalDevice(source: SectorSource): boolean {
  const bytes = readBytes(source, SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES);
  const incompat = new ByteReader(bytes, "ext superblock", 0x60).u32le();
  return (incompat & Incompat.journalDevice) !== 0;
}

/**
 * @returns The superblock, or a sentence that says what is wrong with it.
 * @throws A system error when the device fails.
 */
export function readExtSuperblock(source: SectorSource): ExtSuperblock | string {
  const bytes = readBytes(source, SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES);
  const at = (offset: number): ByteReader => new ByteReader(bytes, "ext superblock", offset);
  const u32 = (offset: number): number => at(offset).u32le();
  const u16 = (offset: number): number => at(offset).u16le();
  const logBlock = u32(0x18);
  if (logBlock > LOG_BLOCK_MAX) return `its block size is 2^${10 + logBlock} bytes`;
  const [compat, incompat, roCompat] = [u32(0x5c), u32(0x60), u32(0x64)];
  const wide = (incompat & Incompat.wide) !== 0;
  const high = (offset: number): number => (wide ? u32(offset) * 2 ** 32 : 0);
  const bigalloc = (roCompat & RoCompat.bigalloc) !== 0;
  const logRatio = bigalloc ? u32(0x1c) - logBlock : 0;
  if (logRatio < 0 || logRatio > 20) return `its clusters are 2^${logRatio} blocks`;
  const clusterRatio = 2 ** logRatio;
  const blocksCount = u32(0x4) + high(0x150);
  const blocksPerGroup = u32(0x20);
  const firstDataBlock = u32(0x14);
  const unknownFeatures = [
    ...unknownBits("FEATURE_C", compat, COMPAT_NAMES),
    ...unknownBits("FEATURE_I", incompat, INCOMPAT_NAMES),
    ...unknownBits("FEATURE_R", roCompat, RO_COMPAT_NAMES),
  ];
  const hasSum = (roCompat & RoCompat.metadataChecksum) !== 0;
  const uuidBytes = bytes.slice(0x68, 0x78);
  const seeded = (incompat & Incompat.checksumSeed) !== 0;
  const superblock: ExtSuperblock = {
    blockBytes: 1024 * 2 ** logBlock,
    blocksCount,
    freeBlocks: u32(0xc) + high(0x158),
    firstDataBlock,
    blocksPerGroup,
    clusterRatio,
    inodesPerGroup: u32(0x28),
    inodeBytes: u32(0x4c) === 0 ? 128 : u16(0x58),
    groupCount: Math.ceil((blocksCount - firstDataBlock) / blocksPerGroup),
    descriptorBytes: wide ? u16(0xfe) : DESCRIPTOR_BYTES,
    reservedDescriptorBlocks: u16(0xce),
    firstMetaGroup: u32(0x104),
    backupGroups: [u32(0x24c), u32(0x250)],
    compat,
    incompat,
    roCompat,
    state: u16(0x3a),
    lastOrphan: u32(0xe8),
    journalInode: u32(0xe0),
    mmpBlock: u32(0x168) + u32(0x16c) * 2 ** 32,
    checksumSeed: seeded ? u32(0x270) : linuxCrc32c(0xffffffff, uuidBytes),
    uuidBytes,
    label: at(0x78).latin1(16),
    features: [
      ...knownBits(compat, COMPAT_NAMES),
      ...knownBits(incompat, INCOMPAT_NAMES),
      ...knownBits(roCompat, RO_COMPAT_NAMES),
    ],
    unknownFeatures,
    checksumRight: !hasSum || linuxCrc32c(0xffffffff, bytes.subarray(0, 0x3fc)) === u32(0x3fc),
  };
  return faultOf(superblock, source) ?? superblock;
}

/**
 * CRC-32C as the Linux kernel chains it: neither the seed nor the result is inverted.
 *
 * @param seed - The raw CRC register.
 * @param bytes - Read during the call only.
 * @returns The raw CRC register afterwards.
 */
export function linuxCrc32c(seed: number, bytes: Uint8Array): number {
  return ~crc32c(bytes, ~seed >>> 0) >>> 0;
}

/** Checks that the numbers can describe a file system on this partition. */
function faultOf(one: ExtSuperblock, source: SectorSource): string | undefined {
  const bytesThere = source.sectorCount * source.sectorBytes;
  const bitmapBits = one.blockBytes * 8;
  const clustersPerGroup = one.blocksPerGroup / one.clusterRatio;
  const { descriptorBytes } = one;
  if (one.blocksCount * one.blockBytes > bytesThere) {
    return `it has ${one.blocksCount} blocks of ${one.blockBytes} bytes, more than the partition`;
  }
  if (one.blocksPerGroup === 0 || one.blocksPerGroup % one.clusterRatio !== 0) {
    return `its groups have ${one.blocksPerGroup} blocks`;
  }
  if (clustersPerGroup > bitmapBits || clustersPerGroup % 8 !== 0) {
    return `its groups have ${clustersPerGroup} clusters`;
  }
  if (one.firstDataBlock > 1 || one.firstDataBlock >= one.blocksCount) {
    return `its first data block is ${one.firstDataBlock}`;
  }
  const badSize = descriptorBytes < DESCRIPTOR_BYTES || descriptorBytes > DESCRIPTOR_BYTES_MAX;
  if (badSize || one.blockBytes % descriptorBytes !== 0) {
    return `its group descriptors have ${descriptorBytes} bytes`;
  }
  const inodeTableBlocks = (one.inodesPerGroup * one.inodeBytes) / one.blockBytes;
  if (one.inodesPerGroup === 0 || one.inodeBytes < 128 || inodeTableBlocks > one.blocksPerGroup) {
    return `its groups have ${one.inodesPerGroup} inodes of ${one.inodeBytes} bytes`;
  }
  return undefined;
}

function knownBits(word: number, names: Readonly<Record<number, string>>): string[] {
  return bitsOf(word).flatMap((bit) => names[bit] ?? []);
}

function unknownBits(
  prefix: string,
  word: number,
  names: Readonly<Record<number, string>>,
): string[] {
  return bitsOf(word)
    .filter((bit) => names[bit] === undefined)
    .map((bit) => `${prefix}${Math.log2(bit)}`);
}

function bitsOf(word: number): number[] {
  return Array.from({ length: 32 }, (_, index) => 2 ** index).filter((bit) => (word & bit) !== 0);
}
