/** Goal: a disk is chosen, or the verdict says why not. Method: examples; visit.test.ts loads. */
import { expect, test } from "vitest";
import { NodeFailure } from "../../../receiver/failure.ts";
import { diskForOrder } from "../../../receiver/load.ts";
import { DISK } from "../../rig/story-stage.ts";

test("diskForOrder() gives the disk that the order names", () => {
  const disks = [DISK, { ...DISK, path: "/dev/sdb", serial: "S2" }];
  expect(diskForOrder({ disk: [{ serial: "S2" }] }, disks).path).toBe("/dev/sdb");
});

test("diskForOrder() fails with verdict, reason and cure when no disk can be chosen", () => {
  const choose = (): unknown => diskForOrder({ disk: [{ serial: "S3" }] }, [DISK]);
  expect(choose).toThrow(NodeFailure);
  expect(choose).toThrow(
    expect.objectContaining({
      verdict: "no_disk_matches",
      message: expect.stringContaining("serial S1") as string,
      cure: expect.stringMatching(/./) as string,
    }) as Error,
  );
});
