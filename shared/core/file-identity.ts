/**
 * Tells files apart by what the system says of them.
 *
 * Two paths may lead to one file, one path to different files at different times, and two files may
 * have equal content. Offsets that were read from a file are good for that file only, so whoever
 * keeps them keeps its identity beside them and compares it when the file is opened again.
 */

/** What is compared: the members of these names of a `BigIntStats`. */
export interface FileFacts {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/**
 * Gives the identity of a file in its present state.
 *
 * @param facts - From `stat` with big integers.
 * @returns Opaque. Equal for the same device, inode, size and time of the last write; a rename or a
 *   further link changes nothing.
 */
export function fileIdentityOf(facts: FileFacts): string {
  const { dev, ino, size, mtimeNs } = facts;
  return [dev, ino, size, mtimeNs].join(":");
}
