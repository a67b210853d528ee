/**
 * What a disk with a partition table must survive: its partitions are those that the kernel and
 * libblkid see, and save, restore and save give the same disk and the same image id.
 */
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSource } from "../../server/cli/local/disk-source.io.ts";
import { imagePlace } from "../../server/cli/local/image-place.ts";
import { restoreLocally } from "../../server/cli/local/restore-locally.io.ts";
import { saveImage } from "../../server/cli/local/save-locally.io.ts";
import type { TerminalReporter } from "../../server/cli/terminal-reporter.io.ts";
import { type DiskPlan, planDisk, usedSectors } from "../../shared/allocation/plan.ts";
import type { ImageSummary } from "../../shared/image/summary.ts";
import { MIB, putBytes, run } from "./disk-tools.ts";
import type { TableCase } from "./partition-tables.ts";

const never = new AbortController().signal;
const quiet: TerminalReporter = { event: () => undefined, progress: () => undefined };
/** What a former owner left on the target. */
const FORMER = 0x77;

/** How far a disk came. */
export interface Trial {
  readonly text: string;
  /** What a larger target gave: "ok", or why the image cannot go there. */
  readonly larger: string;
}

/**
 * @param folder - An empty one; it is empty again afterwards.
 * @throws An error that says what was different.
 */
export async function tryTable(one: TableCase, folder: string): Promise<Trial> {
  const path = (name: string): string => join(folder, name);
  try {
    one.make(path("disk"), folder);
    if (one.read === "kernel") markPartitions(one, path("disk"));
    const plan = planOf(path("disk"), one);
    checkReading(one, plan, path("disk"));
    const first = await save(path("disk"), folder, "first", one);
    const size = readFileSync(path("disk")).byteLength;
    writeFileSync(path("same"), new Uint8Array(size).fill(FORMER));
    await restore(path("first.huck"), path("same"));
    compareUsed(plan, path("disk"), path("same"));
    expectEqual("partitions of the copy", listed(path("same"), one), listed(path("disk"), one));
    one.check?.(path("same"), folder);
    const second = await save(path("same"), folder, "second", one);
    expectEqual("image id of the copy", second.id, first.id);
    return {
      text: plan.partitions.map(({ mode, report }) => `${report?.kind ?? ""} ${mode}`).join(", "),
      larger: await onLarger(one, folder, size),
    };
  } finally {
    for (const name of ["disk", "same", "larger", "first.huck", "second.huck"]) {
      rmSync(path(name), { force: true });
    }
  }
}

/** Puts bytes into partitions that are empty, so that there is something to lose. */
function markPartitions(one: TableCase, file: string): void {
  const disk = readFileSync(file);
  for (const row of listed(file, one).split(", ")) {
    const [number = 0, start = 0] = row.split(" ").map(Number);
    const head = disk.subarray(start * 512, start * 512 + 4096);
    if (head.byteLength === 0 || head.some((byte) => byte !== 0)) continue;
    putBytes(file, start * 512, new Uint8Array(512).fill(number));
  }
}

/** The partitions that libblkid sees: number, start and length in units of 512 bytes. */
function listed(file: string, { sectorBytes = 512 }: TableCase): string {
  try {
    const columns = ["-r", "-g", "-o", "NR,START,SECTORS"];
    const sorted = run("partx", ...columns, "-S", String(sectorBytes), file)
      .trim()
      .split("\n");
    return sorted.map((line) => line.trim()).join(", ");
  } catch {
    return ""; // partx fails if there is no table
  }
}

function checkReading(one: TableCase, plan: DiskPlan, file: string): void {
  const { wholeBecause, kind } = plan.table;
  expectEqual("kept as one piece", kind === "none", one.read === "whole" || one.read === "none");
  expectEqual("says why", wholeBecause !== undefined, one.read === "whole");
  if (one.read === "whole" || one.read === "none") return;
  const scale = plan.sectorBytes / 512;
  const ours = [...plan.partitions]
    .sort((left, right) => left.partition.number - right.partition.number)
    .map(({ partition: { number, start, sectorCount } }) =>
      [number, start * scale, sectorCount * scale].join(" "),
    );
  expectEqual("partitions", ours.join(", "), onDisk(listed(file, one), plan));
}

/** libblkid does not know how long the disk is; the kernel does, and cuts. */
function onDisk(list: string, { sectorCount, sectorBytes }: DiskPlan): string {
  const units = (sectorCount * sectorBytes) / 512;
  const rows = list === "" ? [] : list.split(", ").map((row) => row.split(" ").map(Number));
  return rows
    .filter(([, start = 0]) => start < units)
    .map(([number, start = 0, count = 0]) => [number, start, Math.min(count, units - start)])
    .map((row) => row.join(" "))
    .join(", ");
}

function planOf(file: string, { sectorBytes }: TableCase): DiskPlan {
  const source = openSource(file, sectorBytes === 4096 ? 4096 : undefined);
  try {
    return planDisk(source, { rawIfDirty: false });
  } finally {
    source.close();
  }
}

async function save(
  source: string,
  folder: string,
  name: string,
  { sectorBytes }: TableCase,
): Promise<ImageSummary> {
  const place = imagePlace(name, folder);
  const common = {
    rawIfDirty: false,
    level: 1,
    codec: "auto",
    tool: "huck",
    host: "test",
  } as const;
  const sectors = sectorBytes === 4096 ? ({ sectorBytes: 4096 } as const) : {};
  return await saveImage({ source, place, ...common, ...sectors }, quiet, never);
}

async function restore(image: string, target: string): Promise<void> {
  const task = { image, target, erase: target, verify: "full", codec: "auto" } as const;
  await restoreLocally(task, quiet, never);
}

async function onLarger(one: TableCase, folder: string, size: number): Promise<string> {
  const target = join(folder, "larger");
  writeFileSync(target, "");
  truncateSync(target, Math.ceil(size / MIB + 7) * MIB);
  try {
    await restore(join(folder, "first.huck"), target);
  } catch (error) {
    return String(error instanceof Error ? error.message : error);
  }
  if (one.read !== "kernel") return "ok";
  const [before, after] = [listed(join(folder, "disk"), one), listed(target, one)];
  expectEqual("partitions of the larger copy", after, before);
  return "ok";
}

function compareUsed(plan: DiskPlan, left: string, right: string): void {
  const [one, two] = [readFileSync(left), readFileSync(right)];
  for (const { start, end } of usedSectors(plan)) {
    const [from, to] = [start * plan.sectorBytes, Math.min(one.byteLength, end * plan.sectorBytes)];
    if (one.compare(two, from, to, from, to) === 0) continue;
    throw new Error(`bytes ${from} to ${to} of the copy differ`);
  }
}

function expectEqual(what: string, found: unknown, wanted: unknown): void {
  if (found === wanted) return;
  throw new Error(`${what}: found ${String(found)}, wanted ${String(wanted)}`);
}
