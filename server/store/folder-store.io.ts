/**
 * ImageStore in a folder: one file NAME.huck per image.
 *
 * A draft is a hidden file with a random name; `commit` checks it as a reader would, makes it
 * durable and links it to its name, which fails when the name is taken: there is no moment at which
 * an image could be replaced or half visible (promise P7). What is trashed moves to a folder beside
 * and can be moved back by hand.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
} from "node:fs";
import { type FileHandle, link, mkdir, open, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, ExitCode, FormatError, SituationError } from "../../shared/core/errors.ts";
import {
  type ImageBytes,
  type ImageIndex,
  openImage,
  summaryOf,
} from "../../shared/image/reader.ts";
import type { ImageDraft, ImageStore, ImageSummary, OpenImage } from "../../shared/image/store.ts";
import { IMAGE_SUFFIX } from "./image-file-name.ts";
import { proveImageFile } from "./proof-thread.io.ts";

const DRAFT_PREFIX = ".draft-";
const DRAFT_SUFFIX = ".partial";
/** Longer than any pause between two writes of a save, or than the proof before its commit. */
const DRAFT_IDLE_MS = 24 * 3_600_000;
const TRASH_FOLDER = ".trash";
const NAME_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

/** An image file that is open, with its index read. */
export interface OpenImageFile extends ImageBytes {
  readonly index: ImageIndex;
  /** Closes it. Idempotent. */
  close(): void;
}

/**
 * Opens an image file by path.
 *
 * @param path - The file.
 * @returns The file and its index.
 * @throws {@link SituationError} `no_such_image`; {@link FormatError} when it is torn or damaged.
 */
export function openImageFile(path: string): OpenImageFile {
  const fd = openForReading(path);
  let closed = false;
  const close = (): void => {
    if (!closed) closeSync(fd);
    closed = true;
  };
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) {
      throw new FormatError("not_an_image", `Cannot read image "${path}": it is no regular file`);
    }
    const file = { fileBytes: stat.size, read: readerOf(fd, path) };
    return { ...file, index: openImage(file), close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Opens a folder of images.
 *
 * @param folder - Made when it is missing.
 * @returns The store.
 */
export function openFolderStore(folder: string): ImageStore {
  return new FolderStore(folder);
}

class FolderStore implements ImageStore {
  readonly #folder: string;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    sweepDrafts(folder);
  }

  async draft(name: string): Promise<ImageDraft> {
    const path = this.#pathOf(name);
    if (existsSync(path)) throw imageExists(name);
    const random = randomBytes(8).toString("hex");
    const draftPath = join(this.#folder, `${DRAFT_PREFIX}${random}${DRAFT_SUFFIX}`);
    const handle = await open(draftPath, "wx", 0o644);
    return new FolderDraft({ name, path, draftPath, folder: this.#folder }, handle);
  }

  open(name: string): OpenImage {
    const file = openImageFile(this.#pathOf(name));
    return {
      summary: summaryOf(name, file.index),
      read: (offset, into) => {
        file.read(offset, into);
      },
      close: () => {
        file.close();
      },
    };
  }

  async prove(name: string, signal?: AbortSignal): Promise<void> {
    const path = this.#pathOf(name);
    if (!existsSync(path)) throw noSuchImage(name);
    await proveImageFile(path, signal);
  }

  list(): { readonly images: readonly ImageSummary[]; readonly torn: readonly string[] } {
    const images: ImageSummary[] = [];
    const torn: string[] = [];
    for (const entry of readdirSync(this.#folder).sort()) {
      const name = entry.slice(0, -IMAGE_SUFFIX.length);
      if (!entry.endsWith(IMAGE_SUFFIX) || !NAME_PATTERN.test(name)) continue;
      try {
        const image = this.open(name);
        images.push(image.summary);
        image.close();
      } catch (error) {
        // What was trashed since the folder was read is gone; nothing else may hide the others.
        if (codeOf(error) !== "no_such_image") torn.push(name);
      }
    }
    return { images, torn };
  }

  async trash(name: string): Promise<void> {
    const path = this.#pathOf(name);
    const folder = join(this.#folder, TRASH_FOLDER);
    await mkdir(folder, { recursive: true });
    const random = randomBytes(4).toString("hex");
    try {
      await rename(path, join(folder, `${name}-${random}${IMAGE_SUFFIX}`));
    } catch (error) {
      if (codeOf(error) === "ENOENT") throw noSuchImage(name);
      throw error;
    }
    syncFolder(folder);
    syncFolder(this.#folder);
  }

  /** @throws {@link SituationError} `bad_name`. */
  #pathOf(name: string): string {
    if (NAME_PATTERN.test(name)) return join(this.#folder, `${name}${IMAGE_SUFFIX}`);
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
  #state: "open" | "committed" | "aborted" = "open";

  constructor(places: DraftPlaces, handle: FileHandle) {
    this.#places = places;
    this.#handle = handle;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.byteLength; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done);
      done += bytesWritten;
    }
  }

  async commit(): Promise<ImageSummary> {
    const { name, path, draftPath, folder } = this.#places;
    await proveImageFile(draftPath);
    const summary = summaryOfFile(name, draftPath);
    await this.#handle.sync();
    try {
      await link(draftPath, path);
    } catch (error) {
      if (codeOf(error) === "EEXIST") throw imageExists(name);
      throw error;
    }
    this.#state = "committed";
    await this.#handle.close();
    await unlink(draftPath);
    syncFolder(folder);
    return summary;
  }

  async abort(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "aborted";
    try {
      await this.#handle.close();
    } finally {
      await unlink(this.#places.draftPath);
    }
  }
}

function summaryOfFile(name: string, path: string): ImageSummary {
  const file = openImageFile(path);
  file.close();
  return summaryOf(name, file.index);
}

/**
 * Without O_NONBLOCK a pipe would hold us until somebody writes to it.
 *
 * @throws {@link SituationError} `no_such_image`; a system error.
 */
function openForReading(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENOENT") throw noSuchImage(path);
    throw error;
  }
}

function readerOf(fd: number, path: string): ImageBytes["read"] {
  return (offset, into) => {
    for (let done = 0; done < into.byteLength; ) {
      const got = readSync(fd, into, done, into.byteLength - done, offset + done);
      if (got === 0) {
        throw new FormatError("truncated", `Cannot read "${path}": it ends at ${offset + done}`);
      }
      done += got;
    }
  };
}

/** Removes what crashed writers left: a draft that nobody wrote to for a day has no writer. */
function sweepDrafts(folder: string): void {
  for (const entry of readdirSync(folder)) {
    if (!entry.startsWith(DRAFT_PREFIX) || !entry.endsWith(DRAFT_SUFFIX)) continue;
    const path = join(folder, entry);
    const writtenAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (writtenAt !== undefined && Date.now() - writtenAt > DRAFT_IDLE_MS) {
      rmSync(path, { force: true });
    }
  }
}

/** A name is durable only when its folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function imageExists(name: string): SituationError {
  return new SituationError("image_exists", `Cannot save image "${name}": the name is taken`, {
    cure: "Choose another name, or move the old image to the trash first",
  });
}

function noSuchImage(name: string): SituationError {
  return new SituationError("no_such_image", `Cannot open image "${name}": there is none`, {
    cure: "List the images to see which there are",
  });
}
