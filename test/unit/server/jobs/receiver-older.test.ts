/**
 * Goal: a receiver is never given an order that it cannot understand. Method: a lab in made-up time
 * of a later version, in which every load needs a feature.
 */
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { DISK, dropFolders, orderIn } from "../../../rig/lab-kit.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";

vi.mock("../../../../shared/control/feature.ts", async (original) => ({
  ...(await original<object>()),
  featuresNeeded: () => ["one-partition"],
}));

let lab: TestLab;
beforeEach(async () => {
  lab = await TestLab.make();
});
afterAll(dropFolders);

test("P8 join() ends the order of a receiver that lacks what it needs, disk untouched", () => {
  const job = lab.load(["fit01"]);
  const { reply } = lab.join("fit01");
  expect(reply.order).toBeNull();
  expect(lab.lab.jobStatus(job).nodes[0]?.verdict).toMatchObject({
    code: "receiver_older",
    reason: expect.stringContaining("one-partition") as string,
    diskUntouched: true,
  });
});

test("join() gives the order to a receiver that names what it needs", () => {
  lab.load(["fit01"]);
  const { mac, token } = lab.lab.mintFor("fit01", lab.now);
  const features = ["one-partition", "from-the-future"];
  const facts = { interfaces: [], disks: [DISK], memoryBytes: 1, version: "9", features };
  const request = { token, nonce: "1".repeat(32), macs: [mac], ...facts };
  expect(orderIn(lab.lab.desk.join(request, lab.now))).toMatchObject({ needs: ["one-partition"] });
});
