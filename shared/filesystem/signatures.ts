/**
 * Signatures of file systems and containers that we have no reader for and keep raw, so that a
 * warning can name them.
 *
 * Offsets are those of each format's own documentation; the list is what wipefs finds on lab disks.
 * A disk may have several signatures (a RAID member holds a file system). Members and encrypted
 * containers come first, because the content inside them must not be read as if it were the
 * partition's.
 */
import { ByteReader } from "../core/bytes.ts";
import { readBytes, type SectorSource } from "../disk/source.ts";

/** A known signature. */
export interface Signature {
  /** Name, lower case, as lsblk prints it. */
  readonly name: string;
  /** Name for the operator. */
  readonly title: string;
  /** True if signatures found inside it must not be believed. */
  readonly opaque: boolean;
}

/**
 * [name, title, offset in bytes, text or bytes in hexadecimal, opaque]. A negative offset counts
 * from the end of the last whole 512 bytes.
 */
const FIXED: readonly (readonly [string, string, number, string, boolean])[] = [
  ["crypto_LUKS", "a LUKS encrypted volume", 0, hexOf("LUKS\xba\xbe"), true],
  ["bitlocker", "a BitLocker encrypted volume", 3, hexOf("-FVE-FS-"), true],
  ["lvm2", "an LVM physical volume", 24, hexOf("LVM2 001"), true],
  ["lvm2", "an LVM physical volume", 512 + 24, hexOf("LVM2 001"), true],
  ["lvm2", "an LVM physical volume", 1024 + 24, hexOf("LVM2 001"), true],
  ["lvm2", "an LVM physical volume", 1536 + 24, hexOf("LVM2 001"), true],
  ["linux_raid", "an md RAID member", 0, "fc4e2ba9", true],
  ["linux_raid", "an md RAID member", 4096, "fc4e2ba9", true],
  ["bcache", "a bcache device", 4096 + 24, "c68573f64e1a45ca8265f57f48ba6d81", true],
  ...[14, 15, 16, 17, 18, 19, 20, 21, 22].map(
    (log2) =>
      ["crypto_LUKS", "a LUKS encrypted volume", 2 ** log2, hexOf("SKUL\xba\xbe"), true] as const,
  ),
  ["drbd", "a DRBD device", 60 - 4096, "8374026b", true],
  ["drbd", "a DRBD device", 60 - 4096, "8374026c", true],
  ["drbd", "a DRBD device", 60 - 4096, "8374026d", true],
  ["stratis", "a member of a Stratis pool", 516, hexOf("!Stra0tis\x86\xff\x02^Arh"), true],
  ["stratis", "a member of a Stratis pool", 4612, hexOf("!Stra0tis\x86\xff\x02^Arh"), true],
  ["vdo", "a VDO volume", 0, hexOf("dmvdo001"), true],
  ["DM_verity_hash", "a dm-verity hash device", 0, hexOf("verity\0\0"), true],
  ["DM_integrity", "a dm-integrity device", 0, hexOf("integrt\0"), true],
  ["isw_raid_member", "an Intel RAID member", -1024, hexOf("Intel Raid ISM Cfg Sig. "), true],
  ["lsi_mega_raid_member", "an LSI RAID member", -512, hexOf("$XIDE$"), true],
  ["ddf_raid_member", "a DDF RAID member", -512, "de11de11", true],
  ["ddf_raid_member", "a DDF RAID member", -257 * 512, "de11de11", true],
  ["hpt45x_raid_member", "a HighPoint RAID member", -11 * 512, "f316785a", true],
  ...[63, 255, 256, 16, 399, 591, 675, 735, 911, 974, 991, 951, 3087].map(
    (sectors) =>
      [
        ...(["promise_fasttrack_raid_member", "a Promise RAID member"] as const),
        ...([sectors * -512, hexOf("Promise Technology, Inc."), true] as const),
      ] as const,
  ),
  ["ntfs", "an NTFS file system", 3, hexOf("NTFS    "), false],
  ["exfat", "an exFAT file system", 3, hexOf("EXFAT   "), false],
  ["refs", "a ReFS file system", 3, hexOf("ReFS\0\0\0\0"), false],
  ["xfs", "an XFS file system", 0, hexOf("XFSB"), false],
  ["btrfs", "a Btrfs file system", 65536 + 64, hexOf("_BHRfS_M"), false],
  ["f2fs", "an F2FS file system", 1024, "1020f5f2", false],
  ["jfs", "a JFS file system", 32768, hexOf("JFS1"), false],
  ["hfsplus", "an HFS+ file system", 1024, hexOf("H+\0\x04"), false],
  ["apfs", "an APFS container", 32, hexOf("NXSB"), false],
  ["squashfs", "a squashfs file system", 0, hexOf("hsqs"), false],
  ["iso9660", "an ISO 9660 file system", 32769, hexOf("CD001"), false],
];

/** Magic number of an md superblock, little-endian on disk. */
const MD_MAGIC = 0xa92b4efc;
/**
 * ZFS labels (OpenZFS on-disk format, chapter 1): two of 256 KiB at the head and two at the end,
 * counted from a multiple of 256 KiB. The second half of each is a ring of uberblocks. Unit: bytes.
 */
const ZFS_LABEL_BYTES = 256 << 10;
const ZFS_RING_OFFSET = 128 << 10;
/** Shortest uberblock of that ring; longer ones are multiples. Unit: bytes. */
const ZFS_UBERBLOCK_BYTES = 1024;
/** "oo-ba-bloc", in the byte order of the computer that wrote it. */
const ZFS_MAGIC = 0x00bab10cn;

/**
 * @returns All known signatures that were found; opaque ones first, each name once.
 * @throws A system error when the device fails.
 */
export function findSignatures(source: SectorSource): readonly Signature[] {
  const sizeBytes = source.sectorCount * source.sectorBytes;
  const found = new Map<string, Signature>();
  for (const [name, title, place, hex, opaque] of FIXED) {
    const length = hex.length / 2;
    const offset = place < 0 ? Math.floor(sizeBytes / 512) * 512 + place : place;
    if (found.has(name) || offset < 0 || offset + length > sizeBytes) continue;
    const bytes = Buffer.from(readBytes(source, offset, length)).toString("hex");
    if (bytes === hex) found.set(name, { name, title, opaque });
  }
  if (!found.has("linux_raid") && hasMdAtEnd(source, sizeBytes)) {
    const name = "linux_raid";
    found.set(name, { name, title: "an md RAID member", opaque: true });
  }
  if (hasUberblock(source, sizeBytes)) {
    const name = "zfs_member";
    found.set(name, { name, title: "a member of a ZFS pool", opaque: true });
  }
  const all = [...found.values()];
  return [...all.filter(({ opaque }) => opaque), ...all.filter(({ opaque }) => !opaque)];
}

/** md 1.0 stands 8 KiB before the end, aligned to 4 KiB; md 0.90 in the last whole 64 KiB. */
function hasMdAtEnd(source: SectorSource, sizeBytes: number): boolean {
  const places = [
    Math.floor((sizeBytes - 8192) / 4096) * 4096,
    Math.floor(sizeBytes / 65536) * 65536 - 65536,
  ];
  return places.some((offset) => {
    if (offset < 0 || offset + 4 > sizeBytes) return false;
    return new ByteReader(readBytes(source, offset, 4), "md superblock").u32le() === MD_MAGIC;
  });
}

/**
 * One uberblock in one label is enough. ZFS never writes the first 8 KiB of a label, so the
 * superblock of an older file system may still be there.
 */
function hasUberblock(source: SectorSource, sizeBytes: number): boolean {
  const end = Math.floor(sizeBytes / ZFS_LABEL_BYTES) * ZFS_LABEL_BYTES;
  const labels = [0, ZFS_LABEL_BYTES, end - 2 * ZFS_LABEL_BYTES, end - ZFS_LABEL_BYTES];
  return labels.some((label) => {
    if (label < 0 || label + ZFS_LABEL_BYTES > sizeBytes) return false;
    const length = ZFS_LABEL_BYTES - ZFS_RING_OFFSET;
    const ring = readBytes(source, label + ZFS_RING_OFFSET, length);
    for (let at = 0; at < length; at += ZFS_UBERBLOCK_BYTES) {
      const little = new ByteReader(ring, "ZFS uberblock", at).u64le();
      const big = new ByteReader(ring, "ZFS uberblock", at).u64be();
      if (little === ZFS_MAGIC || big === ZFS_MAGIC) return true;
    }
    return false;
  });
}

function hexOf(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}
