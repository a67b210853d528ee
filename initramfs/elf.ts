/**
 * Reads what the build needs from ELF files: a section by its name, the libraries that a file asks
 * for, and the part of a file that the loader maps.
 *
 * The kernel and the dynamic loader read only program headers (segments). Section headers, symbols
 * and debug data lie after the last segment, so cutting the file there does all that we would need
 * `strip` for. The kept bytes stay as they were, except the three header fields that point at the
 * section table. Format: System V ABI, chapters 4 and 5; 64-bit little-endian only. Kernel modules
 * are relocatable objects without segments and are signed as whole files, so they are never cut.
 */
import { ByteReader } from "../shared/core/bytes.ts";
import { FormatError } from "../shared/core/errors.ts";

/** Place of something in a file. Unit: bytes. */
interface Extent {
  readonly offset: number;
  readonly sizeBytes: number;
}

/**
 * Cuts everything after the last segment: section headers, symbols, debug data.
 *
 * @param file - An executable or shared library; not changed.
 * @returns A copy of its loadable part; equal to the input when nothing lies behind it.
 * @throws {@link FormatError} `elf_malformed`, `truncated`; `elf_no_segments` for objects.
 */
export function segmentsOnly(file: Uint8Array): Uint8Array {
  const segments = programHeaders(file);
  if (segments.length === 0) {
    throw new FormatError("elf_no_segments", "Cannot cut ELF file: no segments, a program wanted");
  }
  const { end: headersEnd } = headerTable(file, "program");
  let end = headersEnd;
  for (const { extent } of segments) {
    end = Math.max(end, extent.offset + extent.sizeBytes);
  }
  // Not slice(): on a Buffer that is a view, and the caller's bytes would change.
  const kept = new Uint8Array(file.subarray(0, end));
  const view = new DataView(kept.buffer);
  view.setBigUint64(E_SHOFF, 0n, true);
  view.setUint16(E_SHNUM, 0, true);
  view.setUint16(E_SHSTRNDX, 0, true);
  return kept;
}

/**
 * Gives the content of a section.
 *
 * @param file - Any ELF file.
 * @param wanted - Name, e.g. ".modinfo".
 * @returns A view into `file`; undefined when there is no such section.
 * @throws {@link FormatError} `elf_malformed`, `truncated`.
 */
export function elfSection(file: Uint8Array, wanted: string): Uint8Array | undefined {
  const table = headerTable(file, "section");
  const sections: { name: number; extent: Extent }[] = [];
  for (let index = 0; index < table.count; index++) {
    const reader = new ByteReader(file, "ELF section header", table.offset + index * SH_BYTES);
    const name = reader.u32le();
    reader.skip(20);
    sections.push({
      name,
      extent: { offset: reader.u64leAsNumber(), sizeBytes: reader.u64leAsNumber() },
    });
  }
  const names = sections[new ByteReader(file, "ELF header", E_SHSTRNDX).u16le()];
  if (names === undefined) return undefined;
  for (const section of sections) {
    const nameReader = new ByteReader(view(file, names.extent), "ELF section names", section.name);
    if (nameReader.latin1(Math.min(nameReader.left, NAME_MAX)) === wanted) {
      return view(file, section.extent);
    }
  }
  return undefined;
}

/**
 * Lists the shared libraries a program or library asks for (DT_NEEDED).
 *
 * @param file - An executable or shared library with its segments.
 * @returns File names, e.g. "libc.so.6", in the order of the file; empty for static programs.
 * @throws {@link FormatError} `elf_malformed`, `truncated`.
 */
export function neededLibraries(file: Uint8Array): string[] {
  const segments = programHeaders(file);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const reader = new ByteReader(view(file, dynamic.extent), "ELF dynamic section");
  const nameOffsets: number[] = [];
  let stringsAddress = 0;
  while (reader.left >= 16) {
    const tag = reader.u64leAsNumber();
    const value = reader.u64leAsNumber();
    if (tag === DT_NULL) break;
    if (tag === DT_NEEDED) nameOffsets.push(value);
    if (tag === DT_STRTAB) stringsAddress = value;
  }
  const home = segments.find(
    ({ type, address, extent }) =>
      type === PT_LOAD && address <= stringsAddress && stringsAddress < address + extent.sizeBytes,
  );
  if (home === undefined) throw malformed("dynamic strings lie in no segment");
  const strings = stringsAddress - home.address + home.extent.offset;
  return nameOffsets.map((offset) => {
    const name = new ByteReader(file, "ELF dynamic strings", strings + offset);
    return name.latin1(Math.min(name.left, NAME_MAX));
  });
}

interface ProgramHeader {
  readonly type: number;
  readonly address: number;
  readonly extent: Extent;
}

function programHeaders(file: Uint8Array): ProgramHeader[] {
  const table = headerTable(file, "program");
  const segments: ProgramHeader[] = [];
  for (let index = 0; index < table.count; index++) {
    const reader = new ByteReader(file, "ELF program header", table.offset + index * PH_BYTES);
    const type = reader.u32le();
    reader.skip(4);
    const offset = reader.u64leAsNumber();
    const address = reader.u64leAsNumber();
    reader.skip(8);
    const extent = { offset, sizeBytes: reader.u64leAsNumber() };
    view(file, extent);
    segments.push({ type, address, extent });
  }
  return segments;
}

interface HeaderTable {
  readonly offset: number;
  readonly count: number;
  readonly end: number;
}

function headerTable(file: Uint8Array, kind: "program" | "section"): HeaderTable {
  const reader = new ByteReader(file, "ELF header");
  if (reader.u32be() !== 0x7f454c46) throw malformed("no ELF magic in bytes 0-3");
  const kindOfFile = reader.u16be();
  if (kindOfFile !== CLASS64_LITTLE) {
    throw malformed(`class and byte order ${kindOfFile.toString(16)}, ${CLASS64_LITTLE} wanted`);
  }
  const [offsetAt, entryAt, entryBytes] =
    kind === "program" ? [E_PHOFF, E_PHENTSIZE, PH_BYTES] : [E_SHOFF, E_SHENTSIZE, SH_BYTES];
  const offset = reader.at(offsetAt).u64leAsNumber();
  const found = reader.at(entryAt).u16le();
  const count = reader.u16le();
  if (count > 0 && found !== entryBytes) {
    throw malformed(`${kind} headers of ${found} bytes, ${entryBytes} wanted`);
  }
  const end = count === 0 ? E_HEADER_BYTES : offset + count * entryBytes;
  if (end > file.length) throw malformed(`${kind} headers end at ${end} of ${file.length} bytes`);
  return { offset, count, end };
}

function view(file: Uint8Array, extent: Extent): Uint8Array {
  const end = extent.offset + extent.sizeBytes;
  if (end > file.length) throw malformed(`content ends at ${end} of ${file.length} bytes`);
  return file.subarray(extent.offset, end);
}

function malformed(found: string): FormatError {
  return new FormatError("elf_malformed", `Cannot read ELF file: ${found}`);
}

const CLASS64_LITTLE = 0x0201;
const E_HEADER_BYTES = 64;
const E_PHOFF = 32;
const E_SHOFF = 40;
const E_PHENTSIZE = 54;
const E_SHENTSIZE = 58;
const E_SHNUM = 60;
const E_SHSTRNDX = 62;
const PH_BYTES = 56;
const SH_BYTES = 64;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

/** Longest section or library name looked at. Unit: bytes. */
const NAME_MAX = 255;
