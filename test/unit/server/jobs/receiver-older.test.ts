/**
 * Goal: a receiver is never given an order that it cannot understand. Method: a lab in made-up time
 * of a later version, in which a way to leave needs a feature.
 */
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { DISK, dropFolders, orderIn } from "../../../rig/lab-kit.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";

vi.mock("../../../../shared/control/feature.ts", async (original) => ({
  ...(await original<object>()),
  featuresNeeded: ({ leave }: { leave?: string }) => (leave === "stay" ? ["leave-stay"] : []),
}));

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make();
});
afterAll(dropFolders);

test("P8 join() ends the order of a receiver that lacks what it needs, disk untouched", () => {
  const job = lab.load(["fit01"], { leave: "stay" });
  const { reply } = lab.join("fit01");
  expect(reply.order).toBeNull();
  expect(lab.lab.jobStatus(job).nodes[0]?.verdict).toMatchObject({
    code: "receiver_older",
    reason: expect.stringContaining("leave-stay") as string,
    diskUntouched: true,
  });
});

test("P8 join() ends the order of a save likewise, and gives one that needs nothing", () => {
  lab.restart((config) => config.replace("name: fit01,", "name: fit01, leave: stay,"));
  const job = lab.save("fit01", "mine");
  expect(lab.join("fit01").reply.order).toBeNull();
  expect(lab.verdicts(job)).toMatchObject({ fit01: "receiver_older" });
  lab.save("fit02", "yours");
  expect(lab.join("fit02").reply.order).not.toBeNull();
});

test("join() gives the order to a receiver that names what it needs", () => {
  lab.load(["fit01"], { leave: "stay" });
  const { mac, token } = lab.lab.mintFor("fit01", lab.now);
  const features = ["leave-stay", "from-the-future"];
  const facts = { interfaces: [], disks: [DISK], memoryBytes: 1, version: "9", features };
  const request = { token, nonce: "1".repeat(32), macs: [mac], ...facts };
  expect(orderIn(lab.lab.desk.join(request, lab.now))).toMatchObject({ needs: ["leave-stay"] });
});
