/**
 * Partition tables of every kind that we know of, as files: made by sgdisk, sfdisk and xorriso
 * where they can, else written byte by byte after what a bug report or the kernel's reader shows.
 *
 * Each one says what huck must make of it: the kernel's partitions, one piece with a reason, or one
 * piece because there is no table.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { putGpt, putMbr, type WantedPartition } from "./disk-fixtures.ts";
import { makeFile, MIB, putBytes, run } from "./disk-tools.ts";

/** A disk with a table, and how it must be read. */
export interface TableCase {
  readonly name: string;
  /**
   * `kernel`: the partitions that the kernel would show; `whole`: one piece, with a reason; `none`:
   * one piece without a table; `more`: partitions that the kernel does not show.
   */
  readonly read: "kernel" | "whole" | "none" | "more";
  /** Logical sector size; default: 512. Unit: bytes. */
  readonly sectorBytes?: number;
  /** A tool that not everybody has; without it the case is left out. */
  readonly tool?: string;
  /** Makes the disk in a file that does not exist; `scratch` is a folder for parts. */
  make(file: string, scratch: string): void;
  /** Asks other tools about a copy; throws if they find fault. */
  check?(copy: string, scratch: string): void;
}

const DISK_BYTES = 64 * MIB;
const LAST = DISK_BYTES / 512 - 1;

/** A GPT made by sgdisk, then changed. */
function gpt(
  name: string,
  args: readonly string[],
  change: (file: string) => void = () => undefined,
  read: TableCase["read"] = "kernel",
): TableCase {
  const make = (file: string): void => {
    makeFile(file, DISK_BYTES);
    run("sgdisk", "-o", ...args, file);
    change(file);
  };
  return { name: `GPT: ${name}`, read, make };
}

/** A table made by sfdisk from a script. */
function script(name: string, lines: readonly string[], read: TableCase["read"]): TableCase {
  const make = (file: string): void => {
    makeFile(file, DISK_BYTES);
    sfdisk(file, lines);
  };
  return { name, read, make };
}

function sfdisk(file: string, lines: readonly string[]): void {
  execFileSync("sfdisk", ["-q", "--no-reread", file], {
    input: `${lines.join("\n")}\n`,
    stdio: ["pipe", "ignore", "pipe"],
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
  });
}

/** A disk that is written byte by byte; records lie at their sectors. */
function written(
  name: string,
  read: TableCase["read"],
  records: Readonly<Record<number, readonly WantedPartition[]>>,
  change: (disk: Uint8Array) => void = () => undefined,
): TableCase {
  return writtenFor(512, { name, read, records, change });
}

interface Written extends Pick<TableCase, "name" | "read"> {
  readonly records: Readonly<Record<number, readonly WantedPartition[]>>;
  readonly change?: (disk: Uint8Array) => void;
}

/** The same for a sector size. */
function writtenFor(sectorBytes: number, { name, read, records, change }: Written): TableCase {
  const make = (file: string): void => {
    const disk = new Uint8Array(DISK_BYTES);
    for (const [sector, entries] of Object.entries(records)) {
      putMbr(disk, Number(sector) * sectorBytes, entries);
    }
    change?.(disk);
    writeFileSync(file, disk);
  };
  return { name, read, make, sectorBytes };
}

const ONE = ["-n", "1:2048:+20M"];
const patch =
  (offset: number, ...bytes: readonly number[]) =>
  (file: string): void => {
    putBytes(file, offset, Uint8Array.from(bytes));
  };
const wipe =
  (sector: number, count = 1) =>
  (file: string): void => {
    putBytes(file, sector * 512, new Uint8Array(count * 512));
  };
const wipeHeaders = (file: string): void => {
  wipe(1)(file);
  wipe(LAST)(file);
};
const resize = (bytes: number) => (file: string) => {
  truncateSync(file, bytes);
};
const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
/** Partitions of 64 sectors, 64 apart. */
const many = (count: number): string[] =>
  range(count).flatMap((n) => ["-n", `${n}:${2048 + n * 128}:+63`]);

const GPT_TABLES: readonly TableCase[] = [
  gpt("one partition", ONE),
  gpt("no partition", []),
  gpt(
    "four partitions",
    range(4).flatMap((n) => ["-n", `${n}:${n * 8192}:+3M`]),
  ),
  gpt("128 partitions", ["-a", "1", ...many(128)]),
  gpt("200 partitions", ["-S", "256", "-a", "1", ...many(200)]),
  gpt("numbers with holes", ["-n", "5:2048:+4M", "-n", "9:0:+4M", "-n", "127:0:+4M"]),
  gpt("disk order is not number order", ["-n", "1:65536:+4M", "-n", "2:2048:+4M"]),
  gpt("unaligned from the first usable sector", ["-a", "1", "-n", "1:34:+999", "-n", "2:1034:+7"]),
  gpt("up to the last usable sector", ["-n", "1:2048:0"]),
  gpt("8 entries", ["-S", "8", ...ONE]),
  gpt("1024 entries", ["-S", "1024", "-n", "1:4096:+20M"]),
  gpt("array moved by sgdisk -j", ["-n", "1:8192:+20M", "-j", "3000"]),
  gpt("array moved right before the partition", ["-n", "1:8192:+20M", "-j", "8160"]),
  gpt("names and attributes", [...ONE, "-c", "1:größe 日本", "-A", "1:set:2"]),
  gpt("protective entry of length 0", ONE, patch(458, 0, 0, 0, 0)),
  gpt("protective entry of full length", ONE, patch(458, 255, 255, 255, 255)),
  gpt("protective entry bootable", ONE, patch(446, 0x80)),
  gpt("protective entry with an odd status", ONE, patch(446, 0x7f)),
  gpt("hybrid MBR", [...ONE, "-n", "2:0:+4M", "-h", "1:2"]),
  gpt("hybrid MBR, protective entry last", [...ONE, "-h", "1:EE"], undefined),
  gpt("disk grown, backup in the middle", ONE, resize(2 * DISK_BYTES)),
  gpt("disk grown by one sector", ONE, resize(DISK_BYTES + 512)),
  gpt("primary header damaged", ONE, patch(512 + 24, 9), "more"),
  gpt("primary array damaged", ONE, patch(1024, 9), "more"),
  gpt("backup header damaged", ONE, wipe(LAST)),
  gpt("backup array damaged", ONE, wipe(LAST - 32, 32)),
  gpt("both headers damaged", ONE, wipeHeaders, "whole"),
  gpt("no protective MBR", ONE, wipe(0), "none"),
  gpt("an MBR in its place", ONE, (file) => {
    const mbr = new Uint8Array(512);
    putMbr(mbr, 0, [{ start: 4096, sectorCount: 8192 }]);
    putBytes(file, 0, mbr);
  }),
  script("GPT: by sfdisk", ["label: gpt", "start=2048,size=8192", "size=4096,type=swap"], "kernel"),
  written("GPT: partitions that overlap", "whole", {}, (disk) => {
    putGpt(disk, 512, [
      { start: 2048, sectorCount: 4096 },
      { start: 4096, sectorCount: 4096 },
    ]);
  }),
  writtenFor(4096, {
    ...{ name: "GPT: sectors of 4096 bytes", read: "kernel", records: {} },
    change: (disk) => {
      putGpt(disk, 4096, [
        { start: 256, sectorCount: 4096 },
        { start: 5000, sectorCount: 1000 },
      ]);
    },
  }),
  written("GPT: a partition beyond the end", "kernel", {}, (disk) => {
    putGpt(disk, 512, [
      { start: 2048, sectorCount: 8192 },
      { start: 65536, sectorCount: 131072 },
    ]);
  }),
];

const link = (start: number, sectorCount: number): WantedPartition => ({
  start,
  sectorCount,
  type: 5,
});
const EMPTY: WantedPartition = { start: 0, sectorCount: 0, type: 0 };
const data = (start: number, sectorCount: number, type = 0x83): WantedPartition => ({
  ...{ start, sectorCount, type },
});
const logical = (number: number, mebibytes = 6): string => `d${number} : size=${mebibytes}M`;
const CONTAINER = "start=2048,size=50M,type=5";

/** Two containers of two logical partitions each (kernel bug list, "FDOS/kernel" #209). */
const TWO_CONTAINERS = {
  0: [link(2048, 40960), data(45000, 9000), { ...link(61440, 40960), type: 0x0f }],
  2048: [data(64, 9000), link(10240, 20000)],
  12288: [data(64, 9000)],
  61440: [data(64, 9000), link(10240, 20000)],
  71680: [data(64, 9000)],
};

const MBR_TABLES: readonly TableCase[] = [
  script("MBR: one partition", ["label: dos", "start=2048,size=20M"], "kernel"),
  script("MBR: no partition", ["label: dos"], "none"),
  script("MBR: four partitions", ["label: dos", ...range(4).map(() => "size=8M")], "kernel"),
  script("MBR: bootable", ["label: dos", "start=63,size=16065,bootable,type=c"], "kernel"),
  script("MBR: one logical", ["label: dos", CONTAINER, logical(5)], "kernel"),
  script(
    "MBR: primary and five logicals",
    ["label: dos", "size=8M", "type=f", ...range(5).map((n) => logical(4 + n))],
    "kernel",
  ),
  script(
    "MBR: Linux extended",
    ["label: dos", "start=2048,size=50M,type=85", logical(5), logical(6)],
    "kernel",
  ),
  script(
    "MBR: 20 logicals",
    ["label: dos", CONTAINER, ...range(20).map((n) => logical(4 + n, 1))],
    "kernel",
  ),
  script("MBR: container empty", ["label: dos", "size=8M", "size=8M,type=5"], "kernel"),
  written("MBR: only the third entry", "kernel", { 0: [EMPTY, EMPTY, data(2048, 9000)] }),
  written("MBR: entry of type 0", "kernel", { 0: [data(2048, 9000, 0)] }),
  written("MBR: unaligned", "kernel", { 0: [data(1, 9000), data(9001, 9000)] }),
  written("MBR: two containers", "kernel", TWO_CONTAINERS),
  written("MBR: three containers in odd order", "kernel", {
    0: [link(61440, 40960), link(2048, 20000), link(30000, 20000)],
    61440: [data(64, 9000)],
    2048: [data(64, 9000)],
    30000: [data(64, 9000)],
  }),
  written("MBR: link in the first entry", "kernel", {
    0: [link(2048, 80000)],
    2048: [link(10240, 20000), data(64, 9000)],
    12288: [data(64, 9000)],
  }),
  written("MBR: first logical deleted", "kernel", {
    0: [link(2048, 80000)],
    2048: [EMPTY, link(10240, 20000)],
    12288: [data(64, 9000)],
  }),
  written("MBR: four logicals in one EBR (OS/2)", "kernel", {
    0: [link(2048, 80000)],
    2048: [data(64, 900), link(10240, 20000), data(1000, 900), data(2000, 900)],
    12288: [data(64, 9000)],
  }),
  written("MBR: garbage in the third entry of an EBR", "kernel", {
    0: [link(2048, 80000)],
    2048: [data(64, 900), link(10240, 20000), data(1000, 900_000), data(99999, 5)],
    12288: [data(64, 9000)],
  }),
  written("MBR: odd status in an EBR", "kernel", TWO_CONTAINERS, (disk) => {
    disk[12288 * 512 + 446] = 0x11;
  }),
  written("MBR: chain without its second EBR", "kernel", TWO_CONTAINERS, (disk) => {
    disk.fill(0, 12288 * 512, 12289 * 512);
  }),
  written("MBR: chain beyond the disk", "kernel", {
    0: [link(2048, 80000)],
    2048: [data(64, 9000), link(999_999, 20000)],
  }),
  written("MBR: an EBR inside the logical before it", "kernel", {
    0: [link(2048, 80000)],
    2048: [data(64, 20000), link(10240, 30000)],
    12288: [data(20000, 9000)],
  }),
  written("MBR: chain that comes back", "whole", {
    0: [link(2048, 80000)],
    2048: [data(64, 9000), link(0, 20000)],
  }),
  written("MBR: partitions that overlap", "whole", { 0: [data(2048, 9000), data(4096, 9000)] }),
  written("MBR: partition over the table", "whole", { 0: [data(0, LAST)] }),
  written("MBR: partition cut by the end", "kernel", {
    0: [data(2048, 9000), data(65536, 999_999)],
  }),
  written("MBR: partition beyond the end", "kernel", { 0: [data(2048, 9000), data(200_000, 9)] }),
  written("MBR: odd status", "none", { 0: [data(2048, 9000)] }, (disk) => {
    disk[446] = 0x11;
  }),
  written("MBR: without a signature", "none", { 0: [data(2048, 9000)] }, (disk) => {
    disk[511] = 0;
  }),
  writtenFor(4096, {
    ...{ name: "MBR: sectors of 4096 bytes", read: "kernel" },
    records: { 0: [data(256, 4096), data(5000, 1000)] },
  }),
  writtenFor(4096, {
    ...{ name: "MBR: sectors of 4096 bytes and logicals", read: "kernel" },
    records: {
      0: [link(256, 8000)],
      256: [data(8, 3000), link(4000, 3000)],
      4256: [data(8, 2000)],
    },
  }),
];

function planted(name: string, ...places: readonly (readonly [number, string])[]): TableCase {
  return written(name, "whole", {}, (disk) => {
    for (const [at, hex] of places) disk.set(Buffer.from(hex, "hex"), at);
  });
}

/** A CD that is a disk as well, made by xorriso (etcher #2942, util-linux #2916). */
function compact(name: string, args: readonly string[], read: TableCase["read"]): TableCase {
  const make = (file: string, scratch: string): void => {
    const [efi, tree] = [join(scratch, "efi.img"), join(scratch, "tree")];
    makeFile(efi, 4 * MIB);
    run("mkfs.vfat", efi);
    mkdirSync(tree, { recursive: true });
    writeFileSync(join(tree, "file"), "on the CD");
    run(
      "xorriso",
      "-as",
      "mkisofs",
      "-o",
      file,
      "-append_partition",
      "2",
      "0xef",
      efi,
      ...args,
      tree,
    );
  };
  return { name: `CD with an ESP: ${name}`, read, tool: "xorriso", make };
}

const OTHER_TABLES: readonly TableCase[] = [
  script("Sun label by sfdisk", ["label: sun", "size=20M", "size=10M"], "whole"),
  script("SGI label by sfdisk", ["label: sgi", "size=20M"], "whole"),
  planted("Apple map", [0, "45520200"], [512, "504d0000"]),
  planted("BSD label", [512, "57455682"]),
  planted("Amiga table", [0, "5244534b"]),
  planted("AIX label", [0, "c9c2d4c1"]),
  written("BSD label in a partition", "kernel", { 0: [data(2048, 40960, 0xa5)] }, (disk) => {
    disk.set(Buffer.from("57455682", "hex"), 2049 * 512);
  }),
  written("dynamic disk of Windows", "kernel", { 0: [data(63, LAST - 2100, 0x42)] }),
  compact("MBR", [], "whole"),
  compact(
    "isohybrid",
    ["-e", "--interval:appended_partition_2:all::", "-no-emul-boot", "-isohybrid-gpt-basdat"],
    "whole",
  ),
  compact("GPT", ["-appended_part_as_gpt", "-partition_offset", "16"], "kernel"),
];

export const TABLES: readonly TableCase[] = [...GPT_TABLES, ...MBR_TABLES, ...OTHER_TABLES];
