/**
 * Goal: the lab answers for nodes and jobs, and gives streams back. Method: a lab in made-up time.
 */
import { afterAll, beforeEach, expect, test } from "vitest";
import { dropFolders, verdictOf } from "../lab-kit.ts";
import { TestLab } from "./lab-fixture.ts";

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make();
});
afterAll(dropFolders);

test("nodes() tells job and phase of a busy node and the last verdict of an idle one", () => {
  const job = lab.load(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  expect(lab.lab.nodes()[0]).toMatchObject({
    job,
    phase: "joining",
    image: "ubuntu",
    verdict: null,
  });
  lab.end(visitor, order, "disk_too_small");
  expect(lab.lab.nodes()[0]).toMatchObject({
    job: null,
    phase: "done",
    image: "ubuntu",
    verdict: verdictOf("disk_too_small"),
  });
  expect(lab.lab.nodes()[1]).toMatchObject({ phase: "waiting", image: null, lastSeen: null });
});

test("jobStatus() and abort() refuse an id that is no job", () => {
  expect(() => lab.lab.jobStatus("0".repeat(32))).toThrow(
    expect.objectContaining({ code: "no_such_job" }),
  );
  expect(() => {
    lab.lab.abort("0".repeat(32), lab.now);
  }).toThrow(expect.objectContaining({ code: "no_such_job" }));
});

test("a stream is stopped when its last node has ended, however it ended", async () => {
  lab.load(["fit01", "fit02"]);
  const one = lab.join("fit01");
  const two = lab.join("fit02");
  await lab.lab.desk.session(one.visitor, one.order, lab.now);
  await lab.lab.desk.session(two.visitor, two.order, lab.now);
  lab.end(one.visitor, one.order, "disk_write_error");
  await Promise.resolve();
  expect(lab.senders[0]?.stopped).toEqual([]);
  lab.wait(400);
  await Promise.resolve();
  expect(lab.senders[0]?.stopped).toEqual(["told"]);
});

test("a sender that fails is told to the job, and the next node gets a new stream", async () => {
  const job = lab.load(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  const first = await lab.lab.desk.session(visitor, order, lab.now);
  lab.senders[0]?.finish("the disk cannot be read");
  await new Promise(setImmediate);
  const second = await lab.lab.desk.session(visitor, order, lab.now);
  expect(second.session).not.toBe(first.session);
  expect(lab.events(job)).toContainEqual(
    expect.objectContaining({ kind: "note", text: "the sender ended: the disk cannot be read" }),
  );
});

test("noteEnter() reaches the operator while the order lives and is silent afterwards", () => {
  const job = lab.load(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  lab.lab.noteEnter(order, "error", "the BMC is silent", lab.now);
  lab.end(visitor, order, "ok_unchanged");
  lab.lab.noteEnter(order, "error", "late", lab.now);
  const notes = lab.events(job).flatMap((event) => (event.kind === "note" ? [event.text] : []));
  expect(notes).toEqual(["the BMC is silent"]);
});
