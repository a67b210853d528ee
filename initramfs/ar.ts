/**
 * Reader of the "ar" container that a Debian package is.
 *
 * An archive is 8 bytes of magic, then members, each a 60-byte text header and its content, padded
 * to an even length (deb(5), ar(5)). Only what dpkg-deb writes is read: names of at most 15
 * characters, ended by a slash or spaces. GNU long names and symbol tables are not in packages and
 * are refused.
 */
import { FormatError } from "../shared/core/errors.ts";

/** One member of an archive; `bytes` is a view into the archive, not a copy. */
export interface ArMember {
  /** Name without padding, e.g. "data.tar.xz". */
  readonly name: string;
  /** Content, borrowed from the archive. */
  readonly bytes: Uint8Array;
}

/**
 * Lists the members of an archive.
 *
 * @param archive - The whole file; borrowed by the result.
 * @returns Members in file order, at most {@link MEMBERS_MAX}.
 * @throws {@link FormatError} `ar_malformed` when the bytes are no archive, or end too early.
 */
export function readAr(archive: Uint8Array): ArMember[] {
  if (latin1(archive, 0, MAGIC.length) !== MAGIC) {
    throw malformed(`bytes 0-7 are "${latin1(archive, 0, MAGIC.length)}", "!<arch>\\n" wanted`);
  }
  const members: ArMember[] = [];
  let offset = MAGIC.length;
  while (offset < archive.length) {
    if (members.length === MEMBERS_MAX) throw malformed(`more than ${MEMBERS_MAX} members found`);
    const member = readMember(archive, offset);
    members.push(member);
    const end = offset + HEADER_BYTES + member.bytes.length;
    offset = end + (end % 2);
  }
  return members;
}

function readMember(archive: Uint8Array, offset: number): ArMember {
  const header = latin1(archive, offset, HEADER_BYTES);
  if (header.length < HEADER_BYTES) throw malformed(`header at ${offset} is cut off`);
  if (header.slice(58) !== "`\n") throw malformed(`header at ${offset} does not end in "\`\\n"`);
  const name = header.slice(0, 16).trimEnd().replace(/\/$/, "");
  if (name === "" || name.includes("/")) {
    throw malformed(`member name "${name}" found, a plain short name wanted`);
  }
  const sizeText = header.slice(48, 58).trimEnd();
  if (!/^[0-9]{1,10}$/.test(sizeText)) {
    throw malformed(`size "${sizeText}" of member "${name}" found, a decimal number wanted`);
  }
  const start = offset + HEADER_BYTES;
  const end = start + Number(sizeText);
  if (end > archive.length) {
    throw malformed(`member "${name}" ends at ${end}, file has ${archive.length} bytes`);
  }
  return { name, bytes: archive.subarray(start, end) };
}

function latin1(bytes: Uint8Array, start: number, count: number): string {
  return Buffer.from(bytes.subarray(start, start + count)).toString("latin1");
}

function malformed(found: string): FormatError {
  return new FormatError("ar_malformed", `Cannot read ar archive: ${found}`);
}

const MAGIC = "!<arch>\n";
const HEADER_BYTES = 60;

/** A package has three members, at most a few more with an underscore name (deb(5)). */
const MEMBERS_MAX = 64;
