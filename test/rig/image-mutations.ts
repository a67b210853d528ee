/**
 * Mutated images, and what becomes of one: the campaign of images and its small part in the unit
 * tests use the same.
 *
 * Half of the kinds damage bytes. The others change a field and make every digest right again, so
 * that it is parsed as deep as an attacker would get it.
 */
import { inlinePool } from "../../shared/image/codec-pool.ts";
import { zlibCodec } from "../../shared/image/codec-zlib.ts";
import { codeOf, FormatError, SituationError } from "../../shared/core/errors.ts";
import type { Random } from "../../shared/core/random.ts";
import { type ImageIndex, openImage } from "../../shared/image/reader.ts";
import { restoreImage } from "../../shared/image/restore.ts";
import { checkImage } from "../../shared/image/verify.ts";
import { imageBytes } from "./image-fixtures.ts";
import { type ImageParts, type LooseChunk, putTogether, takeApart } from "./image-surgery.ts";
import { MemoryDisk } from "./memory-disk.ts";

/** Makes a mutated image. */
export type Mutation = (image: Uint8Array, random: Random) => Uint8Array;

/** Numbers that parsers trip over. */
const ODD: readonly number[] = [
  ...[0, 1, 2, 7, 8, 255, 256, 511, 512, 513, 2047, 2048, 2049, 4095, 4096, 65535, 65536],
  ...[2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 2 ** 24, 2 ** 24 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1],
];
const LARGE: readonly number[] = [2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 60];

function pick<T>(list: readonly T[], random: Random): T {
  const found = list[random.below(list.length)];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
}

function surgery(change: (parts: ImageParts, random: Random) => void): Mutation {
  return (image, random) => {
    const parts = takeApart(image);
    change(parts, random);
    return putTogether(parts);
  };
}

function flipSome(bytes: Uint8Array, random: Random): void {
  for (let left = 1 + random.below(4); left > 0; left -= 1) {
    const at = random.below(bytes.byteLength);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  }
}

/** Sets 1, 2, 4 or 8 bytes somewhere to an odd number. */
function setOdd(bytes: Uint8Array, random: Random): void {
  const width = pick([1, 2, 4, 8], random);
  if (bytes.byteLength < width) return;
  const at = random.below(bytes.byteLength - width + 1);
  const value = BigInt(pick([...ODD, ...LARGE], random));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let byte = 0; byte < width; byte += 1) {
    view.setUint8(at + byte, Number((value >> BigInt(8 * (width - 1 - byte))) & 0xffn));
  }
}

/** Replaces one value somewhere in JSON. */
function changeValue(value: unknown, random: Random): unknown {
  if (typeof value === "object" && value !== null && random.below(8) > 0) {
    const names = Object.keys(value);
    if (names.length > 0) {
      const name = pick(names, random);
      const copy = structuredClone(value) as Record<string, unknown>;
      copy[name] = changeValue(copy[name], random);
      return copy;
    }
  }
  if (Array.isArray(value) && value.length > 0) {
    return Array.from({ length: 1 + random.below(300) }, () => value[0] as unknown);
  }
  if (typeof value === "string" && random.below(2) > 0) {
    return pick(["", "\u001b[2J", "x".repeat(300), "2026-02-30T25:61:61Z", "\ud800"], random);
  }
  return pick<unknown>([...ODD, ...LARGE, -1, 0.5, null, true, [], {}, "raw", "gpt"], random);
}

function someChunk({ chunks }: ImageParts, random: Random): LooseChunk {
  return pick(chunks, random);
}

/** All kinds of mutations, by name. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "bits flipped": (image, random) => {
    const bytes = image.slice();
    flipSome(bytes, random);
    return bytes;
  },
  "cut short": (image, random) => image.slice(0, random.below(image.byteLength)),
  "bytes added": (image, random) => {
    const more = new Uint8Array(1 + random.below(8192));
    return new Uint8Array(Buffer.concat([image, more.fill(random.below(256))]));
  },
  "a run overwritten": (image, random) => {
    const bytes = image.slice();
    const at = random.below(bytes.byteLength);
    return bytes.fill(random.below(256), at, at + 1 + random.below(4096));
  },
  "a run copied elsewhere": (image, random) => {
    const bytes = image.slice();
    const from = random.below(bytes.byteLength);
    bytes.copyWithin(random.below(bytes.byteLength), from, from + 1 + random.below(8192));
    return bytes;
  },
  "table changed, digests right": surgery((parts, random) => {
    parts.changeTable = (table) => {
      if (random.below(2) === 0) flipSome(table, random);
      else setOdd(table, random);
    };
  }),
  "manifest changed, digests right": surgery((parts, random) => {
    parts.rightStats = random.below(4) > 0;
    parts.manifest = changeValue(parts.manifest, random) as ImageParts["manifest"];
    if (typeof parts.manifest !== "object" || (parts.manifest as unknown) === null) {
      parts.manifestBytes = new TextEncoder().encode(JSON.stringify(parts.manifest));
    }
  }),
  "manifest bytes changed, digests right": surgery((parts, random) => {
    const bytes = new TextEncoder().encode(JSON.stringify(parts.manifest));
    flipSome(bytes, random);
    parts.manifestBytes = bytes;
  }),
  "footer changed, checksum right": surgery((parts, random) => {
    parts.changeFooter = (footer) => {
      const value = pick([...ODD, 2 ** 32, 2 ** 40], random);
      const place = { offset: value, storedBytes: value % 2 ** 32 };
      return pick(
        [
          { ...footer, chunkCount: value % 2 ** 32 },
          { ...footer, fileBytes: value },
          { ...footer, table: { ...footer.table, ...place } },
          { ...footer, manifest: { ...footer.manifest, ...place } },
          { ...footer, table: footer.manifest, manifest: footer.table },
          { ...footer, imageId: new Uint8Array(32).fill(random.below(256)) },
        ],
        random,
      );
    };
  }),
  "content changed, stored digests right": surgery((parts, random) => {
    const chunk = someChunk(parts, random);
    chunk.stored = chunk.stored.slice();
    if (random.below(2) === 0) flipSome(chunk.stored, random);
    else setOdd(chunk.stored.subarray(0, 32), random);
  }),
  "stored bytes longer or shorter, digests right": surgery((parts, random) => {
    const chunk = someChunk(parts, random);
    const junk = new Uint8Array(1 + random.below(64)).fill(random.below(256));
    chunk.stored =
      random.below(2) === 0
        ? chunk.stored.slice(0, random.below(chunk.stored.byteLength))
        : new Uint8Array(Buffer.concat([chunk.stored, junk]));
  }),
  "chunks exchanged, dropped or doubled, digests right": surgery((parts, random) => {
    const { chunks } = parts;
    const [from, to] = [random.below(chunks.length), random.below(chunks.length)];
    const [one, other] = [chunks[from], chunks[to]];
    if (one === undefined || other === undefined) return;
    const way = random.below(4);
    if (way === 0) chunks.splice(from, 1);
    if (way === 1) chunks.splice(to, 0, one);
    if (way === 2) [chunks[from], chunks[to]] = [other, one];
    if (way === 3) [one.stored, other.stored] = [other.stored, one.stored];
  }),
  "chunk fields changed, digests right": surgery((parts, random) => {
    const chunk = someChunk(parts, random);
    const way = random.below(6);
    if (way === 0) chunk.codec = random.below(256);
    if (way === 1) chunk.flags = random.below(256);
    if (way === 2) chunk.partition = random.below(65_536);
    if (way === 3) chunk.slotLog2 = random.below(256);
    if (way === 4) chunk.rawBytes = pick(ODD, random);
    if (way === 5) {
      const shift = pick([-2048, -8, -1, 1, 8, 2048, 2 ** 40], random);
      chunk.extents = chunk.extents.map(({ start, end }) => ({
        start: Math.max(0, start + shift),
        end: Math.max(1, end + shift),
      }));
    }
  }),
  "bytes behind the manifest": surgery((parts, random) => {
    parts.trailer = new Uint8Array(random.below(4096)).fill(random.below(256));
  }),
};

/** What became of an image. */
export type Outcome =
  /** Opened not at all; `refused: CODE`. */
  | `refused: ${string}`
  /** Opened; `huck image verify` finds damage, and a restore does not begin. */
  | "damage found, restore refused"
  /** The same, but the damage lies between records: a restore gives the right content. */
  | "damage found between records, restored right"
  /** Whole, with content of its own; a restore does not begin, because the disk does not suit. */
  | "another image, restore refused"
  | "another image, restored as it says"
  | "the same image, restored right";

/** The image that all mutations are made from. */
export interface Original {
  readonly image: Uint8Array;
  readonly index: ImageIndex;
  /** A disk that it was restored to. */
  readonly disk: Uint8Array;
}

/** Opens an image that is whole, and restores it to a disk of the saved size. */
export async function originalOf(image: Uint8Array): Promise<Original> {
  const index = openImage(imageBytes(image));
  const disk = new MemoryDisk(index.manifest.disk.sizeBytes);
  const codec = zlibCodec();
  const parts = { file: imageBytes(image), index, codec, pool: inlinePool(codec) };
  await restoreImage(parts, disk, { orderId: "campaign", verify: "full" });
  return { image, index, disk: disk.bytes };
}

/**
 * Opens, checks and restores an image.
 *
 * @throws Error if it is taken for whole and is not, if a restore begins and fails, or if anything
 *   else than a FormatError or SituationError comes out.
 */
export async function outcomeOf(image: Uint8Array, original: Original): Promise<Outcome> {
  const file = imageBytes(image);
  let index: ImageIndex;
  try {
    index = openImage(file);
  } catch (error) {
    if (error instanceof FormatError) return `refused: ${codeOf(error) ?? ""}`;
    throw error;
  }
  const codec = zlibCodec();
  const check = await checkImage(file, index, codec, () => undefined);
  const whole = check.problemCount === 0;
  const same = Buffer.compare(index.imageId, original.index.imageId) === 0;
  const disk = new MemoryDisk(original.disk.byteLength);
  try {
    const parts = { file, index, codec, pool: inlinePool(codec) };
    await restoreImage(parts, disk, { orderId: "campaign", verify: "full" });
  } catch (error) {
    if (disk.writes > 0) throw new Error("a restore began and failed", { cause: error });
    if (!(error instanceof FormatError || error instanceof SituationError)) throw error;
    return whole ? "another image, restore refused" : "damage found, restore refused";
  }
  if (!same) {
    if (!whole) throw new Error("an image with damage was restored");
    return "another image, restored as it says";
  }
  if (Buffer.compare(disk.bytes, original.disk) !== 0) throw new Error("another disk, the same id");
  return whole ? "the same image, restored right" : "damage found between records, restored right";
}
