/**
 * Goal: what the server keeps in its state folder is for its owner only, whoever has made the
 * folder, and a folder that others may write to is told. Method: real folders and journals.
 */
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { openJournal } from "../../../../server/jobs/journal-sqlite.io.ts";
import { openOrderKey } from "../../../../server/jobs/order-key.io.ts";
import { openStateFolder } from "../../../../server/jobs/state-folder.io.ts";
import { dropFolders, freshFolder } from "../../../rig/lab-kit.ts";

afterAll(dropFolders);

const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);

/** Names of a folder with their permissions. */
function modesIn(folder: string): Record<string, string> {
  const entries = readdirSync(folder);
  return Object.fromEntries(entries.map((entry) => [entry, modeOf(path.join(folder, entry))]));
}

/** A folder that an admin has made in the usual way. */
function openFolder(mode: number): string {
  const folder = path.join(freshFolder(), "state");
  mkdirSync(folder);
  chmodSync(folder, mode);
  return folder;
}

test("openJournal() and openOrderKey() make files for their owner only in an open folder", () => {
  const folder = openFolder(0o755);
  const journal = openJournal(folder);
  openOrderKey(folder);
  expect(modesIn(folder)).toEqual({
    "huck.db": "600",
    "huck.db-wal": "600",
    "order-key.pem": "600",
  });
  journal.close();
});

test("openJournal() closes what an earlier version left open to others", () => {
  const folder = openFolder(0o755);
  openJournal(folder).close();
  writeFileSync(path.join(folder, "huck.db-shm"), "");
  writeFileSync(path.join(folder, "huck.notes"), "");
  for (const entry of readdirSync(folder)) chmodSync(path.join(folder, entry), 0o644);
  const journal = openJournal(folder);
  const { "huck.notes": notes, ...ours } = modesIn(folder);
  expect(notes).toBe("644");
  expect(new Set(Object.values(ours))).toEqual(new Set(["600"]));
  journal.close();
});

test("openStateFolder() changes nothing that a name of the journal only leads to", () => {
  const folder = openFolder(0o777);
  const victim = path.join(folder, "..", "victim");
  writeFileSync(victim, "");
  chmodSync(victim, 0o644);
  symlinkSync(victim, path.join(folder, "huck.db-journal"));
  linkSync(victim, path.join(folder, "huck.db-wal"));
  const notes = openStateFolder(folder);
  expect(modeOf(victim)).toBe("644");
  expect(notes.join()).toMatch(/huck.db-journal" is not a file.*huck.db-wal".*others may write/);
});

test("openStateFolder() makes a private folder, and tells one that others may write to", () => {
  const folder = path.join(freshFolder(), "new", "state");
  expect(openStateFolder(folder)).toEqual([]);
  expect(modeOf(folder)).toBe("700");
  expect(openStateFolder(openFolder(0o755))).toEqual([]);
  for (const mode of [0o770, 0o757]) {
    const open = openFolder(mode);
    expect(openStateFolder(open)).toEqual([
      `others may write to the state folder "${open}", and so put another order key there: ` +
        "chmod 700 it",
    ]);
    expect(statSync(open).mode & 0o777).toBe(mode);
  }
});
