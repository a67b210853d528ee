/**
 * The pieces of a stored image that nodes fetch by HTTP: its manifest, and single chunks
 * (CONTROL.md section 4).
 *
 * The one idea: an image is opened once, found to be the very one the order names, and kept open
 * while nodes ask for it. An image never changes under its name, and one that is trashed meanwhile
 * stays readable while it is open.
 */
import { FormatError, SituationError } from "../../shared/core/errors.ts";
import { ChunkTable } from "../../shared/image/chunk-table.ts";
import { decodeFooter } from "../../shared/image/header.ts";
import { BLOCK_BYTES, RECORD_HEADER_BYTES } from "../../shared/image/limits.ts";
import type { ImageStore, OpenImage } from "../../shared/image/store.ts";

/** An image by name and content. */
export interface ImageName {
  readonly name: string;
  /** 64 hexadecimal digits. */
  readonly id: string;
}

/** A run of bytes to be sent. */
export interface SentBytes {
  readonly bytes: Iterable<Uint8Array>;
  /** Unit: bytes. */
  readonly length: number;
}

interface Opened {
  readonly image: OpenImage;
  readonly table: ChunkTable;
  readonly tableOffset: number;
}

/** Reads pieces of images. One instance per server. */
export class ImageParts {
  readonly #store: ImageStore;
  /** By image id, least recently used first. */
  readonly #opened = new Map<string, Opened>();

  /** @param store - Where the images are. */
  constructor(store: ImageStore) {
    this.#store = store;
  }

  /**
   * Gives the image file from the chunk table to its end.
   *
   * @param name - Which image.
   * @returns Pieces of at most 1 MiB, read as they are taken, and their sum.
   * @throws {@link SituationError} `no_such_image`; FormatError when the file is damaged.
   */
  manifest(name: ImageName): SentBytes {
    const { image, tableOffset } = this.#open(name);
    const end = image.summary.fileBytes;
    return { bytes: piecesOf(image, tableOffset, end), length: end - tableOffset };
  }

  /**
   * Gives the record of one chunk.
   *
   * @param name - Which image.
   * @param index - Chunk index.
   * @returns Header and stored bytes, owned by the caller.
   * @throws {@link SituationError} `no_such_image`, `no_such_chunk`; FormatError when the file is
   *   damaged.
   */
  chunk(name: ImageName, index: number): Buffer {
    const { image, table } = this.#open(name);
    if (index >= table.count) {
      throw new SituationError(
        "no_such_chunk",
        `Cannot send chunk ${index}: the image has ${table.count} chunks`,
        { cure: "The receiver and this server do not fit together." },
      );
    }
    const { offset, length } = table.recordRange(index);
    const record = Buffer.allocUnsafe(length);
    image.read(offset, record);
    return record;
  }

  /**
   * Tells where the records lie in the image file, for a sender's thread.
   *
   * @param name - Which image.
   * @returns Offset and length of each record, by chunk. Unit: bytes.
   * @throws {@link SituationError} `no_such_image`; FormatError when the file is damaged.
   */
  places(name: ImageName): { readonly offsets: Float64Array; readonly lengths: Uint32Array } {
    const { table } = this.#open(name);
    const offsets = new Float64Array(table.count);
    const lengths = new Uint32Array(table.count);
    for (let index = 0; index < table.count; index += 1) {
      const { offset, length } = table.recordRange(index);
      offsets[index] = offset;
      lengths[index] = length;
    }
    return { offsets, lengths };
  }

  /** Closes all images. */
  close(): void {
    for (const { image } of this.#opened.values()) image.close();
    this.#opened.clear();
  }

  #open(name: ImageName): Opened {
    const kept = this.#opened.get(name.id) ?? this.#openNew(name);
    this.#opened.delete(name.id);
    this.#opened.set(name.id, kept);
    for (const [id, old] of this.#opened) {
      if (this.#opened.size <= OPEN_MAX) break;
      old.image.close();
      this.#opened.delete(id);
    }
    return kept;
  }

  /** @throws {@link SituationError} `no_such_image`. */
  #openNew(name: ImageName): Opened {
    const image = this.#store.open(name.name);
    try {
      if (image.summary.id !== name.id) {
        throw new SituationError(
          "no_such_image",
          `Cannot send "${name.name}": ${image.summary.id} has that name, ${name.id} wanted`,
          { cure: "Run the load again: the name stands for another image since it began." },
        );
      }
      return { image, ...readLayout(image) };
    } catch (thrown) {
      image.close();
      throw thrown;
    }
  }
}

/** @throws FormatError when footer and table do not hold. */
function readLayout(image: OpenImage): Omit<Opened, "image"> {
  const { fileBytes, diskBytes } = image.summary;
  if (fileBytes < 2 * BLOCK_BYTES) throw new FormatError("torn", "Cannot read image: no footer");
  const block = new Uint8Array(BLOCK_BYTES);
  image.read(fileBytes - BLOCK_BYTES, block);
  const footer = decodeFooter(block, fileBytes);
  const table = new Uint8Array(footer.table.storedBytes);
  image.read(footer.table.offset + RECORD_HEADER_BYTES, table);
  return { table: new ChunkTable(table, diskBytes), tableOffset: footer.table.offset };
}

/** A manifest may be tens of MiB for a room of nodes: it is never held whole. */
function* piecesOf(image: OpenImage, start: number, end: number): Generator<Buffer> {
  for (let at = start; at < end; at += PIECE_BYTES) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - at));
    image.read(at, piece);
    yield piece;
  }
}

const PIECE_BYTES = 1 << 20;
/** Images kept open: more than run at a time in any lab; a table of 1 TiB is 100 MB. */
const OPEN_MAX = 4;
