/**
 * Goal: a write that fails and a kill leave no half image, no false ok, and nothing that the next
 * start does not clean up.
 *
 * Method: a library under the real `huck` makes calls of libc fail; a small part, chosen by a seed,
 * of what test/campaigns/faults.ts does at every call.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../shared/core/random.ts";
import { fileFolder } from "../rig/folder.ts";
import { FaultBench } from "../rig/fault-bench.ts";
import { faultyLibcProblem } from "../rig/faulty-libc.ts";

const folder = fileFolder();
const random = seededRandom(7);
let bench: FaultBench;

beforeAll(async () => {
  if (faultyLibcProblem !== undefined) return;
  mkdirSync(join(folder, "bench"));
  bench = new FaultBench(join(folder, "bench"));
  await bench.prepare();
});

test.skipIf(faultyLibcProblem !== undefined).each([
  ["save", ".draft-", "write", "ENOSPC", random.below(10)],
  ["save", "disk.img", "read", "EIO", 0],
  ["save", "disk.img", "read", "EIO", 2 + random.below(8)],
  ["restore", "out.img", "write", "ENOSPC", random.below(8)],
  ["renew", "out.img", "write", "EIO", random.below(8)],
  ["renew", "out.img", "fsync", "EIO", 0],
  ["save", "out.huck", "link", "ENOSPC", 0],
  ["save", "bench", "sync folder", "EIO", 0],
  ["restore", "out.img", "truncate", "ENOSPC", 0],
  ["restore", "bench", "sync folder", "EIO", 0],
] as const)("P15: %s with a fault in %s: %s fails with %s at %i", async (...fault) => {
  const [work, file, call, errno, at] = fault;
  const run = await bench.fail(work, { file, call, errno, at });
  expect(run.calls).toBeGreaterThan(at);
  expect(run.wrong).toEqual([]);
  expect(run.exitCode).not.toBe(0);
});

test.skipIf(faultyLibcProblem !== undefined).each([
  ["save", ".draft-"],
  ["restore", "out.img.huck-part"],
] as const)("P15: %s is right though its second name %s stays", async (work, file) => {
  const run = await bench.fail(work, { file, call: "unlink", errno: "EIO", at: 0 });
  expect(run).toMatchObject({ calls: 1, exitCode: 0, wrong: [] });
});

test.skipIf(faultyLibcProblem !== undefined).each(["save", "restore", "renew"] as const)(
  "P7: %s that is killed leaves nothing that the next one does not clean up",
  async (work) => {
    const run = await bench.kill(work, 200 + random.below(600));
    expect(run.wrong).toEqual([]);
  },
);
