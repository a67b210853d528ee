/**
 * Goal: whatever a route throws is answered as one Problem that its schema accepts.
 * Method: a fastify instance whose routes throw; requests are injected.
 */
import { request } from "node:http";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fastify } from "fastify";
import { expect, test } from "vitest";
import { Problem } from "../../../../shared/control/problem.ts";
import { FormatError, SituationError } from "../../../../shared/core/errors.ts";
import { answerProblems } from "../../../../server/api/problems.ts";

async function answerTo(thrown: unknown): Promise<{ problem: Problem; own: unknown[] }> {
  const own: unknown[] = [];
  const app = fastify();
  answerProblems(app, (fault) => own.push(fault));
  app.get("/", () => {
    throw thrown;
  });
  const answer = await app.inject({ url: "/" });
  expect(answer.headers["content-type"]).toContain("application/problem+json");
  const problem = Problem.parse(answer.json());
  expect(answer.statusCode).toBe(problem.status);
  return { problem, own };
}

test("P11: answerProblems() gives situations their status, code and cure", async () => {
  const busy = new SituationError("node_busy", "Cannot begin: busy", { cure: "Wait." });
  expect((await answerTo(busy)).problem).toMatchObject({
    status: 409,
    code: "node_busy",
    cure: "Wait.",
    exitCode: 4,
  });
  const token = new SituationError("bad_token", "Cannot", { cure: "" });
  expect((await answerTo(token)).problem.status).toBe(401);
  expect((await answerTo(new FormatError("torn", "Cannot read image"))).problem.status).toBe(422);
});

test(
  "answerProblems() tells our own faults to the log and no inner detail " + "to the caller",
  async () => {
    const fault = new TypeError("secret is undefined");
    const { problem, own } = await answerTo(fault);
    expect(problem).toMatchObject({ status: 500, code: "internal" });
    expect(problem.detail).not.toContain("secret");
    expect(own).toEqual([fault]);
  },
);

test("answerProblems() does not take a client that goes for a fault of ours", async () => {
  const own: unknown[] = [];
  const thrown: unknown[] = [];
  const app = fastify();
  answerProblems(app, (fault) => own.push(fault));
  app.addHook("onError", (_request, _reply, error, done) => {
    thrown.push(error);
    done();
  });
  app.addContentTypeParser("application/octet-stream", (_request, payload, done) => {
    done(null, payload);
  });
  app.put("/", async (request) => {
    return { length: (await buffer(request.body as Readable)).length };
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const headers = { "content-type": "application/octet-stream", "content-length": "1000" };
  const asking = request(url, { method: "PUT", headers, agent: false });
  asking.on("error", () => undefined);
  asking.write("half", () => setTimeout(() => asking.destroy(), 50));
  await expect.poll(() => thrown).toMatchObject([{ code: "ECONNRESET" }]);
  await sleep(50);
  expect(own).toEqual([]);
  await app.close();
});

test("answerProblems() answers bodies that are too long, no JSON, or of another kind", async () => {
  const app = fastify({ bodyLimit: 10 });
  answerProblems(app, () => undefined);
  app.post("/", () => ({}));
  const send = async (payload: string, type: string): Promise<Problem> => {
    const headers = { "content-type": type };
    const answer = await app.inject({ url: "/", method: "POST", payload, headers });
    return Problem.parse(answer.json());
  };
  expect((await send("[1,2,3,4,5,6,7,8]", "application/json")).status).toBe(413);
  expect((await send("{", "application/json")).status).toBe(400);
  expect((await send("x", "image/png")).status).toBe(415);
});
