/**
 * Writes an image file from front to back: header, chunks, chunk table, manifest, footer.
 *
 * The sink only appends, so an image can go into a file, a pipe or an upload. After an error,
 * `settle` waits for the bytes that are still being written.
 */
import { ChunkTable, ChunkTableBuilder } from "./chunk-table.ts";
import { Codec } from "./chunk-codec.ts";
import type { EncodedChunk } from "./codec-pool.ts";
import { imageIdOf } from "./content-record.ts";
import { encodeFooter, encodeHeader, type ImageHeader, type RecordPlace } from "./header.ts";
import { BLOCK_BYTES, RECORD_HEADER_BYTES, RecordType } from "./limits.ts";
import { encodeManifest, type Manifest } from "./manifest.ts";
import { encodeRecordHeader, paddingAfter, recordHeaderOf } from "./record.ts";
import type { ChunkPlan } from "./slots.ts";

/** The destination of an image. */
export interface ByteSink {
  /**
   * Adds bytes at the end.
   *
   * @param bytes - The caller does not change them before the promise resolves.
   */
  append(bytes: Uint8Array): Promise<void>;
}

/** The part of a manifest that the caller knows; the writer adds the rest. */
export type ManifestInput = Omit<Manifest, "format" | "major" | "minor" | "stats">;

/** Id and sizes of a written image. */
export interface WrittenImage {
  /** 32 bytes. */
  readonly imageId: Uint8Array;
  /** Length of the file. Unit: bytes. */
  readonly fileBytes: number;
  /** Content of all chunks, uncompressed. Unit: bytes. */
  readonly rawBytes: number;
  readonly chunkCount: number;
}

export class ImageWriter {
  readonly #sink: ByteSink;
  readonly #header: ImageHeader;
  readonly #table = new ChunkTableBuilder();
  #pending: Promise<void> = Promise.resolve();
  #offset = 0;
  #rawBytes = 0;
  #storedBytes = 0;

  constructor(sink: ByteSink, header: ImageHeader) {
    this.#sink = sink;
    this.#header = header;
  }

  /** @returns Length of the file so far. Unit: bytes. */
  get fileBytes(): number {
    return this.#offset;
  }

  /** Writes the header. Call it once, before anything else. */
  async begin(): Promise<void> {
    await this.#append(encodeHeader(this.#header));
  }

  /**
   * Adds a chunk. Chunks must come by ascending disk position.
   *
   * @param record - From the chunk's lane: room for the header, the stored bytes, room for padding.
   *   May be reused once the promise resolves.
   */
  async addChunk(plan: ChunkPlan, encoded: EncodedChunk, record: Uint8Array): Promise<void> {
    const { codec, storedBytes, rawDigest, storedDigest } = encoded;
    const { partition, flags, slotLog2, extents, rawBytes } = plan;
    const index = this.#table.count;
    const header = { type: RecordType.chunk, codec, index, storedBytes, rawBytes };
    encodeRecordHeader({ ...header, digest: storedDigest }, record);
    const entry = { partition, flags, slotLog2, rawBytes, codec, rawDigest };
    const place = { recordOffset: this.#offset, storedBytes, storedDigest };
    this.#table.add({ ...entry, ...place }, extents);
    this.#rawBytes += rawBytes;
    this.#storedBytes += storedBytes;
    const end = RECORD_HEADER_BYTES + storedBytes;
    const length = end + paddingAfter(storedBytes);
    record.fill(0, end, length);
    await this.#append(record.subarray(0, length));
    await this.#pending;
  }

  /**
   * Writes table, manifest and footer; then the image is complete.
   *
   * @param input - The manifest without the statistics.
   */
  async finish(input: ManifestInput): Promise<WrittenImage> {
    const tableBytes = this.#table.finish();
    const stats = {
      chunks: this.#table.count,
      rawBytes: this.#rawBytes,
      storedBytes: this.#storedBytes,
    };
    const table = await this.#addRecord(RecordType.table, tableBytes);
    const manifestBytes = encodeManifest({ ...input, stats });
    const manifest = await this.#addRecord(RecordType.manifest, manifestBytes);
    const imageId = imageIdOf(input, new ChunkTable(tableBytes, input.disk.sizeBytes));
    const { uuid } = this.#header;
    const fileBytes = this.#offset + BLOCK_BYTES;
    const chunkCount = this.#table.count;
    await this.#append(encodeFooter({ uuid, fileBytes, chunkCount, table, manifest, imageId }));
    await this.#pending;
    return { imageId, fileBytes, rawBytes: this.#rawBytes, chunkCount };
  }

  /** Waits until the sink is idle, even if the last bytes failed. For clean-up after an error. */
  async settle(): Promise<void> {
    await this.#pending.catch(() => undefined);
  }

  async #addRecord(type: RecordType, stored: Uint8Array): Promise<RecordPlace> {
    const rawBytes = stored.byteLength;
    const header = recordHeaderOf({ type, codec: Codec.raw, index: 0, rawBytes }, stored);
    const place = { offset: this.#offset, storedBytes: rawBytes, digest: header.digest };
    const headerBytes = new Uint8Array(RECORD_HEADER_BYTES);
    encodeRecordHeader(header, headerBytes);
    await this.#append(headerBytes);
    await this.#append(stored);
    await this.#append(new Uint8Array(paddingAfter(rawBytes)));
    return place;
  }

  /**
   * Waits for the previous bytes, then starts to write these; their error is thrown by the next
   * call.
   */
  async #append(bytes: Uint8Array): Promise<void> {
    await this.#pending;
    this.#offset += bytes.byteLength;
    this.#pending = bytes.byteLength === 0 ? Promise.resolve() : this.#sink.append(bytes);
    this.#pending.catch(() => undefined);
  }
}
