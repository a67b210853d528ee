/**
 * Looks at an image file while it arrives, from its first block on.
 *
 * A file that is no image, or more than its disk can give, is refused when the first byte shows it,
 * not when the last one has been stored. This follows the records by their headers only and keeps
 * less than one block; whether the content is right is proven once all is there.
 */
import { FormatError } from "../core/errors.ts";
import { decodeHeader } from "./header.ts";
import {
  BLOCK_BYTES,
  CHUNK_RAW_BYTES_MAX,
  MANIFEST_BYTES_MAX,
  RECORD_HEADER_BYTES,
  RecordType,
  TABLE_BYTES_MAX,
} from "./limits.ts";
import { decodeRecordHeader, paddingAfter } from "./record.ts";
import type { RecordHeader } from "./record.ts";

/** "HUCK": the footer begins with it where a record begins with "HUCR". */
const FOOTER_BEGINS = 0x4855434b;
/** Bytes of one entry of the chunk table, and most of its extents (FORMAT.md section 5). */
const TABLE_ENTRY_BYTES = 96;
const TABLE_EXTENT_BYTES = 12;
const EXTENT_BYTES_MIN = 512;
/**
 * Chunks that are cut off at the edges of regions and so hold less than a slot: heads and tails of
 * 256 partitions, and the gaps.
 */
const EDGE_CHUNKS_MAX = 1024;
/** Signatures and notes. */
const EXTRA_BYTES_MAX = 16 << 20;

/** The kind of bytes that come next. */
type Part = "header" | "record" | "stored" | "footer" | "end";

export class ArrivingImage {
  readonly #diskBytes: number;
  readonly #held = new Uint8Array(BLOCK_BYTES);
  #heldBytes = 0;
  #wantedBytes = BLOCK_BYTES;
  #part: Part = "header";
  #skipBytes = 0;
  #chunks = 0;
  #rawBytes = 0;
  #extraBytes = 0;
  #last: "chunk" | "table" | "manifest" = "chunk";

  /** @param diskBytes - Size of the disk: its chunks cannot hold more. Unit: bytes. */
  constructor(diskBytes: number) {
    this.#diskBytes = diskBytes;
  }

  /**
   * Takes the next bytes of the file.
   *
   * @throws {@link FormatError} if no image of that disk goes on like this.
   */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; ) {
      if (this.#part === "end") throw notAnImage("bytes follow its footer");
      const left = bytes.byteLength - at;
      if (this.#part === "stored") {
        const count = Math.min(left, this.#skipBytes);
        this.#skipBytes -= count;
        at += count;
        if (this.#skipBytes === 0) this.#await("record", RECORD_HEADER_BYTES);
        continue;
      }
      const count = Math.min(left, this.#wantedBytes - this.#heldBytes);
      this.#held.set(bytes.subarray(at, at + count), this.#heldBytes);
      this.#heldBytes += count;
      at += count;
      if (this.#heldBytes === this.#wantedBytes) this.#take();
    }
  }

  #await(part: Part, bytes: number): void {
    this.#part = part;
    this.#heldBytes = 0;
    this.#wantedBytes = bytes;
  }

  #take(): void {
    const held = this.#held;
    if (this.#part === "header") {
      decodeHeader(held);
      this.#await("record", RECORD_HEADER_BYTES);
    } else if (this.#part === "footer") {
      this.#part = "end"; // its content is compared with the whole file at the end
    } else if (new DataView(held.buffer).getUint32(0) === FOOTER_BEGINS) {
      if (this.#last !== "manifest") throw notAnImage("its footer comes before its manifest");
      this.#part = "footer";
      this.#wantedBytes = BLOCK_BYTES;
    } else {
      const header = decodeRecordHeader(held.subarray(0, RECORD_HEADER_BYTES));
      this.#judge(header);
      this.#skipBytes = header.storedBytes + paddingAfter(header.storedBytes);
      if (this.#skipBytes > 0) this.#part = "stored";
      else this.#await("record", RECORD_HEADER_BYTES);
    }
  }

  #judge({ type, index, storedBytes, rawBytes }: RecordHeader): void {
    switch (type) {
      case RecordType.chunk:
        this.#judgeChunk(index, storedBytes, rawBytes);
        break;
      case RecordType.table:
        if (this.#last !== "chunk") throw notAnImage("it has two chunk tables");
        if (storedBytes > this.#tableBytesMax()) {
          throw notAnImage(`a chunk table of ${storedBytes} bytes for ${this.#chunks} chunks`);
        }
        this.#last = "table";
        break;
      case RecordType.manifest:
        if (this.#last !== "table") throw notAnImage("its manifest does not follow its table");
        if (storedBytes > MANIFEST_BYTES_MAX) throw notAnImage("its manifest is too long");
        this.#last = "manifest";
        break;
      default:
        this.#extraBytes += RECORD_HEADER_BYTES + storedBytes;
        if (this.#last !== "manifest") throw notAnImage(`a record of type ${type} among others`);
        if (this.#extraBytes > EXTRA_BYTES_MAX) throw notAnImage("too many notes");
    }
  }

  #judgeChunk(index: number, storedBytes: number, rawBytes: number): void {
    if (this.#last !== "chunk" || index !== this.#chunks) {
      throw notAnImage(`chunk ${index} comes where chunk ${this.#chunks} is wanted`);
    }
    if (rawBytes < 1 || rawBytes > CHUNK_RAW_BYTES_MAX || storedBytes > rawBytes) {
      throw notAnImage(`chunk ${index} has ${storedBytes} stored bytes for ${rawBytes}`);
    }
    this.#chunks += 1;
    this.#rawBytes += rawBytes;
    const chunksMax = Math.ceil(this.#diskBytes / CHUNK_RAW_BYTES_MAX) + EDGE_CHUNKS_MAX;
    if (this.#rawBytes > this.#diskBytes || this.#chunks > chunksMax) {
      throw new FormatError(
        "too_long",
        `Cannot take image: ${this.#chunks} chunks hold more than ${this.#diskBytes} bytes of disk`,
      );
    }
  }

  #tableBytesMax(): number {
    const extents = Math.ceil(this.#rawBytes / EXTENT_BYTES_MIN);
    const bytes = 16 + this.#chunks * TABLE_ENTRY_BYTES + extents * TABLE_EXTENT_BYTES;
    return Math.min(bytes, TABLE_BYTES_MAX);
  }
}

function notAnImage(found: string): FormatError {
  return new FormatError("not_an_image", `Cannot take image: ${found}`);
}
