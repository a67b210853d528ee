/**
 * Tells files apart by their device, inode, size and time of the last write.
 *
 * Two paths may lead to one file, one path to different files at different times, and two files may
 * have equal content. Offsets that were read from a file are valid for that file only. So code that
 * keeps offsets keeps the identity of their file, too, and compares it when it opens the file
 * again.
 */

/** The members of a `BigIntStats` that are compared. */
export interface FileFacts {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/**
 * The identity of a file in its present state.
 *
 * @param facts - From `stat` with big integers.
 * @returns An opaque string, equal if device, inode, size and time of the last write are equal; a
 *   rename or another hard link changes nothing.
 */
export function fileIdentityOf(facts: FileFacts): string {
  const { dev, ino, size, mtimeNs } = facts;
  return [dev, ino, size, mtimeNs].join(":");
}
