/**
 * The open image files, each with its proven index, shared by all readers.
 *
 * The key is the identity of the file, never the name or the image id: two files of equal content
 * have their records at different places. A file stays open while a reader holds it. The last used
 * of the others stay open too, because a node asks for one chunk after the other.
 */
import { closeSync } from "node:fs";
import { imageFileIdentity } from "../../shared/image/reader.ts";
import type { ImageReference, OpenedImage } from "../../shared/image/store.ts";
import { type FileOpened, identityOf, openForReading, readAt } from "./image-file.io.ts";
import { IndexProver } from "./index-proof.io.ts";
import { openedImage } from "./opened-image.ts";
import { proveInThread, type ProvenIndex } from "./proof-thread.io.ts";

/**
 * Opens an image file that is in no store. The image is named as its path, and closing it closes
 * the file.
 *
 * @throws As `ImageStore.open`, but never `bad_name`.
 */
export async function openImageAt(path: string): Promise<OpenedImage> {
  return await new OpenImages({ files: 0, tableBytes: 0 }).open(path, { name: path });
}

/** Bounds of what may stay open although no reader holds it. */
export interface KeepBounds {
  /** Files, including those that are held. */
  readonly files: number;
  /** All chunk tables together, including those that are held. Unit: bytes. */
  readonly tableBytes: number;
}

/** Keeps image files open. */
export class OpenImages {
  readonly #bounds: KeepBounds;
  /** By file identity, least recently used first. */
  readonly #kept = new Map<string, KeptFile>();
  readonly #prover = new IndexProver();

  constructor(bounds: KeepBounds = KEEP_BOUNDS) {
    this.#bounds = bounds;
  }

  /**
   * Opens an image; the caller closes it.
   *
   * @param path - Where the image's name leads.
   * @param reference - The image that must be there.
   * @throws As `ImageStore.open`, but never `bad_name`.
   */
  async open(path: string, reference: ImageReference): Promise<OpenedImage> {
    return (await this.#open(path, reference)).image;
  }

  /**
   * Proves index and content of an image in a thread. The signal breaks it off.
   *
   * @throws As `ImageStore.prove`, but never `bad_name`.
   */
  async prove(path: string, reference: ImageReference, signal?: AbortSignal): Promise<void> {
    const { image, opened } = await this.#open(path, reference);
    try {
      await proveInThread({ ...opened, depth: "chunks" }, signal);
    } finally {
      image.close();
    }
  }

  /** Closes the files that no reader holds, and each of the others when its reader lets go. */
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
        fileIdentity: opened.fileIdentity,
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

  async #hold(path: string, { file }: ImageReference): Promise<Hold> {
    const known = [...this.#kept.values()].find(
      // A copy of it under another name may be damaged: it is another file.
      ({ identity, opened }) => identity !== "" && identity === file && opened.path === path,
    );
    if (known !== undefined) {
      const release = this.#holdKept(known);
      if ((await identityOf(known.opened.fd)) === known.opened.fileIdentity) {
        return { kept: known, release };
      }
      this.#drop(known); // it has been written to since it was opened
      release();
    }
    const opened = await openForReading(path);
    const same = this.#kept.get(opened.fileIdentity);
    if (same !== undefined) closeSync(opened.fd);
    const kept = same ?? this.#keep(opened);
    return { kept, release: this.#holdKept(kept) };
  }

  #keep(opened: FileOpened): KeptFile {
    const proven = this.#prover.prove(opened);
    const kept = { opened, proven, identity: "", tableBytes: 0, holders: 0, dropped: false };
    this.#kept.set(opened.fileIdentity, kept);
    proven.then(
      ({ index }) => {
        kept.identity = imageFileIdentity(index);
        kept.tableBytes = index.table.bytes.byteLength;
        this.#shed();
      },
      () => {
        this.#drop(kept);
      },
    );
    return kept;
  }

  /** Holds a file; the returned function lets go of it. Idempotent. */
  #holdKept(kept: KeptFile): () => void {
    kept.holders += 1;
    if (!kept.dropped) {
      this.#kept.delete(kept.opened.fileIdentity);
      this.#kept.set(kept.opened.fileIdentity, kept);
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

  /** Closes files that no reader holds until the rest is within the bounds. */
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
    this.#kept.delete(kept.opened.fileIdentity);
    if (kept.holders === 0) closeSync(kept.opened.fd);
  }
}

interface Hold {
  readonly kept: KeptFile;
  readonly release: () => void;
}

/** A file in the cache. Only {@link OpenImages} changes it. */
interface KeptFile {
  readonly opened: FileOpened;
  readonly proven: Promise<ProvenIndex>;
  /** As {@link OpenedImage.file} says it; "" until the index is proven. */
  identity: string;
  tableBytes: number;
  holders: number;
  /** True once it is out of the cache; the last holder closes it. */
  dropped: boolean;
}

/**
 * More images than any lab loads at a time. The table of a 1 TiB image has 100 MB, and the server
 * may use 512 MB in all (promise P9).
 */
const KEEP_BOUNDS: KeepBounds = { files: 8, tableBytes: 128 << 20 };
