/**
 * Goal: a signal ends a verb soon, with 128 + n and with true words, also where the verb does not
 * listen: while an image is verified, while a server stops, and while an answer is awaited.
 *
 * Method: the real `huck`. Reads are counted by a library under it, so that the signal comes in the
 * middle; answers are held back by a socket between the verb and a real server.
 */
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { Server } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ErrorLab } from "../rig/error-lab.ts";
import { makeErrorFolder } from "../rig/error-cases.ts";
import { faultyEnvironment, faultyLibcProblem, makeFaultyLibc } from "../rig/faulty-libc.ts";
import { fileFolder } from "../rig/folder.ts";
import { root } from "../rig/huck-server.ts";
import { freePort } from "../rig/ports.ts";
import { seededBytes } from "../rig/seeded-bytes.ts";

const MIB = 1 << 20;
const folder = fileFolder();
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** Starts `huck` by Node.js itself, so that signals go to it. */
function start(words: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [join(root, "huck.ts"), ...words], {
    cwd: folder,
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  return child;
}

interface End {
  readonly exitCode: number | null;
  readonly output: string;
  readonly errors: string;
}

async function endOf(child: ChildProcess): Promise<End> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("both are pipes");
  const closed = once(child, "close");
  const [output, errors] = await Promise.all([text(stdout), text(stderr)]);
  await closed;
  return { exitCode: child.exitCode, output, errors };
}

test.skipIf(faultyLibcProblem !== undefined)(
  "Ctrl-C ends huck image verify in the middle and leaves nothing",
  async () => {
    const own = join(folder, "verify");
    mkdirSync(own);
    const [disk, image, count] = ["disk.img", "big.huck", "reads"].map((name) => join(own, name));
    if (disk === undefined || image === undefined || count === undefined) throw new Error("three");
    writeFileSync(disk, seededBytes(3, 128 * MIB));
    execFileSync("/sbin/sfdisk", ["-q", disk], { input: "start=2048, type=83\n" });
    expect(
      (await endOf(start(["image", "save", disk, "-o", image, "--level", "1"]))).exitCode,
    ).toBe(0);
    const library = makeFaultyLibc(folder);
    const fault = { file: "big.huck", call: "read", at: 1e9, errno: "EIO" } as const;
    const before = readdirSync(own);
    const verb = start(["image", "verify", image], faultyEnvironment(library, fault, count));
    const end = endOf(verb);
    await expect
      .poll(() => existsSync(count) && statSync(count).size, { timeout: 60_000, interval: 2 })
      .toBeGreaterThan(MIDDLE_READS);
    verb.kill("SIGINT");
    expect(await end).toEqual({
      exitCode: 130,
      output: "",
      errors: "huck: interrupted; nothing was changed\n",
    });
    expect(statSync(count).size).toBeLessThan(128);
    expect(readdirSync(own).sort()).toEqual([...before, "reads"].sort());
  },
);

/** Header, index and a few of the 128 chunks. */
const MIDDLE_READS = 16;

test("a second signal ends a stopping server at once, and the next one starts", async () => {
  const own = join(folder, "serve");
  mkdirSync(own);
  const config = join(own, "huck.yaml");
  const server = `{ address: 127.0.0.1, httpPort: ${freePort()}, dhcp: { mode: off }, socket: s }`;
  writeFileSync(config, `server: ${server}\nnodes: []\n`);
  const serve = async (): Promise<ChildProcess> => {
    const child = start(["serve", "-c", config]);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    return child;
  };
  const first = await serve();
  // Both are there when it goes on, in either order.
  for (const signal of ["SIGSTOP", "SIGINT", "SIGTERM", "SIGCONT"] as const) first.kill(signal);
  const ended = await endOf(first);
  const heard = ended.exitCode === 143 ? "SIGINT" : "SIGTERM";
  expect(ended).toMatchObject({
    exitCode: heard === "SIGINT" ? 143 : 130,
    output: expect.stringContaining(`huck: ${heard}, stopping; running jobs go on`) as string,
    errors: expect.stringContaining(
      "huck: ended at once; running jobs go on at the next start\n",
    ) as string,
  });
  const next = await serve();
  const jobs = await endOf(start(["job", "list", "--socket", join(own, "s")]));
  expect(jobs).toMatchObject({ exitCode: 0, errors: "" });
  next.kill("SIGTERM");
  expect(await endOf(next)).toMatchObject({ exitCode: 0 });
});

let lab: ErrorLab;
let between: Server;
/** Gets each request whose answer is held back. */
let held: (asked: string) => void = () => undefined;

beforeAll(async () => {
  lab = new ErrorLab(folder, await makeErrorFolder(folder));
  await lab.start();
  between = createServer((asked, reply) => {
    const { method = "", url = "" } = asked;
    if (method !== "GET") {
      held(`${method} ${url}`);
      return;
    }
    const socketPath = join(lab.folder, "huck.sock");
    request({ socketPath, method, path: url }, (answer) => {
      reply.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(reply);
    }).end();
  });
  await new Promise<void>((resolve) => {
    between.listen(join(folder, "between.sock"), resolve);
  });
});

afterAll(async () => {
  between.closeAllConnections();
  between.close();
  await lab.stop();
});

test.each([
  ["image trash lab", "DELETE /v1/images/lab", "SIGINT", 130],
  ["job abort JOB", "DELETE /v1/jobs/", "SIGTERM", 143],
  ["image-load -i lab fit01", "POST /v1/loads", "SIGHUP", 129],
  ["image-load -i lab fit01 --json", "POST /v1/loads", "SIGINT", 130],
] as const)(
  "huck %s, asking %s, says at %s what may be done",
  async (words, asks, signal, code) => {
    const socket = ["--socket", join(folder, "between.sock")];
    const { output } = await endOf(start(["job", "list", "--json", ...socket]));
    const jobs = output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, string>);
    const running = jobs.find(({ state }) => state === "running")?.["job"] ?? "none";
    const asked = new Promise<string>((resolve) => {
      held = resolve;
    });
    const verb = start([...words.replace("JOB", running).split(" "), ...socket]);
    const end = endOf(verb);
    expect(await asked).toContain(asks);
    verb.kill(signal);
    expect(await end).toEqual({
      exitCode: code,
      output: "",
      errors:
        "huck: interrupted before the server answered, which may have done it; " +
        "`huck job list` and `huck image list` tell\n",
    });
  },
);
