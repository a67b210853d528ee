/**
 * Goal: a load that was running goes on after its server restarts and its store was mounted again
 * from a device with another number: the load knows its image file by what the file says of itself.
 *
 * Method: the store is an ext4 in a file, mounted over one loop device and, while the server is
 * down, over another one. Real server, real receiver over a file. Needs root.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MIB, makeExt, makeFile, putInto, run } from "../rig/disk-tools.ts";
import { FileNode } from "../rig/file-node.ts";
import { fileFolder } from "../rig/folder.ts";
import { LabServer } from "../rig/huck-server.ts";
import { Lab, labProblem } from "../rig/network-lab.ts";
import { seededBytes } from "../rig/seeded-bytes.ts";
import { sayWhySkipped } from "../rig/vm-stage.ts";

const problem = labProblem("sfdisk", "mke2fs", "losetup", "mount") ?? loopProblem();
sayWhySkipped("a store that is mounted again", problem);

const folder = fileFolder();
const file = (name: string): string => join(folder, name);
const store = file("server/images");
/** Loop devices of this test. */
const loops: string[] = [];
let lab: Lab;
let node: FileNode;
let server: LabServer;

beforeAll(() => {
  if (problem !== undefined) return;
  lab = new Lab("remount");
  node = new FileNode(lab, "n1", 11);
  server = new LabServer(lab, file("server"), {
    nodes: [node.settings],
    server: { dhcp: { mode: "off" }, bootSeconds: 60, silenceSeconds: 10, returnSeconds: 30 },
  });
  makeFile(file("store.ext4"), 64 * MIB);
  run("mke2fs", "-q", "-F", "-t", "ext4", file("store.ext4"));
  // A receiver's namespace has mounts of its own; only from a shared mount do they end with ours.
  mkdirSync(store);
  run("mount", "--bind", store, store);
  run("mount", "--make-shared", store);
});

afterAll(async () => {
  if (problem !== undefined) return;
  await server.stop();
  await lab.close();
  while (spawnSync("umount", [store]).status === 0);
  for (const loop of loops) if (isAttached(loop)) run("losetup", "--detach", loop);
});

function loopProblem(): string | undefined {
  const { status, stderr } = spawnSync("losetup", ["--find"], { encoding: "utf8" });
  return status === 0 ? undefined : `no loop devices here: ${stderr.trim()}`;
}

function isAttached(loop: string): boolean {
  return existsSync(`/sys/block/${basename(loop)}/loop`);
}

function attachStore(): string {
  const loop = run("losetup", "--find", "--show", file("store.ext4")).trim();
  loops.push(loop);
  return loop;
}

/** Takes the store from one loop device to another, once the kernel has let go of the first one. */
async function remountStore(first: string): Promise<void> {
  run("umount", store);
  const second = attachStore(); // before the first is detached, so that it has another number
  run("losetup", "--detach", first);
  await expect.poll(() => isAttached(first), { timeout: 30_000 }).toBe(false);
  run("mount", "-t", "ext4", second, store);
}

/** A GPT disk with one ext4 whose files do not compress: at 5 Mbit/s its load takes seconds. */
function makeSource(disk: string): void {
  mkdirSync(file("tree"));
  writeFileSync(file("tree/file"), seededBytes(1, 5 * MIB));
  makeExt(file("part"), 30 * MIB, file("tree"), ["-t", "ext4"]);
  makeFile(disk, 32 * MIB);
  run("sh", "-c", `echo 'label: gpt\nstart=2048' | sfdisk --quiet ${disk}`);
  putInto(disk, MIB, file("part"));
}

test.skipIf(problem !== undefined)(
  "P3: a load goes on after its store was mounted again from another device",
  async () => {
    makeSource(file("source"));
    const loop = attachStore();
    run("mount", "-t", "ext4", loop, store);
    await server.start();
    await server.importImage(file("source"), "small");
    const before = statSync(join(store, "small.huck"));
    makeFile(file("target"), 32 * MIB);
    const load = ["image-load", "-i", "small", "n1", "--gather", "0", "--rate", "5M"];
    const loading = server.begin(...load);
    await loading.until(({ kind, text = "" }) => kind === "note" && text.includes("restart"));
    const visit = await node.visit(server, [file("target")]);
    await loading.until(({ phase }) => phase === "receiving");

    await server.stop();
    await remountStore(loop);
    const after = statSync(join(store, "small.huck"));
    expect([after.ino, after.size]).toEqual([before.ino, before.size]);
    expect(after.dev).not.toBe(before.dev);
    await server.start();

    expect((await visit.ended).exitCode, visit.output()).toBe(0);
    const verdict = (await loading.ended).verdict("n1");
    expect(verdict).toMatchObject({ code: "ok" });
    expect(verdict.bytesWritten).toBeGreaterThan(5 * MIB);
    expect(run("sfdisk", "-V", file("target"))).toContain("No errors");
    const written = readFileSync(file("target")).subarray(MIB, 31 * MIB);
    expect(written.equals(readFileSync(file("part")))).toBe(true);
  },
);
