/**
 * Where `huck catch` writes: a file, a disk, or standard output.
 *
 * A record's digest is checked before a byte is written. The answer to the last record waits until
 * everything is on the medium under its final name, so a receiver that tells the sender "done" is
 * done. A file appears under its name only when it is complete.
 */
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  fsync,
  ftruncateSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  write,
} from "node:fs";
import { dirname, resolve as resolvePath } from "node:path";
import { promisify } from "node:util";
import { FormatError, SituationError, codeOf } from "../../../shared/core/errors.ts";
import { lockFile } from "../../../shared/linux/file-lock.io.ts";
import { syncFolder } from "../../../shared/linux/sync-folder.io.ts";
import { CAST_DATA_BYTES, readCastRecord } from "../../../shared/wire/cast-record.ts";
import type { CastRecord } from "../../../shared/wire/cast-record.ts";
import type { ChunkSink, SinkAnswer } from "../../../shared/session/reception/reception-loop.io.ts";
import { nameIt } from "../system-error.ts";

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
  if (path === "-") return new PipeOutput(path, () => STDOUT);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isBlockDevice() === true) {
    const fd = openSync(path, constants.O_RDWR | constants.O_EXCL);
    return new PlacedOutput({ fd, sparse: false, path });
  }
  if (stat?.isFIFO() === true) {
    accessSync(path, constants.W_OK);
    return new PipeOutput(path, () => openForReader(path));
  }
  if (stat !== undefined && !stat.isFile()) {
    const fd = openSync(path, constants.O_WRONLY); // /dev/null
    return new PipeOutput(path, () => fd);
  }
  const place = placeOf(path);
  const partial = `${place}${PARTIAL_SUFFIX}`;
  return new PlacedOutput({ fd: openPartial(path, partial), sparse, partial, path: place });
}

/** Tells whether a path leads to what a catch would write over: a file or a disk, no pipe. */
export function isMedium(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true || stat?.isBlockDevice() === true;
}

/** Where a link leads, even to nothing: a link stays, and the file behind it is made. */
function placeOf(path: string): string {
  let place = path;
  for (let links = 0; links < LINKS_MAX; links += 1) {
    if (lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return place;
    if (statSync(place, { throwIfNoEntry: false }) !== undefined) return realpathSync(place);
    place = resolvePath(dirname(place), readlinkSync(place));
  }
  return place;
}

/** Opens the incomplete file; what a killed catch left there is taken over. */
function openPartial(path: string, partial: string): number {
  const fd = openSync(partial, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if (lockFile(fd) !== "held") {
    ftruncateSync(fd, 0);
    return fd;
  }
  closeSync(fd);
  throw new SituationError(
    "output_busy",
    `Cannot write "${path}": another catch is writing it at this moment`,
    { cure: "Wait until it has ended, or choose another name." },
  );
}

/** Opens a pipe if somebody reads it; undefined if nobody does yet. */
function openForReader(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENXIO") return undefined;
    throw error;
  }
}

/** An open file or disk, and how a file gets its name. */
interface PlacedTarget {
  readonly fd: number;
  readonly sparse: boolean;
  /** Name of the file while it is incomplete; undefined for a disk. */
  readonly partial?: string;
  /** Name of the file when it is complete, or of the disk. */
  readonly path: string;
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
    process.on("exit", this.#remove); // a second signal may end the process at any moment
  }

  get bytesWritten(): number {
    return this.#count.bytes;
  }

  deliver(chunk: number, bytes: Uint8Array): SinkAnswer | Promise<SinkAnswer> {
    const record = this.#count.take(chunk, bytes);
    if (record === undefined) return "bad";
    return this.#write(record).catch((thrown: unknown) => {
      throw nameIt(thrown, this.#target.path);
    });
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.off("exit", this.#remove);
    this.#remove();
    closeSync(this.#target.fd);
  }

  readonly #remove = (): void => {
    if (!this.complete && this.#target.partial !== undefined) {
      rmSync(this.#target.partial, { force: true });
    }
  };

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
    if (partial !== undefined) {
      renameSync(partial, path);
      syncFolder(dirname(path));
    }
    this.complete = true;
  }
}

/** Writes records in order to an output that cannot seek. */
class PipeOutput implements CatchOutput {
  readonly inOrder = true;
  complete = false;
  readonly #path: string;
  readonly #open: () => number | undefined;
  readonly #count = new RecordCount();
  #fd: number | undefined;
  #closed = false;
  #queue: Promise<SinkAnswer> = Promise.resolve("ok");

  /** @param open - Called until it gives a descriptor: nobody may read the pipe yet. */
  constructor(path: string, open: () => number | undefined) {
    this.#path = path;
    this.#open = open;
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
    this.#closed = true; // the process closes the descriptor when it ends
  }

  async #write(record: CastRecord): Promise<SinkAnswer> {
    try {
      for (this.#fd ??= this.#open(); this.#fd === undefined; this.#fd = this.#open()) {
        if (this.#closed) return "bad";
        await new Promise((resolve) => setTimeout(resolve, READER_RETRY_MS));
      }
      await writeFully(this.#fd, record.data, null);
    } catch (thrown) {
      throw nameIt(thrown, this.#path);
    }
    this.complete = this.#count.written(record);
    return "ok";
  }
}

/** A non-blocking pipe answers EAGAIN while its reader is slow. */
const PIPE_RETRY_MS = 2;
/** Until somebody opens the pipe to read it. */
const READER_RETRY_MS = 50;
/** As many links as the kernel follows (path_resolution(7)). */
const LINKS_MAX = 40;

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
