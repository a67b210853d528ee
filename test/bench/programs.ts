/**
 * Programs that are timed, bounded, and ended for certain.
 *
 * Each one runs below `timeout`, which ends it even when this process is killed first, and below
 * GNU time, which tells its processor time and memory. `timeout` makes a process group of its own,
 * so that a whole pipe can be ended by one number.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A program that was asked to end is killed after so long. Unit: milliseconds. */
const KILL_AFTER_MS = 2000;

/** How a program ended and what it used. */
export interface Ended {
  /** NaN when it was killed before it could be told. */
  readonly cpuSeconds: number;
  readonly memoryMib: number;
  readonly exitCode: number;
  /** By `performance.now()`. */
  readonly atMs: number;
}

/** A program that was started. */
export interface Program {
  /** Leader of its process group, in the program's namespace. */
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Asks it to end, kills it when it does not, and waits for that. */
  stop(): Promise<Ended>;
}

/** The programs of one run. */
export class Programs {
  readonly #folder: string;
  readonly #seconds: number;
  readonly #signal: AbortSignal;
  readonly #programs: Program[] = [];

  /**
   * @param folder - For logs.
   * @param seconds - No program runs longer.
   * @param signal - Nothing is started any more once it is aborted.
   */
  constructor(folder: string, seconds: number, signal: AbortSignal) {
    this.#folder = folder;
    this.#seconds = seconds;
    this.#signal = signal;
  }

  /**
   * Starts a program.
   *
   * @param name - Of its log; once per run.
   * @param command - For bash; a pipe fails when any part of it does.
   * @param namespace - Network namespace; this computer's own when left out.
   * @returns The program; it is stopped when the signal is aborted.
   */
  start(name: string, command: string, namespace?: string): Program {
    this.#signal.throwIfAborted();
    const timeFile = join(this.#folder, `${name}.time`);
    const where = namespace === undefined ? [] : ["ip", "netns", "exec", namespace];
    const bound = ["timeout", "-s", "INT", "-k", "2", String(this.#seconds)];
    const timed = ["/usr/bin/time", "-o", timeFile, "-f", "%U %S %M %x"];
    const shell = ["bash", "-o", "pipefail", "-c", command];
    const [first = "", ...rest] = [...where, ...bound, ...timed, ...shell];
    const log = openSync(join(this.#folder, `${name}.log`), "w");
    const child = spawn(first, rest, { stdio: ["ignore", log, log] });
    closeSync(log);
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", () => {
        killRest(child.pid);
        resolve({ ...readTimes(timeFile), atMs: performance.now() });
      });
    });
    const stop = async (): Promise<Ended> => {
      signalGroup(child, "SIGINT");
      const timer = setTimeout(() => {
        signalGroup(child, "SIGKILL");
      }, KILL_AFTER_MS);
      try {
        return await ended;
      } finally {
        clearTimeout(timer);
      }
    };
    const onAbort = (): void => void stop().catch(() => undefined);
    this.#signal.addEventListener("abort", onAbort, { once: true });
    void ended.then(
      () => {
        this.#signal.removeEventListener("abort", onAbort);
      },
      () => undefined,
    );
    const program = { pid: child.pid ?? -1, ended, stop };
    this.#programs.push(program);
    return program;
  }

  /** Stops all that still run. */
  async stopAll(): Promise<void> {
    await Promise.allSettled(this.#programs.map((program) => program.stop()));
  }

  /** Last lines of a program's log, to say why it failed. */
  lastWords(name: string): string {
    const text = readFileSync(join(this.#folder, `${name}.log`), "utf8");
    return text.trim().split("\n").slice(-3).join("\n");
  }
}

/** GNU time writes a line of its own before the figures when the program failed. */
function readTimes(file: string): Omit<Ended, "atMs"> {
  let line = "";
  try {
    line = readFileSync(file, "utf8").trim().split("\n").at(-1) ?? "";
  } catch {
    // Killed before it began.
  }
  const [user, system, kib, exitCode] = line.split(" ").map(Number);
  return {
    cpuSeconds: (user ?? Number.NaN) + (system ?? Number.NaN),
    memoryMib: (kib ?? Number.NaN) / 1024,
    exitCode: exitCode ?? -1,
  };
}

/** A shell's background jobs do not hear SIGINT and outlive it; they are still of its group. */
function killRest(group: number | undefined): void {
  if (group === undefined) return;
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // Nobody is left.
  }
}

/** Signals `timeout`'s group: GNU time ignores SIGINT and still tells what the program used. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal); // it has no group of its own yet
  }
}
