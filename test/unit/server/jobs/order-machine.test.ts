/**
 * Goal: the machine makes the moves of its table, whole or not at all. Method: a lab in made-up
 * time over a journal in memory whose disk fills.
 */
import { afterAll, beforeEach, expect, test } from "vitest";
import { DISK, dropFolders, verdictOf } from "../../../rig/lab-kit.ts";
import { BOUNDS, TestLab } from "../../../rig/lab-fixture.ts";
import { JournalDisk } from "../../../rig/memory-journal.ts";

let disk: JournalDisk;
let lab: TestLab;
beforeEach(async () => {
  disk = new JournalDisk();
  lab = await TestLab.make(disk);
});
afterAll(dropFolders);

function fill(): void {
  disk.fate = () => "full";
}

function free(): void {
  disk.fate = () => "kept";
}

const unwritable = expect.objectContaining({ code: "journal_unwritable" }) as Error;

test("P3 a node that finished while the journal was full ends as it says, however late", () => {
  const job = lab.load(["fit01"], { deadlineSeconds: 100 });
  const { visitor, order } = lab.join("fit01");
  lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now);
  fill();
  for (let second = 0; second < 1000; second += 1) {
    expect(() => {
      lab.end(visitor, order, "ok");
    }).toThrow(unwritable);
    lab.wait(1);
  }
  expect(lab.verdicts(job)).toEqual({ fit01: "none" });
  free();
  lab.wait(2);
  expect(lab.verdicts(job)).toEqual({ fit01: "none" });
  lab.end(visitor, order, "ok");
  expect(lab.verdicts(job)).toEqual({ fit01: "ok" });
});

test("P3 a node that never speaks again is lost soon after the journal writes again", () => {
  const job = lab.load(["fit01", "fit02"], { deadlineSeconds: 100 });
  lab.join("fit01");
  fill();
  expect(() => {
    lab.wait(101);
  }).toThrow(unwritable);
  lab.wait(1000);
  free();
  lab.wait(2);
  lab.wait(BOUNDS.silenceMs / 1000 + 1);
  lab.wait(101);
  expect(lab.verdicts(job)).toEqual({ fit01: "lost", fit02: "lost" });
  expect(lab.lab.nextWakeup()).toBe(Infinity);
});

test("P8 an order whose deadline moved arms no more after the deadline of its job", () => {
  lab.load(["fit01"], { deadlineSeconds: 100 });
  const { visitor, order } = lab.join("fit01");
  lab.now += 101_000;
  const reply = lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now);
  expect(reply).toMatchObject({ allowed: false, reason: /order_expired/ });
});

test("a boot script that anybody fetched does not make a node at work start anew", () => {
  const job = lab.load(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now);
  lab.lab.mintFor("fit01", lab.now);
  lab.report(visitor, order, "receiving");
  expect(lab.journal.remembered().orders[0]).toMatchObject({ state: "armed", armed: 1 });
  lab.end(visitor, order, "ok");
  expect(lab.verdicts(job)).toEqual({ fit01: "ok" });
});

test("P1 ok of a boot that never armed is not believed because an earlier one did", () => {
  const job = lab.load(["fit01"]);
  const first = lab.join("fit01");
  lab.lab.desk.arm(first.visitor, { order: first.order, disk: DISK }, lab.now);
  const second = lab.join("fit01");
  lab.end(second.visitor, second.order, "ok");
  expect(lab.verdicts(job)).toEqual({ fit01: "receiver_fault" });
});

test("P15 no verdict says untouched once any boot has armed, not even ok_unchanged", () => {
  const job = lab.load(["fit01"]);
  const first = lab.join("fit01");
  lab.lab.desk.arm(first.visitor, { order: first.order, disk: DISK }, lab.now);
  const second = lab.join("fit01");
  expect(verdictOf("ok_unchanged").diskUntouched).toBe(true);
  lab.end(second.visitor, second.order, "ok_unchanged");
  const [node] = lab.lab.jobStatus(job).nodes;
  expect(node?.verdict).toMatchObject({
    code: "ok_unchanged",
    diskUntouched: false,
    incomplete: false,
  });
});

test("an upload of an earlier boot is no answer to the order that came after it", () => {
  const job = lab.save("fit01", "mine");
  const { token } = lab.join("fit01");
  lab.lab.abort(job, lab.now);
  lab.wait(121);
  lab.save("fit01", "other");
  const visitor = lab.lab.desk.visitor(token, lab.now);
  expect(() => lab.lab.desk.beginCapture(visitor, () => undefined)).toThrow(
    expect.objectContaining({ code: "order_over" }),
  );
});

test("an abort that the journal cannot keep changes no order, and nodes hear of it", () => {
  const job = lab.load(["fit01", "fit02"]);
  const { visitor, order } = lab.join("fit01");
  disk.fate = () => "full";
  expect(() => {
    lab.lab.abort(job, lab.now);
  }).toThrow(expect.objectContaining({ code: "abort_unkept" }));
  expect(lab.lab.jobStatus(job).state).toBe("running");
  expect(lab.verdicts(job)).toEqual({ fit01: "none", fit02: "none" });
  expect(lab.report(visitor, order, "joining")).toBe(true);
  free();
  lab.lab.abort(job, lab.now);
  expect(lab.report(visitor, order, "joining")).toBe(true);
  expect(lab.verdicts(job)).toEqual({ fit01: "none", fit02: "aborted" });
});

test("a restart while a node is being stopped bounds the wait for it again", () => {
  const job = lab.load(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  lab.lab.abort(job, lab.now);
  lab.restart();
  for (let second = 0; second < 130; second += 10) {
    lab.report(visitor, order, "receiving");
    lab.wait(10);
  }
  expect(lab.verdicts(job)).toEqual({ fit01: "lost" });
});
