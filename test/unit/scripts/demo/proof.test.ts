/** Goal: the demo's proof can fail. Method: a saved disk, then the same with one byte flipped. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkFileSystem, compareDisk } from "../../../../scripts/demo/proof.ts";
import { PARTITION_OFFSET } from "../../../../scripts/demo/source-disk.ts";
import { openFolderStore } from "../../../../server/store/folder-store.io.ts";
import { planDisk } from "../../../../shared/allocation/plan.ts";
import { seededRandom } from "../../../../shared/core/random.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { captureImage } from "../../../../shared/image/capture.ts";
import { zlibCodec } from "../../../../shared/image/codec-zlib.ts";
import { fileFolder } from "../../../rig/folder.ts";
import { inlinePool } from "../../../../shared/image/codec-pool.ts";

const folder = fileFolder();
test("compareDisk() finds a flipped byte, checkFileSystem() a missing file system", async () => {
  const random = seededRandom(3);
  const disk = new Uint8Array(new Uint32Array((4 << 20) / 4).map(() => random.u32()).buffer);
  const source = memorySource(disk);
  const draft = await openFolderStore(folder).draft("x");
  const options = { level: 1, uuid: new Uint8Array(16), nowMs: 0, tool: "test", host: "test" };
  const plan = planDisk(source, { rawIfDirty: false });
  await captureImage(source, plan, { sink: draft, pool: inlinePool(zlibCodec()) }, options);
  await draft.commit();
  const path = join(folder, "disk.img");
  writeFileSync(path, disk);
  const whole = await compareDisk(join(folder, "x.huck"), path);
  expect(whole.differing).toBe(0);
  expect(whole.chunks).toBeGreaterThan(1);
  disk[PARTITION_OFFSET + 5] = (disk[PARTITION_OFFSET + 5] ?? 0) ^ 1;
  writeFileSync(path, disk);
  expect((await compareDisk(join(folder, "x.huck"), path)).differing).toBe(1);
  expect(await checkFileSystem(path)).toMatch(/e2fsck says/);
});
