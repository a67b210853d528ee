/**
 * Goal: a disk thread that is asked to stop writes nothing of what waits for it. Method: the real
 * thread over a file, with more chunks waiting than it can have written.
 */
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openDiskWork } from "../../../../receiver/disk/disk-thread.io.ts";
import type { DiskWork } from "../../../../receiver/disk/disk-work.ts";
import { openBlockDevice } from "../../../../shared/linux/block-device.io.ts";
import { order } from "../../../rig/story-stage.ts";
import { dropFolders, freshFolder } from "../../../rig/lab-kit.ts";

afterAll(dropFolders);

const file = join(freshFolder(), "disk");
writeFileSync(file, "");
truncateSync(file, 64 << 20);

async function opened(): Promise<DiskWork> {
  const device = openBlockDevice(file, { access: "read" });
  const { inUse, ...disk } = device.identity;
  device.close();
  const work = openDiskWork();
  await work.open(order("load"), { ...disk, inUse: [...inUse] }, "write");
  return work;
}

test("P16: after stop() no chunk that waits is taken, and the gate is not closed", async () => {
  const work = await opened();
  work.stop();
  const chunks = Array.from({ length: 100 }, (_, chunk) => work.deliver(chunk, new Uint8Array(9)));
  const ends = await Promise.allSettled(chunks);
  await expect(work.closeGate()).rejects.toMatchObject({ verdict: "aborted" });
  for (const end of ends) {
    expect(end).toMatchObject({ status: "rejected", reason: { verdict: "aborted" } });
  }
  await work.close();
  expect(readFileSync(file).every((byte) => byte === 0)).toBe(true);
});
