/**
 * Image files: opening them, telling one from another, and reading them at any offset.
 *
 * The server reads through the thread pool of Node.js, so that a slow disk never blocks its main
 * thread. Worker threads and commands that have nothing else to do read synchronously.
 */
import { closeSync, constants, fstatSync, open, fstat, openSync } from "node:fs";
import { promisify } from "node:util";
import { codeOf, FormatError, SituationError } from "../../shared/core/errors.ts";
import { fileIdentityOf } from "../../shared/core/file-identity.ts";
import type { ImageBytes } from "../../shared/image/reader.ts";
import type { RecordPlaces } from "../../shared/image/store.ts";
import { readFully, readFullySync } from "../../shared/linux/read-fully.io.ts";
import { replacedImage } from "./store-faults.ts";

const openAsync = promisify(open);
const statAsync = promisify(fstat) as (fd: number, options: { bigint: true }) => Promise<FdStat>;
type FdStat = ReturnType<typeof fstatSync> & Parameters<typeof fileIdentityOf>[0];

/** An open file. The holder of this object closes the descriptor. */
export interface FileOpened {
  readonly fd: number;
  /** For messages. */
  readonly path: string;
  /** See `fileIdentityOf`. */
  readonly fileIdentity: string;
  /** Unit: bytes. */
  readonly fileBytes: number;
}

/**
 * Opens a regular file for reading.
 *
 * @throws {@link SituationError} `no_such_image`; {@link FormatError} `not_an_image` for a folder,
 *   pipe or device; a system error.
 */
export async function openForReading(path: string): Promise<FileOpened> {
  // Without O_NONBLOCK, opening a pipe would block until another process opens it for writing.
  const fd = await openAsync(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      throw codeOf(error) === "ENOENT" ? noSuchImage(path) : error;
    },
  );
  try {
    const stat = await statAsync(fd, { bigint: true });
    if (stat.isFile()) {
      return { fd, path, fileIdentity: fileIdentityOf(stat), fileBytes: Number(stat.size) };
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  throw new FormatError("not_an_image", `Cannot read image "${path}": it is no regular file`);
}

/** Gives the identity of an open file as it is now; writing to the file changes its identity. */
export async function identityOf(fd: number): Promise<string> {
  return fileIdentityOf(await statAsync(fd, { bigint: true }));
}

/**
 * Fills `into` completely from a file.
 *
 * @param offset - Unit: bytes from the start of the file.
 * @throws {@link FormatError} `truncated` beyond the end of the file; a system error.
 */
export async function readAt(
  from: Pick<FileOpened, "fd" | "path">,
  offset: number,
  into: Uint8Array,
): Promise<void> {
  const got = await readFully(from.fd, into, offset);
  if (got < into.byteLength) throw endsAt(from.path, offset + got);
}

/** Makes a file readable synchronously. The descriptor stays the caller's. */
export function bytesOf(from: Omit<FileOpened, "fileIdentity">): ImageBytes {
  const { fd, path, fileBytes } = from;
  return {
    fileBytes,
    read(offset, into) {
      const got = readFullySync(fd, into, offset);
      if (got < into.byteLength) throw endsAt(path, offset + got);
    },
  };
}

/**
 * Opens the file of an opened image once more, for a command that reads all of it. The caller
 * closes it.
 *
 * @throws {@link SituationError} `no_such_image` if the path now leads to another file; a system
 *   error.
 */
export function openPlaces(places: RecordPlaces): ImageBytes & { readonly close: () => void } {
  const { path } = places;
  const fd = openSync(path, "r");
  const stat = fstatSync(fd, { bigint: true });
  const close = (): void => {
    closeSync(fd);
  };
  if (fileIdentityOf(stat) === places.fileIdentity) {
    return { ...bytesOf({ fd, path, fileBytes: Number(stat.size) }), close };
  }
  close();
  throw replacedImage(path);
}

/** The error for an image that does not exist. `what` is its name or path. */
export function noSuchImage(what: string): SituationError {
  return new SituationError("no_such_image", `Cannot open image "${what}": there is none`, {
    cure: "`huck image list` names those of the server, `huck image files` those of a folder.",
  });
}

function endsAt(path: string, offset: number): FormatError {
  return new FormatError("truncated", `Cannot read "${path}": it ends at ${offset}`);
}
