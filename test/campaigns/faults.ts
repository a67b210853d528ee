/**
 * Fault runs: every write, read and fsync of a small save and two small restores fails once with
 * EIO and ENOSPC, and each is killed at random moments. Prints how they ended; exits 1 if anything
 * is wrong.
 *
 *     node test/campaigns/faults.ts [--kills 50] [--seed 1]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { seededRandom } from "../../shared/core/random.ts";
import { FAULT_WORKS, FaultBench } from "../rig/fault-bench.ts";
import type { FaultRun, FaultWork } from "../rig/fault-bench.ts";
import type { PlannedFault } from "../rig/faulty-libc.ts";

const { values } = parseArgs({
  options: { kills: { type: "string", default: "50" }, seed: { type: "string", default: "1" } },
});
const folder = mkdtempSync(join(tmpdir(), "huck-faults-"));
const random = seededRandom(Number(values.seed));
let wrong = 0;
let runs = 0;

/** Files whose calls fail: those that are written, and those that are read. */
const FAULTS: readonly (readonly [FaultWork, Omit<PlannedFault, "at">])[] = [
  ["save", { file: ".draft-", call: "write", errno: "ENOSPC" }],
  ["save", { file: ".draft-", call: "write", errno: "EIO" }],
  ["save", { file: ".draft-", call: "fsync", errno: "EIO" }],
  ["save", { file: ".draft-", call: "read", errno: "EIO" }],
  ["save", { file: "disk.img", call: "read", errno: "EIO" }],
  ["save", { file: ".draft-", call: "open", errno: "ENOSPC" }],
  ["save", { file: "out.huck", call: "link", errno: "ENOSPC" }],
  ["save", { file: ".draft-", call: "unlink", errno: "EIO" }],
  ["save", { file: "huck-faults-", call: "sync folder", errno: "EIO" }],
  ["restore", { file: "out.img", call: "open", errno: "ENOSPC" }],
  ["restore", { file: "out.img", call: "truncate", errno: "ENOSPC" }],
  ["restore", { file: "out.img", call: "link", errno: "ENOSPC" }],
  ["restore", { file: "out.img", call: "unlink", errno: "EIO" }],
  ["restore", { file: "huck-faults-", call: "sync folder", errno: "EIO" }],
  ...(["restore", "renew"] as const).flatMap((work) => [
    [work, { file: "out.img", call: "write", errno: "ENOSPC" }] as const,
    [work, { file: "out.img", call: "write", errno: "EIO" }] as const,
    [work, { file: "out.img", call: "fsync", errno: "EIO" }] as const,
    [work, { file: "out.img", call: "read", errno: "EIO" }] as const,
    [work, { file: "whole.huck", call: "read", errno: "EIO" }] as const,
  ]),
];

function tell(title: string, ended: readonly FaultRun[]): void {
  const counts = new Map<string, number>();
  for (const run of ended) {
    const end = run.exitCode === null ? "killed" : `exit ${run.exitCode}`;
    counts.set(end, (counts.get(end) ?? 0) + 1);
    for (const what of run.wrong) process.stdout.write(`  WRONG ${end}: ${what}\n`);
    wrong += run.wrong.length;
  }
  runs += ended.length;
  const all = [...counts].sort().map(([end, count]) => `${count} x ${end}`);
  process.stdout.write(`${title}: ${ended.length} runs, ${all.join(", ")}\n`);
}

/** One run per call of the work, until no call is left to fail. */
async function failEach(
  bench: FaultBench,
  work: (typeof FAULTS)[number][0],
  fault: (typeof FAULTS)[number][1],
): Promise<FaultRun[]> {
  const ended: FaultRun[] = [];
  for (let at = 0; ; at += 1) {
    const run = await bench.fail(work, { ...fault, at });
    if (run.calls <= at) return ended;
    ended.push(run);
  }
}

try {
  const bench = new FaultBench(folder);
  await bench.prepare();
  for (const [work, fault] of FAULTS) {
    const title = `${work}, ${fault.errno} in each ${fault.call} of "${fault.file}"`;
    tell(title, await failEach(bench, work, fault));
  }
  for (const work of FAULT_WORKS) {
    const ended: FaultRun[] = [];
    for (let turn = 0; turn < Number(values.kills); turn += 1) {
      ended.push(await bench.kill(work, 150 + random.fraction() * 900));
    }
    tell(`${work}, SIGKILL`, ended);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${runs} runs, ${wrong} wrong\n`);
process.exitCode = wrong === 0 ? 0 : 1;
