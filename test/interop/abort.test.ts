/**
 * Goal: an abort stops a node at once, and a node that waits for others keeps its disk as it is.
 * Method: the real server in a network namespace and real receivers as processes over files, each
 * with a network card of its own; a session so slow that it would take minutes. Needs root.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Lab, labProblem } from "../rig/network-lab.ts";
import { FileNode } from "../rig/file-node.ts";
import { LabServer } from "../rig/huck-server.ts";
import type { JsonLine, RunningVerb } from "../rig/huck-server.ts";
import { sayWhySkipped } from "../rig/vm-stage.ts";
import { fileFolder } from "../rig/folder.ts";
import { seededBytes } from "../rig/seeded-bytes.ts";

const problem = labProblem("sfdisk");
sayWhySkipped("aborts of receivers over files", problem);

const MIB = 1 << 20;
const DISK_BYTES = 64 * MIB;
/** At this rate the image takes a minute. */
const SLOW = ["--rate", "8M"];
/** What "at once" is, with room for a loaded computer. Unit: milliseconds. */
const AT_ONCE_MS = 10_000;

const folder = fileFolder();
let lab: Lab;
let server: LabServer;
let node: FileNode;
let absent: FileNode;

beforeAll(async () => {
  if (problem !== undefined) return;
  lab = new Lab("abort");
  node = new FileNode(lab, "n1", 11);
  absent = new FileNode(lab, "n2", 12);
  server = new LabServer(lab, join(folder, "server"), {
    nodes: [node.settings, absent.settings],
    server: { dhcp: { mode: "off" } },
  });
  await server.start();
  const source = join(folder, "source");
  writeFileSync(source, seededBytes(7, DISK_BYTES));
  execFileSync("sfdisk", ["-q", source], { input: "start=2048, type=83\n" });
  await server.importImage(source, "big");
});

afterAll(async () => {
  if (problem !== undefined) return;
  await server.stop();
  await lab.close();
});

/** A disk full of somebody's content. */
function freshDisk(name: string): { readonly path: string; readonly before: Buffer } {
  const path = join(folder, name);
  const before = Buffer.alloc(DISK_BYTES, name);
  writeFileSync(path, before);
  return { path, before };
}

async function receiving(verb: RunningVerb): Promise<JsonLine> {
  return await verb.until(({ kind, doneBytes = 0 }) => kind === "progress" && doneBytes > MIB / 2);
}

async function reachesPhase(verb: RunningVerb, phase: string): Promise<void> {
  await verb.until((line) => line.kind === "phase" && line.phase === phase);
}

test.skipIf(problem !== undefined)(
  "P16: a node that waits for one that never boots has its whole disk still, also when aborted",
  async () => {
    const { path, before } = freshDisk("waits");
    const verb = server.begin("image-load", "-i", "big", "1", "2", "--gather", "10m", "--no-delta");
    const visit = await node.visit(server, [path]);
    await reachesPhase(verb, "probing");
    await new Promise((resolve) => setTimeout(resolve, 3000)); // it armed within this once
    expect(readFileSync(path).equals(before)).toBe(true);
    verb.interrupt();
    const ended = await verb.ended;
    expect(ended.verdict("n1")).toMatchObject({ code: "aborted", diskUntouched: true });
    expect(ended.exitCode).toBe(5);
    await visit.ended;
    expect(readFileSync(path).equals(before)).toBe(true);
  },
);

test.skipIf(problem !== undefined)(
  "P16: a load that gathers nobody begins with its first node at once",
  async () => {
    const { path } = freshDisk("alone");
    const verb = server.begin(
      ...["image-load", "-i", "big", "1", "2", "--gather", "0", "--no-delta", "--rate", "200M"],
    );
    const visit = await node.visit(server, [path]);
    await reachesPhase(verb, "probing");
    const since = performance.now();
    await reachesPhase(verb, "receiving");
    expect(performance.now() - since).toBeLessThan(9000); // it waited for ten seconds and more
    verb.interrupt();
    await verb.ended;
    await visit.ended;
  },
);

test.skipIf(problem !== undefined).each(["job abort", "Ctrl-C", "SIGTERM to the node"] as const)(
  "P16: %s stops a node in the middle of receiving",
  async (how) => {
    const { path } = freshDisk("stops");
    const verb = server.begin("image-load", "-i", "big", "1", "--no-delta", ...SLOW);
    const visit = await node.visit(server, [path]);
    await receiving(verb);
    const since = performance.now();
    if (how === "Ctrl-C") verb.interrupt();
    else if (how === "SIGTERM to the node") visit.process.kill("SIGTERM");
    else {
      const [begun] = (await server.huck("job", "list")).lines;
      const { job = "" } = begun as JsonLine & { readonly job?: string };
      await server.huck("job", "abort", job.slice(0, 8));
    }
    const { verdict } = await verb.until(({ kind }) => kind === "verdict");
    expect(performance.now() - since).toBeLessThan(AT_ONCE_MS);
    expect(verdict).toMatchObject({ code: "aborted", diskUntouched: false, incomplete: true });
    expect(verdict?.bytesWritten).toBeLessThan(DISK_BYTES / 2);
    await verb.ended;
    await visit.ended;
  },
);
