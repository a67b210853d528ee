/**
 * Fault runs of a lab: each write, read and fsync of a node's disk, of an upload's draft and of the
 * journal fails once in a small load and a small save, and node and server are killed at random
 * moments. Prints how they ended; exits 1 if anything is wrong. Needs root.
 *
 *     node test/campaigns/node-faults.ts [--kills 50] [--seed 1] [--only WORD]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { seededRandom } from "../../shared/core/random.ts";
import type { FaultRun } from "../rig/fault-bench.ts";
import type { PlannedFault } from "../rig/faulty-libc.ts";
import { NODE_WORKS, NodeFaultBench } from "../rig/node-fault-bench.ts";
import type { FaultSide, NodeWork } from "../rig/node-fault-bench.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});
/** Calls of one kind that fail, one after the other: a journal is written without end. */
const CALLS_MAX = 40;
const FAULTS: readonly (readonly [NodeWork, FaultSide, Omit<PlannedFault, "at">])[] = [
  ["load", "node", { file: "target", call: "write", errno: "EIO" }],
  ["load", "node", { file: "target", call: "write", errno: "ENOSPC" }],
  ["load", "node", { file: "target", call: "fsync", errno: "EIO" }],
  ["load", "node", { file: "target", call: "read", errno: "EIO" }],
  ["load", "server", { file: "whole.huck", call: "read", errno: "EIO" }],
  ["load", "server", { file: "huck.db", call: "write", errno: "ENOSPC", times: 1 }],
  ["load", "server", { file: "huck.db", call: "fsync", errno: "EIO", times: 1 }],
  ["save", "node", { file: "source", call: "read", errno: "EIO" }],
  ["save", "server", { file: ".draft-", call: "write", errno: "ENOSPC" }],
  ["save", "server", { file: ".draft-", call: "write", errno: "EIO" }],
  ["save", "server", { file: ".draft-", call: "fsync", errno: "EIO" }],
  ["save", "server", { file: "huck.db", call: "write", errno: "ENOSPC", times: 1 }],
];
const folder = mkdtempSync(join(tmpdir(), "huck-node-faults-"));
const random = seededRandom(Number(values.seed));
let wrong = 0;
let runs = 0;

function tell(title: string, ended: readonly FaultRun[]): void {
  const counts = new Map<string, number>();
  for (const run of ended) {
    const end = `exit ${run.exitCode}`;
    counts.set(end, (counts.get(end) ?? 0) + 1);
    for (const what of run.wrong) console.info(`  WRONG ${end}: ${what} (${run.errors})`);
    wrong += run.wrong.length;
  }
  runs += ended.length;
  const all = [...counts].sort().map(([end, count]) => `${count} x ${end}`);
  console.info(`${title}: ${ended.length} runs, ${all.join(", ")}`);
}

/** One run per call, until no call is left to fail. */
async function failEach(...[work, side, fault]: (typeof FAULTS)[number]): Promise<void> {
  const title = `${work}, ${side}, ${fault.errno} in each ${fault.call} of "${fault.file}"`;
  if (!title.includes(values.only)) return;
  const ended: FaultRun[] = [];
  for (let at = 0; at < CALLS_MAX; at += 1) {
    const run = await bench.fail(work, side, { ...fault, at });
    if (run.calls <= at) break;
    ended.push(run);
  }
  tell(title, ended);
}

async function killOften(work: NodeWork, side: FaultSide): Promise<void> {
  const title = `${work}, SIGKILL of the ${side}`;
  if (!title.includes(values.only)) return;
  const ended: FaultRun[] = [];
  for (let turn = 0; turn < Number(values.kills); turn += 1) {
    ended.push(await bench.kill(work, side, random.below(4000)));
  }
  tell(title, ended);
}

const bench = new NodeFaultBench(folder);
try {
  await bench.prepare();
  for (const fault of FAULTS) await failEach(...fault);
  for (const work of NODE_WORKS) {
    for (const side of ["node", "server"] as const) await killOften(work, side);
  }
} finally {
  await bench.close();
  rmSync(folder, { recursive: true, force: true });
}
console.info(`${runs} runs, ${wrong} wrong`);
process.exitCode = wrong === 0 ? 0 : 1;
