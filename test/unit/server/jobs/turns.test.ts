/**
 * Goal: a turn is durable and told, or nothing of it is true. Method: a journal in memory whose
 * disk fills.
 */
import { beforeEach, expect, test } from "vitest";
import { EventLog } from "../../../../server/jobs/event-log.ts";
import { Turns } from "../../../../server/jobs/turns.ts";
import { someJob } from "../../../rig/journal-records.ts";
import { JournalDisk, MemoryJournal } from "../../../rig/memory-journal.ts";

let disk: JournalDisk;
let journal: MemoryJournal;
let log: EventLog;
let turns: Turns;
let memory: string[];
beforeEach(() => {
  disk = new JournalDisk();
  journal = new MemoryJournal(disk);
  log = new EventLog(journal);
  turns = new Turns(log);
  memory = [];
});

function remember(word: string): void {
  memory.push(word);
  turns.onUndo(() => {
    memory.pop();
  });
}

function writes(): void {
  journal.putJob(someJob("j", 1));
  log.add({ kind: "note", job: "j", level: "info", text: "begun" }, 0);
  remember("one");
  turns.turn(() => {
    remember("two");
  });
}

test("turn() keeps all of it, and tells afterwards", () => {
  log.listen("j", () => memory.push(`told with ${disk.writes} writes`));
  turns.turn(writes);
  expect(memory).toEqual(["one", "two", "told with 1 writes"]);
});

test("turn() undoes memory when the journal cannot keep it, and tells nobody", () => {
  log.listen("j", () => memory.push("told"));
  disk.fate = () => "full";
  expect(() => {
    turns.turn(writes);
  }).toThrow(expect.objectContaining({ code: "journal_unwritable" }));
  expect(memory).toEqual([]);
  expect(journal.remembered().jobs).toEqual([]);
  expect(turns.stalled).toBe(true);
});

test("turn() lets our own bugs through as they are", () => {
  const bug = new TypeError("undefined is no function");
  expect(() => {
    turns.turn(() => {
      remember("one");
      throw bug;
    });
  }).toThrow(bug);
  expect(memory).toEqual([]);
  expect(turns.stalled).toBe(false);
});

test("tryAgain() tries once a second until the journal writes", () => {
  const put = (): void => {
    journal.putJob(someJob("j", 1));
  };
  disk.fate = () => "full";
  expect(() => {
    turns.keeping(put);
  }).toThrow(/full/);
  expect(turns.tryAgain(put, 1000)).toBe(false);
  expect(turns.retryAt).toBe(2000);
  disk.fate = () => "kept";
  expect(turns.tryAgain(put, 1999)).toBe(false);
  expect(turns.tryAgain(put, 2000)).toBe(true);
  expect(turns.stalled).toBe(false);
});
