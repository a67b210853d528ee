/**
 * ImageStore: where images live, by name.
 *
 * A draft is invisible until `commit`; `commit` never replaces an image (promise P7). An image is
 * opened to be read: its index is parsed and proven once for each file, however many open it, and
 * everything an opened image gives comes from the one file that was opened. The contract test in
 * test/unit/shared/image runs against every implementation.
 */
import type { ByteCount, ChunkIndex } from "../core/units.ts";
import type { ImageIndex } from "./reader.ts";
import type { ImageSummary } from "./summary.ts";

/**
 * Names an image, and what must not have changed since it was named. The name alone stands for
 * whatever has it now.
 */
export interface ImageReference {
  /** See {@link ImageSummary.name}. */
  readonly name: string;
  /** The image id it must have: 64 hexadecimal digits. */
  readonly id?: string | undefined;
  /**
   * The very file it must be, as {@link OpenedImage.file} said. It is found even if the name was
   * taken from it meanwhile, as long as somebody has it open.
   */
  readonly file?: string | undefined;
}

/** An image that is being written. Nobody sees it. */
export interface ImageDraft {
  /**
   * Adds bytes at the end of the image file.
   *
   * @param bytes - Read before the promise resolves only.
   * @throws SituationError `store_full`, `store_unwritable`, or a system error: the draft must be
   *   aborted.
   */
  append(bytes: Uint8Array): Promise<void>;
  /**
   * Checks the whole draft (footer, table, digests), makes it durable and visible.
   *
   * @throws FormatError when the draft is no complete image; SituationError `image_exists` when the
   *   name is taken.
   */
  commit(): Promise<ImageSummary>;
  /** Removes the draft. Idempotent, also after `commit`, where it does nothing. */
  abort(): Promise<void>;
}

/**
 * Where the records of an image lie on this computer. Plain data: a thread, or another process,
 * reads records by it without the store.
 */
export interface RecordPlaces {
  /** The file had this path when it was opened. Another file may have it by now... */
  readonly path: string;
  /** ...so whoever opens it compares what it found with this; see `fileIdentityOf`. */
  readonly file: string;
  /** Where each record begins, by chunk. Unit: bytes. */
  readonly offsets: Float64Array;
  /** Length of each record, header and stored bytes, by chunk. Unit: bytes. */
  readonly lengths: Uint32Array;
}

/** The end of an image file, from its chunk table on: what a node fetches before its load. */
export interface ImageTail {
  /** Unit: bytes. */
  readonly length: ByteCount;
  /**
   * Pieces of at most 1 MiB, read as they are taken. The file stays open until the last one was
   * taken or `return` was called, even if the image is closed before.
   */
  readonly bytes: AsyncIterableIterator<Uint8Array>;
}

/** An image that is open. Several may stand for one file; each is closed by whoever opened it. */
export interface OpenedImage {
  readonly summary: ImageSummary;
  /** Proven to belong to the image id; the chunks themselves are not. */
  readonly index: ImageIndex;
  readonly places: RecordPlaces;
  /** Identity of the very file. Two files of equal content are two files. */
  readonly file: string;
  /**
   * Reads the record of a chunk.
   *
   * @returns Record header and stored bytes, owned by the caller, not proven.
   * @throws SituationError `no_such_chunk`; FormatError `truncated`; a system error.
   */
  record(index: ChunkIndex): Promise<Uint8Array>;
  /** Gives the end of the file. */
  tail(): ImageTail;
  /** Gives the file back: it may be closed when nobody else has it open. Idempotent. */
  close(): void;
}

/** A listing. */
export interface ImageListing {
  /** All complete images, by name. */
  readonly images: readonly ImageSummary[];
  /** Names of files that are torn, damaged, or cannot be read for whatever reason. */
  readonly torn: readonly string[];
}

/** A collection of images. */
export interface ImageStore {
  /**
   * Starts a new image.
   *
   * @throws SituationError `image_exists`, `bad_name`, `store_full`, `store_unwritable`.
   */
  draft(name: string): Promise<ImageDraft>;
  /**
   * Opens an image: proves its index, unless that was done for this file and is still remembered.
   *
   * @throws SituationError `bad_name`, `no_such_image`, also when the name stands for another image
   *   or file than wanted; FormatError when it is torn or damaged; a system error.
   */
  open(reference: ImageReference): Promise<OpenedImage>;
  /**
   * Proves index and stored bytes of an image, every one of them, beside the caller's thread.
   *
   * @param reference - Which; with `file`, that file and no other is proven.
   * @param signal - Breaks it off.
   * @throws As {@link ImageStore.open}; HuckError `aborted`.
   */
  prove(reference: ImageReference, signal?: AbortSignal): Promise<void>;
  /**
   * Lists what is there, from what is remembered of each file. Only footer and manifest of new
   * files are read; no table is, and nothing is digested but manifests.
   */
  list(): Promise<ImageListing>;
  /**
   * Tells whether a name is taken, be it by an image or by something torn.
   *
   * @throws SituationError `bad_name`.
   */
  has(name: string): Promise<boolean>;
  /**
   * Takes an image out of sight; it can be brought back by hand until it is purged.
   *
   * @throws SituationError `no_such_image`.
   */
  trash(name: string): Promise<void>;
  /** Closes every file that nobody holds, and each other one when it is given back. Idempotent. */
  close(): Promise<void>;
}
