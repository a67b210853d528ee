/**
 * Writer of the archive the kernel unpacks as its first root file system: cpio "newc".
 *
 * The same tree gives the same bytes. Entries are sorted by path, inode numbers count from 1,
 * owner, group and time are 0, and every directory on the way to an entry is written before it (the
 * kernel does not make missing parent directories). Format: Linux, Documentation/driver-api/
 * early-userspace/buffer-format.rst; 110-byte headers of hexadecimal text, content padded to 4. No
 * checksums ("070702"), no hard links.
 */

/** One thing in the tree. Paths are relative, without leading slash. */
export type CpioEntry =
  | { readonly kind: "directory"; readonly path: string; readonly mode?: number }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly bytes: Uint8Array;
      /** Permission bits; default 0o644. */
      readonly mode?: number;
    }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | {
      /** A character device, mode 0600. */
      readonly kind: "device";
      readonly path: string;
      readonly major: number;
      readonly minor: number;
    };

/**
 * Writes an archive.
 *
 * @param entries - In any order; a path given twice or an absolute path is our bug.
 * @returns The archive with its end mark, padded to 512 bytes.
 * @throws {@link RangeError} on a bad path or a file above 4 GiB: our bug.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const tree = withParents(entries);
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  const append = (bytes: Uint8Array, align: number): void => {
    const padding = -(sizeBytes + bytes.length) & (align - 1);
    parts.push(bytes, new Uint8Array(padding));
    sizeBytes += bytes.length + padding;
  };
  for (const [index, entry] of tree.entries()) {
    const content = contentOf(entry);
    append(header({ ...statOf(entry), inode: index + 1, content, path: entry.path }), 4);
    append(content, 4);
  }
  const trailer = { mode: 0, links: 1, major: 0, minor: 0, inode: 0, content: EMPTY };
  append(header({ ...trailer, path: "TRAILER!!!" }), 512);
  return Buffer.concat(parts, sizeBytes);
}

interface Stat {
  readonly mode: number;
  readonly links: number;
  readonly major: number;
  readonly minor: number;
}

interface Record extends Stat {
  readonly inode: number;
  readonly content: Uint8Array;
  readonly path: string;
}

function withParents(entries: readonly CpioEntry[]): CpioEntry[] {
  const tree = new Map<string, CpioEntry>();
  for (const entry of entries) {
    if (!/^[^/\0]+(\/[^/\0]+)*$/.test(entry.path)) throw new RangeError(`bad path ${entry.path}`);
    if (tree.has(entry.path)) throw new RangeError(`path ${entry.path} given twice`);
    tree.set(entry.path, entry);
  }
  for (const { path } of entries) {
    for (let cut = path.indexOf("/"); cut !== -1; cut = path.indexOf("/", cut + 1)) {
      const parent = path.slice(0, cut);
      if (!tree.has(parent)) tree.set(parent, { kind: "directory", path: parent });
    }
  }
  // By code unit, not by locale; a parent is a prefix of its children, so it sorts before them.
  return [...tree.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function statOf(entry: CpioEntry): Stat {
  const plain = { links: 1, major: 0, minor: 0 };
  switch (entry.kind) {
    case "directory":
      return { ...plain, links: 2, mode: S_IFDIR | (entry.mode ?? 0o755) };
    case "file":
      return { ...plain, mode: S_IFREG | (entry.mode ?? 0o644) };
    case "symlink":
      return { ...plain, mode: S_IFLNK | 0o777 };
    case "device":
      return { ...plain, mode: S_IFCHR | 0o600, major: entry.major, minor: entry.minor };
  }
}

function contentOf(entry: CpioEntry): Uint8Array {
  if (entry.kind === "file") return entry.bytes;
  return entry.kind === "symlink" ? Buffer.from(entry.target) : EMPTY;
}

function header(record: Record): Uint8Array {
  const name = Buffer.from(`${record.path}\0`);
  const fields = [
    record.inode,
    record.mode,
    0, // uid
    0, // gid
    record.links,
    0, // mtime
    record.content.length,
    0, // device that holds the inode: major, minor
    0,
    record.major,
    record.minor,
    name.length,
    0, // check
  ];
  const text = fields.map((field) => {
    if (field > 0xffff_ffff) throw new RangeError(`${record.path}: ${field} needs over 32 bits`);
    return field.toString(16).padStart(8, "0");
  });
  return Buffer.concat([Buffer.from(`070701${text.join("")}`), name]);
}

const EMPTY = new Uint8Array(0);
const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
