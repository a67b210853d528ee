/**
 * Goal: a visitor speaks for its own node and order only. Method: a lab in made-up time. The routes
 * over it are tested in api/node-routes.test.ts.
 */
import { afterAll, beforeEach, expect, test } from "vitest";
import { DISK, dropFolders, verdictOf } from "../../../rig/lab-kit.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make();
});
afterAll(dropFolders);

test(
  "NodeDesk.mintToken() knows no MAC outside the inventory and notes " + "that its node boots",
  () => {
    const job = lab.load(["fit01"]);
    expect(lab.lab.desk.mintToken("52:54:00:99:99:99", lab.now)).toBeUndefined();
    expect(lab.lab.desk.mintToken("52:54:00:00:00:01", lab.now)?.node).toBe("fit01");
    expect(lab.events(job).at(-1)).toMatchObject({ kind: "phase", phase: "booting" });
  },
);

test("NodeDesk.join() gives nothing to a node that has nothing to do", () => {
  const { reply, visitor } = lab.join("fit01");
  expect(reply).toMatchObject({ node: "fit01", order: null });
  expect(lab.lab.desk.report(visitor, { ...idle, order: null }, lab.now)).toEqual({ abort: false });
  expect(() => lab.lab.desk.imageOf(visitor)).toThrow(
    expect.objectContaining({ code: "order_over" }),
  );
});

test("NodeDesk refuses every step for an order of another node", async () => {
  lab.load(["fit01", "fit02"]);
  const { order } = lab.join("fit01");
  const { visitor } = lab.join("fit02");
  const over = expect.objectContaining({ code: "order_over" }) as Error;
  const { desk } = lab.lab;
  expect(() => desk.arm(visitor, { order, disk: DISK }, lab.now)).toThrow(over);
  expect(() => desk.report(visitor, { ...idle, order }, lab.now)).toThrow(over);
  expect(() => desk.verdict(visitor, { order, verdict: verdictOf("ok") }, lab.now)).toThrow(over);
  await expect(desk.session(visitor, order, lab.now)).rejects.toMatchObject({ code: "order_over" });
});

test("NodeDesk.session() expects as many members as nodes still want the image", async () => {
  lab.load(["fit01", "fit02"], { gatherSeconds: 7, rateBitsPerSecond: 5_000_000 });
  const { visitor, order } = lab.join("fit01");
  await lab.lab.desk.session(visitor, order, lab.now);
  expect(lab.senders[0]?.request).toMatchObject({
    members: 2,
    gatherMs: 7000,
    rateBitsPerSecond: 5_000_000,
  });
});

const idle = {
  phase: "leaving",
  detail: "",
  doneBytes: 0,
  totalBytes: 0,
  bytesPerSecond: 0,
  loss: 0,
} as const;
