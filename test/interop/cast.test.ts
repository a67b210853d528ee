/**
 * Goal: what `huck cast` throws is what `huck catch` writes, and exit codes tell the truth.
 *
 * Method: the two commands as processes on loopback multicast, each test with a group of its own:
 * files, pipes and a disk; a late receiver; an interrupted one. Loss is made by a filter in a
 * network namespace where this user may make one. Bounds are time limits against hanging.
 */
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../rig/ports.ts";
import { fileFolder } from "../rig/folder.ts";
import { seededBytes } from "../rig/seeded-bytes.ts";

const entry = new URL("../../huck.ts", import.meta.url).pathname;
const privileged = process.getuid?.() === 0;
const folder = fileFolder();
let group = 1;

interface Run {
  readonly child: ChildProcess;
  readonly output: Promise<Buffer>;
  readonly errors: () => string;
  readonly exit: Promise<number | null>;
}

function run(words: readonly string[], wrapper: readonly string[] = []): Run {
  const [command = "", ...args] = [...wrapper, process.execPath, entry, ...words];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  const pieces: Buffer[] = [];
  let errors = "";
  child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  child.stderr.on("data", (piece: Buffer) => {
    errors += piece.toString();
  });
  const exit = new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  return { child, output: exit.then(() => Buffer.concat(pieces)), errors: () => errors, exit };
}

/** Options that keep a test to loopback and to itself. */
function place(): string[] {
  group += 1;
  return ["--interface", "lo", "--group", `239.255.77.${group}`, "--port", `${freePort(2)}`];
}

function input(name: string, byteCount: number): { path: string; bytes: Buffer } {
  const bytes = seededBytes(byteCount, byteCount);
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return { path, bytes };
}

test.each([
  ["nothing", 0],
  ["one byte", 1],
  ["exactly one chunk", 1 << 20],
  ["a chunk and a byte", (1 << 20) + 1],
  ["many chunks", 9_000_123],
])("a file of %s reaches two receivers", async (name, byteCount) => {
  const at = place();
  const { path, bytes } = input(`in ${name}`, byteCount);
  const outs = [1, 2].map((index) => join(folder, `out ${name} ${index}`));
  const receivers = outs.map((out) => run(["catch", out, ...at, "--wait", "60"]));
  const sender = run(["cast", path, ...at, "--min-receivers", "2"]);
  expect(await sender.exit, sender.errors()).toBe(0);
  for (const receiver of receivers) expect(await receiver.exit, receiver.errors()).toBe(0);
  for (const out of outs) expect(readFileSync(out).equals(bytes)).toBe(true);
  expect(sender.errors()).toContain("cast complete: 2 of 2 receivers have it all");
});

test("a pipe goes in and comes out in order, and events come as JSON", async () => {
  const at = place();
  const bytes = seededBytes(1, 5_500_000);
  const receiver = run(["catch", "-", ...at, "--wait", "60", "--json"]);
  const sender = run(["cast", "-", ...at, "--min-receivers", "1", "--json"]);
  sender.child.stdin?.end(bytes);
  expect(await sender.exit, sender.errors()).toBe(0);
  expect(await receiver.exit, receiver.errors()).toBe(0);
  expect((await receiver.output).equals(bytes)).toBe(true);
  const events = (await sender.output)
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { kind: string });
  const kinds = events.map((event) => event.kind);
  expect(kinds).toContain("joined");
  expect(events.at(-1)).toMatchObject({ kind: "result", outcome: "complete", done: 1, members: 1 });
});

test("zeros become holes where --sparse asks for it, and the file is as long as ever", async () => {
  const at = place();
  const path = join(folder, "zeros");
  const bytes = Buffer.concat([Buffer.alloc(6 << 20), seededBytes(2, 5), Buffer.alloc(3 << 20)]);
  writeFileSync(path, bytes);
  const out = join(folder, "out zeros");
  const receiver = run(["catch", out, ...at, "--wait", "60", "--sparse"]);
  const sender = run(["cast", path, ...at, "--min-receivers", "1"]);
  for (const one of [sender, receiver]) expect(await one.exit, one.errors()).toBe(0);
  expect(readFileSync(out).equals(bytes)).toBe(true);
  expect(statSync(out).blocks * 512).toBeLessThan(3 << 20);
});

test("a receiver that comes late gets everything", async () => {
  const at = place();
  const { path, bytes } = input("late", 12_000_000);
  const outs = ["early", "late"].map((name) => join(folder, `out ${name}`));
  const [early = "", late = ""] = outs;
  const first = run(["catch", early, ...at, "--wait", "60"]);
  const sender = run(["cast", path, ...at, "--min-receivers", "1", "--rate", "20M"]);
  await new Promise<void>((resolve) => {
    sender.child.stderr?.on("data", () => {
      if (sender.errors().includes("started")) resolve();
    });
  });
  const second = run(["catch", late, ...at, "--wait", "60"]);
  for (const one of [sender, first, second]) expect(await one.exit, one.errors()).toBe(0);
  for (const out of outs) expect(readFileSync(out).equals(bytes)).toBe(true);
});

test("an interrupted receiver leaves no file behind and does not harm the other one", async () => {
  const at = place();
  const { path, bytes } = input("interrupted", 12_000_000);
  const good = join(folder, "out good");
  const bad = join(folder, "out bad");
  const receivers = [good, bad].map((out) => run(["catch", out, ...at, "--wait", "60"]));
  const sender = run(["cast", path, ...at, "--min-receivers", "2", "--rate", "30M"]);
  const victim = receivers[1];
  let interrupted = false;
  victim?.child.stderr?.on("data", () => {
    if (interrupted || !victim.errors().includes("started")) return;
    interrupted = victim.child.kill("SIGINT");
  });
  expect(await victim?.exit).toBe(5);
  expect(await receivers[0]?.exit).toBe(0);
  expect(await sender.exit, sender.errors()).toBe(1);
  expect(readFileSync(good).equals(bytes)).toBe(true);
  expect(existsSync(bad)).toBe(false);
  expect(readdirSync(folder).filter((name) => name.endsWith("huck-part"))).toEqual([]);
});

test("options that cannot be used are refused with exit code 2 and touch nothing", async () => {
  const { path } = input("unused", 10);
  const wrong = [
    ["cast", path, "--rate", "fast"],
    ["cast", path, "--port", "70000"],
    ["cast", path, "--min-receivers", "0"],
    ["catch", join(folder, "none"), "--port", "x"],
  ];
  for (const words of wrong) expect(await run(words).exit).toBe(2);
  const missing = run(["cast", join(folder, "nosuch")]);
  expect(await missing.exit).toBe(4);
  expect(missing.errors()).toContain("ENOENT");
  const nowhere = run(["catch", join(folder, "none"), "--interface", "nosuch0"]);
  expect(await nowhere.exit).toBe(4);
  expect(nowhere.errors()).toContain('"lo"');
  expect(existsSync(join(folder, "none"))).toBe(false);
});

test("a receiver that hears no cast gives up after its wait", async () => {
  const alone = run(["catch", join(folder, "lonely"), ...place(), "--wait", "0.3"]);
  expect(await alone.exit).toBe(1);
  expect(existsSync(join(folder, "lonely"))).toBe(false);
});

test.skipIf(!privileged)("5 % loss each way costs nothing but repair, on a disk too", async () => {
  const { path, bytes } = input("lossy", 20_000_000);
  const backing = join(folder, "disk.img");
  writeFileSync(backing, Buffer.alloc(24 << 20, 0x5a));
  const disk = execFileSync("losetup", ["--find", "--show", backing], { encoding: "utf8" }).trim();
  const namespace = `huck-cast-${process.pid}`;
  const inside = ["ip", "netns", "exec", namespace];
  const rules = `table inet loss { chain in { type filter hook input priority 0;
    meta l4proto udp numgen random mod 100 < 5 drop
    }
  }
  `;
  try {
    execFileSync("ip", ["netns", "add", namespace]);
    execFileSync("ip", ["-n", namespace, "link", "set", "lo", "up"]);
    execFileSync("ip", ["netns", "exec", namespace, "nft", "-f", "-"], { input: rules });
    const at = place();
    const out = join(folder, "out lossy");
    const receivers = [out, disk].map((to) => run(["catch", to, ...at, "--wait", "60"], inside));
    const sender = run(["cast", path, ...at, "--min-receivers", "2", "--rate", "200M"], inside);
    for (const one of [sender, ...receivers]) expect(await one.exit, one.errors()).toBe(0);
    expect(readFileSync(out).equals(bytes)).toBe(true);
    expect(readFileSync(disk).subarray(0, bytes.byteLength).equals(bytes)).toBe(true);
  } finally {
    execFileSync("ip", ["netns", "del", namespace]);
    execFileSync("losetup", ["--detach", disk]);
  }
});
