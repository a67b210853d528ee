/**
 * What former owners leave on a disk: signatures made by the tools that make them, or written after
 * the specification where a tool wants a kernel module. Each is made in a file of the size of the
 * partition or disk that it covers.
 */
import { closeSync, openSync, statSync, truncateSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { crc32c } from "../../shared/core/digest.ts";
import { run } from "./disk-tools.ts";

/** A kind of remains. */
export interface Remains {
  /** Words that wipefs has for it. */
  readonly seen: RegExp;
  /** Program that makes it; absent if it is written here. */
  readonly tool?: string;
  /** @param file - Zeros, of the size of the device. */
  make(file: string): void;
}

const KIB = 1024;
const down = (value: number, unit: number): number => Math.floor(value / unit) * unit;

/** Writes bytes at an offset; a negative one counts from the end. */
function put(file: string, offset: number, bytes: Uint8Array | string): void {
  const at = offset < 0 ? statSync(file).size + offset : offset;
  const fd = openSync(file, "r+");
  writeSync(fd, typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, 0, undefined, at);
  closeSync(fd);
}

const made = (tool: string, seen: RegExp, ...args: readonly string[]): Remains => ({
  seen,
  tool,
  make: (file) => {
    run(tool, ...args, file);
  },
});

const written = (seen: RegExp, make: (file: string) => void): Remains => ({ seen, make });

const signed = (seen: RegExp, offset: number, bytes: Uint8Array | string): Remains =>
  written(seen, (file) => {
    put(file, offset, bytes);
  });

/** md 0.90: 4 KiB in the last whole 64 KiB of the device (linux/raid/md_p.h). */
export function md090(): Buffer {
  const superblock = Buffer.alloc(4096);
  const words = [0xa92b4efc, 0, 90, 0, 0, 1, 1600000000, 1, 61376, 2, 2, 0, 0, 2, 3, 4];
  words.forEach((word, index) => superblock.writeUInt32LE(word, index * 4));
  return superblock;
}

/** md 1.x: 256 bytes and a word for each device; says where it stands (linux/raid/md_p.h). */
function md1(superOffset: number): Buffer {
  const superblock = Buffer.alloc(4096);
  superblock.writeUInt32LE(0xa92b4efc, 0);
  superblock.writeUInt32LE(1, 4); // major version
  superblock.fill(7, 16, 32); // set UUID
  superblock.write("old:raid", 32);
  superblock.writeUInt32LE(1, 72); // level
  superblock.writeBigUInt64LE(BigInt(superOffset / 512), 144);
  superblock.writeUInt32LE(1, 220); // max_dev
  let sum = 0n; // calc_sb_1_csum(): the sum of all words, carries added
  for (let at = 0; at < 256 + 2; at += 4) {
    sum +=
      at + 4 <= 258 ? BigInt(superblock.readUInt32LE(at)) : BigInt(superblock.readUInt16LE(at));
  }
  superblock.writeUInt32LE(Number(((sum & 0xffffffffn) + (sum >> 32n)) & 0xffffffffn), 216);
  return superblock;
}

const md1At = (place: (size: number) => number): Remains =>
  written(/linux_raid_member/, (file) => {
    const offset = place(statSync(file).size);
    put(file, offset, md1(offset));
  });

/** Rings of uberblocks in all four labels (OpenZFS on-disk format, chapter 1). */
function zfs(file: string): void {
  const end = down(statSync(file).size, 256 * KIB);
  const ring = Buffer.alloc(128 * KIB);
  for (let at = 0; at < ring.byteLength; at += KIB) {
    [0x00bab10cn, 5000n, BigInt(at), 1n, 1600000000n].forEach((word, index) => {
      ring.writeBigUInt64LE(word, at + index * 8);
    });
  }
  for (const label of [0, 256 * KIB, end - 512 * KIB, end - 256 * KIB]) {
    put(file, label + 128 * KIB, ring);
  }
}

function drbd(file: string): void {
  const block = Buffer.alloc(4096); // md_on_disk_08 of drbd_int.h, big-endian
  block.writeBigUInt64BE(1000n, 0);
  block.fill(9, 8, 48);
  block.writeUInt32BE(0x8374026b, 60);
  block.writeUInt32BE(8, 64);
  put(file, -4096, block);
}

/** A table of the kind on all of the device; one partition at 1 MiB if the kind is "dos". */
const label = (seen: RegExp, kind: string): Remains => ({
  seen,
  tool: "sfdisk",
  make: (file) => {
    const lines = [`label: ${kind}`, ...(kind === "dos" ? ["2048 20480 L"] : [])];
    run("sh", "-c", `printf '%s\\n' "$@" | sfdisk -q "${file}"`, "sh", ...lines);
  },
});

/** A GPT that spans the device, with one partition. */
const GPT = made("sgdisk", /gpt/, "-o", "-n", "1:0:+10M");

/** Two copies of a block with a CRC-32C (stratisd, metadata/static_header). */
function stratis(file: string): void {
  const block = Buffer.alloc(512);
  Buffer.from("!Stra0tis\x86\xff\x02^\x41rh", "latin1").copy(block, 4);
  block.writeBigUInt64LE(BigInt(statSync(file).size / 512), 20);
  block.write("0123456789abcdef".repeat(4), 32, "latin1");
  block.writeUInt32LE(crc32c(block.subarray(4)), 0);
  for (const copy of [512, 9 * 512]) put(file, copy, block);
}

/** A block device over the file, for tools that take nothing else. */
const onLoop = (seen: RegExp, tool: string, ...args: readonly string[]): Remains => ({
  seen,
  tool,
  make: (file) => {
    const device = run("losetup", "-f", "--show", file).trim();
    try {
      run(tool, ...args, device);
    } finally {
      run("losetup", "-d", device);
    }
  },
});

const luks = (version: string): Remains => ({
  seen: /crypto_LUKS/,
  tool: "cryptsetup",
  make: (file) => {
    const how = "--pbkdf pbkdf2 --pbkdf-force-iterations 1000";
    run("sh", "-c", `echo secret | cryptsetup -q luksFormat --type ${version} ${how} "${file}" -`);
  },
});

/** DDF anchor: the last sector of the device; its CRC is over the sector with 0xff in its place. */
function ddf(file: string): void {
  const anchor = Buffer.alloc(512);
  anchor.writeUInt32BE(0xde11de11, 0);
  anchor.fill(0xff, 4, 8);
  anchor.write("Adaptec  0123456789abcde", 8, "latin1");
  anchor.write("01.02.00", 32, "latin1");
  anchor.writeBigUInt64BE(BigInt(statSync(file).size / 512 - 257), 96);
  anchor.writeUInt32BE(crc32(anchor), 4);
  put(file, -512, anchor);
  put(file, -257 * 512, anchor);
}

/** All remains that we know how to make, by name. */
export const REMAINS: Readonly<Record<string, Remains>> = {
  "md 0.90": written(/linux_raid_member/, (file) => {
    put(file, down(statSync(file).size, 64 * KIB) - 64 * KIB, md090());
  }),
  "md 1.0": md1At((size) => down(size, 4 * KIB) - 8 * KIB),
  "md 1.1": md1At(() => 0),
  "md 1.2": md1At(() => 4 * KIB),
  LVM2: onLoop(/LVM2_member/, "pvcreate", "-y", "-q", "--config", "devices{use_devicesfile=0}"),
  LUKS1: luks("luks1"),
  "LUKS2, both headers": luks("luks2"),
  "LUKS2, second header alone": {
    ...luks("luks2"),
    make: (file) => {
      luks("luks2").make(file);
      put(file, 0, new Uint8Array(4096));
    },
  },
  "ZFS, four labels": written(/zfs_member/, zfs),
  bcache: onLoop(/bcache/, "make-bcache", "-B"),
  "btrfs with a mirror": made("mkfs.btrfs", /btrfs/, "-q"),
  XFS: made("mkfs.xfs", /xfs/, "-q"),
  exFAT: made("mkfs.exfat", /exfat/),
  NTFS: made("mkfs.ntfs", /ntfs/, "-q", "-F", "-Q"),
  swap: made("mkswap", /swap/, "-q"),
  F2FS: made("mkfs.f2fs", /f2fs/, "-q"),
  NILFS2: made("mkfs.nilfs2", /nilfs2/, "-q"),
  JFS: made("mkfs.jfs", /jfs/, "-q"),
  UDF: made("mkfs.udf", /udf/, "-b", "512"),
  "UDF of 4 KiB blocks": made("mkfs.udf", /udf/, "-b", "4096"),
  GFS2: made("mkfs.gfs2", /gfs2/, ..."-q -O -p lock_nolock -j 1 -J 32".split(" ")),
  OCFS2: made("mkfs.ocfs2", /ocfs2/, "-q", "-F", "-M", "local"),
  ReiserFS: made("mkreiserfs", /reiserfs/, "-q", "-f", "-f"),
  Minix: made("mkfs.minix", /minix/),
  BFS: made("mkfs.bfs", /bfs/),
  FAT32: made("mkfs.vfat", /vfat/, "-I", "-F", "32"),
  ext4: made("mke2fs", /ext4/, "-q", "-F", "-t", "ext4", "-L", "former"),
  squashfs: {
    ...made("mksquashfs", /squashfs/),
    make: (file) => {
      const { size } = statSync(file);
      truncateSync(file, 0);
      run("mksquashfs", import.meta.dirname, file, "-noappend", "-quiet", "-no-progress");
      truncateSync(file, size);
    },
  },
  EROFS: {
    ...made("mkfs.erofs", /erofs/),
    make: (file) => {
      const { size } = statSync(file);
      run("mkfs.erofs", file, import.meta.dirname);
      truncateSync(file, size);
    },
  },
  "a GPT": GPT,
  "an MBR": label(/dos/, "dos"),
  "an SGI label": label(/sgi/, "sgi"),
  "a Sun label": label(/sun/, "sun"),
  "a backup GPT alone": {
    ...GPT,
    make: (file) => {
      GPT.make(file);
      put(file, 512, new Uint8Array(33 * 512));
    },
  },
  DRBD: written(/drbd/, drbd),
  Stratis: written(/stratis/, stratis),
  VDO: signed(/vdo/, 0, "dmvdo001\x05\0\0\0\x04\0\0\0"),
  "Intel Matrix RAID": signed(/isw_raid_member/, -1024, "Intel Raid ISM Cfg Sig. 1.0.00"),
  "LSI MegaRAID": signed(/lsi_mega_raid_member/, -512, "$XIDE$"),
  "Promise FastTrak": signed(
    /promise_fasttrack_raid_member/,
    -63 * 512,
    "Promise Technology, Inc.",
  ),
  "Promise FastTrak, far place": signed(/promise/, -3087 * 512, "Promise Technology, Inc."),
  DDF: written(/ddf_raid_member/, ddf),
  "HighPoint 45x": signed(/hpt45x_raid_member/, -11 * 512, Buffer.from("f316785a", "hex")),
  "HighPoint 37x": signed(/hpt37x_raid_member/, 4608 + 32, Buffer.from("f016785a", "hex")),
  "dm-verity": written(/DM_verity_hash/, (file) => {
    put(file, 0, "verity\0\0\x01\0\0\0\x01\0\0\0");
  }),
  "dm-integrity": signed(/DM_integrity/, 0, "integrt\0\x01"),
  "Oracle ASM": signed(/oracleasm/, 32, "ORCLDISKVOL1"),
  BlueStore: signed(/ceph_bluestore/, 0, "bluestore block device\n"),
  VMFS: signed(/VMFS_volume_member/, 1024 * KIB, Buffer.from("0dd001c0", "hex")),
  "VMFS volume": signed(/VMFS/, 2048 * KIB, Buffer.from("5ef1ab2f", "hex")),
  ReFS: signed(/ReFS/, 0, "\0\0\0ReFS\0"),
  UBI: signed(/ubi/, 0, "UBI#\x01"),
  "ISO 9660": signed(/iso9660/, 32 * KIB, "\x01CD001\x01"),
};
