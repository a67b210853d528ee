/**
 * ImageStore: a collection of images, by name.
 *
 * A draft is invisible until `commit`, and `commit` never replaces an image (promise P7). The index
 * of a file is parsed and proven once, however many open the image, and everything that an opened
 * image returns comes from the one file that was opened. The contract test in
 * test/unit/shared/image runs against every implementation.
 */
import type { ByteCount, ChunkIndex } from "../core/units.ts";
import type { ImageIndex } from "./reader.ts";
import type { ImageSummary } from "./summary.ts";

/**
 * Names an image, and says what must not have changed since it was named. A name alone means
 * whatever image has it now.
 */
export interface ImageReference {
  readonly name: string;
  /** The image id it must have: 64 hexadecimal digits. */
  readonly id?: string | undefined;
  /**
   * The very file it must be: a value of {@link OpenedImage.file}. As long as anybody has that file
   * open, it is found even if another image has taken its name.
   */
  readonly file?: string | undefined;
}

/** An image that is being written. It is not visible yet. */
export interface ImageDraft {
  /**
   * Adds bytes at the end of the image file.
   *
   * @param bytes - Not read any more once the promise has resolved.
   * @throws SituationError `store_full`, `store_unwritable`, or a system error: the draft must be
   *   aborted.
   */
  append(bytes: Uint8Array): Promise<void>;
  /**
   * Checks the whole draft (footer, table, digests), makes it durable and visible.
   *
   * @throws FormatError if the draft is no complete image; SituationError `image_exists` if the
   *   name is taken.
   */
  commit(): Promise<ImageSummary>;
  /** Removes the draft. Idempotent, also after `commit`, where it does nothing. */
  abort(): Promise<void>;
}

/**
 * Where the records of an image lie on this computer. Plain data: another thread or process can
 * read the records without the store.
 */
export interface RecordPlaces {
  /** Path of the file when it was opened. Another file may have that path by now. */
  readonly path: string;
  /**
   * See `fileIdentityOf`: to be compared with that of the file found at the path.
   */
  readonly fileIdentity: string;
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
   * Pieces of at most 1 MiB, read on demand. The file stays open until the last piece was taken or
   * `return` was called, even if the image is closed before.
   */
  readonly bytes: AsyncIterableIterator<Uint8Array>;
}

/** An open image. Several may share one file; whoever opened an image closes it. */
export interface OpenedImage {
  readonly summary: ImageSummary;
  /** Proven against the image id; the chunks themselves are not. */
  readonly index: ImageIndex;
  readonly places: RecordPlaces;
  /**
   * Identity of the image file, from `imageFileIdentity`. Two saves of one disk are two files; a
   * file keeps its identity wherever it is moved, mounted or copied.
   */
  readonly file: string;
  /**
   * Reads the record of a chunk.
   *
   * @returns Record header and stored bytes, owned by the caller, not yet checked.
   * @throws SituationError `no_such_chunk`; FormatError `truncated`; a system error.
   */
  record(index: ChunkIndex): Promise<Uint8Array>;
  tail(): ImageTail;
  /** Releases the file, which is closed when nobody else has it open. Idempotent. */
  close(): void;
}

export interface ImageListing {
  /** All complete images, by name. */
  readonly images: readonly ImageSummary[];
  /** Names of files that are torn or damaged, or that cannot be read for another reason. */
  readonly torn: readonly string[];
}

export interface ImageStore {
  /**
   * Starts a new image.
   *
   * @throws SituationError `image_exists`, `bad_name`, `store_full`, `store_unwritable`.
   */
  draft(name: string): Promise<ImageDraft>;
  /**
   * Opens an image. Proves its index, unless that was done for this file before and the result is
   * cached.
   *
   * @throws SituationError `bad_name`; `no_such_image`, also if the name now belongs to another
   *   image or file than wanted; FormatError if it is torn or damaged; a system error.
   */
  open(reference: ImageReference): Promise<OpenedImage>;
  /**
   * Proves index and content of an image, outside the caller's thread: every chunk is decoded and
   * compared with its digests, as a node does it.
   *
   * @param reference - If it has `file`, that file and no other is proven.
   * @param signal - Stops the work.
   * @throws As {@link ImageStore.open}; HuckError `aborted`.
   */
  prove(reference: ImageReference, signal?: AbortSignal): Promise<void>;
  /**
   * Lists the images. Of files that are new, only footer and manifest are read; tables are not
   * read, and only manifests are digested.
   */
  list(): Promise<ImageListing>;
  /**
   * Tells whether a name is taken, by an image or by a torn file.
   *
   * @throws SituationError `bad_name`.
   */
  has(name: string): Promise<boolean>;
  /**
   * Hides an image; it can be brought back by hand until it is purged.
   *
   * @throws SituationError `no_such_image`.
   */
  trash(name: string): Promise<void>;
  /** Closes every file that nobody has open, and the others when they are released. Idempotent. */
  close(): Promise<void>;
}
