/**
 * Reads a small text file that somebody else may have put in place: it must be a regular file, and
 * no more than a bound is read of it. A FIFO, a device or an endless file costs nothing.
 */
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { readFullySync } from "./read-fully.io.ts";

/**
 * Reads a file as UTF-8.
 *
 * @param bytesMax - A longer file is refused.
 * @throws A system error; RangeError if it is no regular file, or longer.
 */
export function readTextFile(path: string, bytesMax: number): string {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    if (!fstatSync(fd).isFile()) throw new RangeError("it is no regular file");
    const bytes = Buffer.alloc(bytesMax + 1);
    const length = readFullySync(fd, bytes, 0);
    if (length > bytesMax) throw new RangeError(`it has more than ${bytesMax} bytes`);
    return bytes.toString("utf8", 0, length);
  } finally {
    closeSync(fd);
  }
}
