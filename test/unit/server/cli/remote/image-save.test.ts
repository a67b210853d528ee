/**
 * Goal: image-save takes one node and ends with the truth about its image. Method: the real binary,
 * a real server.
 */
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import type { RunningServer } from "../../../../../server/main.io.ts";
import {
  TestNode,
  dropFolders,
  freshFolder,
  operate,
  serveIn,
  orderIn,
} from "../../../../rig/lab-kit.ts";
import { imageBytes } from "../../../../rig/small-image.ts";
import { freePort } from "../../../../rig/ports.ts";
import { huck } from "./cli-kit.ts";

let server: RunningServer;
let socket: Record<string, string>;

beforeEach(async () => {
  server = await serveIn(freshFolder(), freePort());
  socket = { HUCK_SOCKET: server.socket };
});
afterEach(async () => {
  await server.close();
});
afterAll(dropFolders);

test("image-save follows its node to a durable image and exits 0", async () => {
  const saving = huck(["image-save", "-o", "mine", "1"], socket);
  for (let tries = 0; tries < 300; tries += 1) {
    const { body } = await operate(server, "GET", "/v1/nodes");
    if (JSON.stringify(body).includes('"image":"mine"')) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const node = await TestNode.boot(server, "fit01");
  const order = orderIn(await node.join());
  await node.upload(await imageBytes());
  await node.end(order?.id ?? "", "ok");
  expect(await saving).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("1 of 1 node ok") as string,
  });
  expect((await huck(["image", "list"], socket)).stdout).toMatch(/^mine +[0-9a-f]{12} /m);
});

test("image-save refuses several nodes and bad names with exit 2", async () => {
  expect((await huck(["image-save", "-o", "mine", "1-2"], socket)).exitCode).toBe(2);
  expect((await huck(["image-save", "-o", "../mine", "1"], socket)).exitCode).toBe(2);
  expect((await huck(["image-save", "1"], socket)).exitCode).toBe(2);
});
