/**
 * Reader of the tar archive inside a Debian package.
 *
 * An archive consists of 512-byte header blocks, each followed by its content, padded to 512 bytes
 * (POSIX.1-2017, pax, "ustar Interchange Format"). GNU long names (types L and K) and pax headers
 * (type x: path, linkpath) are understood because packages use them; devices and sparse files are
 * refused. Nothing is written to disk: the result is a list of views.
 */
import { FormatError } from "../shared/core/errors.ts";

/** What an entry of a package may be. */
export type TarKind = "file" | "directory" | "symlink" | "hardlink";

/** One entry; `bytes` is a view into the archive, not a copy, and empty unless `kind` is "file". */
export interface TarEntry {
  /** Path without leading "./" or "/" and without trailing "/". */
  readonly path: string;
  readonly kind: TarKind;
  /** Permission bits, 0 .. 0o7777. */
  readonly mode: number;
  /** Target of a link, "" for others. */
  readonly target: string;
  readonly bytes: Uint8Array;
}

/**
 * Lists the entries of an archive up to its end mark (a block of zeros) or its last byte.
 *
 * @param archive - The whole uncompressed archive; borrowed by the result.
 * @returns Entries in archive order, at most {@link ENTRIES_MAX}. Paths with ".." are refused.
 * @throws {@link FormatError} `tar_malformed`.
 */
export function readTar(archive: Uint8Array): TarEntry[] {
  const entries: TarEntry[] = [];
  let names: LongNames = {};
  let offset = 0;
  while (offset + BLOCK_BYTES <= archive.length && !isZero(archive, offset)) {
    if (entries.length === ENTRIES_MAX) throw malformed(`more than ${ENTRIES_MAX} entries found`);
    const header = readHeader(archive.subarray(offset, offset + BLOCK_BYTES), offset);
    const start = offset + BLOCK_BYTES;
    if (start + header.sizeBytes > archive.length) {
      throw malformed(`content at ${start} has ${header.sizeBytes} bytes, archive ends before`);
    }
    const content = archive.subarray(start, start + header.sizeBytes);
    const long = readLongNames(header.type, content);
    if (long === undefined) {
      entries.push(finishEntry(header, names, content));
      names = {};
    } else {
      names = { ...names, ...long };
    }
    offset = start + Math.ceil(header.sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return entries;
}

interface Header {
  readonly name: string;
  readonly mode: number;
  readonly sizeBytes: number;
  readonly type: string;
  readonly target: string;
}

interface LongNames {
  readonly path?: string;
  readonly target?: string;
}

function readHeader(block: Uint8Array, offset: number): Header {
  let sum = 0;
  for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 0x20 : byte;
  const stored = octal(block, 148, 8, "checksum");
  if (stored !== sum) {
    throw malformed(`header at ${offset} has checksum ${stored}, its bytes sum to ${sum}`);
  }
  const prefix = text(block, 257, 5) === "ustar" ? text(block, 345, 155) : "";
  const name = text(block, 0, 100);
  const gnu = text(block, 257, 7) === "ustar  ";
  return {
    name: prefix === "" || gnu ? name : `${prefix}/${name}`,
    mode: octal(block, 100, 8, "mode") & 0o7777,
    sizeBytes: octal(block, 124, 12, "size"),
    type: String.fromCharCode(block[156] ?? 0),
    target: text(block, 157, 100),
  };
}

/**
 * Reads the content of a header that only carries names for the next entry; undefined for a real
 * entry.
 */
function readLongNames(type: string, content: Uint8Array): LongNames | undefined {
  if (type === "L") return { path: text(content, 0, content.length) };
  if (type === "K") return { target: text(content, 0, content.length) };
  if (type === "g") return {};
  if (type !== "x") return undefined;
  const found: { path?: string; target?: string } = {};
  const records = Buffer.from(content).toString("utf8");
  for (const match of records.matchAll(/(?:^|\n)[0-9]+ (path|linkpath)=([^\n]*)(?=\n)/g)) {
    if (match[1] === "path") found.path = match[2] ?? "";
    else found.target = match[2] ?? "";
  }
  return found;
}

function finishEntry(header: Header, names: LongNames, content: Uint8Array): TarEntry {
  const kind = KINDS[header.type === "\0" ? "0" : header.type];
  const path = normalise(names.path ?? header.name);
  if (kind === undefined) {
    throw malformed(`"${path}" has type "${header.type}", a file, directory or link wanted`);
  }
  return {
    path,
    kind,
    mode: header.mode,
    target: kind === "symlink" || kind === "hardlink" ? (names.target ?? header.target) : "",
    bytes: kind === "file" ? content : content.subarray(0, 0),
  };
}

function normalise(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw malformed(`path "${path}" found, a path without ".." wanted`);
  return parts.join("/");
}

function octal(block: Uint8Array, start: number, count: number, what: string): number {
  const digits = text(block, start, count).trim();
  if (/^[0-7]{1,12}$/.test(digits)) return Number.parseInt(digits, 8);
  throw malformed(`${what} "${digits}" found, an octal number wanted`);
}

function text(bytes: Uint8Array, start: number, count: number): string {
  const field = Buffer.from(bytes.buffer, bytes.byteOffset + start, count);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end === -1 ? count : end);
}

function isZero(archive: Uint8Array, offset: number): boolean {
  for (let index = offset; index < offset + BLOCK_BYTES; index++) {
    if (archive[index] !== 0) return false;
  }
  return true;
}

function malformed(found: string): FormatError {
  return new FormatError("tar_malformed", `Cannot read tar archive: ${found}`);
}

const KINDS: Readonly<Record<string, TarKind>> = {
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "5": "directory",
};

const BLOCK_BYTES = 512;

/** A Debian kernel has some 4,500 entries; ten times that is no kernel. */
const ENTRIES_MAX = 50_000;
