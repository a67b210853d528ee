/**
 * Goal: steps 3, 5 and 7 of a load keep promises P1, P2 and P8 on the server's side. Method: a lab
 * in made-up time.
 */
import { afterAll, beforeEach, expect, test } from "vitest";
import { DISK, dropFolders } from "../lab-kit.ts";
import { TestLab } from "./lab-fixture.ts";

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make();
});
afterAll(dropFolders);

test("writeLoadOrder() names image, disk, nonce of this boot, attempt and the deadline", () => {
  lab.load(["fit01"], {
    verify: "full",
    leave: "poweroff",
    disk: [{ serial: "S1" }],
    deadlineSeconds: 60,
  });
  const { reply } = lab.join("fit01");
  expect(reply.order?.order).toMatchObject({
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
    const reasonFor = (disk: object): string =>
      lab.lab.desk.arm(visitor, { order, disk: { ...DISK, ...disk } }, lab.now).reason;
    expect(reasonFor({ inUse: ["/"] })).toMatch(/^disk_in_use/);
    expect(reasonFor({ removable: true })).toMatch(/^no_disk_matches/);
    expect(lab.journal.remembered().orders[0]?.armed).toBe(0);
  },
);

test("P1 doubtLoad() does not believe ok without an arm, and believes ok_unchanged", () => {
  const job = lab.load(["fit01", "fit02"]);
  const one = lab.join("fit01");
  lab.end(one.visitor, one.order, "ok");
  const two = lab.join("fit02");
  lab.end(two.visitor, two.order, "ok_unchanged");
  expect(lab.verdicts(job)).toEqual({ fit01: "receiver_fault", fit02: "ok_unchanged" });
});
