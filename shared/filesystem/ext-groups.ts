/**
 * Block groups of ext2, ext3 and ext4: finds their descriptors, bitmaps and tables, and the blocks
 * in use.
 *
 * Layout: Linux Documentation/filesystems/ext4/{blockgroup,group_descr,bitmaps}.rst. A group
 * flagged BLOCK_UNINIT has no bitmap on disk, so its bitmap is computed from the places of all
 * metadata. Every checksum that is switched on is verified, and every free count is compared; the
 * first contradiction ends the reading with a sentence.
 */
import { crc16 } from "./crc16.ts";
import { forEachRun, countClear, setBits } from "./bits.ts";
import { Compat, type ExtSuperblock, Incompat, linuxCrc32c, RoCompat } from "./ext-superblock.ts";
import { ByteReader } from "../core/bytes.ts";
import { normalRanges, type Range, rangesWithin } from "../core/ranges.ts";
import { readBytes, type SectorSource } from "../disk/source.ts";
import { UsedMap } from "./used-map.ts";

/**
 * Most groups that we read: 32 TiB in groups of 128 MiB. Each takes some 400 bytes of memory and a
 * read while it is looked at.
 */
const GROUPS_MAX = 2 ** 18;
/** Fewest clusters of a group that mke2fs makes; smaller ones would cost a read for each 8 KiB. */
const GROUP_CLUSTERS_MIN = 256;
/** Group flag: the block bitmap was never written. */
const BLOCK_UNINIT = 0x2;
/** Descriptors of at least this length have the high halves. Unit: bytes. */
const WIDE_DESCRIPTOR_BYTES = 64;
/** Offset of the checksum in a descriptor. Unit: bytes. */
const CHECKSUM_OFFSET = 0x1e;

interface Group {
  readonly index: number;
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
  readonly freeClusters: number;
  readonly flags: number;
  /** Checksum of the block bitmap; 16 bits if the descriptor is short. */
  readonly bitmapChecksum: number;
}

/** Thrown inside this file only: carries the sentence that {@link usedBlocks} returns. */
class Doubt extends Error {}

/**
 * @returns The bytes of all blocks in use, or a sentence that says what contradicts itself.
 * @throws A system error when the device fails.
 */
export function usedBlocks(source: SectorSource, superblock: ExtSuperblock): UsedMap | string {
  const { groupCount } = superblock;
  if (groupCount > GROUPS_MAX) return `it has ${groupCount} groups, more than ${GROUPS_MAX}`;
  const groupClusters = superblock.blocksPerGroup / superblock.clusterRatio;
  if (groupCount > 1 && groupClusters < GROUP_CLUSTERS_MIN) {
    return `its groups have ${groupClusters} clusters, fewer than ${GROUP_CLUSTERS_MIN}`;
  }
  try {
    const groups = readGroups(source, superblock);
    const metadata = metadataOf(groups, superblock);
    const used = new UsedMap();
    const add = (start: number, end: number): void => {
      used.add(start * superblock.blockBytes, end * superblock.blockBytes);
    };
    add(0, superblock.firstDataBlock);
    for (const { start, end } of metadata) add(start, end);
    let freeClusters = 0;
    for (const group of groups) {
      const range = groupRange(superblock, group.index);
      const bitmap = bitmapOf(source, superblock, group, metadata);
      const clusters = Math.ceil((range.end - range.start) / superblock.clusterRatio);
      const free = countClear(bitmap, clusters);
      if (free !== group.freeClusters) {
        const counted = `${group.freeClusters} free clusters, its bitmap ${free}`;
        return `group ${group.index} counts ${counted}`;
      }
      freeClusters += free;
      forEachRun(bitmap, clusters, (run) => {
        const { clusterRatio } = superblock;
        const end = range.start + run.end * clusterRatio;
        add(range.start + run.start * clusterRatio, Math.min(range.end, end));
      });
    }
    if (freeClusters * superblock.clusterRatio !== superblock.freeBlocks) {
      return (
        `the superblock counts ${superblock.freeBlocks} free blocks, ` +
        `the bitmaps ${freeClusters * superblock.clusterRatio}`
      );
    }
    return used;
  } catch (error) {
    if (error instanceof Doubt) return error.message;
    throw error;
  }
}

function groupRange(superblock: ExtSuperblock, index: number): Range {
  const start = superblock.firstDataBlock + index * superblock.blocksPerGroup;
  return { start, end: Math.min(start + superblock.blocksPerGroup, superblock.blocksCount) };
}

/**
 * True if the group has a superblock copy and descriptors; few groups do (sparse_super: 0, 1 and
 * powers of 3, 5, 7).
 */
function hasSuperblock(superblock: ExtSuperblock, group: number): boolean {
  if (group === 0) return true;
  if ((superblock.compat & Compat.sparseSuper2) !== 0) {
    return superblock.backupGroups.includes(group);
  }
  if (group === 1 || (superblock.roCompat & RoCompat.sparseSuper) === 0) return true;
  return [3, 5, 7].some((base) => {
    let power = base;
    while (power < group) power *= base;
    return power === group;
  });
}

function descriptorsPerBlock(superblock: ExtSuperblock): number {
  return superblock.blockBytes / superblock.descriptorBytes;
}

/**
 * With 1 KiB blocks the superblock stands in block 1, even if block 0 belongs to group 0
 * (bigalloc).
 */
function bootBlocks(superblock: ExtSuperblock): number {
  return superblock.blockBytes === 1024 && superblock.firstDataBlock === 0 ? 1 : 0;
}

/** Block of the descriptor table's `index`-th block. */
function descriptorBlock(superblock: ExtSuperblock, index: number): number {
  const metaBg = (superblock.incompat & Incompat.metaBg) !== 0;
  if (!metaBg || index < superblock.firstMetaGroup) {
    return (superblock.blockBytes === 1024 ? 1 : 0) + 1 + index;
  }
  const group = index * descriptorsPerBlock(superblock);
  const extra = group === 0 ? bootBlocks(superblock) : 0;
  const after = hasSuperblock(superblock, group) ? 1 : 0;
  return groupRange(superblock, group).start + after + extra;
}

function readGroups(source: SectorSource, superblock: ExtSuperblock): Group[] {
  const { blockBytes, descriptorBytes, groupCount } = superblock;
  const perBlock = descriptorsPerBlock(superblock);
  const groups: Group[] = [];
  for (let first = 0; first < groupCount; first += perBlock) {
    const block = descriptorBlock(superblock, first / perBlock);
    const bytes = readBlock(source, superblock, block);
    for (let index = first; index < Math.min(groupCount, first + perBlock); index += 1) {
      const offset = (index - first) * descriptorBytes;
      const descriptor = bytes.subarray(offset, Math.min(offset + descriptorBytes, blockBytes));
      groups.push(parseDescriptor(superblock, index, descriptor));
    }
  }
  return groups;
}

function parseDescriptor(superblock: ExtSuperblock, index: number, bytes: Uint8Array): Group {
  checkDescriptor(superblock, index, bytes);
  const wide = bytes.byteLength >= WIDE_DESCRIPTOR_BYTES;
  const u16 = (offset: number): number => new ByteReader(bytes, "group", offset).u16le();
  const u32 = (offset: number): number => new ByteReader(bytes, "group", offset).u32le();
  const high32 = (offset: number): number => (wide ? u32(offset) * 2 ** 32 : 0);
  const high16 = (offset: number): number => (wide ? u16(offset) * 2 ** 16 : 0);
  return {
    index,
    blockBitmap: u32(0x0) + high32(0x20),
    inodeBitmap: u32(0x4) + high32(0x24),
    inodeTable: u32(0x8) + high32(0x28),
    freeClusters: u16(0xc) + high16(0x2c),
    flags: u16(0x12),
    bitmapChecksum: u16(0x18) + high16(0x38),
  };
}

/**
 * metadata_csum: CRC-32C cut to 16 bits, with the checksum field taken as zero; uninit_bg: CRC-16
 * of the bytes around the field.
 *
 * @throws Doubt if the checksum is wrong.
 */
function checkDescriptor(superblock: ExtSuperblock, index: number, bytes: Uint8Array): void {
  const stored = new ByteReader(bytes, "group", CHECKSUM_OFFSET).u16le();
  const number = new Uint8Array(4);
  new DataView(number.buffer).setUint32(0, index, true);
  let wanted = stored;
  if ((superblock.roCompat & RoCompat.metadataChecksum) !== 0) {
    const blank = bytes.slice();
    blank.fill(0, CHECKSUM_OFFSET, CHECKSUM_OFFSET + 2);
    wanted = linuxCrc32c(linuxCrc32c(superblock.checksumSeed, number), blank) & 0xffff;
  } else if ((superblock.roCompat & RoCompat.groupChecksum) !== 0) {
    const head = crc16(crc16(0xffff, superblock.uuidBytes), number);
    const body = crc16(head, bytes.subarray(0, CHECKSUM_OFFSET));
    wanted = crc16(body, bytes.subarray(CHECKSUM_OFFSET + 2));
  }
  if (wanted !== stored) throw new Doubt(`the descriptor of group ${index} fails its checksum`);
}

/**
 * All blocks that hold descriptors, bitmaps and inode tables, whichever group flex_bg put them in.
 *
 * @throws Doubt if one lies outside the file system.
 */
function metadataOf(groups: readonly Group[], superblock: ExtSuperblock): Range[] {
  const { blockBytes, inodesPerGroup, inodeBytes, blocksCount } = superblock;
  const tableBlocks = Math.ceil((inodesPerGroup * inodeBytes) / blockBytes);
  const found: Range[] = [];
  for (const group of groups) {
    for (const block of [group.blockBitmap, group.inodeBitmap]) {
      found.push({ start: block, end: block + 1 });
    }
    found.push({ start: group.inodeTable, end: group.inodeTable + tableBlocks });
    for (const { start, end } of found.slice(-3)) {
      if (start > superblock.firstDataBlock && end <= blocksCount) continue;
      throw new Doubt(`the metadata of group ${group.index} lie outside the file system`);
    }
    const { start } = groupRange(superblock, group.index);
    const head = start + baseBlocks(superblock, group.index);
    found.push({ start, end: Math.min(head, blocksCount) });
  }
  return normalRanges(found);
}

/** Blocks for superblock copy and descriptors at the head of one group. */
function baseBlocks(superblock: ExtSuperblock, group: number): number {
  const perBlock = descriptorsPerBlock(superblock);
  const metaBg = (superblock.incompat & Incompat.metaBg) !== 0;
  const copies = hasSuperblock(superblock, group) ? 1 : 0;
  const boot = group === 0 ? bootBlocks(superblock) : 0;
  if (!metaBg || group < superblock.firstMetaGroup * perBlock) {
    const table = Math.ceil(superblock.groupCount / perBlock);
    const blocks = metaBg ? superblock.firstMetaGroup : table;
    return copies === 0 ? 0 : boot + 1 + blocks + superblock.reservedDescriptorBlocks;
  }
  const place = group % perBlock;
  const holdsTable = place === 0 || place === 1 || place === perBlock - 1;
  return boot + copies + (holdsTable ? 1 : 0);
}

/**
 * The group's bitmap of clusters: read and verified, or computed if it was never written.
 *
 * @throws Doubt if its checksum is wrong.
 */
function bitmapOf(
  source: SectorSource,
  superblock: ExtSuperblock,
  group: Group,
  metadata: readonly Range[],
): Uint8Array {
  const { roCompat, clusterRatio } = superblock;
  const range = groupRange(superblock, group.index);
  const mayBeUninit = (roCompat & (RoCompat.groupChecksum | RoCompat.metadataChecksum)) !== 0;
  if (mayBeUninit && (group.flags & BLOCK_UNINIT) !== 0) {
    const bitmap = new Uint8Array(superblock.blockBytes);
    for (const run of rangesWithin(metadata, range)) {
      const start = Math.floor((run.start - range.start) / clusterRatio);
      setBits(bitmap, start, Math.ceil((run.end - range.start) / clusterRatio));
    }
    return bitmap;
  }
  const bitmap = readBlock(source, superblock, group.blockBitmap);
  if ((roCompat & RoCompat.metadataChecksum) !== 0) {
    const covered = bitmap.subarray(0, superblock.blocksPerGroup / clusterRatio / 8);
    const sum = linuxCrc32c(superblock.checksumSeed, covered);
    const wide = superblock.descriptorBytes >= WIDE_DESCRIPTOR_BYTES;
    if ((wide ? sum : sum & 0xffff) !== group.bitmapChecksum) {
      throw new Doubt(`the block bitmap of group ${group.index} fails its checksum`);
    }
  }
  return bitmap;
}

function readBlock(source: SectorSource, superblock: ExtSuperblock, block: number): Uint8Array {
  if (block < 0 || block >= superblock.blocksCount) {
    throw new Doubt(`block ${block} lies outside the file system`);
  }
  return readBytes(source, block * superblock.blockBytes, superblock.blockBytes);
}
