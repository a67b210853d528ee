/**
 * Goal: the disk under the state folder fills up in the middle of a load. Nodes that finish repeat
 * their verdicts until they are kept, new jobs are refused with the reason, an abort stops the
 * nodes, and once there is room the server goes on by itself, also if it was killed meanwhile.
 *
 * Method: the state folder is a real file system, filled to its last byte; the real server in a
 * network namespace, and a real receiver over a file. Needs root.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FileNode } from "../rig/file-node.ts";
import type { RunningVisit } from "../rig/file-node.ts";
import { fileFolder } from "../rig/folder.ts";
import { LabServer } from "../rig/huck-server.ts";
import type { RunningVerb } from "../rig/huck-server.ts";
import { Lab, labProblem } from "../rig/network-lab.ts";
import { seededBytes } from "../rig/seeded-bytes.ts";
import { SmallDisk, smallDiskProblem } from "../rig/small-disk.ts";
import { sayWhySkipped } from "../rig/vm-stage.ts";

const MIB = 1 << 20;
const DISK_BYTES = 16 * MIB;
/** At this rate the image takes some seconds: time enough to fill the disk. */
const SLOW = ["--no-delta", "--rate", "32M"];
/** A node asks again every two seconds, the server tries its journal every second. */
const SOON_MS = 20_000;
/** A node that the server does not hear for so long is silent. */
const SILENCE_SECONDS = 10;
const folder = fileFolder();

describe.each(["tmpfs", "ext4"] as const)("a full state folder on %s", (kind) => {
  const problem = labProblem("sfdisk", "mke2fs") ?? smallDiskProblem(kind, folder);
  sayWhySkipped(`a full state folder on ${kind}`, problem);
  const own = join(folder, kind);
  let state: SmallDisk;
  let lab: Lab;
  let node: FileNode;
  let server: LabServer;

  beforeAll(async () => {
    if (problem !== undefined) return;
    state = new SmallDisk(kind, join(own, "state"), 4 * MIB);
    lab = new Lab(kind);
    node = new FileNode(lab, "n1", 11);
    const other = new FileNode(lab, "n2", 12);
    server = new LabServer(lab, join(own, "server"), {
      nodes: [node.settings, other.settings],
      server: { dhcp: { mode: "off" }, state: state.folder, silenceSeconds: SILENCE_SECONDS },
    });
    await server.start();
    const source = join(own, "source");
    writeFileSync(source, seededBytes(7, DISK_BYTES));
    execFileSync("sfdisk", ["-q", source], { input: "start=2048, type=83\n" });
    await server.importImage(source, "small");
  });

  afterAll(async () => {
    if (problem !== undefined) return;
    await server.stop();
    await lab.close();
    state.close();
  });

  /** A load of the node, with a disk that fills up in the middle of the reception. */
  async function filledInLoad(): Promise<{
    readonly verb: RunningVerb;
    readonly visit: RunningVisit;
  }> {
    const path = join(own, "disk");
    writeFileSync(path, Buffer.alloc(DISK_BYTES, "old"));
    const verb = server.begin("image-load", "-i", "small", "1", ...SLOW);
    await verb.until(({ kind: of }) => of === "begin");
    const visit = await node.visit(server, [path]);
    await verb.until(({ kind: of, doneBytes = 0 }) => of === "progress" && doneBytes > MIB);
    state.fill();
    return { verb, visit };
  }

  async function visitSays(visit: RunningVisit, words: string): Promise<void> {
    await expect.poll(() => visit.output(), { timeout: SOON_MS }).toContain(words);
  }

  /** The journal is tried by every move of an order: soon at the latest. */
  async function logSays(words: string, from: number): Promise<void> {
    await expect.poll(() => server.log.slice(from), { timeout: SOON_MS }).toContain(words);
  }

  test.skipIf(problem !== undefined)(
    "a node that finishes meanwhile ends ok, and a new job is refused with the reason",
    async () => {
      const from = server.log.length;
      const { verb, visit } = await filledInLoad();
      const refused = await server.huck("image-load", "-i", "small", "2");
      expect(refused.errors).toMatch(/Cannot keep what happened: .*full.*\n {2}Make room/);
      expect(refused.exitCode).toBe(4);
      await logSays("Cannot keep what happened", from);
      await visitSays(visit, "verdict ok");
      await new Promise((resolve) => setTimeout(resolve, SILENCE_SECONDS * 1500));
      state.makeRoom();
      const run = await verb.ended;
      expect(run.verdict("n1")).toMatchObject({ code: "ok" });
      expect(run.exitCode).toBe(0);
      expect((await visit.ended).exitCode).toBe(0);
      await logSays("the journal can be written again", from);
    },
  );

  test.skipIf(problem !== undefined)(
    "a server that is killed meanwhile starts on the full disk, and the node ends ok",
    async () => {
      const { verb, visit } = await filledInLoad();
      await visitSays(visit, "verdict ok");
      await server.stop("SIGKILL");
      await server.start();
      await new Promise((resolve) => setTimeout(resolve, SILENCE_SECONDS * 1500));
      state.makeRoom();
      const run = await verb.ended;
      expect(run.verdict("n1")).toMatchObject({ code: "ok" });
      expect(run.exitCode).toBe(0);
      expect((await visit.ended).exitCode).toBe(0);
    },
  );

  test.skipIf(problem !== undefined)(
    "an abort stops the node meanwhile, and is kept when there is room",
    async () => {
      const { verb, visit } = await filledInLoad();
      verb.interrupt();
      await visitSays(visit, "verdict aborted");
      state.makeRoom();
      const run = await verb.ended;
      expect(run.verdict("n1")).toMatchObject({ code: "aborted", diskUntouched: false });
      expect(run.exitCode).toBe(5);
      await visit.ended;
    },
  );

  test.skipIf(problem !== undefined)(
    "a save whose image becomes durable meanwhile ends ok",
    async () => {
      const path = join(own, "disk");
      copyFileSync(join(own, "source"), path);
      const verb = server.begin("image-save", "-o", "saved", "1");
      await verb.until(({ kind: of }) => of === "begin");
      const visit = await node.visit(server, [path]);
      await verb.until(({ phase }) => phase === "capturing");
      state.fill();
      await visitSays(visit, "verdict ok");
      state.makeRoom();
      expect((await verb.ended).verdict("n1")).toMatchObject({ code: "ok" });
      await visit.ended;
    },
  );
});
