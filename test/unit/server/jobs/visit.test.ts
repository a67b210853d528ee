/**
 * Goal: nothing waits for ever (P3), and every end that the server finds itself is true.
 * Method: a lab in made-up time; nodes that fall silent at every stage.
 */
import { afterAll, beforeEach, expect, test } from "vitest";
import { DISK, dropFolders, orderIn } from "../../../rig/lab-kit.ts";
import { BOUNDS, TestLab } from "../../../rig/lab-fixture.ts";

let test1: TestLab;
beforeEach(async () => {
  test1 = await TestLab.make();
});
afterAll(dropFolders);

test("a node that never joins is lost after the time to boot, its disk untouched", () => {
  const job = test1.load(["fit01"]);
  test1.wait(BOUNDS.bootMs / 1000 - 1);
  expect(test1.verdicts(job)).toEqual({ fit01: "none" });
  test1.wait(2);
  expect(test1.verdicts(job)).toEqual({ fit01: "lost" });
  const [verdict] = test1.events(job).filter(({ kind }) => kind === "verdict");
  expect(verdict).toMatchObject({ verdict: { diskUntouched: true, incomplete: false } });
  expect(test1.events(job).at(-1)).toMatchObject({ kind: "end", nodesNotOk: 1 });
  expect(test1.lab.wantsReceiver("fit01")).toBe(false);
});

test(
  "a node that falls silent may come back, finishes the same order, and " +
    "is lost when it does not",
  () => {
    const job = test1.load(["fit01", "fit02"]);
    for (const name of ["fit01", "fit02"]) {
      const { visitor, order } = test1.join(name);
      test1.lab.desk.arm(visitor, { order, disk: DISK }, test1.now);
      test1.report(visitor, order, "receiving");
    }
    test1.wait(31);
    const notes = test1.events(job).filter(({ kind }) => kind === "note");
    expect(notes.map((note) => ("node" in note ? note.node : ""))).toEqual(["fit01", "fit02"]);
    expect(test1.lab.wantsReceiver("fit01")).toBe(true);
    const back = test1.join("fit01");
    expect(orderIn(back.reply)?.attempt).toBe(2);
    test1.end(back.visitor, back.order, "ok_unchanged");
    test1.wait(200);
    expect(test1.verdicts(job)).toEqual({ fit01: "ok_unchanged", fit02: "lost" });
    const lost = test1.events(job).findLast(({ kind }) => kind === "verdict");
    expect(lost).toMatchObject({
      node: "fit02",
      verdict: { incomplete: true, diskUntouched: false },
    });
  },
);

test("a node whose order is spent is not brought back and is lost at its first silence", () => {
  const job = test1.load(["fit01"]);
  for (let boot = 0; boot < 2; boot += 1) {
    const { visitor, order } = test1.join("fit01");
    expect(test1.lab.desk.arm(visitor, { order, disk: DISK }, test1.now).allowed).toBe(true);
  }
  expect(test1.lab.wantsReceiver("fit01")).toBe(false);
  test1.wait(31);
  expect(test1.verdicts(job)).toEqual({ fit01: "lost" });
});

test("a node that reports is waited for until the deadline of the job and not longer", () => {
  const job = test1.load(["fit01"], { deadlineSeconds: 100 });
  const { visitor, order } = test1.join("fit01");
  for (let second = 0; second < 99; second += 3) {
    test1.wait(3);
    test1.report(visitor, order, "receiving");
  }
  expect(test1.verdicts(job)).toEqual({ fit01: "none" });
  test1.wait(2);
  expect(test1.events(job).find(({ kind }) => kind === "verdict")).toMatchObject({
    verdict: { code: "lost", reason: expect.stringContaining("deadline") as string },
  });
});

test(
  "a verdict that comes after lost changes nothing, and the node's next " + "boot goes to its disk",
  () => {
    const job = test1.load(["fit01"]);
    const { visitor, order } = test1.join("fit01");
    test1.wait(31 + 181);
    expect(test1.verdicts(job)).toEqual({ fit01: "lost" });
    test1.end(visitor, order, "ok_unchanged");
    expect(test1.verdicts(job)).toEqual({ fit01: "lost" });
    expect(test1.join("fit01").reply.order).toBeNull();
  },
);

test("abortJob() bounds the wait for a node that reports on and never stops", () => {
  const job = test1.load(["fit01"]);
  const { visitor, order } = test1.join("fit01");
  test1.lab.abort(job, test1.now);
  for (let second = 0; second < 130; second += 10) {
    test1.report(visitor, order, "receiving");
    test1.wait(10);
  }
  expect(test1.verdicts(job)).toEqual({ fit01: "lost" });
  expect(test1.events(job).at(-1)).toMatchObject({ kind: "end", aborted: true });
});

test("a node that joins after its job was aborted is spared and says so", () => {
  const job = test1.load(["fit01"]);
  test1.join("fit01");
  test1.lab.abort(job, test1.now);
  expect(test1.join("fit01").reply.order).toBeNull();
  expect(test1.verdicts(job)).toEqual({ fit01: "aborted" });
});

test("nextDeadline() is never later than the next end that passTime() finds", () => {
  const job = test1.load(["fit01", "fit02"], { deadlineSeconds: 50 });
  test1.join("fit01");
  for (let rounds = 0; rounds < 10 && Number.isFinite(test1.lab.nextWakeup()); rounds += 1) {
    test1.now = test1.lab.nextWakeup();
    test1.lab.tick(test1.now);
  }
  expect(test1.verdicts(job)).toEqual({ fit01: "lost", fit02: "lost" });
  expect(test1.lab.nextWakeup()).toBe(Infinity);
});
