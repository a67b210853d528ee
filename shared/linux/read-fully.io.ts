/**
 * Reads from a file until a buffer is full. One call of read(2) may give less, for example when a
 * signal comes.
 */
import { read, readSync } from "node:fs";
import { promisify } from "node:util";

const readAsync = promisify(read);

/**
 * Reads through the thread pool of Node.js.
 *
 * @param offset - Unit: bytes from the start of the file.
 * @returns Number of bytes read: fewer than `into` has only if the file ends.
 * @throws A system error.
 */
export async function readFully(fd: number, into: Uint8Array, offset: number): Promise<number> {
  for (let done = 0; done < into.byteLength; ) {
    const { bytesRead } = await readAsync(fd, into, done, into.byteLength - done, offset + done);
    if (bytesRead === 0) return done;
    done += bytesRead;
  }
  return into.byteLength;
}

/** Does the same as {@link readFully}, and blocks the thread meanwhile. */
export function readFullySync(fd: number, into: Uint8Array, offset: number): number {
  for (let done = 0; done < into.byteLength; ) {
    const got = readSync(fd, into, done, into.byteLength - done, offset + done);
    if (got === 0) return done;
    done += got;
  }
  return into.byteLength;
}
