/**
 * Goal: who floods the join route keeps no node out. Method: a fastify instance on a clock that
 * stands still; requests are injected from addresses of choice.
 */
import { fastify } from "fastify";
import type { FastifyInstance } from "fastify";
import { expect, test } from "vitest";
import { NodeRoute } from "../../../../shared/control/node-api.ts";
import { SituationError } from "../../../../shared/core/errors.ts";
import { addNodeRoutes } from "../../../../server/api/node-routes.ts";
import type { NodeRouteParts } from "../../../../server/api/node-routes.ts";
import { answerProblems } from "../../../../server/api/problems.ts";

const GOOD = "a".repeat(32);

/** Takes one token; what it answers is no matter here. */
const desk = {
  join: ({ token }: { token: string }) => {
    if (token !== GOOD)
      throw new SituationError("bad_token", "Cannot accept the token", { cure: "" });
    return { node: "fit01" };
  },
} as unknown as NodeRouteParts["desk"];

function joinRoute(): FastifyInstance {
  const app = fastify();
  answerProblems(app, () => undefined);
  const parts = { desk, now: () => 0 } as NodeRouteParts;
  addNodeRoutes(
    app,
    parts,
    () => undefined,
    (then) => {
      then();
    },
  );
  return app;
}

async function join(app: FastifyInstance, remoteAddress: string, token: string): Promise<number> {
  const body = { token, nonce: GOOD, macs: ["52:54:00:00:00:01"], interfaces: [], disks: [] };
  const payload = { ...body, memoryBytes: 1, version: "", features: [] };
  const asked = { method: "POST", url: NodeRoute.join, remoteAddress, payload } as const;
  return (await app.inject(asked)).statusCode;
}

test("join refuses an address that floods, before it looks at what is said", async () => {
  const app = joinRoute();
  const statuses: number[] = [];
  for (let count = 0; count < 80; count += 1)
    statuses.push(await join(app, "10.0.0.66", "rubbish"));
  expect(statuses.filter((status) => status === 429)).toHaveLength(20);
  expect(await join(app, "10.0.0.66", GOOD)).toBe(429);
  expect(await join(app, "10.0.0.1", GOOD)).toBe(200);
});

test("join lets nodes in while many addresses flood without a token that is known", async () => {
  const app = joinRoute();
  for (let from = 1; from <= 4; from += 1) {
    for (let count = 0; count < 40; count += 1) await join(app, `10.0.1.${from}`, "b".repeat(32));
  }
  expect(await join(app, "10.0.0.1", GOOD)).toBe(200);
});

test("join lets a room in bit by bit", async () => {
  const app = joinRoute();
  const statuses: number[] = [];
  for (let node = 1; node <= 80; node += 1) statuses.push(await join(app, `10.0.0.${node}`, GOOD));
  expect(statuses.filter((status) => status === 200)).toHaveLength(60);
});
