/**
 * Where `huck catch` writes: a file, a disk, or standard output.
 *
 * A record's digest is checked before a byte is written. The answer to the last record waits until
 * everything is on the medium under its final name, so a receiver that tells the sender "done" is
 * done. A file appears under its name only when it is complete.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  write,
} from "node:fs";
import { promisify } from "node:util";
import { FormatError, codeOf } from "../../../shared/core/errors.ts";
import { CAST_DATA_BYTES, readCastRecord } from "../../../shared/wire/cast-record.ts";
import type { CastRecord } from "../../../shared/wire/cast-record.ts";
import type { ChunkSink, SinkAnswer } from "../../../shared/session/reception/reception-loop.io.ts";

export interface CatchOutput extends ChunkSink {
  /** True if the engine must deliver chunks in ascending order. */
  readonly inOrder: boolean;
  /** Data bytes written so far. */
  readonly bytesWritten: number;
  /** True once everything has arrived and is on the medium. */
  readonly complete: boolean;
  /** Closes it and removes an incomplete file. Idempotent. */
  close(): void;
}

const STDOUT = 1;
const PARTIAL_SUFFIX = ".huck-part";
const writeAsync = promisify(write);
const fsyncAsync = promisify(fsync);

/**
 * Opens an output.
 *
 * @param path - A file to make or replace, a block device, or "-" for standard output.
 * @param sparse - Whether to leave runs of zeros in a file as holes.
 * @throws A system error if it cannot be opened (EBUSY: the disk is mounted or held).
 */
export function openCatchOutput(path: string, sparse: boolean): CatchOutput {
  if (path === "-") return new PipeOutput(STDOUT);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isBlockDevice() === true) {
    const fd = openSync(path, constants.O_RDWR | constants.O_EXCL);
    return new PlacedOutput({ fd, sparse: false });
  }
  if (stat !== undefined && !stat.isFile()) {
    return new PipeOutput(openSync(path, constants.O_WRONLY)); // a FIFO, /dev/null
  }
  const partial = `${path}${PARTIAL_SUFFIX}`;
  return new PlacedOutput({ fd: openSync(partial, "w", 0o644), sparse, partial, path });
}

/** An open file or disk, and how a file gets its name. */
interface PlacedTarget {
  readonly fd: number;
  readonly sparse: boolean;
  /** Name of the file while it is incomplete; undefined for a disk. */
  readonly partial?: string;
  /** Name of the file when it is complete. */
  readonly path?: string;
}

/** Checks records, and counts them until the last one. */
class RecordCount {
  bytes = 0;
  #seen = 0;
  #total = Infinity;

  take(chunk: number, record: Uint8Array): CastRecord | undefined {
    try {
      return readCastRecord(record, chunk);
    } catch (error) {
      if (error instanceof FormatError) return undefined;
      throw error;
    }
  }

  /** @returns True if this was the last missing record. */
  written(record: CastRecord): boolean {
    this.bytes += record.rawLength;
    this.#seen += 1;
    if (record.last) this.#total = record.chunk + 1;
    return this.#seen === this.#total;
  }
}

/** Writes each record to its place. */
class PlacedOutput implements CatchOutput {
  readonly inOrder = false;
  complete = false;
  readonly #target: PlacedTarget;
  readonly #count = new RecordCount();
  #sizeBytes = 0;
  #open = true;

  constructor(target: PlacedTarget) {
    this.#target = target;
  }

  get bytesWritten(): number {
    return this.#count.bytes;
  }

  deliver(chunk: number, bytes: Uint8Array): SinkAnswer | Promise<SinkAnswer> {
    const record = this.#count.take(chunk, bytes);
    return record === undefined ? "bad" : this.#write(record);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#target.fd);
    if (!this.complete && this.#target.partial !== undefined) {
      rmSync(this.#target.partial, { force: true });
    }
  }

  async #write(record: CastRecord): Promise<SinkAnswer> {
    const offset = record.chunk * CAST_DATA_BYTES;
    if (!(this.#target.sparse && isZero(record.data))) {
      await writeFully(this.#target.fd, record.data, offset);
    }
    this.#sizeBytes = Math.max(this.#sizeBytes, offset + record.rawLength);
    if (this.#count.written(record)) await this.#finish();
    return "ok";
  }

  async #finish(): Promise<void> {
    const { fd, partial, path } = this.#target;
    if (fstatSync(fd).isFile()) ftruncateSync(fd, this.#sizeBytes);
    await fsyncAsync(fd);
    if (partial !== undefined && path !== undefined) renameSync(partial, path);
    this.complete = true;
  }
}

/** Writes records in order to an output that cannot seek. */
class PipeOutput implements CatchOutput {
  readonly inOrder = true;
  complete = false;
  readonly #fd: number;
  readonly #count = new RecordCount();
  #queue: Promise<SinkAnswer> = Promise.resolve("ok");

  constructor(fd: number) {
    this.#fd = fd;
  }

  get bytesWritten(): number {
    return this.#count.bytes;
  }

  deliver(chunk: number, bytes: Uint8Array): SinkAnswer | Promise<SinkAnswer> {
    const record = this.#count.take(chunk, bytes);
    if (record === undefined) return "bad";
    this.#queue = this.#queue.then(() => this.#write(record));
    return this.#queue;
  }

  close(): void {
    // Standard output belongs to the process.
  }

  async #write(record: CastRecord): Promise<SinkAnswer> {
    await writeFully(this.#fd, record.data, null);
    this.complete = this.#count.written(record);
    return "ok";
  }
}

/** A non-blocking pipe answers EAGAIN while its reader is slow. */
const PIPE_RETRY_MS = 2;

async function writeFully(fd: number, bytes: Uint8Array, offset: number | null): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    try {
      const position = offset === null ? null : offset + done;
      const { bytesWritten } = await writeAsync(fd, bytes, done, bytes.byteLength - done, position);
      done += bytesWritten;
    } catch (error) {
      if (codeOf(error) !== "EAGAIN") throw error;
      await new Promise((resolve) => setTimeout(resolve, PIPE_RETRY_MS));
    }
  }
}

function isZero(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, ZEROS.subarray(0, bytes.byteLength)) === 0;
}
const ZEROS = new Uint8Array(CAST_DATA_BYTES);
