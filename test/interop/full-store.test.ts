/**
 * Goal: saves end with a clear error before they fill the disk that holds the store, however many
 * run at once; others can write there all the time; nothing is left behind, and the next save fits.
 *
 * Method: the store is a real small file system; drafts of the real store, and the real server with
 * real receivers that save disks of noise. Needs root.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFolderStore } from "../../server/store/folder-store.io.ts";
import { FileNode } from "../rig/file-node.ts";
import { fileFolder } from "../rig/folder.ts";
import { LabServer, root } from "../rig/huck-server.ts";
import { Lab, labProblem } from "../rig/network-lab.ts";
import { seededBytes } from "../rig/seeded-bytes.ts";
import { SmallDisk, smallDiskProblem } from "../rig/small-disk.ts";
import { sayWhySkipped } from "../rig/vm-stage.ts";

const MIB = 1 << 20;
const STORE_BYTES = 48 * MIB;
/** A twentieth of the store is kept free; what other writers need for a moment is less. */
const ALWAYS_FREE = MIB;
const folder = fileFolder();

/** Looks at the free space until it is stopped, and then gives the least that it has seen. */
function watchFree(disk: SmallDisk): () => number {
  let least = disk.freeBytes;
  const timer = setInterval(() => {
    least = Math.min(least, disk.freeBytes);
  }, 1);
  return () => {
    clearInterval(timer);
    return Math.min(least, disk.freeBytes);
  };
}

describe.each(["tmpfs", "ext4"] as const)("a store on a small %s", (kind) => {
  const problem = labProblem("mke2fs", "sfdisk") ?? smallDiskProblem(kind, folder);
  sayWhySkipped(`a store on a small ${kind}`, problem);
  const own = join(folder, kind);
  let disk: SmallDisk;
  let lab: Lab;
  let nodes: FileNode[] = [];
  let server: LabServer;

  beforeAll(async () => {
    if (problem !== undefined) return;
    disk = new SmallDisk(kind, join(own, "images"), STORE_BYTES);
    lab = new Lab(`st${kind}`);
    nodes = [11, 12].map((number) => new FileNode(lab, `n${number}`, number));
    server = new LabServer(lab, join(own, "server"), {
      nodes: nodes.map(({ settings }) => settings),
      server: { dhcp: { mode: "off" }, store: disk.folder },
    });
    await server.start();
  });

  afterAll(async () => {
    if (problem !== undefined) return;
    await server.stop();
    await lab.close();
    disk.close();
  });

  test.skipIf(problem !== undefined).each([1, 8])(
    "%i drafts at once end with store_full and leave others their room",
    async (count) => {
      const store = openFolderStore(disk.folder);
      const leastFree = watchFree(disk);
      const piece = seededBytes(3, 64 << 10);
      const fill = async (name: string): Promise<unknown> => {
        const draft = await store.draft(name);
        try {
          for (;;) await draft.append(piece);
        } catch (error) {
          return error;
        } finally {
          await draft.abort();
        }
      };
      const names = Array.from({ length: count }, (_, index) => `draft-${index}`);
      for (const error of await Promise.all(names.map(fill))) {
        expect(error).toMatchObject({ code: "store_full", cure: /Free space there/ });
      }
      expect(leastFree()).toBeGreaterThan(ALWAYS_FREE);
      await store.close();
    },
  );

  test.skipIf(problem !== undefined)(
    "huck image save to a file elsewhere ends with store_full, and leaves others their room",
    async () => {
      const leastFree = watchFree(disk);
      const source = join(own, "source");
      writeFileSync(source, seededBytes(9, 47 * MIB));
      execFileSync("sfdisk", ["-q", source], { input: "start=2048, type=83\n" });
      const file = join(disk.folder, "mine.huck");
      const run = spawn(join(root, "huck"), ["image", "save", source, "-o", file], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      const ended = once(run, "exit");
      const errors = await text(run.stderr);
      expect(errors).toContain(`no space is left; nothing of "${source}" was kept as "mine"`);
      expect(await ended).toEqual([1, null]);
      expect(leastFree()).toBeGreaterThan(ALWAYS_FREE);
      expect(readdirSync(disk.folder).filter((name) => !name.startsWith(".summ"))).toEqual([]);
    },
  );

  /** Saves disks of noise, one of each node, at once; gives codes, reasons and cures. */
  async function save(megabytes: number, names: readonly string[]): Promise<readonly string[]> {
    const saves = names.map(async (name, index) => {
      const node = nodes[index];
      if (node === undefined) throw new Error("there are two nodes");
      const path = join(own, `disk-${index}`);
      writeFileSync(path, seededBytes(index + 1, megabytes * MIB));
      const verb = server.begin("image-save", "-o", name, node.name);
      await verb.until(({ kind: of }) => of === "begin");
      const visit = await node.visit(server, [path]);
      const { code, reason, cure } = (await verb.ended).verdict(node.name);
      await visit.ended;
      return `${code}: ${reason} ${cure}`;
    });
    return await Promise.all(saves);
  }

  test.skipIf(problem !== undefined)(
    "saves that do not fit end with the reason, and one that fits is saved after them",
    async () => {
      const leastFree = watchFree(disk);
      for (const text of await save(47, ["left", "right"])) {
        expect(text).toMatch(/^upload_failed: .*no space is left.*Free space there/);
      }
      expect(leastFree()).toBeGreaterThan(ALWAYS_FREE);
      expect(readdirSync(disk.folder).filter((name) => !name.startsWith(".summ"))).toEqual([]);
      expect(await save(8, ["fits"])).toEqual([expect.stringMatching(/^ok:/)]);
      expect(readdirSync(disk.folder)).toContain("fits.huck");
    },
  );
});
