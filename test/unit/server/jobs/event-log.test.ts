/**
 * Goal: nobody hears of what is not durable, and numbers only rise. Method: a real journal that is
 * opened again.
 */
import { afterAll, beforeEach, expect, test } from "vitest";
import { EventLog } from "../../../../server/jobs/event-log.ts";
import { openJournal } from "../../../../server/jobs/journal-sqlite.io.ts";
import type { Journal } from "../../../../server/jobs/journal.ts";
import { dropFolders, freshFolder } from "../../../rig/lab-kit.ts";

const job = "a".repeat(32);
const note = { kind: "note", job, level: "info", text: "x" } as const;
const progress = {
  kind: "progress",
  job,
  node: "n",
  doneBytes: 0,
  totalBytes: 1,
  bytesPerSecond: 0,
  loss: 0,
} as const;
let folder: string;
let journal: Journal | undefined;
let log: EventLog;
let heard: number[];

function open(): void {
  journal?.close();
  journal = openJournal(folder);
  log = new EventLog(journal);
  log.listen(job, ({ seq }) => heard.push(seq));
}
beforeEach(() => {
  folder = freshFolder();
  heard = [];
  open();
});
afterAll(dropFolders);

test("together() tells after all is durable, and nothing when the writes fail", () => {
  log.together(() => {
    log.together(() => {
      log.add(note, 0);
    });
    expect(heard).toEqual([]);
  });
  expect(heard).toHaveLength(1);
  expect(() => {
    log.together(() => {
      log.add(note, 0);
      throw new Error("disk full");
    });
  }).toThrow("disk full");
  expect(heard).toHaveLength(1);
  expect(log.after(job, 0, 10)).toHaveLength(1);
});

test("add() numbers events upwards over restarts, progress included, and keeps no progress", () => {
  for (let index = 0; index < 5; index += 1) {
    log.add(note, 0);
    log.add(progress, 0);
    open();
  }
  expect(heard).toEqual([...new Set(heard)].sort((left, right) => left - right));
  expect(heard).toHaveLength(10);
  expect(log.after(job, 0, 100)).toHaveLength(5);
  expect(log.after(job, heard[7] ?? 0, 100)).toHaveLength(1);
});

test("listen() tells of its own job until it is ended", () => {
  const stop = log.listen("b".repeat(32), () => heard.push(-1));
  log.add({ ...note, job: "b".repeat(32) }, 0);
  stop();
  stop();
  log.add({ ...note, job: "b".repeat(32) }, 0);
  expect(heard).toEqual([-1]);
});
