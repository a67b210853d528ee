/**
 * Says what lies at a path that was named as an image or as a disk and is none, so that a swapped
 * or mistyped argument is answered with what was found.
 */
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { HEADER_MAGIC } from "../../../shared/image/header.ts";
import { readFullySync } from "../../../shared/linux/read-fully.io.ts";

/** What a path leads to, by its type and its first bytes. */
export type FoundKind = "nothing" | "folder" | "empty" | "image" | "text" | "disk" | "other";

/** Half a sentence for each kind that can be told. */
export const FOUND_TEXT: Readonly<Partial<Record<FoundKind, string>>> = {
  folder: "it is a folder",
  empty: "it is empty (0 bytes)",
  image: "it is an image",
  text: "it is text",
  disk: "it holds a disk",
};

/** Looks at a path. What cannot be opened is "other", if it is there at all. */
export function foundKind(path: string): FoundKind {
  let fd: number;
  try {
    // Without O_NONBLOCK, opening a pipe would wait until another process writes to it.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT"
      ? "nothing"
      : "other";
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) return "folder";
    if (stat.isBlockDevice()) return "disk";
    if (!stat.isFile()) return "other";
    const bytes = Buffer.alloc(SECTOR_BYTES);
    return kindOf(bytes.subarray(0, readFullySync(fd, bytes, 0)));
  } catch {
    return "other"; // a failing disk is told by whoever needs its bytes
  } finally {
    closeSync(fd);
  }
}

function kindOf(bytes: Buffer): FoundKind {
  if (bytes.length === 0) return "empty";
  if (bytes.length >= 8 && bytes.readBigUInt64BE() === HEADER_MAGIC) return "image";
  if (bytes.length === SECTOR_BYTES && bytes.readUInt16BE(BOOT_MARK_AT) === BOOT_MARK)
    return "disk";
  const isText = bytes.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
  return isText ? "text" : "other";
}

const SECTOR_BYTES = 512;
/** A disk with an MBR or a GPT ends its first sector with 55 AA (UEFI 2.10, table 5.1). */
const BOOT_MARK_AT = 510;
const BOOT_MARK = 0x55aa;
