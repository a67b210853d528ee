/**
 * The image files that are open, each with its proven index, shared by all who read them.
 *
 * They are kept by the identity of the file, never by name or image id: two files of equal content
 * have their records at different places. A file stays open while anybody holds it; of those that
 * nobody holds, the ones used last stay open for whoever comes next, because a node asks for chunk
 * after chunk.
 */
import { closeSync } from "node:fs";
import type { ImageReference, OpenedImage } from "../../shared/image/store.ts";
import {
  type FileOpened,
  identityOf,
  openForReading,
  readAt,
  replacedImage,
} from "./image-file.io.ts";
import { IndexProver } from "./index-proof.io.ts";
import { openedImage } from "./opened-image.ts";
import { proveInThread, type ProvenIndex } from "./proof-thread.io.ts";

/**
 * Opens a file by its path, outside of any store.
 *
 * @param path - The file.
 * @returns The image, named as its path; closing it closes the file.
 * @throws As `ImageStore.open`, but `bad_name`.
 */
export async function openImageAt(path: string): Promise<OpenedImage> {
  return await new OpenImages({ files: 0, tableBytes: 0 }).open(path, { name: path });
}

/** What may stay open although nobody holds it. */
export interface KeepBounds {
  /** Files, the held ones counted. */
  readonly files: number;
  /** Their tables together, the held ones counted. Unit: bytes. */
  readonly tableBytes: number;
}

/** Open image files. */
export class OpenImages {
  readonly #bounds: KeepBounds;
  /** By file identity, least recently used first. */
  readonly #kept = new Map<string, KeptFile>();
  readonly #prover = new IndexProver();

  /** @param bounds - See {@link KeepBounds}. */
  constructor(bounds: KeepBounds = KEEP_BOUNDS) {
    this.#bounds = bounds;
  }

  /**
   * Opens an image.
   *
   * @param path - Where its name leads.
   * @param reference - Which image that must be.
   * @returns The image, to be closed.
   * @throws As `ImageStore.open`, but `bad_name`.
   */
  async open(path: string, reference: ImageReference): Promise<OpenedImage> {
    return (await this.#open(path, reference)).image;
  }

  /**
   * Proves index and stored bytes of an image in a thread.
   *
   * @param path - Where its name leads.
   * @param reference - Which image that must be.
   * @param signal - Breaks it off.
   * @throws As `ImageStore.prove`, but `bad_name`.
   */
  async prove(path: string, reference: ImageReference, signal?: AbortSignal): Promise<void> {
    const { image, opened } = await this.#open(path, reference);
    try {
      await proveInThread({ ...opened, chunks: true }, signal);
    } finally {
      image.close();
    }
  }

  /** Closes what nobody holds, and the rest when it is given back. */
  close(): void {
    for (const kept of this.#kept.values()) this.#drop(kept);
  }

  async #open(
    path: string,
    reference: ImageReference,
  ): Promise<{ readonly image: OpenedImage; readonly opened: FileOpened }> {
    const { kept, release } = await this.#hold(path, reference);
    const { opened } = kept;
    try {
      const image = openedImage(reference, {
        path,
        file: opened.file,
        proven: await kept.proven,
        read: (offset, into) => readAt(opened, offset, into),
        hold: () => this.#holdKept(kept),
        release,
      });
      return { image, opened };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #hold(path: string, { file, name }: ImageReference): Promise<Hold> {
    const known = file === undefined ? undefined : this.#kept.get(file);
    if (known !== undefined) {
      const release = this.#holdKept(known);
      if ((await identityOf(known.opened.fd)) === file) return { kept: known, release };
      this.#drop(known); // it was written to since
      release();
    }
    const opened = await openForReading(path);
    if (file !== undefined && file !== opened.file) {
      closeSync(opened.fd);
      throw replacedImage(name);
    }
    const same = this.#kept.get(opened.file);
    if (same !== undefined) closeSync(opened.fd);
    const kept = same ?? this.#keep(opened);
    return { kept, release: this.#holdKept(kept) };
  }

  #keep(opened: FileOpened): KeptFile {
    const proven = this.#prover.prove(opened);
    const kept: KeptFile = { opened, proven, tableBytes: 0, holders: 0, dropped: false };
    this.#kept.set(opened.file, kept);
    proven.then(
      ({ index }) => {
        kept.tableBytes = index.table.bytes.byteLength;
        this.#shed();
      },
      () => {
        this.#drop(kept);
      },
    );
    return kept;
  }

  /** Hands out a hold, and the way to give it back once. */
  #holdKept(kept: KeptFile): () => void {
    kept.holders += 1;
    if (!kept.dropped) {
      this.#kept.delete(kept.opened.file);
      this.#kept.set(kept.opened.file, kept);
    }
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      kept.holders -= 1;
      if (kept.holders > 0) return;
      if (kept.dropped) closeSync(kept.opened.fd);
      else this.#shed();
    };
  }

  /** Lets go of what nobody holds until the rest is within the bounds. */
  #shed(): void {
    let tableBytes = 0;
    for (const kept of this.#kept.values()) tableBytes += kept.tableBytes;
    for (const kept of this.#kept.values()) {
      if (this.#kept.size <= this.#bounds.files && tableBytes <= this.#bounds.tableBytes) return;
      if (kept.holders > 0) continue;
      tableBytes -= kept.tableBytes;
      this.#drop(kept);
    }
  }

  #drop(kept: KeptFile): void {
    if (kept.dropped) return;
    kept.dropped = true;
    this.#kept.delete(kept.opened.file);
    if (kept.holders === 0) closeSync(kept.opened.fd);
  }
}

interface Hold {
  readonly kept: KeptFile;
  readonly release: () => void;
}

/** A file in the cache; written by {@link OpenImages} alone. */
interface KeptFile {
  readonly opened: FileOpened;
  readonly proven: Promise<ProvenIndex>;
  tableBytes: number;
  holders: number;
  /** The cache has let go of it; the last holder closes it. */
  dropped: boolean;
}

/**
 * More than run at a time in any lab. The table of a TiB is 100 MB, and the server may take 512 MB
 * in all (promise P9).
 */
const KEEP_BOUNDS: KeepBounds = { files: 8, tableBytes: 128 << 20 };
