/**
 * Goal: the operator API keeps CONTROL.md section 5, over a real unix socket.
 * Method: a real server on loopback with a real store, journal and sender; TestNode says what a
 * receiver says.
 */
import { statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ImageList, JobStatus, NodeList } from "../../../../shared/control/operator-api.ts";
import { writeLongImage } from "../../../rig/image-store.ts";
import { DISK, eventsOf, operate } from "../../../rig/lab-kit.ts";
import { ServerPerTest } from "../../../rig/server-per-test.ts";

const lab = new ServerPerTest();

test(
  "loads are refused for unknown images and nodes, nodes to be confirmed " +
    "and nodes that are busy",
  async () => {
    const refused = async (body: object): Promise<unknown> =>
      (await operate(lab.server, "POST", "/v1/loads", body)).body;
    expect(await refused({ image: "none", nodes: ["fit01"] })).toMatchObject({
      code: "no_such_image",
      exitCode: 4,
    });
    expect(await refused({ image: "ubuntu", nodes: ["fit99"] })).toMatchObject({
      code: "unknown_node",
    });
    expect(await refused({ image: "ubuntu", nodes: ["fit03"] })).toMatchObject({
      code: "confirm_needed",
      exitCode: 4,
    });
    await lab.beginLoad(["fit01"]);
    expect(await refused({ image: "ubuntu", nodes: ["fit01", "fit02"] })).toMatchObject({
      code: "node_busy",
      exitCode: 4,
    });
    const saves = await operate(lab.server, "POST", "/v1/saves", { node: "fit02", name: "ubuntu" });
    expect(saves.body).toMatchObject({ code: "image_exists" });
    expect(await refused({ image: "ubuntu", nodes: [] })).toMatchObject({
      code: "bad_request",
      status: 400,
    });
  },
);

test("an image with a torn end is listed as torn and refused", async () => {
  const { truncateSync } = await import("node:fs");
  const file = path.join(lab.folder, "images/ubuntu.huck");
  truncateSync(file, statSync(file).size - 1);
  const answer = await operate(lab.server, "POST", "/v1/loads", {
    image: "ubuntu",
    nodes: ["fit01"],
  });
  expect(answer).toMatchObject({ status: 409, body: { code: "image_damaged" } });
  expect(JSON.stringify(answer.body)).toMatch(/"Cannot load image .*ubuntu.*interrupted/);
  const list = ImageList.parse((await operate(lab.server, "GET", "/v1/images")).body);
  expect(list).toMatchObject({ images: [], torn: ["ubuntu"] });
});

test("one image with an odd time does not hide the others", async () => {
  await writeLongImage(path.join(lab.folder, "images/odd.huck"), 1, {
    at: "2026-01-02T03:04:05Z",
  });
  const list = ImageList.parse((await operate(lab.server, "GET", "/v1/images")).body);
  expect(list.images.map(({ name, createdAt }) => [name, createdAt])).toEqual([
    ["odd", "2026-01-02T03:04:05.000Z"],
    ["ubuntu", "2026-01-01T00:00:00.000Z"],
  ]);
});

test("saves are refused under the name of a torn image too", async () => {
  writeFileSync(path.join(lab.folder, "images/torn.huck"), "half");
  const answer = await operate(lab.server, "POST", "/v1/saves", { node: "fit01", name: "torn" });
  expect(answer.body).toMatchObject({ code: "image_exists" });
});

test("abort ends nodes that wait at once and asks nodes at work to stop", async () => {
  const job = await lab.beginLoad(["fit01", "fit02"]);
  const { node, order } = await lab.joined("fit01");
  expect((await operate(lab.server, "DELETE", `/v1/jobs/${job.job}`)).status).toBe(202);
  const status = JobStatus.parse((await operate(lab.server, "GET", `/v1/jobs/${job.job}`)).body);
  expect(status.state).toBe("aborted");
  expect(status.nodes.find((one) => one.node === "fit02")?.verdict?.code).toBe("aborted");
  expect(await node.report(order, "receiving")).toEqual({ abort: true });
  expect((await node.arm(order)).allowed).toBe(false);
  await node.end(order, "aborted");
  expect((await eventsOf(lab.server, job.job)).at(-1)).toMatchObject({
    kind: "end",
    aborted: true,
    nodesNotOk: 2,
  });
});

test("nodes tells disks last seen, power, and a ping where an address is known", async () => {
  await lab.joined("fit01");
  const { nodes } = NodeList.parse((await operate(lab.server, "GET", "/v1/nodes?ping=1")).body);
  expect(nodes.map(({ name }) => name)).toEqual(["fit01", "fit02", "fit03"]);
  expect(nodes[0]).toMatchObject({ disks: [DISK], power: "unknown", reimage: "free" });
  expect(nodes[1]).toMatchObject({ reachable: null, pingMs: null });
});

test("an image that a running load sends is not trashed", async () => {
  const { job } = await lab.beginLoad(["fit01"]);
  expect(await operate(lab.server, "DELETE", "/v1/images/ubuntu")).toMatchObject({
    status: 409,
    body: { code: "image_in_use" },
  });
  await operate(lab.server, "DELETE", `/v1/jobs/${job}`);
  expect((await operate(lab.server, "DELETE", "/v1/images/ubuntu")).status).toBe(204);
});

test(
  "image routes move an image to the trash and answer 404 for one that " + "is not there",
  async () => {
    expect((await operate(lab.server, "DELETE", "/v1/images/ubuntu")).status).toBe(204);
    expect(await operate(lab.server, "DELETE", "/v1/images/ubuntu")).toMatchObject({
      status: 404,
      body: { code: "no_such_image" },
    });
    expect((await operate(lab.server, "DELETE", "/v1/images/..%2Fstate")).status).toBe(400);
  },
);
