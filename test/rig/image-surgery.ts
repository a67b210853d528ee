/**
 * Image surgery: takes an image apart and puts it together again with every checksum, digest and
 * the image id made right, so that a changed field is parsed as deep as an attacker would get it.
 */
import { blake3 } from "../../shared/core/digest.ts";
import type { Range } from "../../shared/core/ranges.ts";
import { type ChunkEntry, ChunkTable, ChunkTableBuilder } from "../../shared/image/chunk-table.ts";
import { imageIdOf } from "../../shared/image/content-record.ts";
import {
  encodeFooter,
  encodeHeader,
  type ImageFooter,
  type RecordPlace,
} from "../../shared/image/header.ts";
import { RECORD_HEADER_BYTES, RecordType } from "../../shared/image/limits.ts";
import type { Manifest } from "../../shared/image/manifest.ts";
import { openImage } from "../../shared/image/reader.ts";
import { encodeRecordHeader, paddingAfter, recordHeaderOf } from "../../shared/image/record.ts";
import { imageBytes } from "./image-fixtures.ts";

/** A chunk, taken out of its image; every field may be changed. */
export interface LooseChunk {
  codec: number;
  flags: number;
  partition: number;
  slotLog2: number;
  rawBytes: number;
  rawDigest: Uint8Array;
  extents: Range[];
  stored: Uint8Array;
}

/** An image in parts; every field may be changed. */
export interface ImageParts {
  uuid: Uint8Array;
  chunks: LooseChunk[];
  /** Text for the manifest record. {@link looseImage} makes it of `manifest` unless it is given. */
  manifestBytes?: Uint8Array;
  manifest: Manifest;
  /** Whether `manifest.stats` is made to say what the chunks are. */
  rightStats: boolean;
  /** Bytes between the manifest and the footer. */
  trailer: Uint8Array;
  /** Changes the chunk table before it is digested. */
  changeTable?: (table: Uint8Array) => void;
  /** Changes the footer before its checksum is made. */
  changeFooter?: (footer: ImageFooter) => ImageFooter;
}

/** Takes a whole image apart. */
export function takeApart(image: Uint8Array): ImageParts {
  const { table, manifest, footer } = openImage(imageBytes(image));
  const chunks = Array.from({ length: table.count }, (_, index): LooseChunk => {
    const { codec, flags, partition, slotLog2, rawBytes, rawDigest } = table.entry(index);
    const { offset, length } = table.recordRange(index);
    const stored = image.slice(offset + RECORD_HEADER_BYTES, offset + length);
    const extents = table.extents(index);
    return { codec, flags, partition, slotLog2, rawBytes, rawDigest, extents, stored };
  });
  const { uuid } = footer;
  const trailer = new Uint8Array();
  return { uuid, chunks, manifest: structuredClone(manifest), rightStats: true, trailer };
}

/** Puts parts together to an image file whose digests, checksums and id are right. */
export function putTogether(parts: ImageParts): Uint8Array {
  const file = new Growing();
  file.add(encodeHeader({ uuid: parts.uuid, createdMs: 0 }));
  const builder = new ChunkTableBuilder();
  let storedBytes = 0;
  let rawBytes = 0;
  for (const [index, chunk] of parts.chunks.entries()) {
    const place = addRecord(file, { type: RecordType.chunk, index, ...chunk }, chunk.stored);
    const entry = { ...chunk, recordOffset: place.offset, storedDigest: place.digest };
    const codec = chunk.codec as ChunkEntry["codec"]; // or a number that no codec has
    builder.add({ ...entry, codec, storedBytes: place.storedBytes }, chunk.extents);
    storedBytes += chunk.stored.byteLength;
    rawBytes += chunk.rawBytes;
  }
  const tableBytes = builder.finish();
  const chunks = parts.chunks.length;
  parts.changeTable?.(tableBytes);
  const stats = { chunks, rawBytes, storedBytes };
  const text = JSON.stringify({ ...parts.manifest, ...(parts.rightStats ? { stats } : {}) });
  const manifestBytes = parts.manifestBytes ?? new TextEncoder().encode(text);
  const plain = { index: 0, codec: 0 };
  const table = addRecord(
    file,
    { type: RecordType.table, ...plain, rawBytes: tableBytes.byteLength },
    tableBytes,
  );
  const manifest = addRecord(
    file,
    { type: RecordType.manifest, ...plain, rawBytes: manifestBytes.byteLength },
    manifestBytes,
  );
  file.add(parts.trailer);
  const imageId = idOf(parts, tableBytes);
  const fileBytes = file.length + 4096;
  const footer = { uuid: parts.uuid, fileBytes, chunkCount: chunks, table, manifest, imageId };
  file.add(encodeFooter(parts.changeFooter?.(footer) ?? footer));
  return file.bytes;
}

/** Parts that contradict themselves have no id; any will do then. */
function idOf({ manifest }: ImageParts, tableBytes: Uint8Array): Uint8Array {
  try {
    return imageIdOf(manifest, new ChunkTable(tableBytes, "checked"));
  } catch {
    return new Uint8Array(32);
  }
}

function addRecord(
  file: Growing,
  fields: Parameters<typeof recordHeaderOf>[0],
  stored: Uint8Array,
): RecordPlace {
  const header = recordHeaderOf(fields, stored);
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  encodeRecordHeader(header, bytes);
  const offset = file.length;
  file.add(bytes);
  file.add(stored);
  file.add(new Uint8Array(paddingAfter(stored.byteLength)));
  return { offset, storedBytes: stored.byteLength, digest: blake3(stored) };
}

/** A file in memory that bytes are added to. */
class Growing {
  readonly #pieces: Uint8Array[] = [];
  length = 0;

  add(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.length += bytes.byteLength;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#pieces));
  }
}
