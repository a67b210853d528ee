/**
 * Files that appear under their name only when they are complete: a power cut, a kill or a full
 * disk leaves no half of one, and of several makers at once exactly one succeeds.
 */
import { randomBytes } from "node:crypto";
import { existsSync, linkSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../core/errors.ts";

/**
 * Makes a small file durable under a name that must be free. Also removes the drafts that killed
 * makers of the same file have left.
 *
 * @param text - Called only if there is no such file yet.
 * @param mode - Permissions of the new file.
 * @returns False if the name is taken; the file there is not touched.
 * @throws A system error.
 */
export function makeWholeFile(file: string, text: () => string, mode: number): boolean {
  const made = !existsSync(file) && linkDraft(file, text(), mode);
  // The file exists now, so a maker that loses its draft here has lost the race as well.
  sweepDrafts(file);
  return made;
}

function linkDraft(file: string, text: string, mode: number): boolean {
  const draft = `${file}.${randomBytes(8).toString("hex")}${DRAFT_SUFFIX}`;
  try {
    writeFileSync(draft, text, { flag: "wx", mode, flush: true });
    linkSync(draft, file);
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === "EEXIST" || existsSync(file)) return false;
    throw thrown;
  } finally {
    rmSync(draft, { force: true });
  }
}

function sweepDrafts(file: string): void {
  const folder = path.dirname(file);
  const ours = `${path.basename(file)}.`;
  for (const entry of readdirSync(folder)) {
    if (entry.startsWith(ours) && DRAFT.test(entry.slice(ours.length))) {
      rmSync(path.join(folder, entry), { force: true });
    }
  }
}

const DRAFT_SUFFIX = ".partial";
const DRAFT = /^[0-9a-f]{16}\.partial$/;
