/**
 * Reader of ext2, ext3 and ext4: which sectors of the partition are in use.
 *
 * The block bitmaps are right only if the journal is empty and nobody has the file system open, so
 * these conditions are checked first. All inode tables are kept, even those never written, because
 * a repair would read them.
 */
import { usedBlocks } from "./ext-groups.ts";
import {
  Compat,
  type ExtSuperblock,
  hasExtMagic,
  Incompat,
  isJournalDevice,
  readExtSuperblock,
  RoCompat,
} from "./ext-superblock.ts";
import type { FsReader, FsReport } from "./reader.ts";
import { cleanMap, type FsIdentity, keepAll, uuidText } from "./report.ts";
import { ByteReader } from "../core/bytes.ts";
import { readBytes, type SectorSource } from "../disk/source.ts";

/** `s_state` of a file system that was unmounted in order, and of one with errors. */
const STATE_VALID = 1;
const STATE_ERRORS = 2;
/**
 * Multi-mount protection: the block's magic number, and the sequence number that means "nobody has
 * it open".
 */
const MMP_MAGIC = 0x004d4d50;
const MMP_CLEAN = 0xff4d4d50;
/** Bytes of the MMP block that we read. */
const MMP_BYTES = 512;
/** incompat bits that only ext4 has (extent, 64bit, flex_bg and all later ones). */
const EXT4_INCOMPAT = ~(0x2 | 0x4 | 0x8 | 0x10);
/** ro_compat bits that ext2 and ext3 have too. */
const EXT4_RO_COMPAT = ~(0x1 | 0x2 | 0x4);

export const extReader: FsReader = {
  kind: "ext4",
  recognises: hasExtMagic,
  read(source) {
    if (isJournalDevice(source)) {
      return keepAll(source, JOURNAL, "unknown", "it is the journal of another file system");
    }
    const superblock = readExtSuperblock(source);
    if (typeof superblock === "string") return keepAll(source, UNREADABLE, "unknown", superblock);
    const identity = identityOf(superblock);
    if (!superblock.checksumRight) {
      return keepAll(source, identity, "unknown", "its superblock fails its checksum");
    }
    // Also one that we would keep whole anyway must not be saved dirty without being asked.
    const dirty = dirtyBecause(source, superblock);
    if (dirty !== undefined) return keepAll(source, identity, "dirty", dirty);
    const unknown = unknownBecause(superblock);
    if (unknown !== undefined) return keepAll(source, identity, "unknown", unknown);
    return readMap(source, superblock, identity);
  },
};

/** Named as blkid names it. */
const JOURNAL: FsIdentity = { kind: "jbd", features: [], blockBytes: 0, uuid: "", label: "" };
const UNREADABLE: FsIdentity = { kind: "ext4", features: [], blockBytes: 0, uuid: "", label: "" };

function readMap(source: SectorSource, one: ExtSuperblock, identity: FsIdentity): FsReport {
  const used = usedBlocks(source, one);
  if (typeof used === "string") return keepAll(source, identity, "unknown", used);
  return cleanMap(source, identity, used, one.blocksCount * one.blockBytes);
}

function identityOf(one: ExtSuperblock): FsIdentity {
  const ext4 = (one.incompat & EXT4_INCOMPAT) !== 0 || (one.roCompat & EXT4_RO_COMPAT) !== 0;
  const journal = (one.compat & Compat.hasJournal) !== 0;
  return {
    kind: ext4 ? "ext4" : journal ? "ext3" : "ext2",
    features: [...one.features, ...one.unknownFeatures],
    blockBytes: one.blockBytes,
    uuid: uuidText(one.uuidBytes),
    label: one.label,
  };
}

function unknownBecause(one: ExtSuperblock): string | undefined {
  const { compat, unknownFeatures } = one;
  if (unknownFeatures.length > 0) return `it uses ${unknownFeatures.join(", ")}, unknown to us`;
  if ((compat & Compat.hasJournal) !== 0 && one.journalInode === 0) {
    return "its journal is on another device";
  }
  return undefined;
}

function dirtyBecause(source: SectorSource, one: ExtSuperblock): string | undefined {
  if ((one.incompat & Incompat.recover) !== 0) return "its journal needs recovery";
  if ((one.state & STATE_VALID) === 0) return "it was not unmounted in order";
  if ((one.state & STATE_ERRORS) !== 0) return "the kernel recorded errors in it";
  if (one.lastOrphan !== 0) return "deleted files wait to be released";
  if ((one.roCompat & RoCompat.orphanPresent) !== 0) return "its orphan file is not empty";
  if ((one.incompat & Incompat.mmp) === 0) return undefined;
  const offset = one.mmpBlock * one.blockBytes;
  if (offset + MMP_BYTES > source.sectorCount * source.sectorBytes) return "its MMP block is lost";
  const reader = new ByteReader(readBytes(source, offset, MMP_BYTES), "MMP block");
  const clean = reader.u32le() === MMP_MAGIC && reader.u32le() === MMP_CLEAN;
  return clean ? undefined : "another system has it open (multi-mount protection)";
}
