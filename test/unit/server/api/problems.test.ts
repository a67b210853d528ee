/**
 * Goal: whatever a route throws is answered as one Problem that its schema accepts.
 * Method: a fastify instance whose routes throw; requests are injected.
 */
import { request } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import type { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fastify } from "fastify";
import { expect, test } from "vitest";
import { Problem } from "../../../../shared/control/problem.ts";
import { FormatError, SituationError } from "../../../../shared/core/errors.ts";
import { PROBLEM_OPTIONS, answerProblems } from "../../../../server/api/problems.ts";

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

test("P11: answerProblems() gives codes and cures of ours where fastify refuses", async () => {
  const app = fastify({ ...PROBLEM_OPTIONS, bodyLimit: 10 });
  answerProblems(app, () => undefined);
  app.post("/", () => ({}));
  app.get("/one/:name", () => ({}));
  const send = async (url: string, payload?: string, type?: string): Promise<unknown> => {
    const method = payload === undefined ? "GET" : "POST";
    const headers = type === undefined ? {} : { "content-type": type };
    const answer = await app.inject({
      url,
      method,
      headers,
      ...(payload === undefined ? {} : { payload }),
    });
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    const { code, status, detail, cure } = Problem.parse(answer.json());
    expect(answer.statusCode).toBe(status);
    expect(detail).toMatch(/^Cannot /);
    expect(cure).not.toBe("");
    return [status, code];
  };
  const json = "application/json";
  expect(await send("/", "[1,2,3,4,5,6,7,8]", json)).toEqual([413, "body_too_long"]);
  expect(await send("/", "{", json)).toEqual([400, "bad_request"]);
  expect(await send("/", '{"__proto__":1}', json)).toEqual([413, "body_too_long"]);
  expect(await send("/", "x", "image/png")).toEqual([415, "bad_media_type"]);
  expect(await send("/one/%zz")).toEqual([400, "bad_path"]);
  expect(await send(`/one/${"a".repeat(101)}`)).toEqual([414, "bad_path"]);
  expect(await send("/two")).toEqual([404, "no_such_route"]);
});

test("answerProblems() answers bytes that are no HTTP, and requests without a host", async () => {
  const app = fastify(PROBLEM_OPTIONS);
  answerProblems(app, () => undefined);
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  const say = async (bytes: string): Promise<{ code: string; status: number }> => {
    const socket = connect(port, "127.0.0.1");
    socket.write(bytes);
    const [head = "", body = ""] = (await text(socket)).split("\r\n\r\n");
    const { code, status } = Problem.parse(JSON.parse(body));
    expect(head).toContain(`HTTP/1.1 ${status} `);
    return { code, status };
  };
  expect(await say("hello\r\n\r\n")).toEqual({ code: "not_http", status: 400 });
  expect(await say(`GET / HTTP/1.1\r\na: ${"b".repeat(20_000)}\r\n\r\n`)).toEqual({
    code: "headers_too_long",
    status: 431,
  });
  const hostless = "GET / HTTP/1.1\r\nconnection: close\r\n\r\n";
  expect(await say(hostless)).toEqual({ code: "no_such_route", status: 404 });
  await app.close();
});
