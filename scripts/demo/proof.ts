/** Checks the disks of the demo: reads every chunk back and compares digests, and runs e2fsck. */
import { execFile } from "node:child_process";
import { closeSync, openSync, readSync } from "node:fs";
import { blake3, sameBytes } from "../../shared/core/digest.ts";
import { writesOf } from "../../shared/image/chunk-decoder.ts";
import { openImageAt } from "../../server/store/open-images.io.ts";
import { PARTITION_OFFSET } from "./source-disk.ts";

/**
 * Compares a disk with an image, byte for byte of what the image holds.
 *
 * @param imagePath - The image file.
 * @param diskPath - File that stands for the disk.
 * @returns Chunks that differ, and chunks compared.
 */
export async function compareDisk(
  imagePath: string,
  diskPath: string,
): Promise<{ readonly differing: number; readonly chunks: number }> {
  const { index, ...image } = await openImageAt(imagePath);
  image.close();
  const disk = openSync(diskPath, "r");
  try {
    const { table } = index;
    let differing = 0;
    for (let chunk = 0; chunk < table.count; chunk += 1) {
      const { rawBytes, rawDigest } = table.entry(chunk);
      const raw = new Uint8Array(rawBytes);
      for (const { offset, bytes } of writesOf(table, chunk, raw)) {
        readSync(disk, bytes, 0, bytes.byteLength, offset);
      }
      if (!sameBytes(blake3(raw), rawDigest)) differing += 1;
    }
    return { differing, chunks: table.count };
  } finally {
    closeSync(disk);
  }
}

/**
 * Lets e2fsck check the file system on a disk, without changing it.
 *
 * @param diskPath - File that stands for the disk.
 * @returns Undefined when it is clean, else what e2fsck printed.
 */
export function checkFileSystem(diskPath: string): Promise<string | undefined> {
  const target = `${diskPath}?offset=${PARTITION_OFFSET}`;
  return new Promise((resolve) => {
    execFile("e2fsck", ["-fn", target], (error, stdout, stderr) => {
      resolve(error === null ? undefined : `e2fsck says: ${stdout}${stderr}`);
    });
  });
}
