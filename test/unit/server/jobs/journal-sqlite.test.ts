/**
 * Goal: the journal gives back what was put in, bounded, after any restart. Method: real SQLite
 * files.
 */
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, test } from "vitest";
import { openJournal } from "../../../../server/jobs/journal-sqlite.io.ts";
import { JOBS_KEPT } from "../../../../server/jobs/journal.ts";
import type { Journal, JobRecord, OrderRecord } from "../../../../server/jobs/journal.ts";
import { dropFolders, freshFolder, verdictOf } from "../../../rig/lab-kit.ts";

afterAll(dropFolders);

function job(id: string, createdAt: number): JobRecord {
  const terms = { action: "save", rawIfDirty: false, level: 3 } as const;
  const principal = { kind: "local", uid: 0 } as const;
  return { id, image: "x", terms, principal, createdAt, deadlineAt: 1, state: "running" };
}

function order(id: string, ofJob: string): OrderRecord {
  const open = { armed: 0, armedBy: null, captured: null, nonce: null, verdict: null };
  return { id, job: ofJob, node: "n", disk: [{}], leave: "reboot", phase: "waiting", ...open };
}

test("openJournal() gives back the newest record of each id", () => {
  const folder = freshFolder();
  const journal = openJournal(folder);
  journal.putJob(job("j", 1));
  journal.putOrder(order("o", "j"));
  journal.putOrder({ ...order("o", "j"), armed: 2 });
  journal.putSight({ node: "n", lastSeen: 5, disks: [], last: null });
  journal.close();
  journal.close();
  expect(openJournal(folder).remembered()).toMatchObject({
    jobs: [{ id: "j" }],
    orders: [{ id: "o", armed: 2 }],
    tokens: [],
    sights: [{ node: "n", lastSeen: 5 }],
  });
});

function idOf(index: number): string {
  return String(index).padStart(32, "0");
}

/** Begins a job of one order and an event. */
function begin(journal: Journal, index: number): void {
  const id = idOf(index);
  journal.putJob(job(id, index));
  journal.putOrder(order(`o${id}`, id));
  const seq = journal.nextSeq();
  journal.putEvent({
    kind: "note",
    seq,
    at: new Date(0).toISOString(),
    job: id,
    level: "info",
    text: id,
  });
}

function end(journal: Journal, index: number): void {
  const id = idOf(index);
  journal.putOrder({ ...order(`o${id}`, id), verdict: verdictOf("ok_unchanged") });
  journal.putJob({ ...job(id, index), state: "ended" });
}

test("putJob() forgets the oldest ended jobs with their orders and events", () => {
  const journal = openJournal(freshFolder());
  for (let index = 0; index < JOBS_KEPT + 5; index += 1) {
    begin(journal, index);
    end(journal, index);
  }
  const { jobs, orders } = journal.remembered();
  expect(jobs).toHaveLength(JOBS_KEPT);
  expect(jobs[0]?.id).toBe(idOf(5));
  expect(orders).toHaveLength(JOBS_KEPT);
  expect(journal.eventsAfter(idOf(4), 0, 10)).toEqual([]);
  expect(journal.eventsAfter(idOf(5), 0, 10)).toHaveLength(1);
});

test("putJob() forgets no job that has not ended, however many are newer", () => {
  const folder = freshFolder();
  const journal = openJournal(folder);
  begin(journal, 0);
  begin(journal, 1);
  journal.putJob({ ...job(idOf(1), 1), state: "aborted" });
  for (let index = 2; index < JOBS_KEPT + 5; index += 1) {
    begin(journal, index);
    end(journal, index);
  }
  journal.close();
  const again = openJournal(folder);
  const known = again.remembered();
  expect(known.jobs.slice(0, 3).map(({ id }) => id)).toEqual([0, 1, 5].map(idOf));
  expect(known.orders.filter(({ verdict }) => verdict === null)).toHaveLength(2);
  expect(again.eventsAfter(idOf(1), 0, 10)).toHaveLength(1);
  end(again, 0);
  expect(again.eventsAfter(idOf(0), 0, 10)).toHaveLength(1);
  begin(again, 9999);
  expect(again.remembered().jobs.map(({ id }) => id)).not.toContain(idOf(0));
  expect(again.eventsAfter(idOf(0), 0, 10)).toEqual([]);
});

test("together() is all or nothing", () => {
  const journal = openJournal(freshFolder());
  expect(() => {
    journal.together(() => {
      journal.putJob(job("j", 1));
      throw new Error("no");
    });
  }).toThrow("no");
  expect(journal.remembered().jobs).toEqual([]);
});

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
  const older = { ...job("j", 1), terms: { action: "save" }, principal: undefined };
  journal.putJob(older as unknown as JobRecord);
  journal.close();
  const [kept] = openJournal(folder).remembered().jobs;
  expect(kept?.terms).toEqual({ action: "save", rawIfDirty: false, level: 3 });
  expect(kept?.principal).toEqual({ kind: "unknown" });
});
