/**
 * Goal: what only SQLite has: files that an earlier or a later version wrote. Method: real files.
 * The contract of every journal is in journal.test.ts.
 */
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, test } from "vitest";
import { openJournal } from "../../../../server/jobs/journal-sqlite.io.ts";
import type { JobRecord } from "../../../../server/jobs/journal.ts";
import { someJob, someOrder } from "../../../rig/journal-records.ts";
import { dropFolders, freshFolder, verdictOf } from "../../../rig/lab-kit.ts";

afterAll(dropFolders);

test("openJournal() refuses what a later version wrote", () => {
  const folder = freshFolder();
  openJournal(folder).close();
  const database = new DatabaseSync(path.join(folder, "huck.db"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  expect(() => openJournal(folder)).toThrow(expect.objectContaining({ code: "journal_newer" }));
});

test("remembered() fills in terms and principal that an older version did not write", () => {
  const folder = freshFolder();
  const journal = openJournal(folder);
  const older = { ...someJob("j", 1), terms: { action: "save" }, principal: undefined };
  journal.putJob(older as unknown as JobRecord);
  journal.close();
  const [kept] = openJournal(folder).remembered().jobs;
  expect(kept?.terms).toEqual({ action: "save", rawIfDirty: false, level: 3 });
  expect(kept?.principal).toEqual({ kind: "unknown" });
});

test("openJournal() gives the orders of version 1 their states", () => {
  const folder = freshFolder();
  openJournal(folder).close();
  const database = new DatabaseSync(path.join(folder, "huck.db"));
  const put = (id: string, changes: object, job = "j"): void => {
    const record = { ...someOrder(id, job), ...changes, state: undefined };
    database
      .prepare("INSERT INTO orders(id, job, json) VALUES(?,?,?)")
      .run(id, job, JSON.stringify(record));
  };
  const job = database.prepare("INSERT INTO job(id, created, json) VALUES(?,1,?)");
  job.run("j", JSON.stringify(someJob("j", 1)));
  job.run("a", JSON.stringify({ ...someJob("a", 1), state: "aborted" }));
  put("waiting", {});
  put("booting", { phase: "booting" });
  put("joined", { phase: "scanning", nonce: "n" });
  put("armed", { phase: "receiving", nonce: "n", armed: 1, armedBy: "n" });
  put("captured", { phase: "capturing", nonce: "n", captured: "i" });
  put("silent", { phase: "waiting", nonce: "n", armed: 1, armedBy: "n" });
  put("stopping", { phase: "receiving", nonce: "n" }, "a");
  put("done", { phase: "done", verdict: verdictOf("ok") });
  database.exec("PRAGMA user_version = 1");
  database.close();
  for (const { id, state } of openJournal(folder).remembered().orders) expect(state).toBe(id);
});

test("close() may be called twice", () => {
  const journal = openJournal(freshFolder());
  journal.close();
  journal.close();
});
