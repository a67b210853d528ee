/**
 * Goal: two files of equal content have one image id and stay two files: a node's manifest, its
 * chunks and its session all come from the file that its load named.
 * Method: a real server; one disk saved twice, compressed and raw, and the one file put in the
 * other's place.
 */
import { readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { NodeRoute } from "../../../../shared/control/node-api.ts";
import { openRecord } from "../../../../shared/image/chunk-decoder.ts";
import { openImageTail } from "../../../../shared/image/reader.ts";
import { eventsOf } from "../../../rig/lab-kit.ts";
import { ServerPerTest } from "../../../rig/server-per-test.ts";
import { STORED_RAW, storeImage } from "../../../rig/small-image.ts";
import type { TestNode } from "../../../rig/lab-kit.ts";

const lab = new ServerPerTest();

beforeEach(async () => {
  expect(await storeImage(lab.folder, "twin", STORED_RAW)).toBe(lab.imageId);
});

/** Fetches all a node may fetch and finds it whole and in that file. */
async function expectAllFrom(node: TestNode, image: string): Promise<void> {
  const file = readFileSync(path.join(lab.folder, "images", `${image}.huck`));
  const manifest = await node.get(NodeRoute.manifest);
  expect(manifest.status).toBe(200);
  expect(file.subarray(-manifest.bytes.byteLength).equals(manifest.bytes)).toBe(true);
  const { table } = openImageTail(manifest.bytes);
  for (let chunk = 0; chunk < table.count; chunk += 1) {
    const { bytes } = await node.get(`${NodeRoute.chunk}/${chunk}`);
    openRecord(bytes, table.entry(chunk), chunk);
  }
}

test("a load of the second file after one of the first serves the second file", async () => {
  await lab.beginLoad(["fit01"]);
  const first = await lab.joined("fit01");
  await expectAllFrom(first.node, "ubuntu");
  await first.node.session(first.order);
  await first.node.end(first.order, "ok_unchanged");
  await lab.beginLoad(["fit02"], { image: "twin" });
  const second = await lab.joined("fit02");
  await expectAllFrom(second.node, "twin");
});

test("loads of both files side by side are two sessions, each node keeps its file", async () => {
  await lab.beginLoad(["fit01"], { gatherSeconds: 60 });
  await lab.beginLoad(["fit02"], { image: "twin", gatherSeconds: 60 });
  const one = await lab.joined("fit01");
  const two = await lab.joined("fit02");
  await expectAllFrom(one.node, "ubuntu");
  await expectAllFrom(two.node, "twin");
  const left = await one.node.session(one.order);
  const right = await two.node.session(two.order);
  expect(right.session).not.toBe(left.session);
  expect(right.imageId).toBe(left.imageId);
});

/** The operator API refuses this while a load runs; a person with a shell does not ask it. */
function putTwinInPlace(): Buffer {
  const images = path.join(lab.folder, "images");
  const before = readFileSync(path.join(images, "ubuntu.huck"));
  renameSync(path.join(images, "ubuntu.huck"), path.join(images, "old.huck"));
  renameSync(path.join(images, "twin.huck"), path.join(images, "ubuntu.huck"));
  return before;
}

test("a file put in the place of a load's image after the join is never sent", async () => {
  await lab.beginLoad(["fit01"]);
  const { node, order } = await lab.joined("fit01");
  const manifest = await node.get(NodeRoute.manifest);
  const file = putTwinInPlace();
  const chunk = await node.get(`${NodeRoute.chunk}/1`);
  expect(file.indexOf(chunk.bytes)).toBeGreaterThan(0);
  expect((await node.get(NodeRoute.manifest)).bytes.equals(manifest.bytes)).toBe(true);
  const refused = async (): Promise<void> => {
    expect(await node.say(NodeRoute.session, { order })).toMatchObject({
      body: { detail: expect.stringContaining("another file has taken its place") as string },
    });
  };
  await vi.waitFor(refused, { timeout: 30_000, interval: 100 });
});

test("a file put in an image's place while the server was away ends the load", async () => {
  const job = await lab.beginLoad(["fit01"]);
  const { node } = await lab.joined("fit01");
  await lab.close();
  putTwinInPlace();
  await lab.start();
  expect((await node.get(NodeRoute.manifest)).status).toBeGreaterThanOrEqual(400);
  const events = await eventsOf(lab.server, job.job);
  expect(events.find(({ kind }) => kind === "verdict")).toMatchObject({
    verdict: {
      code: "image_damaged",
      reason: expect.stringContaining("another file has taken its place") as string,
      diskUntouched: true,
    },
  });
});
