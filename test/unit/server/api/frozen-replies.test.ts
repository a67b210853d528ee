/**
 * Goal: a receiver or verb of the last version understands what this server says. Method: a real
 * server on loopback; each answer as it came is held against the frozen schemas.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { NodeRoute } from "../../../../shared/control/node-api.ts";
import { OperatorRoute } from "../../../../shared/control/operator-api.ts";
import { misfit } from "../../../rig/frozen-control.ts";
import {
  DISK,
  TestNode,
  configText,
  eventsOf,
  operate,
  orderIn,
  verdictOf,
} from "../../../rig/lab-kit.ts";
import { ServerPerTest } from "../../../rig/server-per-test.ts";
import { imageBytes } from "../../../rig/small-image.ts";
import type { Answer } from "../../../rig/lab-kit.ts";

const lab = new ServerPerTest();

function fits(name: string, { body }: Answer): void {
  expect(misfit(name, body)).toBeUndefined();
}

test("what the server answers to a node that named no features is frozen", async () => {
  await lab.beginLoad(["fit01"]);
  const node = await TestNode.boot(lab.server, "fit01");
  const joined = await node.say(NodeRoute.join, node.joinBody());
  fits("join-reply", joined);
  const reply = await node.join();
  const order = orderIn(reply)?.id ?? "";
  expect(misfit("order", JSON.parse(reply.order?.order ?? ""))).toBeUndefined();
  const terms = await node.session(order);
  fits("session-terms", await node.say(NodeRoute.session, { order }));
  expect(terms.imageId).toBe(lab.imageId);
  fits("arm-reply", await node.say(NodeRoute.arm, { order, disk: DISK }));
  fits("arm-reply", await node.say(NodeRoute.arm, { order, disk: { ...DISK, inUse: ["/"] } }));
  const verdict = verdictOf("ok");
  fits("status-reply", await node.say(NodeRoute.verdict, { order, verdict }));
  fits("problem", await node.say(NodeRoute.join, { ...node.joinBody(), later: 1 }));
});

test("what the server answers to an operator, and its events, are frozen", async () => {
  const load = { image: "ubuntu", nodes: ["fit01"], gatherSeconds: 0 };
  const begun = await operate(lab.server, "POST", OperatorRoute.loads, load);
  fits("job-created", begun);
  const { job } = begun.body as { job: string };
  const { node, order } = await lab.joined("fit01");
  await node.report(order, "scanning", 50);
  fits("job-status", await operate(lab.server, "GET", `${OperatorRoute.jobs}/${job}`));
  await node.end(order, "disk_too_small");
  for (const event of await eventsOf(lab.server, job)) fits("event", { status: 200, body: event });
  fits("node-list", await operate(lab.server, "GET", `${OperatorRoute.nodes}?ping=1`));
  fits("image-list", await operate(lab.server, "GET", OperatorRoute.images));
  fits("server-status", await operate(lab.server, "GET", OperatorRoute.server));
  fits("node-token", await operate(lab.server, "POST", OperatorRoute.tokens, { node: "fit02" }));
  writeFileSync(path.join(lab.folder, "huck.yaml"), configText(lab.port));
  fits("reload-reply", await operate(lab.server, "POST", OperatorRoute.reload, {}));
  fits("problem", await operate(lab.server, "POST", OperatorRoute.loads, { ...load, later: 1 }));
});

test("what the server answers to a capture is frozen", async () => {
  await operate(lab.server, "POST", OperatorRoute.saves, { node: "fit01", name: "mine" });
  const { node } = await lab.joined("fit01");
  const stored = await node.upload(await imageBytes());
  if (stored === "torn") throw new Error("the upload broke");
  fits("capture-reply", stored);
});
