/**
 * Runs huck beside other programs, or beside another checkout of itself, and prints medians,
 * spreads and ratios.
 *
 * A figure means something only beside another of the same minutes on the same computer. So the
 * repetitions are outermost (A B C, A B C, ...), and what counts are ratios. README.md in this
 * folder tells the options and how to read the table.
 *
 *     node test/bench/main.ts --rows one,four --reps 5
 *     node test/bench/main.ts --compare ../older --rows one,four,save-ext4
 */
import { spawnSync } from "node:child_process";
import { createCipheriv } from "node:crypto";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, writeSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { labProblem } from "../rig/network-lab.ts";
import { bundleHuck } from "./bundle.ts";
import { runCast } from "./cast-run.ts";
import type { Measured, RunBounds } from "./cast-run.ts";
import { DiskBench } from "./disk-run.ts";
import { cellsOf, comparisonsOf } from "./figures.ts";
import type { BenchRun } from "./figures.ts";
import { CAST_SYSTEMS, DISK_SYSTEMS, ROWS, floorSeconds } from "./rows.ts";
import type { Row } from "./rows.ts";
import { comparisonTableOf, tableOf } from "./table.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** A campaign comes before what else the computer does, as far as it may. */
const NICENESS = -15;
const MIB = 1 << 20;
const REPS = 3;
/** Fewer repetitions say nothing about a change of a few percent. */
const COMPARE_REPS = 9;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const { values: options } = parseArgs({
  options: {
    rows: { type: "string", default: ROWS.map(({ name }) => name).join(",") },
    systems: { type: "string", default: "" },
    reps: { type: "string", default: "" },
    size: { type: "string", default: "" },
    tree: { type: "string", default: "/usr" },
    disk: { type: "string", default: "/var/tmp" },
    timeout: { type: "string", default: "180" },
    compare: { type: "string", default: "" },
    out: { type: "string", default: "" },
  },
});

/** A program of a row; of huck, one checkout's. */
interface Contender {
  readonly system: string;
  readonly isOld: boolean;
  readonly huck: string;
}

/** One run to be made. */
interface Turn {
  readonly row: Row;
  readonly contender: Contender;
}

/** A run, and whose it was. */
type KnownRun = BenchRun & { readonly isOld: boolean };

/** What a campaign works with. */
interface Campaign {
  readonly bounds: RunBounds;
  /** In memory; gone with the campaign. */
  readonly scratch: string;
  readonly disk: DiskBench | undefined;
}

function chosenRows(): readonly Row[] {
  const mebibytes = options.size === "" ? undefined : whole("--size", options.size);
  return options.rows.split(",").map((name) => {
    const row = ROWS.find((one) => one.name === name);
    if (row === undefined) {
      const all = ROWS.map((one) => one.name).join(" ");
      throw new Error(`Cannot run row "${name}": rows are ${all}`);
    }
    if (row.kind !== "cast" || mebibytes === undefined) return row;
    return { ...row, sizeBytes: Math.min(row.sizeBytes, mebibytes * MIB) };
  });
}

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`Cannot take ${name} "${text}": a whole number above 0 is wanted`);
}

/** Names of the programs that run in a row: those asked for, that the row has and that are here. */
function systemsOf(row: Row): readonly string[] {
  const all = row.kind === "cast" ? CAST_SYSTEMS : DISK_SYSTEMS;
  const asked = options.systems === "" ? Object.keys(all) : options.systems.split(",");
  const unknown = asked.find((name) => !(name in CAST_SYSTEMS || name in DISK_SYSTEMS));
  if (unknown !== undefined) {
    const known = new Set([...Object.keys(CAST_SYSTEMS), ...Object.keys(DISK_SYSTEMS)]);
    throw new Error(`Cannot run "${unknown}": programs are ${[...known].join(" ")}`);
  }
  return asked.filter((name) => {
    const system = all[name];
    if (system === undefined) return false;
    if (options.compare !== "" && system.isPeer) return false;
    if (system.needs === undefined || isInstalled(system.needs)) return true;
    process.stderr.write(`${name} is left out: ${system.needs} is not installed\n`);
    return false;
  });
}

function isInstalled(program: string): boolean {
  const folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  return folders.some((folder) => existsSync(join(folder, program)));
}

function contendersOf(
  rows: readonly Row[],
  huck: string,
  older: string | undefined,
): ReadonlyMap<Row, readonly Contender[]> {
  const both = (system: string): readonly Contender[] => [
    ...(older === undefined ? [] : [{ system, isOld: true, huck: older }]),
    { system, isOld: false, huck },
  ];
  return new Map(rows.map((row) => [row, systemsOf(row).flatMap(both)]));
}

async function runOnce(campaign: Campaign, row: Row, contender: Contender): Promise<Measured> {
  const folder = mkdtempSync(join(campaign.scratch, "run-"));
  const { system, huck, isOld } = contender;
  try {
    if (row.kind === "cast") {
      const cast = CAST_SYSTEMS[system];
      if (cast === undefined) throw new Error(`no program ${system}`);
      const source = sourceFile(campaign.scratch, row.sizeBytes);
      return await runCast({ row, huck, source, folder }, cast, campaign.bounds);
    }
    const program = DISK_SYSTEMS[system];
    if (program === undefined || campaign.disk === undefined) throw new Error("no disk");
    const run = { ...campaign.bounds, huck, folder };
    const name = isOld ? `${system}-before` : system;
    return await campaign.disk[row.kind](name, program, run);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Bytes that do not compress, the same in every campaign. */
function sourceFile(scratch: string, sizeBytes: number): string {
  const path = join(scratch, `source-${sizeBytes}`);
  if (existsSync(path)) return path;
  const cipher = createCipheriv("aes-256-ctr", Buffer.alloc(32, 7), Buffer.alloc(16));
  const zeros = Buffer.alloc(MIB);
  const file = openSync(path, "w");
  for (let left = sizeBytes; left > 0; left -= zeros.byteLength) {
    writeSync(file, cipher.update(zeros.subarray(0, Math.min(left, zeros.byteLength))));
  }
  closeSync(file);
  return path;
}

/** Repetitions outermost; whoever comes second finds caches warm, so contenders take turns. */
function scheduleOf(
  rows: readonly Row[],
  repetitions: number,
  contendersOfRow: ReadonlyMap<Row, readonly Contender[]>,
): readonly Turn[] {
  return Array.from({ length: repetitions }, (_, repetition) =>
    rows.flatMap((row) => {
      const contenders = contendersOfRow.get(row) ?? [];
      const inTurn = repetition % 2 === 0 ? contenders : contenders.toReversed();
      return inTurn.map((contender) => ({ row, contender }));
    }),
  ).flat();
}

/** All runs of a schedule, as far as it comes: a signal ends it. */
async function runAll(campaign: Campaign, schedule: readonly Turn[]): Promise<readonly KnownRun[]> {
  const runs: KnownRun[] = [];
  const { signal } = campaign.bounds;
  for (const [index, { row, contender }] of schedule.entries()) {
    try {
      const measured = await runOnce(campaign, row, contender);
      const { system, isOld } = contender;
      runs.push({ row: row.name, system, isOld, ...measured });
      const which = options.compare === "" ? "" : isOld ? " before" : " after";
      const end = `${measured.seconds.toFixed(3)} s${measured.isGood ? "" : " (not good)"}`;
      const place = `${index + 1}/${schedule.length} ${row.name} ${system}${which}`;
      process.stderr.write(`${place}: ${end}\n`);
    } catch (error) {
      if (signal.aborted) break;
      throw error;
    }
  }
  return runs;
}

/** Results as JSON, and the table. */
function publish(runs: readonly KnownRun[]): void {
  const host = {
    kernel: `${os.type()} ${os.release()} ${os.machine()}`,
    processor: os.cpus()[0]?.model ?? "",
    processors: os.cpus().length,
    memoryGb: Math.round(os.totalmem() / 1e9),
    nodejs: process.version,
  };
  const rows = chosenRows();
  const isPeer = (system: string): boolean =>
    (CAST_SYSTEMS[system] ?? DISK_SYSTEMS[system])?.isPeer === true;
  const floorOf = (name: string): number => {
    const row = rows.find((one) => one.name === name);
    return row === undefined ? Number.NaN : floorSeconds(row);
  };
  const old = runs.filter(({ isOld }) => isOld);
  const now = runs.filter(({ isOld }) => !isOld);
  const cells = cellsOf(now, { isPeer, floorOf });
  const comparisons = options.compare === "" ? [] : comparisonsOf(old, now);
  const json = `${JSON.stringify({ host, options, cells, comparisons, runs }, null, 1)}\n`;
  const table = options.compare === "" ? tableOf(cells) : comparisonTableOf(comparisons);
  if (options.out === "") process.stdout.write(json);
  else {
    mkdirSync(options.out, { recursive: true });
    writeFileSync(join(options.out, "campaign.json"), json);
    writeFileSync(join(options.out, "campaign.md"), table);
  }
  process.stderr.write(`\n${table}`);
}

async function main(): Promise<number> {
  const rows = chosenRows();
  const problem = labProblem("ethtool", "tc", "cmp", "losetup", "mke2fs");
  if (problem !== undefined) throw new Error(`Cannot run the benchmark: ${problem}`);
  if (!existsSync("/usr/bin/time")) throw new Error("Cannot run the benchmark: no /usr/bin/time");
  const stop = new AbortController();
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      process.stderr.write(`\n${signal}: cleaning up\n`);
      stop.abort();
    });
  }
  comeFirst();
  const scratch = mkdtempSync(join(os.tmpdir(), "huck-bench-"));
  const isMounted = mountMemory(scratch);
  let disk: DiskBench | undefined;
  const diskFolder = mkdtempSync(join(options.disk, "huck-bench-"));
  try {
    const packages = join(ROOT, "node_modules");
    const huck = await bundleHuck(ROOT, packages, join(scratch, "huck"));
    const older =
      options.compare === ""
        ? undefined
        : await bundleHuck(resolve(options.compare), packages, join(scratch, "older"));
    if (rows.some(({ kind }) => kind !== "cast")) disk = new DiskBench(diskFolder, options.tree);
    const bounds = { seconds: whole("--timeout", options.timeout), signal: stop.signal };
    const usual = older === undefined ? REPS : COMPARE_REPS;
    const repetitions = options.reps === "" ? usual : whole("--reps", options.reps);
    const schedule = scheduleOf(rows, repetitions, contendersOf(rows, huck, older));
    const runs = await runAll({ bounds, scratch, disk }, schedule);
    if (runs.length > 0) publish(runs);
    return stop.signal.aborted ? 130 : 0;
  } finally {
    disk?.close();
    rmSync(diskFolder, { recursive: true });
    // Lazy: whatever still holds a file gives the memory back when it ends.
    if (isMounted) spawnSync("umount", ["--lazy", scratch]);
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Against what else this computer does: within the session, and the session against others. */
function comeFirst(): void {
  os.setPriority(NICENESS);
  try {
    writeFileSync("/proc/self/autogroup", String(NICENESS));
  } catch {
    // A kernel without groups of sessions: the priority alone counts.
  }
}

/** Huge pages spare a virtual machine's host faults; where there are none, plain ones do. */
function mountMemory(folder: string): boolean {
  return ["size=90%,huge=always", "size=90%"].some(
    (how) => spawnSync("mount", ["-t", "tmpfs", "-o", how, "tmpfs", folder]).status === 0,
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
