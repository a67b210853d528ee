/**
 * The summaries of a folder's images, remembered for each file.
 *
 * A file is read when it is first seen and again when it has changed: only the blocks at both ends
 * and the manifest. This proves that the file is complete and its manifest undamaged. The chunk
 * table is not read, so the id is what the footer says; the table is proven against the id when the
 * image is opened, and the chunks before a load. A small file beside the images keeps the summaries
 * over a restart. It only saves time, so it is ignored if anything is wrong with it.
 */
import { randomBytes } from "node:crypto";
import { closeSync } from "node:fs";
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { codeOf, FormatError } from "../../shared/core/errors.ts";
import { fileIdentityOf } from "../../shared/core/file-identity.ts";
import { BLOCK_BYTES, RECORD_HEADER_BYTES } from "../../shared/image/limits.ts";
import {
  type ImageOutline,
  partOfImage,
  readFooter,
  readManifest,
} from "../../shared/image/reader.ts";
import { type ImageSummary, summaryOf } from "../../shared/image/summary.ts";
import { readTextFile } from "../../shared/linux/text-file.io.ts";
import { type FileOpened, openForReading, readAt } from "./image-file.io.ts";
import { readOutlineInThread } from "./proof-thread.io.ts";

type Facts = Omit<ImageSummary, "name">;

/** What was found at a path. */
export type Look =
  | { readonly kind: "image"; readonly fileIdentity: string; readonly summary: ImageSummary }
  /** The identity is undefined if it could not be read. */
  | { readonly kind: "torn"; readonly fileIdentity: string | undefined }
  /** It was moved away after the folder was listed. */
  | { readonly kind: "gone" };

/** Remembers summaries. Make one instance for each folder. */
export class Summaries {
  readonly #memo: string | undefined;
  /** By file identity; undefined for a file that is not an image. */
  readonly #known = new Map<string, Facts | undefined>();
  readonly #reading = new Map<string, Promise<Facts | undefined>>();
  #loaded = false;
  #changed = false;
  #writing: Promise<void> = Promise.resolve();
  #reads = 0;

  /** @param memo - Path of the file that keeps the summaries over a restart; undefined for none. */
  constructor(memo: string | undefined) {
    this.#memo = memo;
  }

  /** @returns How many files have been read. */
  get reads(): number {
    return this.#reads;
  }

  /** Looks at the file of an image; reads it only if it is new or has changed. */
  async look(name: string, path: string): Promise<Look> {
    this.#load();
    let fileIdentity: string | undefined;
    try {
      const facts = await stat(path, { bigint: true });
      if (!facts.isFile()) return { kind: "torn", fileIdentity };
      fileIdentity = fileIdentityOf(facts);
      const known = this.#known.has(fileIdentity)
        ? this.#known.get(fileIdentity)
        : await this.#read(fileIdentity, path);
      return known === undefined
        ? { kind: "torn", fileIdentity }
        : { kind: "image", fileIdentity, summary: { name, ...known } };
    } catch (error) {
      const code = codeOf(error);
      return code === "ENOENT" || code === "no_such_image"
        ? { kind: "gone" }
        : { kind: "torn", fileIdentity };
    }
  }

  /** Remembers the summary of a file that was just written. */
  note(fileIdentity: string, summary: ImageSummary): void {
    this.#known.set(fileIdentity, factsOfSummary(summary));
    this.#changed = true;
  }

  /**
   * Forgets the files that are no longer there, and writes the rest to the memo if anything
   * changed.
   *
   * @param seen - Identities of all files that are there.
   */
  keepOnly(seen: ReadonlySet<string>): void {
    for (const fileIdentity of this.#known.keys()) {
      if (seen.has(fileIdentity)) continue;
      this.#known.delete(fileIdentity);
      this.#changed = true;
    }
    if (!this.#changed || this.#memo === undefined) return;
    this.#changed = false;
    const memo = this.#memo;
    this.#writing = this.#writing.then(() => writeMemo(memo, this.#known));
  }

  /** Resolves when no write of the memo is running. */
  async settle(): Promise<void> {
    await this.#writing;
  }

  /**
   * Two listings at a time read a new file only once. A file that cannot be read is tried again.
   */
  async #read(fileIdentity: string, path: string): Promise<Facts | undefined> {
    const reading = this.#reading.get(fileIdentity) ?? this.#readNew(path);
    this.#reading.set(fileIdentity, reading);
    try {
      return await reading;
    } finally {
      this.#reading.delete(fileIdentity);
    }
  }

  async #readNew(path: string): Promise<Facts | undefined> {
    this.#reads += 1;
    const opened = await openForReading(path);
    try {
      const facts = await readFacts(opened);
      this.#known.set(opened.fileIdentity, facts);
      this.#changed = true;
      return facts;
    } finally {
      closeSync(opened.fd);
    }
  }

  #load(): void {
    if (this.#memo === undefined || this.#loaded) return;
    this.#loaded = true;
    for (const [fileIdentity, facts] of Object.entries(readMemo(this.#memo))) {
      this.#known.set(fileIdentity, facts);
    }
  }
}

/** @throws A system error. */
async function readFacts(opened: FileOpened): Promise<Facts | undefined> {
  try {
    return factsOfSummary(summaryOf("", await outlineOf(opened)));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Without the name, which belongs to the folder's entry and not to the file. */
function factsOfSummary(summary: ImageSummary): Facts {
  const { id, fileBytes, diskBytes, usedBytes, createdAt } = summary;
  return { id, fileBytes, diskBytes, usedBytes, createdAt };
}

/** @throws {@link FormatError}; a system error. */
async function outlineOf(opened: FileOpened): Promise<ImageOutline> {
  const { fileBytes } = opened;
  const end = new Uint8Array(Math.min(END_BYTES, fileBytes));
  const header = new Uint8Array(Math.min(BLOCK_BYTES, fileBytes));
  await readAt(opened, 0, header);
  await readAt(opened, fileBytes - end.byteLength, end);
  const footer = readFooter(header, end.subarray(-BLOCK_BYTES), fileBytes);
  const { offset, storedBytes } = footer.manifest;
  const length = RECORD_HEADER_BYTES + storedBytes;
  const start = fileBytes - end.byteLength;
  if (offset >= start) {
    return { footer, manifest: readManifest(partOfImage(end, start, fileBytes), footer) };
  }
  if (length > MANIFEST_HERE_MAX) return await readOutlineInThread(opened);
  const record = new Uint8Array(length);
  await readAt(opened, offset, record);
  return { footer, manifest: readManifest(partOfImage(record, offset, fileBytes), footer) };
}

/** Gives nothing if anything is wrong with the memo: the images are then read again. */
function readMemo(path: string): Readonly<Record<string, Facts>> {
  try {
    const parsed = Memo.safeParse(JSON.parse(readTextFile(path, MEMO_BYTES_MAX)));
    return parsed.success ? parsed.data.files : {};
  } catch {
    return {};
  }
}

/** If the folder cannot be written to, the images are read again after each restart. */
async function writeMemo(
  path: string,
  known: ReadonlyMap<string, Facts | undefined>,
): Promise<void> {
  const files = Object.fromEntries([...known].filter(([, facts]) => facts !== undefined));
  const text = JSON.stringify({ version: MEMO_VERSION, files });
  if (text.length > MEMO_BYTES_MAX) return;
  // A name that nobody can have put a link or a FIFO under; swept like other drafts after a crash.
  const draft = join(dirname(path), `.draft-${randomBytes(8).toString("hex")}.partial`);
  try {
    await writeFile(draft, text, { mode: 0o600, flag: "wx" });
    await rename(draft, path);
  } catch {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

/** Manifests up to this length are parsed on the main thread, in a few ms. Unit: bytes. */
const MANIFEST_HERE_MAX = 64 << 10;
/** Holds footer and manifest of nearly every image. */
const END_BYTES = 16 << 10;
const MEMO_VERSION = 1;
/** 30,000 images; parsing it takes 50 ms. */
const MEMO_BYTES_MAX = 8 << 20;
const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const Memo = z.strictObject({
  version: z.literal(MEMO_VERSION),
  files: z.record(
    z.string().regex(/^\d+:\d+:\d+:-?\d+$/),
    z.strictObject({
      id: z.string().regex(/^[0-9a-f]{64}$/),
      fileBytes: bytes,
      diskBytes: bytes,
      usedBytes: bytes,
      createdAt: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    }),
  ),
});
