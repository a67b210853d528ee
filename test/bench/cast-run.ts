/**
 * One run of a cast row: network up, receivers ready, sender started, every copy compared.
 *
 * The time is from the start of the sender to the moment at which the last receiver is finished.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readlinkSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BenchRun } from "./figures.ts";
import { Link } from "./link.ts";
import { Programs } from "./programs.ts";
import type { Ended, Program } from "./programs.ts";
import type { CastPlace, CastSystem } from "./rows.ts";
import { cpuTimes, foreignShare } from "./processor.ts";

/** Receivers are ready before, even sixteen at once on two processors. Unit: milliseconds. */
const READY_WITHIN_MS = 30_000;
/** No event tells that another process has opened its socket. Unit: milliseconds. */
const LOOK_EVERY_MS = 20;
/** From an open socket to a joined group. Unit: milliseconds. */
const SETTLE_MS = 300;
/** The sender may take so long to end when all receivers have. Unit: milliseconds. */
const SENDER_ENDS_MS = 3000;

/** What one run needs beside its place. */
export interface RunBounds {
  /** No program runs longer. Unit: seconds. */
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** What a run came to; the campaign knows its row, program and size. */
export type Measured = Omit<BenchRun, "row" | "system">;

/**
 * Runs a system once.
 *
 * @param place - Its folder is empty and stays as the run leaves it.
 * @throws When the network cannot be made, or the signal is aborted.
 */
export async function runCast(
  place: CastPlace,
  system: CastSystem,
  bounds: RunBounds,
): Promise<Measured> {
  const link = new Link(place.row);
  const programs = new Programs(place.folder, bounds.seconds, bounds.signal);
  try {
    writeFileSync(join(place.folder, "hosts"), link.hosts);
    // Around all of the run, start-up too: that is what the programs' own figures count.
    const cpuBefore = cpuTimes();
    const outputs = link.receivers.map((_, index) => outputOf(place.folder, index + 1));
    const receivers = link.receivers.map((host, index) => {
      const command = system.receiver(place, index + 1, outputs[index] ?? "");
      return programs.start(`r${index + 1}`, command, host);
    });
    const finishes = receivers.map((program, index) =>
      system.endless === true
        ? finishOrEnd(place.folder, `done.${index + 1}`, program)
        : program.ended.then(({ atMs }) => atMs),
    );
    await untilListening(receivers);
    const startMs = performance.now();
    const sender = programs.start("s", system.sender(place), link.sender);
    const endMs = Math.max(...(await Promise.all(finishes)));
    const traffic = link.traffic();
    await Promise.race([sender.ended, sleep(SENDER_ENDS_MS, undefined, { ref: false })]);
    const overflows = link.overflows();
    const senderEnd = await sender.stop();
    const ends = await Promise.all(receivers.map((program) => program.stop()));
    const cpuAfter = cpuTimes();
    bounds.signal.throwIfAborted();
    const right = outputs.filter((output) => isSame(place.source, output)).length;
    if (right < outputs.length) complain(programs, right, outputs.length);
    const own = sum([senderEnd, ...ends]);
    return {
      seconds: (endMs - startMs) / 1000,
      isGood: right === outputs.length,
      payloadBytes: place.row.sizeBytes,
      outBytes: traffic.downBytes,
      upFrames: traffic.upFrames,
      overflows,
      senderCpuSeconds: senderEnd.cpuSeconds,
      receiverCpuSeconds: sum(ends) / ends.length,
      memoryMib: Math.max(senderEnd.memoryMib, ...ends.map((end) => end.memoryMib)),
      foreignCpuShare: foreignShare(cpuBefore, cpuAfter, own),
    };
  } finally {
    await programs.stopAll();
    await link.close();
  }
}

function outputOf(folder: string, number: number): string {
  mkdirSync(join(folder, `r${number}`));
  return join(folder, `r${number}`, "out");
}

/** When an endless program makes its file, or ends all the same. */
async function finishOrEnd(folder: string, name: string, program: Program): Promise<number> {
  const watcher = watch(folder);
  try {
    const finished = new Promise<number>((resolve) => {
      watcher.on("change", () => {
        if (existsSync(join(folder, name))) resolve(performance.now());
      });
    });
    return await Promise.race([finished, program.ended.then(({ atMs }) => atMs)]);
  } finally {
    watcher.close();
  }
}

/** Waits until each program is in its namespace and has opened a UDP socket there. */
async function untilListening(programs: readonly Program[]): Promise<void> {
  const outside = readlinkSync("/proc/self/ns/net");
  const isListening = ({ pid }: Program): boolean => {
    try {
      if (readlinkSync(`/proc/${pid}/ns/net`) === outside) return false;
      return readFileSync(`/proc/${pid}/net/udp`, "utf8").trim().split("\n").length > 1;
    } catch {
      return true; // it ended; the run will show why
    }
  };
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!programs.every(isListening)) {
    if (performance.now() > deadline) throw new Error("the receivers opened no socket");
    await sleep(LOOK_EVERY_MS);
  }
  await sleep(SETTLE_MS);
}

function isSame(source: string, output: string): boolean {
  return spawnSync("cmp", ["-s", source, output]).status === 0;
}

function complain(programs: Programs, right: number, all: number): void {
  const words = ["s", "r1"].map((name) => `  ${name}: ${programs.lastWords(name)}`).join("\n");
  process.stderr.write(`only ${right} of ${all} copies are right\n${words}\n`);
}

function sum(ends: readonly Ended[]): number {
  return ends.reduce((total, end) => total + end.cpuSeconds, 0);
}
