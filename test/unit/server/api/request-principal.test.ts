/**
 * Goal: every request has a principal, and whoever changes something is named in the log. Method:
 * the routes of both APIs are listed as they are added; a real server on loopback for what they do.
 */
import { fastify } from "fastify";
import type { FastifyInstance, RouteOptions } from "fastify";
import { expect, test } from "vitest";
import { JobStatus } from "../../../../shared/control/operator-api.ts";
import { addNodeRoutes } from "../../../../server/api/node-routes.ts";
import type { NodeRouteParts } from "../../../../server/api/node-routes.ts";
import { addOperatorRoutes } from "../../../../server/api/operator-routes.ts";
import type { OperatorRouteParts } from "../../../../server/api/operator-routes.ts";
import { BY_NODE_TOLD, watchPrincipals } from "../../../../server/api/request-principal.ts";
import type { Act } from "../../../../server/api/request-principal.ts";
import { eventsOf, operate } from "../../../rig/lab-kit.ts";
import { ServerPerTest } from "../../../rig/server-per-test.ts";

const lab = new ServerPerTest();
const me = process.getuid?.() ?? -1;

/** Lists what adding routes adds; no handler is called, so none needs its parts. */
function routesOf(add: (app: FastifyInstance) => void): RouteOptions[] {
  const routes: RouteOptions[] = [];
  const app = fastify({ exposeHeadRoutes: false });
  app.addHook("onRoute", (route) => {
    routes.push(route);
  });
  add(app);
  return routes;
}

test("no route of either API lacks its kind of principal", () => {
  const ofNodes = routesOf((app) => {
    addNodeRoutes(
      app,
      { now: () => 0 } as NodeRouteParts,
      () => undefined,
      () => undefined,
    );
  });
  const ofOperators = routesOf((app) => {
    addOperatorRoutes(app, { now: () => 0 } as OperatorRouteParts);
  });
  expect([ofNodes.length >= 8, ofOperators.length >= 9]).toEqual([true, true]);
  for (const { url, config } of ofNodes) expect(config?.principal, url).toBe("node");
  for (const { url, config } of ofOperators) expect(config?.principal, url).toBe("local");
});

test("watchPrincipals() tells a route that answers without knowing who asks", async () => {
  const acts: Act[] = [];
  const faults: unknown[] = [];
  const app = fastify();
  watchPrincipals(app, { acted: (act) => acts.push(act), failed: (fault) => faults.push(fault) });
  app.post("/careless", BY_NODE_TOLD, () => ({}));
  app.post("/careful", BY_NODE_TOLD, (request) => {
    request.principal = { kind: "node", node: "fit01" };
    return {};
  });
  await app.inject({ method: "POST", url: "/careful" });
  expect([acts.length, faults]).toEqual([1, []]);
  expect(acts[0]).toMatchObject({
    principal: { node: "fit01" },
    what: "POST /careful",
    status: 200,
  });
  await app.inject({ method: "POST", url: "/careless" });
  expect(String(faults[0])).toMatch(/POST \/careless has no principal/);
});

test("a job says who began it in its status and first event, also after a restart", async () => {
  const { job, after } = await lab.beginLoad(["fit01"]);
  const principal = expect.objectContaining({ kind: "local", uid: me }) as object;
  const status = async (): Promise<JobStatus> =>
    JobStatus.parse((await operate(lab.server, "GET", `/v1/jobs/${job}`)).body);
  expect((await status()).principal).toEqual(principal);
  await operate(lab.server, "DELETE", `/v1/jobs/${job}`);
  const [first] = await eventsOf(lab.server, job, after);
  expect(first).toMatchObject({ kind: "begin", action: "load", image: "ubuntu", nodes: 1 });
  expect(first).toMatchObject({ principal });
  await lab.close();
  await lab.start();
  expect((await status()).principal).toEqual(principal);
});

test("the log has who, what and result of every request that changes something", async () => {
  const { job } = await lab.beginLoad(["fit01"]);
  await operate(lab.server, "GET", "/v1/nodes");
  await operate(lab.server, "DELETE", `/v1/jobs/${"0".repeat(32)}`);
  const { node, order } = await lab.joined("fit01");
  await node.end(order, "ok_unchanged");
  await node.say("/node/v1/verdict", {}, "0".repeat(32));
  const lines = lab.logged.all.filter((line) => line["principal"] !== undefined);
  expect(lines.map(({ msg, status, about }) => [msg, status, about])).toEqual([
    [expect.stringMatching(/uid \d+.*: POST \/v1\/loads$/), 201, `job ${job}`],
    [expect.stringMatching(/: DELETE \/v1\/jobs\/0+$/), 404, "no_such_job"],
    [expect.stringMatching(/: POST \/v1\/tokens$/), 200, ""],
    ["node fit01: POST /node/v1/join", 200, ""],
    ["node fit01: POST /node/v1/verdict", 200, "ok_unchanged"],
  ]);
});
