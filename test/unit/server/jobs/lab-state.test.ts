/**
 * Goal: memory after a restart is memory before it; wanted states and requests follow from orders.
 * Method: a lab in made-up time that dies at every stage.
 */
import { afterAll, beforeEach, expect, test } from "vitest";
import { DISK, dropFolders } from "../../../rig/lab-kit.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make();
});
afterAll(dropFolders);

test("begin() asks once each: prove the image, start every node, tell the boot services", () => {
  lab.load(["fit01", "fit02"]);
  const requests = lab.lab.takeRequests();
  expect(requests.map(({ kind }) => kind)).toEqual(["prove", "enter", "enter", "wanted"]);
  expect(lab.lab.takeRequests()).toEqual([]);
});

test("a restart starts nodes again that had not been heard of, and no others", () => {
  lab.load(["fit01", "fit02"]);
  lab.join("fit02");
  lab.restart();
  expect(lab.lab.takeRequests()).toMatchObject([
    { kind: "prove" },
    { kind: "enter", node: "fit01" },
  ]);
});

test("a restart starts no node that fell silent while it was written", () => {
  const job = lab.load(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now);
  lab.report(visitor, order, "receiving");
  lab.wait(31);
  expect(lab.lab.wantsEnter(order)).toBe(false);
  lab.restart();
  expect(lab.lab.takeRequests().map(({ kind }) => kind)).not.toContain("enter");
  lab.report(visitor, order, "receiving");
  lab.end(visitor, order, "ok");
  expect(lab.verdicts(job)).toEqual({ fit01: "ok" });
});

test("P3 a job goes on for no longer than it asked for when the clock was set back", () => {
  const job = lab.load(["fit01"], { deadlineSeconds: 60 });
  lab.now -= 86_400_000;
  lab.restart();
  lab.wait(61);
  expect(lab.verdicts(job)).toEqual({ fit01: "lost" });
});

test("a restart keeps arms, verdicts, wanted states and the end of a job", () => {
  const job = lab.load(["fit01", "fit02"]);
  const one = lab.join("fit01");
  lab.lab.desk.arm(one.visitor, { order: one.order, disk: DISK }, lab.now);
  const two = lab.join("fit02");
  lab.end(two.visitor, two.order, "ok_unchanged");
  lab.restart();
  expect(lab.verdicts(job)).toEqual({ fit01: "none", fit02: "ok_unchanged" });
  expect(lab.lab.wantsReceiver("fit01")).toBe(true);
  expect(lab.lab.wantsReceiver("fit02")).toBe(false);
  const again = lab.join("fit01");
  expect(again.order).toBe(one.order);
  lab.lab.noteProof(job, undefined, lab.now);
  lab.lab.desk.arm(again.visitor, { order: again.order, disk: DISK }, lab.now);
  lab.end(again.visitor, again.order, "ok");
  lab.restart();
  expect(lab.lab.jobStatus(job).state).toBe("ended");
  expect(lab.events(job).filter(({ kind }) => kind === "end")).toHaveLength(1);
});

test("a restart after the deadline leaves time for one report, then ends the job", () => {
  const job = lab.load(["fit01"], { deadlineSeconds: 60 });
  lab.join("fit01");
  lab.now += 3_600_000;
  lab.restart();
  lab.wait(29);
  expect(lab.verdicts(job)).toEqual({ fit01: "none" });
  lab.wait(2);
  expect(lab.verdicts(job)).toEqual({ fit01: "lost" });
});

test("progress() makes at most two events a second for a node and keeps none", () => {
  const job = lab.load(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  const heard: string[] = [];
  lab.lab.log.listen(job, ({ kind }) => heard.push(kind));
  for (let step = 0; step < 100; step += 1) {
    lab.now += 20;
    lab.report(visitor, order, "receiving");
  }
  expect(heard.filter((kind) => kind === "progress").length).toBeLessThanOrEqual(5);
  expect(lab.events(job).some(({ kind }) => kind === "progress")).toBe(false);
});

test("a node that tells one phase after the other writes a bounded number of them", () => {
  const job = lab.load(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  for (let count = 0; count < 200; count += 1) {
    lab.report(visitor, order, "scanning");
    lab.report(visitor, order, "probing");
  }
  const told = (): number => lab.events(job).filter(({ kind }) => kind === "phase").length;
  expect(told()).toBeLessThan(70);
  lab.wait(20);
  lab.report(visitor, order, "scanning");
  expect(told()).toBeLessThan(71);
});
