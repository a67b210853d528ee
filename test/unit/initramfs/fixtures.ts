/**
 * Small real files for the tests of the boot-file build: ELF, ICU data, ar, tar, packages, kernels.
 *
 * The one idea: each maker writes the layout its standard describes, by offset, independently of
 * the reader under test, and as small as that layout allows.
 */
import { zstdCompressSync } from "node:zlib";

/** Pads to a multiple of `align` with zeros. */
function padded(bytes: Uint8Array, align: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & (align - 1))]);
}

/** A relocatable object: sections only, as a kernel module is. */
export function makeObject(sections: Readonly<Record<string, Uint8Array>>): Buffer {
  const names = ["", ...Object.keys(sections), ".shstrtab"];
  const strings = Buffer.from(`${names.join("\0")}\0`);
  const contents = [...Object.values(sections), strings];
  const header = elfHeader();
  const body = Buffer.concat(contents);
  const table = Buffer.alloc(64 * names.length);
  let at = header.length;
  for (const [index, content] of contents.entries()) {
    const entry = 64 * (index + 1);
    table.writeUInt32LE(strings.indexOf(`\0${names[index + 1] ?? ""}\0`) + 1, entry);
    table.writeBigUInt64LE(BigInt(at), entry + 24);
    table.writeBigUInt64LE(BigInt(content.length), entry + 32);
    at += content.length;
  }
  header.writeBigUInt64LE(BigInt(at), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(names.length, 60);
  header.writeUInt16LE(names.length - 1, 62);
  return Buffer.concat([header, body, table]);
}

/** A kernel module that says these things of itself. */
export function makeModule(lines: readonly string[]): Buffer {
  return makeObject({ ".text": Buffer.from("code"), ".modinfo": Buffer.from(lines.join("\0")) });
}

/** A program: one PT_LOAD over everything, one PT_DYNAMIC, then `tail` behind the last segment. */
export function makeProgram(
  needed: readonly string[],
  content: Uint8Array = Buffer.alloc(0),
  tail: Uint8Array = Buffer.alloc(0),
): Buffer {
  const base = 0x400000;
  const header = elfHeader();
  const strings = Buffer.from(`\0${needed.join("\0")}\0`);
  const stringsAt = 64 + 2 * 56;
  const dynamicAt = stringsAt + padded(strings, 16).length;
  const tags = [
    ...needed.map((name) => [1, strings.indexOf(`\0${name}\0`) + 1]),
    [5, base + stringsAt],
    [0, 0],
  ];
  const dynamic = Buffer.concat(
    tags.flat().map((value) => {
      const word = Buffer.alloc(8);
      word.writeBigUInt64LE(BigInt(value));
      return word;
    }),
  );
  const end = dynamicAt + dynamic.length + content.length;
  const segments = Buffer.concat([
    programHeader(1, 0, base, end),
    programHeader(2, dynamicAt, base + dynamicAt, dynamic.length),
  ]);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(2, 56);
  header.writeBigUInt64LE(BigInt(end), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(tail.length >= 64 ? 1 : 0, 60);
  return Buffer.concat([header, segments, padded(strings, 16), dynamic, content, tail]);
}

function elfHeader(): Buffer {
  const header = Buffer.alloc(64);
  header.write("\x7fELF", "latin1");
  header.writeUInt8(2, 4);
  header.writeUInt8(1, 5);
  header.writeUInt8(1, 6);
  return header;
}

function programHeader(type: number, offset: number, address: number, sizeBytes: number): Buffer {
  const header = Buffer.alloc(56);
  header.writeUInt32LE(type, 0);
  header.writeBigUInt64LE(BigInt(offset), 8);
  header.writeBigUInt64LE(BigInt(address), 16);
  header.writeBigUInt64LE(BigInt(sizeBytes), 32);
  header.writeBigUInt64LE(BigInt(sizeBytes), 40);
  return header;
}

/** ICU common data with items of 32 bytes that are resource bundles. */
export function makeIcu(names: readonly string[]): Buffer {
  const item = Buffer.alloc(32, 0x55);
  item.writeUInt16LE(16, 0);
  item.writeUInt16BE(0xda27, 2);
  item.write("ResB", 12);
  const header = Buffer.alloc(32);
  header.writeUInt16LE(32, 0);
  header.writeUInt16BE(0xda27, 2);
  header.write("CmnD", 12);
  const strings = Buffer.from(names.map((name) => `${name}\0`).join(""));
  const table = Buffer.alloc(4 + 8 * names.length);
  table.writeUInt32LE(names.length);
  let nameAt = table.length;
  for (const [index, name] of names.entries()) {
    table.writeUInt32LE(nameAt, 4 + 8 * index);
    table.writeUInt32LE(table.length + strings.length + index * item.length, 8 + 8 * index);
    nameAt += name.length + 1;
  }
  return Buffer.concat([header, table, strings, ...names.map(() => item)]);
}

/** A bzImage of boot protocol 2.15 with one setup sector and a zstd payload. */
export function makeVmlinuz(kernel: Uint8Array): Buffer {
  const setup = Buffer.alloc(1024);
  setup.writeUInt8(1, 0x1f1);
  setup.write("HdrS", 0x202);
  setup.writeUInt16LE(0x020f, 0x206);
  const frame = zstdCompressSync(kernel);
  const sizeBytes = Buffer.alloc(4);
  sizeBytes.writeUInt32LE(kernel.length);
  setup.writeUInt32LE(16, 0x248);
  setup.writeUInt32LE(frame.length + 4, 0x24c);
  return Buffer.concat([setup, Buffer.alloc(16), frame, sizeBytes, Buffer.from("trailer")]);
}

/** An ar archive. */
export function makeAr(members: readonly (readonly [string, Uint8Array])[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from("!<arch>\n")];
  for (const [name, bytes] of members) {
    const size = bytes.length.toString();
    const header = `${name.padEnd(16)}${"0".padEnd(12)}0     0     100644  ${size.padEnd(10)}\`\n`;
    const content = bytes.length % 2 === 1 ? [bytes, Buffer.from("\n")] : [bytes];
    parts.push(Buffer.from(header), ...content);
  }
  return Buffer.concat(parts);
}

/** One entry of a tar archive; `type` is its type flag. */
export interface TarFixture {
  readonly path: string;
  readonly type?: string;
  readonly target?: string;
  readonly bytes?: Uint8Array;
}

/** A GNU tar archive with its end mark. */
export function makeTar(entries: readonly TarFixture[]): Buffer {
  const parts = entries.map(({ path, type = "0", target = "", bytes = Buffer.alloc(0) }) => {
    const header = Buffer.alloc(512);
    header.write(path, 0, 100);
    header.write("0000755\0", 100);
    header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("        ", 148);
    header.write(type, 156);
    header.write(target, 157, 100);
    header.write("ustar  \0", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return Buffer.concat([header, padded(bytes, 512)]);
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** A Debian package whose data archive is not compressed. */
export function makeDeb(entries: readonly TarFixture[]): Buffer {
  return makeAr([
    ["debian-binary", Buffer.from("2.0\n")],
    ["control.tar", makeTar([])],
    ["data.tar", makeTar(entries)],
  ]);
}
