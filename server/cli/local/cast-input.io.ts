/**
 * What `huck cast` reads: a file, a disk, or standard input, as cast records.
 *
 * A session may ask for a chunk again long after it was sent. So what comes from a pipe is kept in
 * an unnamed temporary file, while files and disks are simply read again. Their reads run in the
 * thread pool of Node.js, straight into the arena.
 */
import {
  closeSync,
  createReadStream,
  fstatSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import { HuckError } from "../../../shared/core/errors.ts";
import { readFully } from "../../../shared/linux/read-fully.io.ts";
import { deviceSizeBytes } from "../../../shared/linux/sysfs.io.ts";
import {
  CAST_DATA_BYTES,
  CAST_HEADER_BYTES,
  sealCastRecord,
} from "../../../shared/wire/cast-record.ts";
import type { ChunkSource } from "../../../shared/session/sender/sender-loop.io.ts";

export interface CastInput extends ChunkSource {
  /** Undefined for a pipe. Unit: bytes. */
  readonly sizeBytes: number | undefined;
  /** Undefined for a pipe. */
  readonly chunkCount: number | undefined;
  close(): void;
}

/**
 * Opens an input.
 *
 * @param path - A regular file, a block device, or "-" for standard input.
 * @throws A system error if it cannot be opened.
 */
export function openCastInput(path: string): CastInput {
  if (path === "-") return new PipeInput(process.stdin);
  const fd = openSync(path, "r");
  const stat = fstatSync(fd);
  if (stat.isFile()) return new FileInput(path, fd, stat.size);
  if (stat.isBlockDevice()) {
    return new FileInput(path, fd, deviceSizeBytes(basename(realpathSync(path))));
  }
  if (stat.isDirectory()) {
    closeSync(fd);
    throw new HuckError("input_is_folder", `Cannot cast "${path}": it is a folder, a file wanted`);
  }
  return new PipeInput(createReadStream(path, { fd }));
}

class FileInput implements CastInput {
  readonly sizeBytes: number;
  readonly chunkCount: number;
  readonly #path: string;
  readonly #fd: number;
  #open = true;

  constructor(path: string, fd: number, sizeBytes: number) {
    this.#path = path;
    this.#fd = fd;
    this.sizeBytes = sizeBytes;
    this.chunkCount = Math.max(1, Math.ceil(sizeBytes / CAST_DATA_BYTES));
  }

  async read(chunk: number, into: Uint8Array): Promise<number> {
    const offset = chunk * CAST_DATA_BYTES;
    const length = Math.min(CAST_DATA_BYTES, this.sizeBytes - offset);
    const data = into.subarray(CAST_HEADER_BYTES, CAST_HEADER_BYTES + length);
    const got = await readFully(this.#fd, data, offset);
    if (got < length) {
      throw new HuckError(
        "input_shrank",
        `Cannot cast "${this.#path}": it ends at ${offset + got}, ${this.sizeBytes} bytes wanted`,
      );
    }
    return sealCastRecord(into, chunk, length, chunk === this.chunkCount - 1);
  }

  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }
}

/** Reads a stream once, in order, and keeps what was read in a file without a name. */
class PipeInput implements CastInput {
  readonly sizeBytes = undefined;
  readonly chunkCount = undefined;
  readonly #stream: Readable;
  readonly #pieces: AsyncIterator<Buffer>;
  readonly #spool = openSpool();
  /** What the stream gave beyond the last chunk. */
  #rest: Buffer = Buffer.alloc(0);
  /** Chunks read so far; all of them are in the spool. */
  #chunks = 0;
  #ended = false;
  /** Makes reads wait for each other, because the stream has an order. */
  #queue: Promise<unknown> = Promise.resolve();
  #open = true;

  constructor(stream: Readable) {
    this.#stream = stream;
    this.#pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  read(chunk: number, into: Uint8Array): Promise<number> {
    const reading = this.#queue.then(() => this.#readNow(chunk, into));
    this.#queue = reading.catch(() => undefined); // the caller gets the error; later reads go on
    return reading;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#stream.destroy();
    closeSync(this.#spool);
  }

  async #readNow(chunk: number, into: Uint8Array): Promise<number> {
    const offset = chunk * CAST_DATA_BYTES;
    const data = into.subarray(CAST_HEADER_BYTES, CAST_HEADER_BYTES + CAST_DATA_BYTES);
    if (chunk < this.#chunks) {
      const length = await readFully(this.#spool, data, offset);
      return sealCastRecord(into, chunk, length, this.#ended && chunk === this.#chunks - 1);
    }
    if (this.#ended) return 0;
    const length = await this.#take(data);
    this.#ended = length < CAST_DATA_BYTES;
    this.#chunks += 1;
    let written = 0;
    while (written < length) {
      written += writeSync(this.#spool, data, written, length - written, offset + written);
    }
    return sealCastRecord(into, chunk, length, this.#ended);
  }

  // Reads bytes from the stream; gives fewer than wanted only at its end.
  async #take(into: Uint8Array): Promise<number> {
    let done = 0;
    while (done < into.byteLength) {
      if (this.#rest.byteLength === 0) {
        const next = await this.#pieces.next();
        if (next.done === true) break;
        this.#rest = next.value;
      }
      const piece = this.#rest.subarray(0, into.byteLength - done);
      into.set(piece, done);
      done += piece.byteLength;
      this.#rest = this.#rest.subarray(piece.byteLength);
    }
    return done;
  }
}

function openSpool(): number {
  const folder = mkdtempSync(join(tmpdir(), "huck-cast-"));
  const fd = openSync(join(folder, "stream"), "wx+", 0o600);
  rmSync(folder, { recursive: true });
  return fd;
}
