/**
 * Goal: the lab answers for nodes and jobs, and gives sessions back. Method: a lab in made-up time.
 */
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { DISK, dropFolders, orderIn, verdictOf } from "../../../rig/lab-kit.ts";
import { assetsOf } from "../../../../server/boot/assets.ts";
import { bootTableOf } from "../../../../server/enter/boot-answers.ts";
import { BOOT_ASSETS } from "../../../rig/dhcp-vectors.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";

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
    image: null,
    verdict: null,
  });
  lab.end(visitor, order, "disk_too_small");
  expect(lab.lab.nodes()[0]).toMatchObject({
    job: null,
    phase: "done",
    image: null,
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

test("a session is stopped when its last node has ended, however it ended", async () => {
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

test("a sender that fails is told to the job, and the next node gets a new session", async () => {
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

test("a restart ends the orders of nodes that left the inventory, and starts the others", () => {
  const job = lab.load(["fit01", "fit02"]);
  lab.join("fit02");
  const alone = lab.load(["fit03"], { confirmed: true });
  lab.restart((config) => config.replace(/^.*fit0[23].*\n/gm, ""));
  expect(lab.verdicts(job)).toEqual({ fit01: "none", fit02: "lost" });
  expect(lab.verdicts(alone)).toEqual({ fit03: "lost" });
  const [, one] = lab.lab.jobStatus(job).nodes;
  expect(one?.verdict).toMatchObject({
    reason: '"fit02" is no longer in the inventory',
    cure: expect.stringMatching(/huck\.yaml/) as string,
    diskUntouched: true,
  });
  expect(lab.lab.jobStatus(alone).state).toBe("ended");
  expect(lab.lab.nodes().map(({ name }) => name)).toEqual(["fit01"]);
});

test("wantsEnter() is over when a node speaks, has its verdict, or its job is aborted", () => {
  const job = lab.load(["fit01", "fit02"]);
  const orders = lab.lab.takeRequests().flatMap((one) => (one.kind === "enter" ? [one.order] : []));
  const wanted = (): boolean[] => orders.map((order) => lab.lab.wantsEnter(order));
  expect(wanted()).toEqual([true, true]);
  lab.lab.mintFor("fit01", lab.now);
  expect(wanted()).toEqual([false, true]);
  expect(orders.map((order) => lab.lab.isOver(order))).toEqual([false, false]);
  lab.lab.abort(job, lab.now);
  expect(wanted()).toEqual([false, false]);
  expect(orders.map((order) => lab.lab.isOver(order))).toEqual([true, true]);
});

test("noteProof() that the journal cannot keep leaves the job unproven", async () => {
  const job = lab.loadUnproven(["fit01", "fit02"]);
  const { visitor, order } = lab.join("fit02");
  const broken = vi.spyOn(lab.journal, "putOrder").mockImplementation(() => {
    throw new Error("the disk is full");
  });
  expect(() => {
    lab.lab.noteProof(job, "chunk 1 is damaged", lab.now);
  }).toThrow("the disk is full");
  broken.mockRestore();
  await expect(lab.lab.desk.session(visitor, order, lab.now)).rejects.toMatchObject({
    code: "image_unproven",
  });
});

const without = (name: string) => (config: string) =>
  config.replace(new RegExp(`^.*name: ${name},.*\n`, "m"), "");

test("P8 inventoryChanged() ends the order of a removed node whose disk is untouched", () => {
  const job = lab.load(["fit01", "fit02"]);
  const { visitor, order } = lab.join("fit02");
  lab.report(visitor, order, "scanning");
  expect(lab.reload(without("fit02"))).toEqual({ ended: ["fit02"], kept: [] });
  expect(lab.verdicts(job)).toEqual({ fit01: "none", fit02: "lost" });
  expect(lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now).allowed).toBe(false);
  expect(lab.lab.desk.mintToken("52:54:00:00:00:02", lab.now)).toBeUndefined();
});

test("P2 inventoryChanged() lets a removed node finish the disk that it has begun to write", () => {
  const job = lab.load(["fit02"]);
  const { visitor, order } = lab.join("fit02");
  lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now);
  expect(lab.reload(without("fit02"))).toEqual({ ended: [], kept: ["fit02"] });
  lab.restart(without("fit02"));
  lab.wait(5);
  expect(lab.report(visitor, order, "receiving")).toBe(false);
  lab.end(visitor, order, "ok");
  expect(lab.verdicts(job)).toEqual({ fit02: "ok" });
});

test("P3 a removed node that falls silent at work is lost like any other", () => {
  const job = lab.load(["fit02"]);
  const { visitor, order } = lab.join("fit02");
  lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now);
  lab.reload(without("fit02"));
  lab.wait(300);
  expect(lab.verdicts(job)).toEqual({ fit02: "lost" });
});

test("a changed MAC counts at the next contact: the old one is a stranger", () => {
  lab.load(["fit01"]);
  const booting = lab.lab.mintFor("fit01", lab.now);
  lab.reload((config) => config.replace("52:54:00:00:00:01", "52:54:00:00:00:0a"));
  expect(lab.lab.desk.mintToken("52:54:00:00:00:01", lab.now)).toBeUndefined();
  const facts = { interfaces: [], disks: [DISK], memoryBytes: 1, version: "0", features: [] };
  const late = { token: booting.token, nonce: "1".repeat(32), macs: [booting.mac], ...facts };
  expect(() => lab.lab.desk.join(late, lab.now)).toThrow(
    expect.objectContaining({ code: "unknown_node" }),
  );
  const { reply } = lab.join("fit01");
  expect(orderIn(reply)?.macs).toEqual(["52:54:00:00:00:0a"]);
});

test("P8 a token is not good for another node that took over its MAC", () => {
  const { token, mac } = lab.lab.mintFor("fit01", lab.now);
  lab.reload((config) => without("fit01")(config).replace("52:54:00:00:00:02", mac));
  const facts = { interfaces: [], disks: [DISK], memoryBytes: 1, version: "0", features: [] };
  expect(() =>
    lab.lab.desk.join({ token, nonce: "1".repeat(32), macs: [mac], ...facts }, lab.now),
  ).toThrow(expect.objectContaining({ code: "bad_token" }));
});

test("an added node is loaded and boots at once", () => {
  const added = '  - { name: fit09, macs: ["52:54:00:00:00:09"], reimage: free }\n';
  expect(() => lab.load(["fit09"])).toThrow(expect.objectContaining({ code: "unknown_node" }));
  lab.reload((config) => config + added);
  lab.load(["fit09"]);
  const assets = assetsOf("0.1.0", BOOT_ASSETS);
  const { nodes } = bootTableOf(lab.inventory, (node) => lab.lab.wantsReceiver(node), assets);
  expect(nodes.get("52:54:00:00:00:09")).toMatchObject({ name: "fit09", answer: "receiver" });
  expect(orderIn(lab.join("fit09").reply)).toMatchObject({ node: "fit09" });
});
