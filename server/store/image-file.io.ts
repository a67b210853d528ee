/**
 * Files that hold images: opened for reading, told apart, and read at any place.
 *
 * The server reads them through the thread pool of Node.js, so that a slow disk never stops its
 * main thread; threads and verbs that have nothing else to do read them at once.
 */
import { closeSync, constants, fstatSync, open, fstat, openSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import { codeOf, FormatError, SituationError } from "../../shared/core/errors.ts";
import { fileIdentityOf } from "../../shared/core/file-identity.ts";
import type { ImageBytes } from "../../shared/image/reader.ts";
import type { RecordPlaces } from "../../shared/image/store.ts";

const openAsync = promisify(open);
const statAsync = promisify(fstat) as (fd: number, options: { bigint: true }) => Promise<FdStat>;
const readAsync = promisify(read);
type FdStat = ReturnType<typeof fstatSync> & Parameters<typeof fileIdentityOf>[0];

/** A file that is open. Whoever has it closes the descriptor. */
export interface FileOpened {
  readonly fd: number;
  /** For messages. */
  readonly path: string;
  /** See `fileIdentityOf`. */
  readonly file: string;
  /** Unit: bytes. */
  readonly fileBytes: number;
}

/**
 * Opens a regular file.
 *
 * @param path - The file.
 * @returns It, open for reading.
 * @throws {@link SituationError} `no_such_image`; {@link FormatError} `not_an_image` for a folder,
 *   pipe or device; a system error.
 */
export async function openForReading(path: string): Promise<FileOpened> {
  // Without O_NONBLOCK a pipe would hold us until somebody writes to it.
  const fd = await openAsync(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      throw codeOf(error) === "ENOENT" ? noSuchImage(path) : error;
    },
  );
  try {
    const stat = await statAsync(fd, { bigint: true });
    if (stat.isFile()) {
      return { fd, path, file: fileIdentityOf(stat), fileBytes: Number(stat.size) };
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  throw new FormatError("not_an_image", `Cannot read image "${path}": it is no regular file`);
}

/**
 * Tells which file a descriptor stands for now: one that was written to since is another one.
 *
 * @param fd - Open.
 * @returns Its identity.
 */
export async function identityOf(fd: number): Promise<string> {
  return fileIdentityOf(await statAsync(fd, { bigint: true }));
}

/**
 * Fills a buffer from a file.
 *
 * @param from - The file.
 * @param offset - Unit: bytes from its start.
 * @param into - Filled completely.
 * @throws {@link FormatError} `truncated` beyond the end of the file; a system error.
 */
export async function readAt(
  from: Pick<FileOpened, "fd" | "path">,
  offset: number,
  into: Uint8Array,
): Promise<void> {
  for (let done = 0; done < into.byteLength; ) {
    const left = into.byteLength - done;
    const { bytesRead } = await readAsync(from.fd, into, done, left, offset + done);
    if (bytesRead === 0) throw endsAt(from.path, offset + done);
    done += bytesRead;
  }
}

/**
 * Makes a file readable at once: each read stops the calling thread until it is done.
 *
 * @param from - Stays the caller's.
 * @returns The file.
 */
export function bytesOf(from: Omit<FileOpened, "file">): ImageBytes {
  const { fd, path, fileBytes } = from;
  return {
    fileBytes,
    read(offset, into) {
      for (let done = 0; done < into.byteLength; ) {
        const got = readSync(fd, into, done, into.byteLength - done, offset + done);
        if (got === 0) throw endsAt(path, offset + done);
        done += got;
      }
    },
  };
}

/**
 * Opens the file of an opened image once more, for a verb that reads all of it.
 *
 * @param places - Of the opened image.
 * @returns The file, to be closed.
 * @throws {@link SituationError} `no_such_image` when the path leads to another file by now; a
 *   system error.
 */
export function openPlaces(places: RecordPlaces): ImageBytes & { readonly close: () => void } {
  const { path } = places;
  const fd = openSync(path, "r");
  const stat = fstatSync(fd, { bigint: true });
  const close = (): void => {
    closeSync(fd);
  };
  if (fileIdentityOf(stat) === places.file) {
    return { ...bytesOf({ fd, path, fileBytes: Number(stat.size) }), close };
  }
  close();
  throw replacedImage(path);
}

/**
 * Says that there is no image.
 *
 * @param what - Its name or path.
 * @returns To be thrown.
 */
export function noSuchImage(what: string): SituationError {
  return new SituationError("no_such_image", `Cannot open image "${what}": there is none`, {
    cure: "List the images to see which there are",
  });
}

/**
 * Says that a name or path does not stand for the file it stood for.
 *
 * @param what - Name or path.
 * @returns To be thrown.
 */
export function replacedImage(what: string): SituationError {
  return new SituationError(
    "no_such_image",
    `Cannot open image "${what}": another file has taken its place`,
    { cure: "Run the command again; it then uses the new file from the beginning." },
  );
}

function endsAt(path: string, offset: number): FormatError {
  return new FormatError("truncated", `Cannot read "${path}": it ends at ${offset}`);
}
