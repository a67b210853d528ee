/**
 * Goal: a reader gets every durable event once, in order, whenever it comes; a slow one cannot fill
 * the memory. Method: a real journal; readers that come early, late, and never read.
 */
import { text } from "node:stream/consumers";
import { afterAll, beforeEach, expect, test } from "vitest";
import { Event } from "../../../../shared/control/event.ts";
import { eventStream } from "../../../../server/api/event-stream.ts";
import { EventLog } from "../../../../server/jobs/event-log.ts";
import { openJournal } from "../../../../server/jobs/journal-sqlite.io.ts";
import { dropFolders, freshFolder } from "../../../rig/lab-kit.ts";

const job = "a".repeat(32);
const end = { kind: "end", job, image: "x", nodesOk: 1, nodesNotOk: 0, aborted: false } as const;
let log: EventLog;

beforeEach(() => {
  log = new EventLog(openJournal(freshFolder()));
});
afterAll(dropFolders);

function note(words: string): void {
  log.add({ kind: "note", job, level: "info", text: words }, 0);
}

async function read(after: number, ended: boolean): Promise<string[]> {
  const lines = (await text(eventStream(log, job, after, ended))).trim().split("\n");
  return lines.map((line) => {
    const event = Event.parse(JSON.parse(line));
    return event.kind === "note" ? event.text : event.kind;
  });
}

test("eventStream() gives what is kept, page by page, and ends after the end", async () => {
  log.together(() => {
    for (let index = 0; index < 1203; index += 1) note(`${index}`);
  });
  log.add(end, 0);
  const all = await read(0, true);
  expect(all).toHaveLength(1204);
  expect(all.slice(-2)).toEqual(["1202", "end"]);
  expect(await read(1203, true)).toEqual(["end"]);
});

test("eventStream() goes on with what happens after it was opened, without a gap", async () => {
  note("before");
  const reading = read(0, false);
  await new Promise(setImmediate);
  note("after");
  log.add(end, 0);
  expect(await reading).toEqual(["before", "after", "end"]);
});

test("eventStream() drops progress first and itself last when nobody reads", async () => {
  const stream = eventStream(log, job, 0, false);
  stream.read(0);
  for (let index = 0; index < 5000; index += 1) {
    log.add(
      { kind: "progress", job, node: "n", doneBytes: 1, totalBytes: 2, bytesPerSecond: 1, loss: 0 },
      0,
    );
  }
  expect(stream.readableLength).toBeGreaterThan(60_000);
  expect(stream.readableLength).toBeLessThan(100_000);
  log.together(() => {
    for (let index = 0; index < 6000; index += 1) note("x".repeat(900));
  });
  expect(stream.readableLength).toBeGreaterThan(4 << 20);
  expect(stream.readableLength).toBeLessThan(5 << 20);
  log.add(end, 0);
  const lines = (await text(stream)).trim().split("\n"); // it has ended, so this does too
  expect(lines.at(-1)).toContain('"note"');
});
