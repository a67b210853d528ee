/**
 * Goal: one server per state folder, whichever way the folder is reached, and a killed server is in
 * nobody's way. Method: several real servers, each with its own huck.yaml, ports and socket.
 */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testFolder } from "../../../../rig/folder.ts";
import { configText } from "../../../../rig/lab-kit.ts";
import { freePort } from "../../../../rig/ports.ts";
import { startHuck } from "../remote/cli-kit.ts";

/** Five servers start in the time that one processor needs for five. */
const BOUND = { timeout: 60_000 };
const SERVERS = 5;
/** What a new state folder holds while its server runs. */
const STATE_FILES = ["huck.db", "huck.db-wal", "order-key.pem"];

let folder = "";
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = testFolder();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

interface Start {
  readonly where: string;
  readonly child: ChildProcess;
  /** True once it serves, false if it ends instead. */
  readonly serves: Promise<boolean>;
  readonly errors: Promise<string>;
}

/** Starts a server with a huck.yaml of its own. */
function start(name: string, state: string, before: readonly string[] = []): Start {
  const where = path.join(folder, name);
  mkdirSync(where, { recursive: true });
  writeFileSync(path.join(where, "huck.yaml"), configText(freePort(2), `, state: ${state}`));
  const child = startHuck(["serve"], where, before);
  children.push(child);
  let output = "";
  const serves = new Promise<boolean>((resolve) => {
    child.stdout?.on("data", (bytes: Buffer) => {
      output += bytes.toString();
      if (output.includes("may be reimaged")) resolve(true);
    });
    child.once("exit", () => {
      resolve(false);
    });
  });
  const errors = child.stderr === null ? Promise.resolve("") : text(child.stderr);
  return { where, child, serves, errors };
}

async function expectRefused({ where, child, serves, errors }: Start): Promise<void> {
  expect(await serves).toBe(false);
  expect(await errors).toMatch(
    /^huck: Cannot open the journal ".*huck\.db": .*\n {2}Another huck serve uses it: .*\n$/,
  );
  expect(child.exitCode).toBe(4);
  expect(readdirSync(where)).toEqual(["huck.yaml"]);
}

test(
  "of several servers that start at once on a new state folder exactly one serves",
  BOUND,
  async () => {
    const starts = Array.from({ length: SERVERS }, (_, index) => start(`s${index}`, "../state"));
    const served = await Promise.all(starts.map(({ serves }) => serves));
    expect(served.filter(Boolean)).toHaveLength(1);
    await Promise.all(starts.filter((_, index) => served[index] !== true).map(expectRefused));
    expect(readdirSync(path.join(folder, "state"))).toEqual(STATE_FILES);
  },
);

test(
  "a server that works keeps others out by every path, and once killed nobody",
  BOUND,
  async () => {
    mkdirSync(path.join(folder, "state"));
    mkdirSync(path.join(folder, "bound"));
    symlinkSync("state", path.join(folder, "linked"));
    const ways = [
      () => start("by-name", "../state"),
      () => start("by-link", "../linked"),
      ...(process.getuid?.() === 0 ? [() => start("by-mount", "../bound", inBindMount())] : []),
    ];
    let runs = start("first", "../state");
    expect(await runs.serves).toBe(true);
    await Promise.all(ways.map((way) => expectRefused(way())));
    for (const way of ways) {
      runs.child.kill("SIGKILL"); // the next one starts while the kernel still cleans up
      runs = way();
      expect(await runs.serves).toBe(true);
    }
    expect(readdirSync(path.join(folder, "state"))).toEqual(STATE_FILES);
  },
);

/** Words that run a program where the folder "bound" is the state folder, mounted a second time. */
function inBindMount(): string[] {
  const mountFirst = 'mount --bind "$0" "$1" && shift && exec "$@"';
  const paths = ["state", "bound"].map((name) => path.join(folder, name));
  return ["unshare", "--mount", "sh", "-c", mountFirst, ...paths];
}
