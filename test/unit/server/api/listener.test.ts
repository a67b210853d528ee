/**
 * Goal: only those listen, and only to those, who are named.
 * Method: a real server on loopback with a real store, journal and sender; TestNode says what a
 * receiver says.
 */
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import type { Event } from "../../../../shared/control/event.ts";
import { NodeRoute } from "../../../../shared/control/node-api.ts";
import {
  ImageList,
  JobCreated,
  JobStatus,
  NodeList,
} from "../../../../shared/control/operator-api.ts";
import { refuseOrder } from "../../../../shared/control/order.ts";
import type { RunningServer } from "../../../../server/main.ts";
import {
  DISK,
  TestNode,
  dropFolders,
  eventsOf,
  freshFolder,
  imageBytes,
  operate,
  serveIn,
  somePort,
  storeImage,
} from "../lab-kit.ts";

let folder = "";
let server: RunningServer;
let imageId = "";
const port = somePort();

beforeEach(async () => {
  folder = freshFolder();
  imageId = await storeImage(folder, "ubuntu");
  server = await serveIn(folder, port);
});
afterEach(async () => {
  await server.close();
});
afterAll(dropFolders);

async function beginLoad(nodes: string[], more: object = {}): Promise<JobCreated> {
  const answer = await operate(server, "POST", "/v1/loads", {
    image: "ubuntu",
    nodes,
    gatherSeconds: 0,
    ...more,
  });
  return JobCreated.parse(answer.body);
}

async function beginSave(name: string): Promise<JobCreated> {
  return JobCreated.parse(
    (await operate(server, "POST", "/v1/saves", { node: "fit01", name })).body,
  );
}

/** Boots a node, joins, and gives it with its order. */
async function joined(name: string): Promise<{ node: TestNode; order: string }> {
  const node = await TestNode.boot(server, name);
  const reply = await node.join();
  return { node, order: reply.order?.order.id ?? "none" };
}

function kinds(events: Event[]): string[] {
  return events
    .filter(({ kind }) => kind !== "note")
    .map((event) => (event.kind === "phase" ? event.phase : event.kind));
}

test("no route answers with a file, and unknown routes are problems", async () => {
  const node = await TestNode.boot(server, "fit01");
  for (const route of ["/etc/passwd", "/images/ubuntu.huck", "/node/v1/chunk/%2e%2e%2fhuck.yaml"]) {
    const { status, bytes } = await node.get(route);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(JSON.parse(bytes.toString())).toHaveProperty("code");
  }
});

test("the operator socket is closed to others by its mode, and a second server refuses to take it", async () => {
  expect(statSync(server.socket).mode & 0o777).toBe(0o660);
  await expect(serveIn(folder, port + 1)).rejects.toMatchObject({ code: "server_runs" });
});

