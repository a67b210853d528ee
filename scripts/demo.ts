/**
 * `make demo`: the whole of huck on one computer, without root and without virtual machines.
 *
 * A real disk image with a gigabyte of real files is saved, a server and four receivers are started
 * on loopback, and the image is thrown at them while 1 % of all datagrams is lost. One receiver
 * comes late, one is killed half-way and started again. In the end every disk is read back,
 * compared, and checked by e2fsck.
 */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  createWriteStream,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { OperatorLine } from "../server/cli/remote/operator-line.io.ts";
import { NodeList, NodeToken, OperatorRoute } from "../shared/control/operator-api.ts";
import { ExitCode, messageOf } from "../shared/core/errors.ts";
import { createChunkCodec } from "../shared/image/codec.ts";
import { openPinger } from "../shared/linux/icmp.io.ts";
import { sizeText } from "../server/cli/quantity-text.ts";
import { checkFileSystem, compareDisk } from "./demo/proof.ts";
import { DISK_BYTES, makeSourceDisk } from "./demo/source-disk.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDER = join(ROOT, "build/demo");
const SOCKET = join(FOLDER, "huck.sock");
const NODES = ["pc-1", "pc-2", "pc-3", "pc-4"] as const;
/** The late receiver starts so long after the others. Unit: milliseconds. */
const LATE_MS = 4000;
/** The victim is killed when it has received this share. */
const KILL_AT = 0.4;
/** The victim is started again after this time. Unit: milliseconds. */
const DEAD_MS = 1500;
/** Time between two looks at how far a node is. Unit: milliseconds. */
const LOOK_EVERY_MS = 200;
/** The load must be over by then. Unit: milliseconds. */
const DEADLINE_MS = 300_000;
/** The server must be up by then. Unit: milliseconds. */
const SERVER_WITHIN_MS = 30_000;

const running = new Set<ChildProcess>();
const startedAt = performance.now();

function say(text: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(5);
  console.log(`[${seconds} s] ${text}`);
}

/** Starts a program whose output goes to a file of its own. */
function start(name: string, words: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, words, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const log = createWriteStream(join(FOLDER, `${name}.log`), { flags: "a" });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  running.add(child);
  child.once("exit", () => {
    running.delete(child);
  });
  return child;
}

/** Runs a verb of huck on this terminal. */
function huck(...words: readonly string[]): number {
  const { status } = spawnSync(process.execPath, ["huck.ts", ...words], {
    cwd: ROOT,
    stdio: "inherit",
  });
  return status ?? 1;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function writeConfig(): Promise<string> {
  const path = join(FOLDER, "huck.yaml");
  const nodes = NODES.map(
    (name, index) =>
      `  - { name: ${name}, macs: ["02:00:00:00:00:0${index + 1}"], ` +
      "reimage: free, disk: [{ bus: file }] }",
  );
  const lines = [
    "server:",
    "  address: 127.0.0.1",
    `  httpPort: ${await freePort()}`,
    `  dataPort: ${await freePort()}`,
    "  store: images",
    "  state: state",
    "  socket: huck.sock",
    "  dhcp: { mode: off }",
    "nodes:",
    ...nodes,
  ];
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

async function startServer(line: OperatorLine): Promise<void> {
  const server = start("server", ["huck.ts", "serve", "-c", await writeConfig()]);
  const until = performance.now() + SERVER_WITHIN_MS;
  while (performance.now() < until && server.exitCode === null) {
    try {
      await line.get(OperatorRoute.nodes, NodeList);
      return;
    } catch {
      await pause(LOOK_EVERY_MS); // not up yet
    }
  }
  throw new Error(`the server did not start: see ${join(FOLDER, "server.log")}`);
}

/**
 * Starts the receiver of a node as a booted kernel would: with the arguments that a boot script
 * carries.
 */
async function startReceiver(line: OperatorLine, name: string): Promise<ChildProcess> {
  const token = await line.post(OperatorRoute.tokens, { node: name }, NodeToken);
  const child = start(name, [
    "scripts/demo/receiver.ts",
    `huck.server=${token.serverUrl}`,
    `huck.token=${token.token}`,
    `huck.key=${token.serverKey}`,
    `BOOTIF=01-${token.mac.replaceAll(":", "-")}`,
    `huck.disk=${diskOf(name)}`,
    "huck.data-interface=lo",
  ]);
  child.once("close", (code) => {
    if (code === ExitCode.unknown) broken.reject(new Error(`${name} stopped: ${lastLineOf(name)}`));
  });
  return child;
}

/** Rejects when a receiver cannot even begin. */
const broken = Promise.withResolvers<never>();
broken.promise.catch(() => undefined); // it may break before anybody waits for it

function lastLineOf(name: string): string {
  return (
    readFileSync(join(FOLDER, `${name}.log`), "utf8")
      .trim()
      .split("\n")
      .at(-1) ?? ""
  );
}

function diskOf(name: string): string {
  return join(FOLDER, `${name}.img`);
}

/** Waits until the node has a job, then until it has received that share of its bytes. */
async function untilShare(line: OperatorLine, name: string, share: number): Promise<void> {
  const job = await jobOf(line, name);
  for await (const event of line.events(job, 0)) {
    if (event.kind === "end") throw new Error(`the job ended before ${name} could be killed`);
    if (event.kind !== "progress" || event.node !== name || event.totalBytes === 0) continue;
    if (event.doneBytes / event.totalBytes >= share) return;
  }
}

async function jobOf(line: OperatorLine, name: string): Promise<string> {
  const until = performance.now() + DEADLINE_MS;
  while (performance.now() < until) {
    const { nodes } = await line.get(OperatorRoute.nodes, NodeList);
    const job = nodes.find((node) => node.name === name)?.job;
    if (typeof job === "string") return job;
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`${name} never got a job`);
}

/** Starts the receivers: two at once, one late, one that is killed half-way and comes back. */
async function startNodes(line: OperatorLine): Promise<void> {
  await jobOf(line, "pc-1");
  await startReceiver(line, "pc-1");
  await startReceiver(line, "pc-2");
  const victim = await startReceiver(line, "pc-3");
  const late = pause(LATE_MS).then(() => startReceiver(line, "pc-4"));
  await untilShare(line, "pc-3", KILL_AT);
  victim.kill("SIGKILL");
  await pause(DEAD_MS);
  await startReceiver(line, "pc-3");
  await late;
}

/**
 * Loads the image with the real verb on this terminal, while the receivers are started beside it.
 */
async function loadAll(line: OperatorLine): Promise<number> {
  const words = [
    "huck.ts",
    "image-load",
    "--socket",
    SOCKET,
    "-i",
    "demo",
    "--all",
    "--verify",
    "full",
  ];
  const limits = ["--gather", "3", "--timeout", String(DEADLINE_MS / 1000)];
  const verb = spawn(process.execPath, [...words, ...limits], { cwd: ROOT, stdio: "inherit" });
  running.add(verb);
  const ended = once(verb, "exit");
  await Promise.race([startNodes(line), ended, broken.promise]);
  const [code] = (await Promise.race([ended, broken.promise])) as [number | null];
  running.delete(verb);
  return code ?? 1;
}

async function proveAll(): Promise<number> {
  const checks = NODES.map((name) => checkFileSystem(diskOf(name)));
  let right = 0;
  for (const [index, name] of NODES.entries()) {
    const { differing, chunks } = await compareDisk(join(FOLDER, "images/demo.huck"), diskOf(name));
    const fault = await checks[index];
    const reading =
      differing === 0 ? `all ${chunks} chunks read back equal` : `${differing} chunks differ`;
    say(`${name}: ${reading}; ${fault ?? "e2fsck finds the file system clean"}`);
    if (differing === 0 && fault === undefined) right += 1;
  }
  return right;
}

async function sayTwins(): Promise<void> {
  const { name } = await createChunkCodec("auto");
  if (name === "node:zlib") say("zstd-napi is not built here: its twin node:zlib compresses");
  try {
    const pinger = openPinger();
    if (pinger.kind !== "raw-socket")
      say("raw-socket is not built here: its twin over koffi pings");
    pinger.close();
  } catch {
    say("pings need root or net.ipv4.ping_group_range: `huck status` will show them as unknown");
  }
}

async function demo(): Promise<boolean> {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(join(FOLDER, "images"), { recursive: true });
  await sayTwins();
  say("making a disk with a GPT, an ext4 file system and real files");
  const source = makeSourceDisk(ROOT, FOLDER);
  say(`${sizeText(source.fileBytes)} of files on a disk of ${sizeText(DISK_BYTES)}; saving it`);
  const store = join(FOLDER, "images");
  if (huck("image", "save", source.path, "-o", "demo", "--store", store, "--level", "1") !== 0)
    return false;
  for (const name of NODES) {
    writeFileSync(diskOf(name), "");
    truncateSync(diskOf(name), DISK_BYTES);
  }
  const line = new OperatorLine(SOCKET);
  await startServer(line);
  say("throwing it at 4 receivers; 1 % of datagrams is lost; one comes late, one dies half-way");
  const code = await loadAll(line);
  const right = await proveAll();
  say(`${right} of ${NODES.length} nodes ok`);
  return code === 0 && right === NODES.length;
}

let good = false;
try {
  good = await demo();
} catch (error) {
  say(`the demo failed: ${messageOf(error)}; logs are in ${FOLDER}`);
} finally {
  for (const child of running) child.kill("SIGTERM");
}
process.exitCode = good ? 0 : 1;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
