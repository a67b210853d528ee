/**
 * Goal: one reading at a time, shared by loads of the same content only, each load told once.
 * Method: readings that end when the test says so.
 */
import { beforeEach, expect, test } from "vitest";
import { ProofQueue } from "../../../../server/jobs/proof-queue.ts";
import type { ProofSubject } from "../../../../server/jobs/proof-queue.ts";

const OLD: ProofSubject = { name: "ubuntu", id: "a".repeat(64), file: "1" };
const NEW: ProofSubject = { name: "ubuntu", id: "b".repeat(64), file: "2" };

const wanted = new Set<string>();
const readings: { image: ProofSubject; signal: AbortSignal; settle: (fault?: Error) => void }[] =
  [];
const told: [string, string | undefined][] = [];
let queue: ProofQueue;

function add(job: string, image: ProofSubject): void {
  wanted.add(job);
  queue.add(job, image);
  queue.next();
}

async function settle(at: number, fault?: Error): Promise<void> {
  readings[at]?.settle(fault);
  await new Promise(setImmediate);
}

beforeEach(() => {
  wanted.clear();
  readings.length = 0;
  told.length = 0;
  queue = new ProofQueue({
    prove: (image, signal) =>
      new Promise((resolve, reject) => {
        const end = (fault?: Error): void => {
          if (fault === undefined) resolve();
          else reject(fault);
        };
        readings.push({ image, signal, settle: end });
      }),
    isWanted: (job) => wanted.has(job),
    proven: (job, fault) => told.push([job, fault]),
    idle: () => {
      queue.next();
    },
  });
});

test("add() shares a reading of the same content, and reads a replaced image again", async () => {
  add("one", OLD);
  add("two", NEW);
  add("three", OLD);
  add("four", NEW);
  expect(readings).toHaveLength(1);
  await settle(0, new Error("torn"));
  expect(told).toEqual([
    ["one", "torn"],
    ["three", "torn"],
  ]);
  await settle(1);
  expect(told.slice(2)).toEqual([
    ["two", undefined],
    ["four", undefined],
  ]);
  expect(readings).toHaveLength(2);
});

test("add() reads a file anew when another file of the same content has its name", async () => {
  add("one", OLD);
  add("two", { ...OLD, file: "3" });
  await settle(0);
  expect(told).toEqual([["one", undefined]]);
  expect(readings.map(({ image }) => image.file)).toEqual(["1", "3"]);
});

test("next() never reads what nobody wants when its turn comes", async () => {
  add("one", OLD);
  add("two", NEW);
  wanted.delete("two");
  queue.next();
  expect(told).toEqual([["two", undefined]]);
  await settle(0);
  expect(readings).toHaveLength(1);
});

test("add() does not share a reading that is being broken off", async () => {
  add("one", OLD);
  wanted.delete("one");
  add("two", OLD);
  queue.next();
  add("three", OLD);
  expect(readings[0]?.signal.aborted).toBe(false);
  wanted.clear();
  queue.next();
  expect(readings[0]?.signal.aborted).toBe(true);
  add("four", OLD);
  await settle(0, new Error("broken off"));
  expect(readings).toHaveLength(2);
  await settle(1);
  expect(told.at(-1)).toEqual(["four", undefined]);
});

test("close() breaks every reading off and tells no load", async () => {
  add("one", OLD);
  add("two", NEW);
  queue.close();
  expect(readings[0]?.signal.aborted).toBe(true);
  await settle(0, new Error("broken off"));
  expect(told).toEqual([]);
  expect(readings).toHaveLength(1);
});
