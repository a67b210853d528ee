/**
 * Goal: the journal gives back what was put in, bounded, after any restart. Method: real SQLite
 * files.
 */
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, test } from "vitest";
import { openJournal } from "../../../../server/session/folder.ts";
import { JOBS_KEPT } from "../../../../server/session/journal.ts";
import type { JobRecord, OrderRecord } from "../../../../server/session/journal.ts";
import { dropFolders, freshFolder } from "../lab-kit.ts";

afterAll(dropFolders);

function job(id: string, createdAt: number): JobRecord {
  const terms = { action: "save", rawIfDirty: false, level: 3 } as const;
  return { id, image: "x", terms, createdAt, deadlineAt: 1, state: "running" };
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

test("putJob() forgets the oldest jobs with their orders and events", () => {
  const journal = openJournal(freshFolder());
  for (let index = 0; index < JOBS_KEPT + 5; index += 1) {
    const id = String(index);
    journal.putJob(job(id, index));
    journal.putOrder(order(`o${id}`, id));
    const seq = journal.nextSeq();
    journal.putEvent({ kind: "note", seq, at: "", job: id, level: "info", text: id });
  }
  const { jobs, orders } = journal.remembered();
  expect(jobs).toHaveLength(JOBS_KEPT);
  expect(jobs[0]?.id).toBe("5");
  expect(orders).toHaveLength(JOBS_KEPT);
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
