/**
 * Goal: nobody waits for a node that cannot come, its verdict says why, and jobs can be found.
 * Method: a lab in made-up time.
 */
import { afterAll, beforeEach, expect, test } from "vitest";
import { DISK, dropFolders } from "../../../rig/lab-kit.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make();
});
afterAll(dropFolders);

test("a session waits for those only that can still come", async () => {
  lab.load(["fit01", "fit02", "fit03"], { confirmed: true });
  const one = lab.join("fit01");
  const three = lab.join("fit03");
  await lab.lab.desk.session(one.visitor, one.order, lab.now);
  expect(lab.senders[0]?.request.members).toBe(3);
  lab.end(three.visitor, three.order, "ok_unchanged"); // it needs nothing
  lab.wait(1);
  const [, two] = lab.journal.remembered().orders;
  lab.lab.noteEnter(two?.id ?? "", "error", "its command exited with 127", lab.now);
  lab.wait(1);
  await Promise.resolve();
  expect(lab.senders[0]?.expected).toEqual([2, 1]);
});

test("a session waits for the nodes of a second load of its image too", async () => {
  lab.load(["fit01"]);
  const one = lab.join("fit01");
  await lab.lab.desk.session(one.visitor, one.order, lab.now);
  lab.load(["fit02"]);
  lab.wait(1);
  await Promise.resolve();
  expect(lab.senders[0]?.expected).toEqual([2]);
});

test.each([
  ["that was not heard of", false],
  ["that is at work", true],
])("a session waits for no node of an aborted load %s, nor for one taken out", async (_, joins) => {
  lab.load(["fit01"]);
  const other = lab.load(["fit02"]);
  if (joins) lab.join("fit02");
  lab.load(["fit03"], { confirmed: true });
  const one = lab.join("fit01");
  await lab.lab.desk.session(one.visitor, one.order, lab.now);
  lab.lab.abort(other, lab.now);
  lab.wait(1);
  lab.reload((config) => config.replace(/^.*fit03.*\n/gm, ""));
  lab.wait(1);
  await Promise.resolve();
  expect(lab.senders[0]?.expected).toEqual([2, 1]);
});

test.each([
  [127, 'Cannot switch "fit01" (cycle): its command exited with 127: sh: ipmitol: not found'],
  [0, "fit01 is still off after a power cycle"],
  [1, "Cannot start fit01: no route to host"],
])("a node that was not started is lost with that reason (exit code %i)", (_code, text) => {
  const job = lab.load(["fit01"]);
  const [order] = lab.journal.remembered().orders;
  lab.lab.noteEnter(order?.id ?? "", "error", `${text}. Look at it.`, lab.now);
  lab.restart(); // the reason is journalled
  lab.wait(601);
  const [node] = lab.lab.jobStatus(job).nodes;
  expect(node?.verdict).toMatchObject({ code: "lost", diskUntouched: true });
  expect(node?.verdict?.reason).toContain(text);
});

test("a node that was started after all is never said not to have been", () => {
  const job = lab.load(["fit01"]);
  const [order] = lab.journal.remembered().orders;
  lab.lab.noteEnter(order?.id ?? "", "error", "the BMC is silent", lab.now);
  lab.lab.noteEnter(order?.id ?? "", "info", "restarted", lab.now);
  lab.wait(601);
  expect(lab.lab.jobStatus(job).nodes[0]?.verdict?.reason).toMatch(/never joined/);
});

test("jobs() lists jobs, the newest first, and jobId() takes the first digits", () => {
  const first = lab.load(["fit01"]);
  const second = lab.load(["fit02"]);
  const one = lab.join("fit01");
  lab.end(one.visitor, one.order, "ok");
  lab.lab.abort(second.slice(0, 12), lab.now, { kind: "local", uid: 1000 });
  expect(lab.lab.jobs()).toMatchObject([
    { job: second, state: "aborted", nodes: 1, nodesOk: 0, nodesNotOk: 1 },
    { job: first, state: "ended", nodes: 1 },
  ]);
  expect(lab.events(second)).toContainEqual(
    expect.objectContaining({ kind: "note", text: "aborted by uid 1000" }),
  );
  expect(lab.lab.jobId(first.slice(0, 16))).toBe(first);
  expect(() => lab.lab.jobId("")).toThrow(expect.objectContaining({ code: "job_ambiguous" }));
});

test("jobStatus() says until when each open node is waited for", () => {
  const job = lab.load(["fit01"]);
  const [open] = lab.lab.jobStatus(job).nodes;
  expect(Date.parse(open?.waitsUntil ?? "") - lab.now).toBe(600_000);
  lab.lab.abort(job, lab.now);
  expect(lab.lab.jobStatus(job).nodes[0]).not.toHaveProperty("waitsUntil");
});

test("a restart starts no node that was heard of: silent, booting, or at work", () => {
  lab.load(["fit01", "fit02", "fit03"], { confirmed: true });
  const silent = lab.join("fit01");
  lab.lab.desk.arm(silent.visitor, { order: silent.order, disk: DISK }, lab.now);
  lab.report(silent.visitor, silent.order, "receiving");
  lab.wait(31);
  lab.join("fit02");
  lab.lab.mintFor("fit03", lab.now); // it has fetched its boot script
  lab.restart();
  expect(lab.lab.jobs()[0]?.state).toBe("running");
  const entered = lab.lab.takeRequests().filter(({ kind }) => kind === "enter");
  expect(entered).toEqual([]);
});
