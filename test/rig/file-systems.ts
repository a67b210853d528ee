/**
 * File systems in every form that their tools make: ext by features and block sizes, FAT by widths,
 * sizes, clusters and number of tables, swap by sizes. Each stands in the one partition of a disk.
 */
import { join } from "node:path";
import { seededRandom } from "../../shared/core/random.ts";
import { cutOut, makeExt, makeFile, makeTree, MIB, putInto, run } from "./disk-tools.ts";
import type { TableCase } from "./partition-tables.ts";

const OFFSET = MIB;
/** Behind the file system there is as much of the partition as this. */
const TAIL_BYTES = 3 * MIB;

/** Makes a file system of a length in a file. */
type Maker = (part: string, length: number, tree: string) => void;

/** Asks the file system's own tool; throws what it says if it finds fault. */
type Checker = (part: string) => void;

function inPartition(name: string, length: number, fill: Maker, check: Checker): TableCase {
  const end = OFFSET + length + TAIL_BYTES;
  const make = (file: string, scratch: string): void => {
    const [part, tree] = [join(scratch, "part"), join(scratch, "tree")];
    makeTree(tree, 7, 1);
    makeFile(part, length);
    fill(part, length, tree);
    makeFile(file, end + MIB);
    run("sgdisk", "-o", "-n", `1:${OFFSET / 512}:${end / 512 - 1}`, file);
    putInto(file, OFFSET, part);
  };
  const checkCopy = (copy: string, scratch: string): void => {
    const part = join(scratch, "part");
    cutOut(copy, OFFSET, length, part);
    check(part);
  };
  return { name, read: "kernel", make, check: checkCopy };
}

const EXT_FORMS: readonly (readonly string[])[] = [
  ["-t", "ext2"],
  ["-t", "ext3"],
  ["-t", "ext4"],
  ["-t", "ext4", "-O", "^64bit"],
  ["-t", "ext4", "-O", "^flex_bg"],
  ["-t", "ext4", "-O", "^metadata_csum,uninit_bg"],
  ["-t", "ext4", "-O", "^metadata_csum,^uninit_bg"],
  ["-t", "ext4", "-O", "metadata_csum_seed"],
  ["-t", "ext4", "-O", "sparse_super2"],
  ["-t", "ext4", "-O", "meta_bg,^resize_inode", "-g", "512"],
  ["-t", "ext4", "-O", "mmp"],
  ["-t", "ext4", "-O", "orphan_file"],
  ["-t", "ext4", "-O", "inline_data,large_dir,ea_inode"],
  ["-t", "ext4", "-O", "^has_journal"],
  ["-t", "ext4", "-O", "bigalloc", "-C", "16384"],
  ["-t", "ext4", "-O", "quota,project"],
  ["-t", "ext4", "-O", "casefold,verity,encrypt"],
  ["-t", "ext4", "-E", "lazy_itable_init=1,lazy_journal_init=1"],
  ["-t", "ext2", "-O", "^sparse_super,^resize_inode", "-g", "2048"],
  ["-t", "ext4", "-I", "128", "-N", "3000"],
];

const EXT: readonly TableCase[] = EXT_FORMS.flatMap((form) =>
  ["1024", "2048", "4096"].map((block) =>
    inPartition(
      ["ext", ...form, "-b", block].join(" "),
      32 * MIB,
      (part, length, tree) => {
        makeExt(part, length, tree, [...form, "-b", block]);
        // mke2fs does not count what it fills in; exit code 1 is "repaired"
        if (form.includes("quota,project")) run("sh", "-c", `e2fsck -fy ${part} || [ $? = 1 ]`);
      },
      (part) => run("e2fsck", "-fn", part),
    ),
  ),
);

/** [width, MiB, sectors per cluster]. */
const FAT_FORMS: readonly (readonly [string, number, string])[] = [
  ...[1, 2].flatMap((size) => [["12", size, "1"] as const, ["12", size, "4"] as const]),
  ...["2", "4"].map((cluster) => ["12", 4, cluster] as const),
  ...["8", "16", "32", "64"].map((cluster) => ["12", 15, cluster] as const),
  ...["1", "2", "4"].map((cluster) => ["16", 16, cluster] as const),
  ...["2", "4", "8", "16"].map((cluster) => ["16", 50, cluster] as const),
  ...["1", "2"].map((cluster) => ["32", 70, cluster] as const),
];

const FAT: readonly TableCase[] = FAT_FORMS.flatMap(([bits, mebibytes, cluster]) =>
  ["1", "2", "3", "4"].map((tables) =>
    inPartition(
      `fat${bits} of ${mebibytes} MiB, ${cluster} sectors per cluster, ${tables} tables`,
      mebibytes * MIB,
      (part, _, tree) => {
        run("mkfs.vfat", "-F", bits, "-s", cluster, "-f", tables, part);
        run("mcopy", "-i", part, "-s", join(tree, "d1"), "::");
      },
      // fsck.fat knows no more than two tables
      (part) => (tables < "3" ? run("fsck.fat", "-n", part) : run("mdir", "-i", part, "::d1")),
    ),
  ),
);

const SWAP: readonly TableCase[] = [1, 5, 17].map((mebibytes) =>
  inPartition(
    `swap of ${mebibytes} MiB`,
    mebibytes * MIB,
    (part) => run("mkswap", "-L", "lab", part),
    (part) => run("swaplabel", part),
  ),
);

export const FILE_SYSTEMS: readonly TableCase[] = [...EXT, ...FAT, ...SWAP];

/**
 * Some of the cases of a campaign, for the ordinary suite.
 *
 * @returns The same ones for the same seed.
 */
export function someOf(cases: readonly TableCase[], count: number, seed: number): TableCase[] {
  const random = seededRandom(seed);
  const left = [...cases];
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)).flat();
}
