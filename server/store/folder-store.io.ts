/**
 * ImageStore in a folder: one file NAME.huck per image.
 *
 * A draft is a hidden file with a random name. `commit` checks it as a reader would, makes it
 * durable and links it to its name, which fails if the name is taken. So an image is never replaced
 * and never half visible (promise P7). `trash` moves an image to a folder inside, from which it can
 * be moved back by hand.
 */
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { type FileHandle, link, lstat, mkdir, readdir, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, ExitCode, SituationError } from "../../shared/core/errors.ts";
import type {
  ImageDraft,
  ImageListing,
  ImageReference,
  ImageStore,
  OpenedImage,
} from "../../shared/image/store.ts";
import { type ImageSummary, summaryOf } from "../../shared/image/summary.ts";
import { syncFolder } from "../../shared/linux/sync-folder.io.ts";
import { makeFolder } from "../../shared/linux/make-folder.io.ts";
import { openDraftFile, sweepDrafts } from "./draft-file.io.ts";
import { DraftRoom } from "./draft-room.io.ts";
import { identityOf, noSuchImage } from "./image-file.io.ts";
import { imageNameOf, imagePathIn, isImageName } from "./image-file-name.ts";
import { OpenImages } from "./open-images.io.ts";
import { proveInThread } from "./proof-thread.io.ts";
import { readingFault, writingFault } from "./store-faults.ts";
import { Summaries } from "./summaries.io.ts";

const TRASH_FOLDER = ".trash";
const SUMMARIES_FILE = ".summaries.json";

export interface FolderStoreOptions {
  /** Keep the summaries of images in a file of the folder, for the next start. */
  readonly keepSummaries?: boolean;
  /** Threads that prove a new image. Default: 1, because a server has other work. */
  readonly proofWorkers?: number;
}

/**
 * Opens a folder of images; makes it if it is missing.
 *
 * @throws {@link SituationError} `bad_store` if it is not a folder, or may not be read.
 */
export function openFolderStore(folder: string, options: FolderStoreOptions = {}): ImageStore {
  try {
    makeFolder(folder);
    sweepDrafts(folder, readdirSync(folder));
  } catch (error) {
    throw readingFault(folder, error);
  }
  const memo = options.keepSummaries === true ? join(folder, SUMMARIES_FILE) : undefined;
  const { proofWorkers = 1 } = options;
  const summaries = new Summaries(memo);
  return new FolderStore(folder, { room: new DraftRoom(folder), summaries, proofWorkers });
}

/** What a store shares with its drafts. */
interface StoreParts {
  readonly room: DraftRoom;
  readonly summaries: Summaries;
  /** Threads that prove a new image. */
  readonly proofWorkers: number;
}

class FolderStore implements ImageStore {
  readonly #folder: string;
  readonly #parts: StoreParts;
  readonly #summaries: Summaries;
  readonly #open = new OpenImages();

  constructor(folder: string, parts: StoreParts) {
    this.#folder = folder;
    this.#parts = parts;
    this.#summaries = parts.summaries;
  }

  async draft(name: string): Promise<ImageDraft> {
    if (await this.has(name)) throw imageExists(name);
    const folder = this.#folder;
    const path = imagePathIn(folder, name);
    try {
      const { path: draftPath, handle } = await openDraftFile(folder);
      return new FolderDraft({ name, path, draftPath, folder }, handle, this.#parts);
    } catch (error) {
      throw writingFault(folder, error);
    }
  }

  async open(reference: ImageReference): Promise<OpenedImage> {
    return await this.#open.open(this.#pathOf(reference.name), reference);
  }

  async prove(reference: ImageReference, signal?: AbortSignal): Promise<void> {
    await this.#open.prove(this.#pathOf(reference.name), reference, signal);
  }

  async list(): Promise<ImageListing> {
    const images: ImageSummary[] = [];
    const torn: string[] = [];
    const seen = new Set<string>();
    for (const entry of (await this.#entries()).sort()) {
      const name = imageNameOf(entry);
      if (name === undefined) continue;
      const look = await this.#summaries.look(name, join(this.#folder, entry));
      if (look.kind === "image") images.push(look.summary);
      if (look.kind === "torn") torn.push(name);
      if (look.kind !== "gone" && look.fileIdentity !== undefined) seen.add(look.fileIdentity);
    }
    this.#summaries.keepOnly(seen);
    return { images, torn };
  }

  async has(name: string): Promise<boolean> {
    try {
      await lstat(this.#pathOf(name));
      return true;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return false;
      throw readingFault(this.#folder, error);
    }
  }

  async trash(name: string): Promise<void> {
    const path = this.#pathOf(name);
    const folder = join(this.#folder, TRASH_FOLDER);
    const place = imagePathIn(folder, `${name}-${randomBytes(4).toString("hex")}`);
    try {
      await mkdir(folder, { recursive: true });
      await rename(path, place);
    } catch (error) {
      if (codeOf(error) === "ENOENT") throw noSuchImage(name);
      throw writingFault(this.#folder, error);
    }
    for (const one of [folder, this.#folder]) await syncOrUndo(one, () => rename(place, path));
  }

  async close(): Promise<void> {
    this.#open.close();
    await this.#summaries.settle();
  }

  async #entries(): Promise<string[]> {
    try {
      return await readdir(this.#folder);
    } catch (error) {
      throw readingFault(this.#folder, error);
    }
  }

  /** @throws {@link SituationError} `bad_name`. */
  #pathOf(name: string): string {
    if (isImageName(name)) return imagePathIn(this.#folder, name);
    throw new SituationError(
      "bad_name",
      `Cannot use "${name.slice(0, 120)}" as image name: 1 to 100 of A-Z a-z 0-9 . _ - wanted`,
      { cure: "Choose another name", exitCode: ExitCode.usage },
    );
  }
}

interface DraftPlaces {
  readonly name: string;
  readonly path: string;
  readonly draftPath: string;
  readonly folder: string;
}

class FolderDraft implements ImageDraft {
  readonly #places: DraftPlaces;
  readonly #handle: FileHandle;
  readonly #parts: StoreParts;
  #state: "open" | "committed" | "aborted" = "open";

  constructor(places: DraftPlaces, handle: FileHandle, parts: StoreParts) {
    this.#places = places;
    this.#handle = handle;
    this.#parts = parts;
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      await this.#parts.room.write(bytes.byteLength, async () => {
        for (let done = 0; done < bytes.byteLength; ) {
          const { bytesWritten } = await this.#handle.write(bytes, done);
          done += bytesWritten;
        }
      });
    } catch (error) {
      throw writingFault(this.#places.folder, error);
    }
  }

  async commit(): Promise<ImageSummary> {
    const { name, path, draftPath, folder } = this.#places;
    const { fd } = this.#handle;
    const { size: fileBytes } = await this.#handle.stat();
    const { proofWorkers: workers } = this.#parts;
    const order = { fd, path: draftPath, fileBytes, depth: "chunks", workers } as const;
    const proving = proveInThread(order);
    proving.catch(() => undefined); // looked at below: the thread must not outlive the descriptor
    try {
      await this.#makeDurable();
    } finally {
      await proving.catch(() => undefined);
    }
    const summary = summaryOf(name, (await proving).index);
    const fileIdentity = await identityOf(fd);
    try {
      await link(draftPath, path);
    } catch (error) {
      if (codeOf(error) === "EEXIST") throw imageExists(name);
      throw writingFault(folder, error);
    }
    await syncOrUndo(folder, () => unlink(path));
    this.#state = "committed";
    await this.#removeDraft().catch(() => undefined); // the next use of the store removes it
    this.#parts.summaries.note(fileIdentity, summary);
    return summary;
  }

  async abort(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "aborted";
    await this.#removeDraft();
  }

  /** Closing it gives up its lock, after which any program may remove it. */
  async #removeDraft(): Promise<void> {
    try {
      await unlink(this.#places.draftPath);
    } finally {
      await this.#handle.close();
    }
  }

  /** A full disk may be reported only now. */
  async #makeDurable(): Promise<void> {
    try {
      await this.#handle.sync();
    } catch (error) {
      throw writingFault(this.#places.folder, error);
    }
  }
}

/** Makes a new name durable, or takes it back, so that an error means that nothing was done. */
async function syncOrUndo(folder: string, undo: () => Promise<void>): Promise<void> {
  try {
    syncFolder(folder);
  } catch (error) {
    await undo().catch(() => undefined);
    throw writingFault(folder, error);
  }
}

function imageExists(name: string): SituationError {
  return new SituationError("image_exists", `Cannot save image "${name}": the name is taken`, {
    cure: "Choose another name, or move the old image to the trash first",
  });
}
