/**
 * An opened image over any file that can be read and held.
 *
 * Each read holds the file while it lasts, and a tail holds it from the first piece to the last, so
 * closing the image never closes the descriptor of a running read.
 */
import assert from "node:assert/strict";
import { SituationError } from "../../shared/core/errors.ts";
import type { ImageReference, ImageTail, OpenedImage } from "../../shared/image/store.ts";
import { imageFileIdentity } from "../../shared/image/reader.ts";
import { summaryOf } from "../../shared/image/summary.ts";
import type { ProvenIndex } from "./proof-thread.io.ts";
import { replacedImage } from "./store-faults.ts";

/** A file that one image holds open. */
export interface HeldFile {
  readonly path: string;
  /** See `fileIdentityOf`. */
  readonly fileIdentity: string;
  readonly proven: ProvenIndex;
  /** Fills `into` from the file. Allowed only while the file is held. */
  read(offset: number, into: Uint8Array): Promise<void>;
  /** Holds the file once more; the returned function lets go of it. */
  hold(): () => void;
  /** Lets go of what the image itself holds. Idempotent. */
  release(): void;
}

/**
 * Makes an opened image of a held file. Closing the image releases the file.
 *
 * @throws {@link SituationError} `no_such_image` if the file holds another image than the reference
 *   names; FormatError `bad_manifest`. The file then stays held.
 */
export function openedImage(reference: ImageReference, held: HeldFile): OpenedImage {
  const { path, fileIdentity, proven } = held;
  const { index, offsets, lengths } = proven;
  const summary = summaryOf(reference.name, index);
  if (reference.id !== undefined && reference.id !== summary.id) {
    throw otherImage(reference, summary.id);
  }
  const identity = imageFileIdentity(index);
  if (reference.file !== undefined && reference.file !== identity) {
    throw replacedImage(reference.name);
  }
  let open = true;
  return {
    summary,
    index,
    places: { path, fileIdentity, offsets, lengths },
    file: identity,
    async record(chunk) {
      assert(open, "the image is open");
      const offset = offsets[chunk];
      const length = lengths[chunk];
      if (offset === undefined || length === undefined) throw noSuchChunk(chunk, lengths.length);
      const record = new Uint8Array(length);
      const release = held.hold();
      try {
        await held.read(offset, record);
      } finally {
        release();
      }
      return record;
    },
    tail() {
      assert(open, "the image is open");
      return tailOf(held);
    },
    close() {
      open = false;
      held.release();
    },
  };
}

/** Not a generator function: `return` on one that has not begun does not run its `finally`. */
function tailOf(held: HeldFile): ImageTail {
  const { fileBytes, table } = held.proven.index.footer;
  const release = held.hold();
  let at = table.offset;
  const end = (): Promise<IteratorReturnResult<undefined>> => {
    at = fileBytes;
    release();
    return Promise.resolve({ done: true, value: undefined });
  };
  const bytes: AsyncIterableIterator<Uint8Array, undefined> = {
    [Symbol.asyncIterator]: () => bytes,
    async next() {
      if (at >= fileBytes) return await end();
      const piece = new Uint8Array(Math.min(PIECE_BYTES, fileBytes - at));
      const from = at;
      at += piece.byteLength;
      try {
        await held.read(from, piece);
      } catch (error) {
        await end();
        throw error;
      }
      return { done: false, value: piece };
    },
    return: end,
  };
  return { length: fileBytes - table.offset, bytes };
}

function otherImage({ name, id }: ImageReference, found: string): SituationError {
  return new SituationError(
    "no_such_image",
    `Cannot open image "${name}": ${found} has that name, ${id ?? "another"} wanted`,
    { cure: "Run the load again: the name stands for another image since it began." },
  );
}

function noSuchChunk(chunk: number, count: number): SituationError {
  return new SituationError(
    "no_such_chunk",
    `Cannot read chunk ${chunk}: the image has ${count} chunks`,
    { cure: "The receiver and this server do not fit together." },
  );
}

/** A tail may have tens of MiB for a room of nodes, so we never hold all of a tail. */
const PIECE_BYTES = 1 << 20;
