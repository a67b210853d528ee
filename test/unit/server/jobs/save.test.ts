/**
 * Goal: a save takes one bounded image, once, and believes only what it holds (P7). Method: a lab
 * in made-up time.
 */
import { afterAll, beforeEach, expect, test } from "vitest";
import { DISK, dropFolders, orderIn } from "../../../rig/lab-kit.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make();
});
afterAll(dropFolders);

test("writeSaveOrder() names image, level and nonce of this boot", () => {
  lab.save("fit01", "mine");
  expect(orderIn(lab.join("fit01").reply)).toMatchObject({
    action: "save",
    name: "mine",
    level: 3,
    rawIfDirty: false,
  });
});

test("beginCapture() bounds the upload by the disk that is saved", () => {
  lab.save("fit01", "mine", false, { disk: [{ serial: DISK.serial }] });
  const larger = { ...DISK, path: "/dev/sdb", serial: "S2", sizeBytes: 8 * DISK.sizeBytes };
  const { visitor } = lab.join("fit01", [larger, DISK]);
  const { name, diskBytes } = lab.lab.desk.beginCapture(visitor, () => undefined);
  expect(name).toBe("mine");
  expect(diskBytes).toBe(DISK.sizeBytes);
});

test("beginCapture() ends the older upload of an order, unless it is being checked", () => {
  lab.save("fit01", "mine");
  const { visitor } = lab.join("fit01");
  const { desk } = lab.lab;
  const all = [
    desk.beginCapture(visitor, () => undefined),
    desk.beginCapture(visitor, () => undefined),
    desk.beginCapture(visitor, () => undefined),
  ];
  expect(all.map((capture) => desk.captureGoesOn(capture, lab.now))).toEqual([false, false, true]);
  all[0]?.upload.end();
  expect(all[2]?.upload.isLatest).toBe(true);
  all[2]?.upload.complete();
  expect(() => desk.beginCapture(visitor, () => undefined)).toThrow(
    expect.objectContaining({ code: "upload_checked" }),
  );
  all[2]?.upload.end();
  expect(desk.beginCapture(visitor, () => undefined).upload.isLatest).toBe(true);
});

test("beginCapture() refuses loads, second captures and orders that have ended", () => {
  const refuses = (visitor: Parameters<typeof lab.lab.desk.beginCapture>[0]): void => {
    expect(() => lab.lab.desk.beginCapture(visitor, () => undefined)).toThrow(
      expect.objectContaining({ code: "no_capture_wanted" }),
    );
  };
  lab.load(["fit02"]);
  refuses(lab.join("fit02").visitor);
  const job = lab.save("fit01", "mine");
  const { visitor } = lab.join("fit01");
  const capture = lab.lab.desk.beginCapture(visitor, () => undefined);
  lab.lab.desk.endCapture(capture.order, "a".repeat(64), lab.now);
  refuses(visitor);
  lab.lab.abort(job, lab.now);
  refuses(visitor);
  expect(lab.lab.desk.captureGoesOn(capture, lab.now)).toBe(false);
});

test("checkSaveVerdict() believes ok only when the image is durable, also after a restart", () => {
  const job = lab.save("fit01", "mine");
  const first = lab.join("fit01");
  const { order } = lab.lab.desk.beginCapture(first.visitor, () => undefined);
  lab.lab.desk.endCapture(order, "a".repeat(64), lab.now);
  lab.restart();
  expect(lab.join("fit01").reply.order).toBeNull();
  expect(lab.verdicts(job)).toEqual({ fit01: "ok" });
  const other = lab.save("fit01", "other");
  const third = lab.join("fit01");
  lab.end(third.visitor, third.order, "ok");
  expect(lab.verdicts(other)).toEqual({ fit01: "upload_failed" });
});

const REFUSED = { reason: "Cannot write: no space is left", cure: "Free space there." };
const SERVER_SAYS = {
  code: "upload_failed",
  reason: expect.stringMatching(
    /^the server refused the image: Cannot write: no space is left/,
  ) as string,
  cure: "Free space there.",
  diskUntouched: true,
};

/** A save whose upload the server has refused. */
function refusedSave(): ReturnType<TestLab["join"]> & { readonly job: string } {
  const job = lab.save("fit01", "mine");
  const joined = lab.join("fit01");
  const capture = lab.lab.desk.beginCapture(joined.visitor, () => undefined);
  lab.lab.desk.refuseCapture(capture, REFUSED, lab.now);
  capture.upload.end();
  return { ...joined, job };
}
const verdictOfJob = (job: string): unknown => lab.lab.jobStatus(job).nodes[0]?.verdict;

test("refuseCapture() is told at once, and is the verdict of a node that falls silent", () => {
  const { job } = refusedSave();
  expect(lab.events(job)).toContainEqual(
    expect.objectContaining({
      kind: "note",
      level: "error",
      text: `the server refused the image: ${REFUSED.reason}`,
    }),
  );
  lab.wait(600);
  expect(verdictOfJob(job)).toMatchObject(SERVER_SAYS);
});

test("refuseCapture() is the verdict at the deadline, and of a node that says otherwise", () => {
  const late = refusedSave();
  for (let minute = 0; minute < 200 && verdictOfJob(late.job) === null; minute += 1) {
    lab.report(late.visitor, late.order, "capturing");
    lab.now += 60_000;
    lab.lab.tick(lab.now - 40_000);
  }
  expect(verdictOfJob(late.job)).toMatchObject(SERVER_SAYS);
  for (const code of ["server_unreachable", "upload_failed", "receiver_fault"] as const) {
    const { job, visitor, order } = refusedSave();
    lab.end(visitor, order, code);
    expect(verdictOfJob(job)).toMatchObject({
      ...SERVER_SAYS,
      reason: expect.stringContaining(`; the node says ${code}: the reason`) as string,
    });
  }
});

test("refuseCapture() says nothing any more once a later upload has begun", () => {
  const { job, visitor } = refusedSave();
  lab.lab.desk.beginCapture(visitor, () => undefined);
  lab.wait(600);
  expect(verdictOfJob(job)).toMatchObject({ code: "lost" });
});

test("refuseCapture() does not stand against an abort, nor for an upload that gave way", () => {
  const stopped = refusedSave();
  lab.lab.abort(stopped.job, lab.now);
  lab.end(stopped.visitor, stopped.order, "aborted");
  expect(verdictOfJob(stopped.job)).toMatchObject({ code: "aborted" });
  const job = lab.save("fit01", "other");
  const { visitor } = lab.join("fit01");
  const older = lab.lab.desk.beginCapture(visitor, () => undefined);
  lab.lab.desk.beginCapture(visitor, () => undefined);
  lab.lab.desk.refuseCapture(older, REFUSED, lab.now);
  lab.wait(600);
  expect(verdictOfJob(job)).toMatchObject({ code: "lost" });
});
