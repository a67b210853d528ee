/**
 * Goal: image-save takes one node and ends with the truth about its image. Method: the real binary,
 * a real server.
 */
import { expect, test } from "vitest";
import { TestNode, orderIn } from "../../../../rig/lab-kit.ts";
import { ServerPerTest } from "../../../../rig/server-per-test.ts";
import { imageBytes } from "../../../../rig/small-image.ts";
import { huck } from "./cli-kit.ts";

const lab = new ServerPerTest();
const socket = (): Record<string, string> => ({ HUCK_SOCKET: lab.server.socket });

test("image-save follows its node to a durable image and exits 0", async () => {
  const saving = huck(["image-save", "-o", "mine", "1"], socket());
  await lab.jobBegun();
  const node = await TestNode.boot(lab.server, "fit01");
  const order = orderIn(await node.join());
  await node.upload(await imageBytes());
  await node.end(order?.id ?? "", "ok");
  expect(await saving).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("1 of 1 node ok") as string,
  });
  expect((await huck(["image", "list"], socket())).stdout).toMatch(/^mine +[0-9a-f]{12} /m);
});

test("image-save refuses several nodes and bad names with exit 2", async () => {
  expect((await huck(["image-save", "-o", "mine", "1-2"], socket())).exitCode).toBe(2);
  expect((await huck(["image-save", "-o", "../mine", "1"], socket())).exitCode).toBe(2);
  expect((await huck(["image-save", "1"], socket())).exitCode).toBe(2);
});
