/**
 * Goal: what only SQLite has: a file that a later version wrote is refused. Method: real files. The
 * contract of every journal is in journal.test.ts.
 */
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, test } from "vitest";
import { openJournal } from "../../../../server/jobs/journal-sqlite.io.ts";
import { dropFolders, freshFolder } from "../../../rig/lab-kit.ts";

afterAll(dropFolders);

test("openJournal() refuses what a later version wrote", () => {
  const folder = freshFolder();
  openJournal(folder).close();
  const database = new DatabaseSync(path.join(folder, "huck.db"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  expect(() => openJournal(folder)).toThrow(expect.objectContaining({ code: "journal_newer" }));
});

test("close() may be called twice", () => {
  const journal = openJournal(freshFolder());
  journal.close();
  journal.close();
});
