/**
 * Goal: what only SQLite has: files that an earlier or a later version wrote. Method: real files.
 * The contract of every journal is in journal.test.ts.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, expect, test } from "vitest";
import { openJournal } from "../../../../server/jobs/journal-sqlite.io.ts";
import type { JobRecord } from "../../../../server/jobs/journal.ts";
import { fillDisk, freeDisk } from "../../../rig/full-disk.ts";
import { someJob, someOrder } from "../../../rig/journal-records.ts";
import { dropFolders, freshFolder, verdictOf } from "../../../rig/lab-kit.ts";

afterEach(freeDisk);
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
  expect(kept?.terms).toEqual({ action: "save", rawIfDirty: false, keepGaps: false, level: 3 });
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

test("openJournal() writes nothing to a journal of this version", () => {
  const folder = freshFolder();
  const journal = openJournal(folder);
  journal.putJob(someJob("j", 1));
  journal.close();
  fillDisk();
  const again = openJournal(folder);
  expect(again.remembered().jobs).toMatchObject([{ id: "j" }]);
  expect(() => {
    again.putJob(someJob("k", 2));
  }).toThrow();
  freeDisk();
  again.putJob(someJob("k", 2));
  again.close();
});

test("openJournal() says what to do when a new journal has no room, and leaves none torn", () => {
  const folder = freshFolder();
  fillDisk();
  expect(() => openJournal(folder)).toThrow(
    expect.objectContaining({
      code: "state_unwritable",
      exitCode: 4,
      message: expect.stringContaining(`Cannot open the journal "${folder}/huck.db": `) as string,
      cure: expect.stringContaining("Make room") as string,
    }),
  );
  freeDisk();
  openJournal(folder).close();
});

test("openJournal() refuses a journal that another server has open", () => {
  const folder = freshFolder();
  const journal = openJournal(folder);
  expect(() => openJournal(folder)).toThrow(
    expect.objectContaining({ code: "journal_busy", exitCode: 4 }),
  );
  journal.close();
  openJournal(folder).close();
});

test("openJournal() refuses a file that is no journal", () => {
  const folder = freshFolder();
  writeFileSync(path.join(folder, "huck.db"), "x".repeat(5000));
  expect(() => openJournal(folder)).toThrow(expect.objectContaining({ code: "journal_damaged" }));
});

test("close() may be called twice", () => {
  const journal = openJournal(freshFolder());
  journal.close();
  journal.close();
});
