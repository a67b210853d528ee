/**
 * ImageStore: where images live, by name.
 *
 * A draft is invisible until `commit`; `commit` never replaces an image (promise P7). The contract
 * test in test/unit/shared/image runs against every implementation.
 */
import type { ByteCount } from "../core/units.ts";

/** What a listing tells of one image. */
export interface ImageSummary {
  /** Name under which it is kept: 1 .. 100 of [A-Za-z0-9._-], not beginning with a dot or dash. */
  readonly name: string;
  /** Image id: BLAKE3 of the content record, 64 hexadecimal digits. */
  readonly id: string;
  /** Length of the image file. Unit: bytes. */
  readonly fileBytes: ByteCount;
  /** Size of the disk it was taken from. Unit: bytes. */
  readonly diskBytes: ByteCount;
  /** Bytes of disk content inside. */
  readonly usedBytes: ByteCount;
  /** When it was saved: RFC 3339 in UTC. */
  readonly createdAt: string;
}

/** An image that is being written. Nobody sees it. */
export interface ImageDraft {
  /**
   * Adds bytes at the end of the image file.
   *
   * @param bytes - Read before the promise resolves only.
   * @throws A system error (ENOSPC): the draft must be aborted.
   */
  append(bytes: Uint8Array): Promise<void>;
  /**
   * Checks the whole draft (footer, table, digests), makes it durable and visible.
   *
   * @returns Its summary.
   * @throws FormatError when the draft is no complete image; SituationError `image_exists` when the
   *   name is taken.
   */
  commit(): Promise<ImageSummary>;
  /** Removes the draft. Idempotent, also after `commit`, where it does nothing. */
  abort(): Promise<void>;
}

/** An image opened for reading. Reads are bounded by the caller. */
export interface OpenImage {
  /** Its summary. */
  readonly summary: ImageSummary;
  /**
   * Fills `into` from the image file.
   *
   * @param offset - Unit: bytes from the start of the file.
   * @param into - Filled completely.
   * @throws FormatError `truncated` beyond the end of the file.
   */
  read(offset: ByteCount, into: Uint8Array): void;
  /** Closes it. Idempotent. */
  close(): void;
}

/** A collection of images. */
export interface ImageStore {
  /**
   * Starts a new image.
   *
   * @param name - See {@link ImageSummary.name}.
   * @throws SituationError `image_exists`, `bad_name`.
   */
  draft(name: string): Promise<ImageDraft>;
  /**
   * Opens an image.
   *
   * @param name - Its name.
   * @throws SituationError `no_such_image`; FormatError when it is torn.
   */
  open(name: string): OpenImage;
  /**
   * Proves index and stored bytes of an image, every one of them, beside the caller's thread.
   *
   * @param name - Its name.
   * @param signal - Breaks it off.
   * @throws SituationError `no_such_image`; FormatError that says what is damaged; HuckError
   *   `aborted`; a system error when it cannot be read.
   */
  prove(name: string, signal?: AbortSignal): Promise<void>;
  /**
   * @returns All complete images, by name. Files that are torn, or cannot be read for whatever
   *   reason, are named in `torn`.
   */
  list(): { readonly images: readonly ImageSummary[]; readonly torn: readonly string[] };
  /**
   * Takes an image out of sight; it can be brought back by hand until it is purged.
   *
   * @param name - Its name.
   * @throws SituationError `no_such_image`.
   */
  trash(name: string): Promise<void>;
}
