/**
 * Goal: one server per state folder, socket and port, whichever way the folder is reached, and a
 * killed server is in nobody's way. Method: several real servers, each with its own huck.yaml, and
 * its own ports and socket unless these are what is tested.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testFolder } from "../../../../rig/folder.ts";
import { configText } from "../../../../rig/lab-kit.ts";
import { freePort } from "../../../../rig/ports.ts";
import { huck, startHuck } from "../remote/cli-kit.ts";

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
  /** Its huck.yaml. */
  readonly config: string;
  readonly child: ChildProcess;
  /** True once it serves, false if it ends instead. */
  readonly serves: Promise<boolean>;
  readonly errors: Promise<string>;
}

/** Starts a server with a huck.yaml of its own. */
function start(
  name: string,
  state: string,
  before: readonly string[] = [],
  edited = (text: string): string => text,
): Start {
  const where = path.join(folder, name);
  const config = path.join(where, "huck.yaml");
  mkdirSync(where, { recursive: true });
  writeFileSync(config, edited(configText(freePort(2), `, state: ${state}`)));
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
  return { where, config, child, serves, errors };
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

test(
  "a server leaves socket and port of another one alone, and takes them once it was killed",
  BOUND,
  async () => {
    const first = start("first", "../state");
    expect(await first.serves).toBe(true);
    const socket = path.join(first.where, "huck.sock");
    const port = Number(/httpPort: (\d+)/.exec(readFileSync(first.config, "utf8"))?.[1]);
    const bySocket = start("by-socket", "../state-2", [], (text) =>
      text.replace("socket: huck.sock", `socket: ${socket}`),
    );
    expect(await bySocket.serves).toBe(false);
    expect(await bySocket.errors).toBe(
      `huck: Cannot listen on "${socket}": another server does\n` +
        "  Stop that server first, or give this one another socket in huck.yaml.\n",
    );
    const byPort = start("by-port", "../state-3", [], (text) =>
      text.replace(/httpPort: \d+/, `httpPort: ${port}`),
    );
    expect(await byPort.serves).toBe(false);
    expect(await byPort.errors).toMatch(
      new RegExp(
        `^huck: Cannot listen on 127.0.0.1, port ${port}: .*EADDRINUSE.*\n {2}Choose .*\n$`,
      ),
    );
    expect([bySocket.child.exitCode, byPort.child.exitCode]).toEqual([4, 4]);
    expect((await huck(["nodes", "--socket", socket])).stdout).toBe("fit01\nfit02\nfit03\n");
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const next = start("by-socket", "../state-2", [], () => readFileSync(bySocket.config, "utf8"));
    expect(await next.serves).toBe(true);
    expect((await huck(["nodes", "--socket", socket])).exitCode).toBe(0);
  },
);

test("a server does not take the socket of one that is too busy to answer", BOUND, async () => {
  const socket = path.join(folder, "busy.sock");
  const busy = spawn(process.execPath, ["-e", BUSY, socket], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(busy);
  await once(busy.stdout, "data");
  busy.kill("SIGSTOP");
  const waiting = await fillBacklog(socket);
  const second = start("second", "../state", [], (text) =>
    text.replace("socket: huck.sock", `socket: ${socket}`),
  );
  expect(await second.serves).toBe(false);
  expect(await second.errors).toContain(`Cannot listen on "${socket}": another server does`);
  busy.kill("SIGCONT");
  for (const one of waiting) one.destroy();
  await expect.poll(() => answersAt(socket)).toBe(true);
});

test(
  "of several servers that start at once on a dead server's socket exactly one has it",
  BOUND,
  async () => {
    const socket = path.join(folder, "dead.sock");
    const dead = spawn(process.execPath, ["-e", BUSY, socket], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(dead.stdout, "data");
    dead.kill("SIGKILL");
    await once(dead, "exit");
    expect(statSync(socket).isSocket()).toBe(true);
    const starts = Array.from({ length: SERVERS }, (_, index) =>
      start(`s${index}`, `../state-${index}`, [], (text) =>
        text.replace("socket: huck.sock", `socket: ${socket}`),
      ),
    );
    const served = await Promise.all(starts.map(({ serves }) => serves));
    expect(served.filter(Boolean)).toHaveLength(1);
    expect((await huck(["nodes", "--socket", socket])).exitCode).toBe(0);
  },
);

/** Listens and takes one connection after the other, as long as it is not stopped. */
const BUSY = `
  const options = { path: process.argv[1], backlog: 1 };
  require("node:net").createServer((one) => one.end()).listen(options, () => console.log("up"));
`;

/** Connects until the kernel takes no further connection. */
async function fillBacklog(socket: string): Promise<readonly Socket[]> {
  const open: Socket[] = [];
  for (let count = 0; count < 50; count += 1) {
    const one = connect(socket);
    open.push(one);
    const isFull = await new Promise<boolean>((resolve) => {
      one.once("connect", () => {
        resolve(false);
      });
      one.once("error", () => {
        resolve(true);
      });
    });
    if (isFull) return open;
  }
  throw new Error("the backlog has no end");
}

async function answersAt(socket: string): Promise<boolean> {
  const probe = connect(socket);
  return await new Promise((resolve) => {
    probe.once("error", () => {
      resolve(false);
    });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
  });
}

/** Words that run a program where the folder "bound" is the state folder, mounted a second time. */
function inBindMount(): string[] {
  const mountFirst = 'mount --bind "$0" "$1" && shift && exec "$@"';
  const paths = ["state", "bound"].map((name) => path.join(folder, name));
  return ["unshare", "--mount", "sh", "-c", mountFirst, ...paths];
}
