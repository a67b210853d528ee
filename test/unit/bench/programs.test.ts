/**
 * Goal: whatever the benchmark starts ends, whole pipes included, and tells what it used.
 *
 * Method: real shells that work, sleep, or refuse to end.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { Programs } from "../../bench/programs.ts";
import { testFolder } from "../../rig/folder.ts";

const isHere = existsSync("/usr/bin/time");
const stop = new AbortController();
let folder: string;

beforeEach(() => {
  folder = testFolder();
});

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
}

test.skipIf(!isHere)("Programs.start() tells processor time, memory and exit code", async () => {
  const programs = new Programs(folder, 20, stop.signal);
  const busy = programs.start("busy", "for ((i = 0; i < 100000; i++)); do :; done; exit 7");
  const end = await busy.ended;
  expect(end.exitCode).toBe(7);
  expect(end.cpuSeconds).toBeGreaterThan(0);
  expect(end.memoryMib).toBeGreaterThan(0);
});

test.skipIf(!isHere)("Programs.start() fails a pipe of which any part fails", async () => {
  const programs = new Programs(folder, 20, stop.signal);
  const pipe = programs.start("pipe", "echo why >&2; false | true");
  expect((await pipe.ended).exitCode).toBe(1);
  expect(programs.lastWords("pipe")).toContain("why");
});

test.skipIf(!isHere)("Program.stop() ends all parts of a pipe and background jobs", async () => {
  const programs = new Programs(folder, 20, stop.signal);
  const started = join(folder, "sleeper");
  const pipe = programs.start("pipe", `sleep 60 & echo $! > ${started}; sleep 60 | cat`);
  await expect.poll(() => existsSync(started) && readFileSync(started, "utf8")).toMatch(/\d+\n/);
  await pipe.stop();
  const sleeper = Number(readFileSync(started, "utf8"));
  await expect.poll(() => isAlive(sleeper), { timeout: 5000 }).toBe(false);
});

test.skipIf(!isHere)("Program.stop() kills what does not want to end", async () => {
  const programs = new Programs(folder, 20, stop.signal);
  const ready = join(folder, "ready");
  const deaf = programs.start("deaf", `trap "" INT TERM; touch ${ready}; sleep 60; sleep 60`);
  await expect.poll(() => existsSync(ready)).toBe(true);
  await deaf.stop();
  expect(isAlive(deaf.pid)).toBe(false);
});

test.skipIf(!isHere)("Programs.start() starts nothing once the campaign was ended", () => {
  const ended = AbortSignal.abort();
  expect(() => new Programs(folder, 20, ended).start("late", "true")).toThrow();
});
