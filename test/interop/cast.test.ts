/**
 * Goal: what `huck cast` throws is what `huck catch` writes, and exit codes tell the truth.
 *
 * Method: the two commands as processes on loopback multicast, each test with a group of its own:
 * files, pipes and a disk; a late receiver; an interrupted one. Loss is made by a filter in a
 * network namespace where this user may make one. Bounds are time limits against hanging.
 */
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import {
  existsSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
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
    const receivers = [[out], [disk, "--erase", disk]].map((to) =>
      run(["catch", ...to, ...at, "--wait", "60"], inside),
    );
    const sender = run(["cast", path, ...at, "--min-receivers", "2", "--rate", "200M"], inside);
    for (const one of [sender, ...receivers]) expect(await one.exit, one.errors()).toBe(0);
    expect(readFileSync(out).equals(bytes)).toBe(true);
    expect(readFileSync(disk).subarray(0, bytes.byteLength).equals(bytes)).toBe(true);
  } finally {
    execFileSync("ip", ["netns", "del", namespace]);
    execFileSync("losetup", ["--detach", disk]);
  }
});

/** Casts to one receiver and waits for both. */
async function castOnce(
  from: string,
  ...to: readonly string[]
): Promise<{ sender: Run; receiver: Run }> {
  const at = place();
  const receiver = run(["catch", ...to, ...at, "--wait", "60"]);
  const sender = run(["cast", from, ...at, "--min-receivers", "1"]);
  await Promise.all([sender.exit, receiver.exit]);
  return { sender, receiver };
}

test.each(["/proc/cpuinfo", "/sys/kernel/notes", "/sys/kernel/mm/transparent_hugepage/enabled"])(
  "a file that the kernel makes up, like %s, is cast with all its bytes",
  async (path) => {
    if (!existsSync(path)) return;
    const out = join(folder, `made-up ${path.replaceAll("/", "-")}`);
    const { sender, receiver } = await castOnce(path, out);
    expect(await sender.exit, sender.errors()).toBe(0);
    expect(await receiver.exit, receiver.errors()).toBe(0);
    const lines = (bytes: Buffer): number => bytes.toString("latin1").split("\n").length;
    expect(readFileSync(out).byteLength).toBeGreaterThan(0);
    expect(lines(readFileSync(out))).toBe(lines(readFileSync(path)));
  },
);

test("a link stays a link, and the file behind it is written, also a new one", async () => {
  const { path, bytes } = input("behind", 1000);
  writeFileSync(join(folder, "old-file"), "old");
  for (const name of ["old-file", "new-file"]) {
    symlinkSync(name, join(folder, `link-to-${name}`));
    const link = join(folder, `link-to-${name}`);
    const { receiver } = await castOnce(path, link, "--erase", link);
    expect(await receiver.exit, receiver.errors()).toBe(0);
    expect(readlinkSync(join(folder, `link-to-${name}`))).toBe(name);
    expect(readFileSync(join(folder, name)).equals(bytes)).toBe(true);
  }
});

test("catch writes over nothing that --erase does not name", async () => {
  const kept = join(folder, "kept");
  writeFileSync(kept, "precious");
  for (const more of [[], ["--erase", "another"]]) {
    const refused = run(["catch", kept, ...place(), "--wait", "60", ...more]);
    expect(await refused.exit).toBe(4);
    expect(refused.errors()).toContain(`--erase "${kept}"`);
  }
  expect(readFileSync(kept, "utf8")).toBe("precious");
});

test("a pipe by name waits for the other end, and a signal ends the wait", async () => {
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  execFileSync("mkfifo", [from, to]);
  const { path, bytes } = input("through", 2_000_000);
  const at = place();
  const receiver = run(["catch", to, ...at, "--wait", "60"]);
  const sender = run(["cast", from, ...at, "--min-receivers", "1"]);
  const reader = spawn("cat", [to], { stdio: ["ignore", "pipe", "ignore"] });
  const pieces: Buffer[] = [];
  reader.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  spawn("cp", [path, from]);
  expect(await sender.exit, sender.errors()).toBe(0);
  expect(await receiver.exit, receiver.errors()).toBe(0);
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);

  const alone = run(["cast", from, ...place(), "--min-receivers", "1"]);
  setTimeout(() => alone.child.kill("SIGTERM"), 1500);
  expect([5, 143]).toContain(await alone.exit);
});

const noRoot = privileged ? undefined : "needs root to mount a small file system";

test.skipIf(noRoot !== undefined)(
  "a full disk at either end is told with a cure, and is no abort by the operator",
  async () => {
    const small = join(folder, "small");
    execFileSync("mkdir", [small]);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", small]);
    try {
      const { path } = input("large", 4_000_000);
      const { sender, receiver } = await castOnce(path, join(small, "out"));
      expect([await sender.exit, await receiver.exit]).toEqual([1, 1]);
      expect(receiver.errors()).toMatch(
        /huck: Cannot write ".*": no space is left .*\n {2}Make room/,
      );
      expect(readdirSync(small)).toEqual([]);
      const at = place();
      const waiting = run(["catch", join(folder, "never"), ...at, "--wait", "60"]);
      const spooling = run(
        ["cast", "-", ...at, "--min-receivers", "1"],
        ["env", `TMPDIR=${small}`, "NODE_DISABLE_COMPILE_CACHE=1"],
      );
      spooling.child.stdin?.end(readFileSync(path));
      expect([await spooling.exit, await waiting.exit]).toEqual([1, 1]);
      expect(spooling.errors()).toMatch(/Cannot keep the stream in ".*small": no space is left/);
      expect(existsSync(join(folder, "never"))).toBe(false);
    } finally {
      execFileSync("umount", [small]);
    }
  },
);

test.skipIf(noRoot !== undefined)("a network without a route is told at once", async () => {
  const { path } = input("unsent", 1000);
  const sender = run(["cast", path, "--min-receivers", "1"], ["unshare", "--net"]);
  expect(await sender.exit).toBe(4);
  expect(sender.errors()).toMatch(/the system refused all \d+ datagrams, a route wanted\n {2}Name/);
  const down = ["sh", "-c", 'ip link add d0 type dummy; exec "$@"', "sh"];
  const through = ["cast", path, "--min-receivers", "1", "--interface", "d0"];
  const lost = run(through, ["unshare", "--net", ...down]);
  expect(await lost.exit, lost.errors()).toBe(4);
  expect(lost.errors()).toMatch(/huck: Cannot .*\n {2}\S/);
});
