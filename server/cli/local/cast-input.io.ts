/**
 * What `huck cast` reads: a file, a disk, or standard input, as cast records.
 *
 * A session may ask for a chunk again long after it was sent. So what comes from a pipe is kept in
 * an unnamed temporary file, while files and disks are simply read again. Their reads run in the
 * thread pool of Node.js, straight into the arena.
 */
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { ExitCode, SituationError, codeOf } from "../../../shared/core/errors.ts";
import { readFully } from "../../../shared/linux/read-fully.io.ts";
import { deviceSizeBytes, kernelNameOf } from "../../../shared/linux/sysfs.io.ts";
import {
  CAST_DATA_BYTES,
  CAST_HEADER_BYTES,
  sealCastRecord,
} from "../../../shared/wire/cast-record.ts";
import type { ChunkSource } from "../../../shared/session/sender/sender-loop.io.ts";
import { sizeText } from "../quantity-text.ts";
import { nameIt } from "../system-error.ts";

export interface CastInput extends ChunkSource {
  /** Undefined for a pipe until it has ended. Unit: bytes. */
  readonly sizeBytes: number | undefined;
  /** Undefined for a pipe. */
  readonly chunkCount: number | undefined;
  close(): void;
}

/**
 * Opens an input. A pipe without a writer is waited for later, when it is read.
 *
 * @param path - A regular file, a block device, a pipe, or "-" for standard input.
 * @throws A system error if it cannot be opened; {@link SituationError} `input_is_folder`.
 */
export function openCastInput(path: string): CastInput {
  if (path === "-") return new PipeInput(process.stdin);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stat = fstatSync(fd);
  if (stat.isFile()) {
    if (hasSize(fd, stat.size)) return new FileInput(path, fd, stat.size);
    return new PipeInput(createReadStream(path, { fd }));
  }
  if (stat.isBlockDevice()) {
    return new FileInput(path, fd, deviceSizeBytes(kernelNameOf(path)));
  }
  if (stat.isFIFO()) return new PipeInput(new Socket({ fd, readable: true, writable: false }));
  if (stat.isDirectory()) {
    closeSync(fd);
    throw new SituationError("input_is_folder", `Cannot cast "${path}": it is a folder`, {
      cure: 'Name a readable file or disk, or "-".',
    });
  }
  return new PipeInput(createReadStream(path, { fd }));
}

/** False for files that the kernel makes up: they say 0 or 4096 bytes, and have others. */
function hasSize(fd: number, size: number): boolean {
  const byte = new Uint8Array(1);
  if (size > 0 && readSync(fd, byte, 0, 1, size - 1) === 0) return false;
  return readSync(fd, byte, 0, 1, size) === 0;
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
    const got = await readFully(this.#fd, data, offset).catch((thrown: unknown) => {
      throw nameIt(thrown, this.#path);
    });
    if (got < length) {
      throw new SituationError(
        "input_shrank",
        `Cannot cast "${this.#path}": it ends at ${offset + got}, ${this.sizeBytes} bytes wanted`,
        { cure: "Cast it when nothing writes to it.", exitCode: ExitCode.someNodeNotRight },
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
  readonly chunkCount = undefined;
  readonly #stream: Readable;
  readonly #pieces: AsyncIterator<Buffer>;
  readonly #spool = openSpool();
  /** What the stream gave beyond the last chunk. */
  #rest: Buffer = Buffer.alloc(0);
  #bytes = 0;
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

  get sizeBytes(): number | undefined {
    return this.#ended ? this.#bytes : undefined;
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
    closeSync(this.#spool.fd);
  }

  async #readNow(chunk: number, into: Uint8Array): Promise<number> {
    const offset = chunk * CAST_DATA_BYTES;
    const data = into.subarray(CAST_HEADER_BYTES, CAST_HEADER_BYTES + CAST_DATA_BYTES);
    if (chunk < this.#chunks) {
      const length = await readFully(this.#spool.fd, data, offset);
      return sealCastRecord(into, chunk, length, this.#ended && chunk === this.#chunks - 1);
    }
    if (this.#ended) return 0;
    const length = await this.#take(data);
    this.#ended = length < CAST_DATA_BYTES;
    this.#chunks += 1;
    this.#bytes += length;
    this.#keep(data.subarray(0, length), offset);
    return sealCastRecord(into, chunk, length, this.#ended);
  }

  #keep(data: Uint8Array, offset: number): void {
    const { fd, folder } = this.#spool;
    try {
      for (let done = 0; done < data.byteLength; ) {
        done += writeSync(fd, data, done, data.byteLength - done, offset + done);
      }
    } catch (thrown) {
      if (codeOf(thrown) !== "ENOSPC" && codeOf(thrown) !== "EDQUOT") throw nameIt(thrown, folder);
      throw new SituationError(
        "no_room_to_keep",
        `Cannot keep the stream in "${folder}": no space is left after ${sizeText(offset)}`,
        {
          cure:
            "Receivers may ask for any part again, so it is kept: set TMPDIR to a folder with " +
            "more " +
            "room, or cast a file.",
          exitCode: ExitCode.someNodeNotRight,
          cause: thrown,
        },
      );
    }
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

interface Spool {
  readonly fd: number;
  /** Where it lies, for messages. */
  readonly folder: string;
}

function openSpool(): Spool {
  const parent = process.env["TMPDIR"] ?? SPOOL_FOLDER;
  try {
    return openSpoolIn(parent);
  } catch (thrown) {
    if (parent === tmpdir()) throw thrown;
    return openSpoolIn(tmpdir());
  }
}

function openSpoolIn(parent: string): Spool {
  const folder = mkdtempSync(join(parent, "huck-cast-"));
  try {
    return { fd: openSync(join(folder, "stream"), "wx+", 0o600), folder: parent };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** /tmp is often memory, and a stream may be as long as a disk (FHS 5.15). */
const SPOOL_FOLDER = "/var/tmp";
