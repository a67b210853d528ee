/**
 * Draft files of a store: each is locked by the program that writes it, so that the next one can
 * remove what a killed program left behind.
 */
import { randomBytes } from "node:crypto";
import { closeSync, constants, lstatSync, openSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { lockFile } from "../../shared/linux/file-lock.io.ts";

/** An open draft. */
export interface DraftFile {
  readonly path: string;
  /** The caller closes it, and so gives up the lock. */
  readonly handle: FileHandle;
}

/**
 * Makes a draft that no other program removes.
 *
 * @throws A system error.
 */
export async function openDraftFile(folder: string): Promise<DraftFile> {
  for (;;) {
    const random = randomBytes(8).toString("hex");
    const path = join(folder, `${DRAFT_PREFIX}${random}${DRAFT_SUFFIX}`);
    // "+" makes it readable too: the proof reads this very file. An image holds the passwords and
    // keys of its disk, so it is as private as the disk; chmod gives it to others.
    const handle = await open(path, "wx+", 0o600);
    // A sweep may have come between the two, and have removed it or hold it for a moment.
    if (lockFile(handle.fd) !== "held" && (await handle.stat()).nlink > 0) return { path, handle };
    await handle.close();
    rmSync(path, { force: true });
  }
}

/**
 * Removes the drafts that nobody writes: those whose lock is free, and where there are no locks
 * those that were not written to for a day. What cannot be removed, or is no regular file, stays.
 *
 * @param entries - Names in the folder.
 */
export function sweepDrafts(folder: string, entries: readonly string[]): void {
  for (const entry of entries) {
    if (!entry.startsWith(DRAFT_PREFIX) || !entry.endsWith(DRAFT_SUFFIX)) continue;
    const path = join(folder, entry);
    try {
      if (lstatSync(path).isFile()) sweepDraft(path);
    } catch {
      // Whatever it is, it harms nobody; it must not keep the store from opening.
    }
  }
}

function sweepDraft(path: string): void {
  const idleMs = Date.now() - lstatSync(path).mtimeMs;
  const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const answer = lockFile(fd);
    if (answer === "locked" || (answer === "unknown" && idleMs > DRAFT_IDLE_MS)) rmSync(path);
  } finally {
    closeSync(fd);
  }
}

const DRAFT_PREFIX = ".draft-";
const DRAFT_SUFFIX = ".partial";
/** Longer than any pause between two writes of a save, and than the proof before its commit. */
const DRAFT_IDLE_MS = 24 * 3_600_000;
