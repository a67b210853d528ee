/**
 * Makes the disk that the demo saves: a GPT with one ext4 partition full of real files, without root and mounts.
 *
 * The files are this project's own packages and whatever the computer has in /usr, up to about a gigabyte.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Size of the disk. Unit: bytes. */
export const DISK_BYTES: number = 1600 << 20;
/** Where the partition begins: the usual alignment. Unit: bytes. */
export const PARTITION_OFFSET: number = 1 << 20;
/** Files to gather. Unit: bytes. */
const FILES_BYTES = 1000 << 20;
/** The backup GPT and some room. Unit: bytes. */
const TAIL_BYTES = 1 << 20;
/** Copies of one source at most: a small computer has few files. */
const ROUNDS_MAX = 4;

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
  const fileBytes = gather([join(root, "node_modules"), join(root, ".node")], files);
  writeFileSync(path, "");
  truncateSync(path, DISK_BYTES);
  const table = "label: gpt\nstart=2048, size=+, type=L, name=demo\n";
  const partitionBytes = DISK_BYTES - PARTITION_OFFSET - TAIL_BYTES;
  const size = `size=${partitionBytes / 512}`;
  execFileSync("sfdisk", ["-q", path], { input: table.replace("size=+", size) });
  const blocks = `${partitionBytes / 4096}`;
  const options = ["-q", "-t", "ext4", "-b", "4096", "-m", "0", "-L", "huck-demo"];
  const place = ["-E", `offset=${PARTITION_OFFSET}`, "-d", files];
  execFileSync("mke2fs", [...options, ...place, path, blocks], { stdio: ["ignore", "ignore", "inherit"] });
  rmSync(files, { recursive: true });
  return { path, fileBytes };
}

/** Copies trees until there is enough; the same tree again where there is no other. */
function gather(own: readonly string[], into: string): number {
  const sources = [...own, "/usr/share", "/usr/bin"].filter((path) => existsSync(path));
  let total = 0;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    for (const [index, source] of sources.entries()) {
      const bytes = bytesOf(source);
      if (total + bytes > FILES_BYTES * 1.1) continue;
      cpSync(source, join(into, `${round}-${index}`), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => existsSync(path),
      });
      total += bytes;
      if (total >= FILES_BYTES * 0.9) return total;
    }
  }
  return total;
}

function bytesOf(tree: string): number {
  const [count = "0"] = execFileSync("du", ["-sb", tree], { encoding: "utf8" }).split("\t");
  return Number(count);
}
