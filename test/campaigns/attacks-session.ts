/**
 * Campaign: a cast to four receivers in namespaces, with and without an attacker in a fifth.
 *
 * Every attack is run in turn with a quiet run, ROUNDS times (default 5); printed are the medians
 * of the time from the start to the last complete copy, the share of the quiet rate, and the
 * sender's memory. It fails if an attack takes more than a tenth of the rate, a copy is wrong, or
 * the sender tells an untrue verdict of an honest receiver. Needs root and an idle processor.
 */
import { spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { BRIDGE, Lab, labProblem } from "../rig/network-lab.ts";
import { seededBytes } from "../rig/seeded-bytes.ts";

const ATTACKS: Readonly<Record<string, readonly string[]>> = {
  quiet: [],
  "20 invented members": ["invented", "4000"],
  "20 lying members of one address": ["twenty", "4000"],
  "a member that NACKs everything": ["liar", "200"],
  "NACK flood, 500/s": ["flood", "500"],
  "NACK flood, 50000/s": ["flood", "50000"],
  "spoofed ENDs, 200/s": ["end", "200"],
};
const RECEIVERS = 4;
const LOSS_MAX = 0.1;
/** P9: 512 MB and 1 MB for each node. */
const MEMORY_MAX_MB = 512 + RECEIVERS;
const rounds = Number(process.env["ROUNDS"] ?? 5);
const sizeBytes = Number(process.env["MIB"] ?? 96) << 20;
const rate = process.env["RATE"] ?? "150M";
const RUN_MS_MAX = 120_000;

interface Run {
  readonly tookMs: number;
  readonly memoryMb: number;
  readonly faults: readonly string[];
}

const problem = labProblem();
if (problem !== undefined) throw new Error(problem);
const folder = mkdtempSync(join(tmpdir(), "huck-attacks-"));
const source = join(folder, "source");
writeFileSync(source, seededBytes(1, sizeBytes));
const runs = new Map<string, Run[]>();
try {
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, attack] of Object.entries(ATTACKS)) {
      const run = await runOnce(`r${round}`, attack);
      runs.set(name, [...(runs.get(name) ?? []), run]);
      const faults = run.faults.length === 0 ? "" : ` FAULTS: ${run.faults.join("; ")}`;
      console.info(`round ${round + 1}, ${name}: ${run.tookMs.toFixed(0)} ms${faults}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
report();

function report(): void {
  const quiet = median((runs.get("quiet") ?? []).map(({ tookMs }) => tookMs));
  let bad = 0;
  for (const [name, all] of runs) {
    const took = median(all.map(({ tookMs }) => tookMs));
    const memory = Math.max(...all.map(({ memoryMb }) => memoryMb));
    const faults = all.flatMap((run) => run.faults);
    const share = quiet / took;
    const fails = share < 1 - LOSS_MAX || faults.length > 0 || memory > MEMORY_MAX_MB;
    if (fails) bad += 1;
    console.info(
      `${fails ? "FAILED" : "ok    "} ${name.padEnd(34)} ${took.toFixed(0).padStart(6)} ms, ` +
        `${(share * 100).toFixed(1).padStart(5)} % of the rate, sender ${memory.toFixed(0)} MB, ` +
        `${faults.length} untrue`,
    );
  }
  console.info(`${runs.size - bad} attacks passed, ${bad} failed`);
  process.exitCode = bad === 0 ? 0 : 1;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

async function runOnce(label: string, attack: readonly string[]): Promise<Run> {
  const lab = new Lab(label);
  try {
    return await runIn(lab, attack);
  } finally {
    await lab.close();
  }
}

async function runIn(lab: Lab, attack: readonly string[]): Promise<Run> {
  const huck = [process.execPath, "huck.ts"];
  const outputs = Array.from({ length: RECEIVERS }, (_, index) => join(folder, `copy${index}`));
  const receivers = outputs.map((output, index) => {
    const address = `10.77.0.${10 + index}`;
    const host = lab.host(`n${index}`, `52:54:00:00:00:1${index}`, address);
    return lab.start(host, [...huck, "catch", output, "--interface", "eth0", "--json"]);
  });
  const catching = receivers.map((child) => watch(child));
  await sleep(2000);
  const wait = ["--min-receivers", String(RECEIVERS), "--max-wait", "60s", "--rate", rate];
  const cast = [...huck, "cast", source, "--interface", BRIDGE, ...wait, "--json"];
  const sender = lab.start(lab.namespace, cast);
  const sending = watch(sender);
  await sending.line('"started"');
  const startedMs = performance.now();
  const attacker = attack.length === 0 ? undefined : startAttacker(lab, attack);
  const ends = await Promise.all(catching.map((one) => one.line('"complete"')));
  const tookMs = Math.max(...ends) - startedMs;
  const memoryMb = memoryOf(sender);
  attacker?.kill("SIGKILL");
  const exits = await Promise.all(catching.map((one) => one.exit));
  await Promise.race([sending.exit, sleep(3000)]);
  sender.kill("SIGTERM");
  const faults = exits.flatMap((code, index) =>
    code === 0 ? [] : [`receiver ${index} ended with ${String(code)}`],
  );
  for (const output of outputs) {
    if (spawnSync("cmp", [source, output]).status !== 0) faults.push(`${output} is another file`);
    rmSync(output, { force: true });
  }
  faults.push(...untrue(sending.lines));
  return { tookMs, memoryMb, faults };
}

/** Every honest receiver must have ended well in the sender's own words. */
function untrue(lines: readonly string[]): string[] {
  const done = lines.filter((line) => line.includes('"done"')).length;
  return done < RECEIVERS
    ? [`the sender knows of ${done} complete receivers: ${lines.slice(-4).join(" | ")}`]
    : [];
}

function startAttacker(lab: Lab, attack: readonly string[]): ChildProcess {
  const host = lab.host("evil", "52:54:00:00:00:66", "10.77.0.66");
  const [name = "", perSecond = ""] = attack;
  const program = "test/campaigns/session-attacker.ts";
  // In truth it has a processor of its own.
  const polite = ["nice", "-n", "15"];
  const child = lab.start(host, [...polite, process.execPath, program, name, "eth0", perSecond]);
  child.stderr?.pipe(process.stderr);
  return child;
}

function memoryOf({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1000;
}

interface Watched {
  readonly lines: string[];
  readonly exit: Promise<number | null>;
  /** When a line with a text came. */
  line(text: string): Promise<number>;
}

function watch(child: ChildProcess): Watched {
  const lines: string[] = [];
  const waiting: { text: string; resolve: (atMs: number) => void }[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      for (const one of waiting) if (line.includes(one.text)) one.resolve(performance.now());
    });
  }
  const exit = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => {
      resolve(code);
    });
  });
  return {
    lines,
    exit,
    line: async (text) => {
      const came = new Promise<number>((resolve) => {
        waiting.push({ text, resolve });
      });
      const late = sleep(RUN_MS_MAX, Infinity, { ref: false });
      const over = exit.then(() => Infinity);
      if (lines.some((line) => line.includes(text))) return performance.now();
      const atMs = await Promise.race([came, late, over]);
      if (atMs === Infinity) throw new Error(`no ${text}: ${lines.slice(-5).join("\n")}`);
      return atMs;
    },
  };
}
