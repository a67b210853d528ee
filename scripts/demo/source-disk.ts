/**
 * Makes the disk that the demo saves: a GPT with one ext4 partition full of real files, without
 * root and mounts.
 *
 * The files are this project's own packages and the largest ones of the computer, up to a gigabyte.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Size of the disk. Unit: bytes. */
export const DISK_BYTES: number = 1600 << 20;
/** Where the partition begins: the usual alignment. Unit: bytes. */
export const PARTITION_OFFSET: number = 1 << 20;
/** Bytes of files to gather. */
const FILES_BYTES = 1000 << 20;
/** The backup GPT and some room. Unit: bytes. */
const TAIL_BYTES = 1 << 20;
/** Smaller files cost too much time for their bytes. Unit: KiB. */
const WORTH_COPYING_KIB = 256;
const LISTING_BYTES_MAX = 64 << 20;

/**
 * Makes the disk.
 *
 * @param root - The work tree.
 * @param folder - Where to work; `source.img` is made in it.
 * @returns Path of the disk and bytes of files inside.
 */
export function makeSourceDisk(
  root: string,
  folder: string,
): { readonly path: string; readonly fileBytes: number } {
  const path = join(folder, "source.img");
  const files = join(folder, "files");
  mkdirSync(files, { recursive: true });
  const fileBytes = gather(root, files);
  writeFileSync(path, "");
  truncateSync(path, DISK_BYTES);
  const table = "label: gpt\nstart=2048, size=+, type=L, name=demo\n";
  const partitionBytes = DISK_BYTES - PARTITION_OFFSET - TAIL_BYTES;
  const size = `size=${partitionBytes / 512}`;
  execFileSync("sfdisk", ["-q", path], { input: table.replace("size=+", size) });
  const blocks = `${partitionBytes / 4096}`;
  const options = ["-q", "-t", "ext4", "-b", "4096", "-m", "0", "-L", "huck-demo"];
  const place = ["-E", `offset=${PARTITION_OFFSET}`, "-d", files];
  execFileSync("mke2fs", [...options, ...place, path, blocks], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  rmSync(files, { recursive: true });
  return { path, fileBytes };
}

/**
 * Copies some packages with all their small files, then the largest files there are. Links would be
 * quicker to make, but mke2fs takes minutes over many thousand of them.
 */
function gather(root: string, into: string): number {
  let total = 0;
  for (const name of ["zod", "commander", "esbuild", "vitest"]) {
    const tree = join(root, "node_modules", name);
    if (!existsSync(tree)) continue;
    execFileSync("cp", ["-a", tree, into]);
    total += bytesOf(tree);
  }
  const folders = [join(root, "node_modules"), join(root, ".node"), "/usr/bin", "/usr/lib"];
  const files = largeFiles(folders);
  files.sort((left, right) => right.bytes - left.bytes);
  for (const { path, bytes } of files) {
    if (total + bytes > FILES_BYTES) continue;
    const target = join(into, path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(path, target);
    total += bytes;
  }
  return total;
}

/** Lists the readable files below folders that are worth a copy; links are not followed. */
function largeFiles(
  folders: readonly string[],
): { readonly path: string; readonly bytes: number }[] {
  const wanted = ["-xdev", "-type", "f", "-readable", "-size", `+${WORTH_COPYING_KIB}k`];
  const listing = execFileSync("find", [...folders, ...wanted, "-printf", "%s\t%p\n"], {
    encoding: "utf8",
    maxBuffer: LISTING_BYTES_MAX,
  });
  return listing.split("\n").flatMap((line) => {
    const [bytes = "", path = ""] = line.split("\t");
    return path === "" ? [] : [{ path, bytes: Number(bytes) }];
  });
}

function bytesOf(tree: string): number {
  const [count = "0"] = execFileSync("du", ["-sb", tree], { encoding: "utf8" }).split("\t");
  return Number(count);
}
