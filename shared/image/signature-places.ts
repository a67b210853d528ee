/**
 * Where signatures stand: the places of a partition or disk by which kernels and tools recognise
 * file systems, RAID members, volumes and tables.
 *
 * The places are those that libblkid reads (util-linux, libblkid/src/superblocks and partitions, as
 * of 2026), and the mirrors from which a format's own tools can restore it. They are a few
 * megabytes in all, so whole stretches are named where signatures stand close together. The places
 * do not depend on content: those that an image does not cover must be zero after a load (P13).
 */
import { normalRanges, type Range } from "../core/ranges.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** [first byte counted from the start, length in bytes]. */
const FROM_START: readonly (readonly [number, number])[] = [
  // Boot sectors (FAT, exFAT, NTFS; backups in sectors 6 and 12), MBR, primary GPT, XFS and its
  // log, ext (1 KiB), swap (end of the first page), LVM2 labels, md 1.1 and 1.2 (0 and 4 KiB),
  // bcache (4 KiB), JFS, ISO 9660 and UDF (32 KiB), ReiserFS, GFS2 and btrfs (64 KiB), UFS (up to
  // 256 KiB), ZFS labels 0 and 1 (up to 512 KiB), UDF anchors (512 KiB), LUKS2 copies below 1 MiB.
  [0, MIB],
  // VMFS volume, LUKS2 copy, UDF anchor of blocks of 4 KiB.
  [MIB, 64 * KIB],
  // VMFS file system, second superblock of bcachefs, LUKS2 copy.
  [2 * MIB, 64 * KIB],
  // Last LUKS2 copy (LUKS2 on-disk format, section 2).
  [4 * MIB, 4 * KIB],
  // Mirrors of the btrfs superblock (btrfs on-disk format: 64 MiB and 256 GiB; 4 KiB each).
  [64 * MIB, 4 * KIB],
  [256 * GIB, 4 * KIB],
];

/** [first byte counted back from the end, length in bytes]. */
const FROM_END: readonly (readonly [number, number])[] = [
  // md 0.90 (last whole 64 KiB) and 1.0 (8 KiB before the end), DRBD (4 KiB), NILFS2, HFS+ (1 KiB),
  // backup boot sector of NTFS, backup GPT, Intel, DDF and other firmware RAID (last 257 sectors),
  // ZFS labels 2 and 3 (last 768 KiB, counted from whole 256 KiB), last superblock of bcachefs.
  [MIB, MIB],
  // Promise FastTrak: 63 to 3087 sectors before the end; those below 2048 are in the last MiB.
  [3087 * 512, 512],
];

/**
 * The signature places of one partition or disk.
 *
 * @param range - Where it lies. Unit: bytes, whole sectors.
 * @param sectorBytes - Logical sector size.
 * @returns A normal list of whole sectors inside the range.
 */
export function signaturePlaces(range: Range, sectorBytes: number): Range[] {
  const places = [
    ...FROM_START.map(([offset, length]) => ({ at: range.start + offset, length })),
    ...FROM_END.map(([offset, length]) => ({ at: range.end - offset, length })),
  ];
  return normalRanges(
    places.map(({ at, length }) => ({
      start: Math.max(range.start, Math.floor(at / sectorBytes) * sectorBytes),
      end: Math.min(range.end, Math.ceil((at + length) / sectorBytes) * sectorBytes),
    })),
  );
}
