/**
 * Goal: `huck serve` runs without root when boot services are off, says where it is, and stops in
 * order. Method: the real binary on loopback.
 */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { configText, dropFolders, freshFolder } from "../../../../rig/lab-kit.ts";
import { freePort } from "../../../../rig/ports.ts";
import { huck, startHuck } from "../remote/cli-kit.ts";

afterAll(dropFolders);

test("huck serve says where it is, answers, reloads on SIGHUP, stops on SIGTERM", async () => {
  const folder = freshFolder();
  const port = freePort();
  writeFileSync(path.join(folder, "huck.yaml"), configText(port));
  const child = startHuck(["serve"], folder);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (piece: Buffer) => {
      output += piece.toString();
    });
  }
  await expect.poll(() => output, { timeout: 15_000 }).toContain("nodes");
  expect(output).toContain(`http://127.0.0.1:${port}`);
  const socket = path.join(folder, "huck.sock");
  expect((await huck(["nodes", "--socket", socket])).stdout).toBe("fit01\nfit02\nfit03\n");
  const other = await huck(["serve", "-c", path.join(folder, "huck.yaml")]);
  expect(other).toMatchObject({
    exitCode: 4,
    stderr: expect.stringContaining("Cannot listen") as string,
  });
  const file = path.join(folder, "huck.yaml");
  writeFileSync(file, configText(port).replace("fit03", "fit04"));
  child.kill("SIGHUP");
  await expect.poll(() => output).toContain("read huck.yaml again: 3 nodes");
  writeFileSync(file, "nodes: [");
  child.kill("SIGHUP");
  await expect.poll(() => output).toMatch(/line 1: .*; the old inventory stays/);
  expect((await huck(["nodes", "--socket", socket])).stdout).toBe("fit01\nfit02\nfit04\n");
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
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
