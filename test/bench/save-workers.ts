/**
 * Measures a save by the number of codec workers: `node test/bench/save-workers.ts [--disk FILE]`.
 *
 * Without a disk it makes one: ext4 filled from a folder of this computer (--from). Runs are
 * interleaved, so that whatever else the computer does falls on all of them alike; medians and
 * their ratios to one worker are printed as JSON. The image goes to a file in a folder of its own.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, openSync, closeSync, rmSync, writeSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openSource } from "../../server/cli/local/disk-source.io.ts";
import { planDisk } from "../../shared/allocation/plan.ts";
import { toHex } from "../../shared/core/digest.ts";
import { captureImage } from "../../shared/image/capture.ts";
import { openCodecPool } from "../../shared/image/codec-pool.io.ts";
import type { WrittenImage } from "../../shared/image/writer.ts";

const WORKERS: readonly number[] = [1, 2, 4];
const LEVELS: readonly number[] = [3, 1];

const { values } = parseArgs({
  options: {
    disk: { type: "string" },
    from: { type: "string", default: "/usr/lib/x86_64-linux-gnu" },
    rounds: { type: "string", default: "3" },
  },
});
const folder = mkdtempSync(join(tmpdir(), "huck-save-workers-"));

/** A file system without a table: what is measured is reading, encoding and writing. */
function makeDisk(): string {
  const disk = join(folder, "disk.img");
  const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
  execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", "-d", values.from, disk, "2G"], { env });
  return disk;
}

interface Run {
  readonly seconds: number;
  readonly image: WrittenImage;
}

async function save(disk: string, workers: number, level: number): Promise<Run> {
  const source = openSource(disk);
  const fd = openSync(join(folder, "image"), "w");
  const append = (bytes: Uint8Array): Promise<void> => {
    writeSync(fd, bytes);
    return Promise.resolve();
  };
  const pool = await openCodecPool("auto", workers);
  const plan = planDisk(source, { rawIfDirty: true });
  const options = { level, uuid: new Uint8Array(16), nowMs: 0, tool: "bench", host: "bench" };
  const began = performance.now();
  const image = await captureImage(source, plan, { sink: { append }, pool }, options);
  const seconds = (performance.now() - began) / 1000;
  await pool.close();
  closeSync(fd);
  source.close();
  return { seconds, image };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, two) => one - two);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

async function measure(disk: string): Promise<object[]> {
  const cases = LEVELS.flatMap((level) => WORKERS.map((workers) => ({ level, workers })));
  const runs = new Map(cases.map((one) => [one, [] as Run[]]));
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const [one, into] of runs) into.push(await save(disk, one.workers, one.level));
  }
  const timeOf = (level: number, workers: number): number => {
    const found = [...runs].find(([one]) => one.level === level && one.workers === workers);
    return median((found?.[1] ?? []).map(({ seconds }) => seconds));
  };
  return [...runs].map(([{ level, workers }, all]) => ({
    level,
    workers,
    seconds: all.map(({ seconds }) => Number(seconds.toFixed(2))),
    toOneWorker: Number((timeOf(level, workers) / timeOf(level, 1)).toFixed(3)),
    ids: [...new Set(all.map(({ image }) => toHex(image.imageId)))],
    rawBytes: all[0]?.image.rawBytes,
    fileBytes: all[0]?.image.fileBytes,
  }));
}

try {
  const results = await measure(values.disk ?? makeDisk());
  const computer = { cores: availableParallelism(), load: loadavg()[0] };
  console.log(JSON.stringify({ computer, results }, undefined, 2));
} finally {
  rmSync(folder, { recursive: true });
}
