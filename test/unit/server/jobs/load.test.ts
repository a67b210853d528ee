/**
 * Goal: steps 3 to 6 and 8 of a load keep promises P1, P2 and P8 on the server's side. Method: a
 * lab in made-up time.
 */
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { DISK, dropFolders, orderIn } from "../../../rig/lab-kit.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make();
});
afterAll(dropFolders);

test("P1 no node gets a session or arms before its image is proven", async () => {
  const job = lab.loadUnproven(["fit01"]);
  expect(lab.lab.takeRequests()).toContainEqual(
    expect.objectContaining({ kind: "prove", job, image: "ubuntu" }),
  );
  const { visitor, order } = lab.join("fit01");
  const { desk } = lab.lab;
  const unproven = { code: "image_unproven" };
  await expect(desk.session(visitor, order, lab.now)).rejects.toMatchObject(unproven);
  await expect(desk.session(visitor, order, lab.now)).rejects.toMatchObject(unproven);
  expect(() => desk.arm(visitor, { order, disk: DISK }, lab.now)).toThrow(
    expect.objectContaining(unproven),
  );
  expect(lab.events(job).filter(({ kind }) => kind === "note")).toHaveLength(1);
  lab.lab.noteProof(job, undefined, lab.now);
  expect(lab.lab.wantsProof(job)).toBe(true);
  await desk.session(visitor, order, lab.now);
  expect(desk.arm(visitor, { order, disk: DISK }, lab.now).allowed).toBe(true);
});

test("P1 an image found damaged ends every order that has not armed, disks untouched", async () => {
  const job = lab.loadUnproven(["fit01", "fit02"]);
  const { visitor, order } = lab.join("fit01");
  lab.lab.noteProof(job, "chunk 1 is damaged", lab.now);
  expect(lab.verdicts(job)).toEqual({ fit01: "image_damaged", fit02: "image_damaged" });
  expect(lab.lab.jobStatus(job).nodes[0]?.verdict).toMatchObject({
    reason: "chunk 1 is damaged",
    diskUntouched: true,
  });
  expect(lab.report(visitor, order, "scanning")).toBe(true);
  await expect(lab.lab.desk.session(visitor, order, lab.now)).rejects.toMatchObject({
    code: "order_over",
  });
  expect(lab.lab.wantsReceiver("fit02")).toBe(false);
  expect(lab.lab.wantsProof(job)).toBe(false);
});

test("a server that restarts proves the images of its loads anew; who has armed goes on", () => {
  const job = lab.load(["fit01", "fit02"]);
  const { visitor, order } = lab.join("fit01");
  lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now);
  lab.restart();
  expect(lab.lab.takeRequests()).toContainEqual(
    expect.objectContaining({ kind: "prove", job, image: "ubuntu" }),
  );
  lab.lab.noteProof(job, "chunk 1 is damaged", lab.now);
  expect(lab.verdicts(job)).toEqual({ fit01: "none", fit02: "image_damaged" });
});

test("writeLoadOrder() names image, disk, nonce of this boot, attempt and the deadline", () => {
  lab.load(["fit01"], {
    verify: "full",
    leave: "poweroff",
    disk: [{ serial: "S1" }],
    deadlineSeconds: 60,
  });
  const { reply } = lab.join("fit01");
  expect(orderIn(reply)).toMatchObject({
    action: "load",
    attempt: 1,
    node: "fit01",
    disk: [{ serial: "S1" }],
    verify: "full",
    leave: "poweroff",
    delta: true,
    issuedAt: "2026-01-01T00:00:00.000Z",
    expiresAt: "2026-01-01T00:01:00.000Z",
  });
});

test("P2 armDisk() has the count in the journal before it answers", () => {
  lab.load(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  expect(lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now).allowed).toBe(true);
  const kept = lab.journal.remembered().orders.find(({ id }) => id === order);
  expect(kept?.armed).toBe(1);
});

test(
  "P8 armDisk() refuses disks in use, removable, or named by no rule, " + "and counts none of them",
  () => {
    lab.load(["fit01"]);
    const { visitor, order } = lab.join("fit01");
    const answerFor = (disk: object): object =>
      lab.lab.desk.arm(visitor, { order, disk: { ...DISK, ...disk } }, lab.now);
    expect(answerFor({ inUse: ["/"] })).toMatchObject({ allowed: false, code: "disk_in_use" });
    expect(answerFor({ removable: true })).toMatchObject({ code: "no_disk_matches" });
    expect(lab.journal.remembered().orders[0]?.armed).toBe(0);
  },
);

test("P2 P8 what the journal could not keep was not done: arm, verdict and end of the job", () => {
  const job = lab.load(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  const arm = (): boolean => lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now).allowed;
  const full = vi.spyOn(lab.journal, "putOrder").mockImplementation(() => {
    throw new Error("database or disk is full");
  });
  expect(arm).toThrow(/full/);
  expect(() => {
    lab.end(visitor, order, "ok_unchanged");
  }).toThrow(/full/);
  full.mockRestore();
  expect(lab.verdicts(job)).toEqual({ fit01: "none" });
  expect(arm()).toBe(true);
  expect(lab.journal.remembered().orders[0]?.armed).toBe(1);
  lab.end(visitor, order, "ok");
  expect(lab.events(job).filter(({ kind }) => kind === "end")).toHaveLength(1);
  expect(lab.lab.jobStatus(job).state).toBe("ended");
});

test("P1 a verdict tells what all boots of an order did to the disk", () => {
  const job = lab.load(["fit01"]);
  const first = lab.join("fit01");
  lab.lab.desk.arm(first.visitor, { order: first.order, disk: DISK }, lab.now);
  const second = lab.join("fit01");
  lab.end(second.visitor, second.order, "multicast_unreachable");
  const [node] = lab.lab.jobStatus(job).nodes;
  expect(node?.verdict).toMatchObject({ diskUntouched: false, incomplete: true });
  expect(node?.verdict?.cure).toMatch(/does not boot/);
});

test("an aborted job answers an arm with no, also while its image is unproven", () => {
  const job = lab.loadUnproven(["fit01"]);
  const { visitor, order } = lab.join("fit01");
  lab.lab.abort(job, lab.now);
  const reply = lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now);
  expect(reply).toMatchObject({ allowed: false, code: "aborted" });
});

test("P1 checkLoadVerdict() does not believe ok without an arm, and believes ok_unchanged", () => {
  const job = lab.load(["fit01", "fit02"]);
  const one = lab.join("fit01");
  lab.end(one.visitor, one.order, "ok");
  const two = lab.join("fit02");
  lab.end(two.visitor, two.order, "ok_unchanged");
  expect(lab.verdicts(job)).toEqual({ fit01: "receiver_fault", fit02: "ok_unchanged" });
});
