/**
 * Goal: `huck serve` runs without root when boot services are off, says where it is, and stops in
 * order. Method: the real binary on loopback.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { ON_FULL_DISK } from "../../../../rig/full-disk.ts";
import { configText, dropFolders, freshFolder } from "../../../../rig/lab-kit.ts";
import { freePort } from "../../../../rig/ports.ts";
import { huck, startHuck } from "../remote/cli-kit.ts";

afterAll(dropFolders);

/** Gives all that a process has printed so far. */
function outputOf(child: ChildProcess): () => string {
  let output = "";
  for (const pipe of [child.stdout, child.stderr]) {
    pipe?.on("data", (piece: Buffer) => {
      output += piece.toString();
    });
  }
  return () => output;
}

/** Waits until a server has printed its last line of the start. */
async function served(output: () => string): Promise<void> {
  await expect.poll(output, { timeout: 15_000 }).toContain("may be reimaged");
}

test("huck serve says where it is, answers, reloads on SIGHUP, stops on SIGTERM", async () => {
  const folder = freshFolder();
  const port = freePort();
  writeFileSync(path.join(folder, "huck.yaml"), configText(port));
  const child = startHuck(["serve"], folder);
  const output = outputOf(child);
  await served(output);
  expect(output()).toContain(`http://127.0.0.1:${port}`);
  const socket = path.join(folder, "huck.sock");
  expect((await huck(["nodes", "--socket", socket])).stdout).toBe("fit01\nfit02\nfit03\n");
  const other = await huck(["serve", "-c", path.join(folder, "huck.yaml")]);
  expect(other).toMatchObject({
    exitCode: 4,
    stderr: expect.stringMatching(/Cannot open the journal .*\n.*Another huck serve/) as string,
  });
  const file = path.join(folder, "huck.yaml");
  writeFileSync(file, configText(port).replace("fit03", "fit04"));
  child.kill("SIGHUP");
  await expect.poll(output, { timeout: 15_000 }).toContain("read huck.yaml again: 3 nodes");
  writeFileSync(file, "nodes: [");
  child.kill("SIGHUP");
  await expect.poll(output, { timeout: 15_000 }).toMatch(/line 1: .*; the old inventory stays/);
  expect((await huck(["nodes", "--socket", socket])).stdout).toBe("fit01\nfit02\nfit04\n");
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("huck serve needs a disk with room for its first start only, and says so", async () => {
  const folder = freshFolder();
  const file = path.join(folder, "huck.yaml");
  writeFileSync(file, configText(freePort()));
  const refused = await huck(["serve", "-c", file], {}, ON_FULL_DISK);
  expect(refused.exitCode).toBe(4);
  expect(refused.stderr).toMatch(
    /^huck: Cannot open the journal ".*huck.db": .*\n {2}Make room .*\n$/,
  );
  for (const before of [[], ON_FULL_DISK]) {
    const child = startHuck(["serve"], folder, before);
    await served(outputOf(child));
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  }
});

test("huck serve refuses a missing or broken configuration with exit 2 and the line", async () => {
  const folder = freshFolder();
  const file = path.join(folder, "huck.yaml");
  expect(await huck(["serve", "-c", file])).toMatchObject({ exitCode: 2 });
  writeFileSync(file, "server:\n  adress: 10.0.0.1\n");
  const broken = await huck(["serve", "-c", file]);
  expect(broken).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("line 2: ") as string,
  });
});
