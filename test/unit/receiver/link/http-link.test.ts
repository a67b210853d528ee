/**
 * Goal: an answer is final, except that a server is not ready; no answer is not, and no wait is
 * endless. Method: a real HTTP server on loopback that answers from a script; our timers are fake
 * where a server is slow or silent.
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { once } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { openServerLink } from "../../../../receiver/link/http-link.io.ts";
import type { StatusReport } from "../../../../shared/control/node-api.ts";
import type { ServerLink } from "../../../../receiver/link/server-link.ts";

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const TOKEN = "0".repeat(32);
const JOINED = { node: "pc-1", serverTime: "2026-01-01T00:00:00.000Z", features: [], order: null };
const join = {
  token: TOKEN,
  nonce: "1".repeat(32),
  macs: ["02:00:00:00:00:01"],
  interfaces: [],
  disks: [],
  memoryBytes: 1,
  version: "test",
  features: [],
};

const REPORT: StatusReport = {
  order: null,
  phase: "joining",
  detail: "",
  doneBytes: 0,
  totalBytes: 0,
  bytesPerSecond: 0,
  loss: 0,
};

let server: Server | undefined;
afterEach(() => {
  vi.useRealTimers();
  server?.closeAllConnections();
  server?.close();
});

async function answering(
  ...replies: readonly Reply[]
): Promise<{ link: ServerLink; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  server = createServer((request, response) => {
    const reply = replies[Math.min(asked.length, replies.length - 1)];
    asked.push(request);
    response.writeHead(reply?.status ?? 500).end(JSON.stringify(reply?.body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { link: openServerLink(`http://127.0.0.1:${port}`, TOKEN), asked };
}

function problem(status: number, code: string): Reply {
  return { status, body: { code, status, detail: "found", cure: "Do this.", exitCode: 4 } };
}

test("a join is asked again while the server is too busy, and carries the token", async () => {
  const { link, asked } = await answering(problem(429, "too_many_joins"), {
    status: 200,
    body: JOINED,
  });
  expect(await link.join(join)).toEqual(JOINED);
  expect(asked.map(({ headers }) => headers.authorization)).toEqual(
    Array.from({ length: 2 }, () => `Bearer ${TOKEN}`),
  );
});

test("a problem is final and keeps its code and cure", async () => {
  const { link, asked } = await answering(problem(404, "unknown_node"));
  await expect(link.join(join)).rejects.toMatchObject({ code: "unknown_node", cure: "Do this." });
  expect(asked.length).toBe(1);
});

test("an answer that is no answer of ours is refused, not believed", async () => {
  const { link } = await answering({ status: 200, body: { node: "pc-1" } });
  await expect(link.join(join)).rejects.toMatchObject({ code: "bad_answer" });
});

test("a status report is not repeated when nobody answers", async () => {
  const link = openServerLink("http://127.0.0.1:1", TOKEN);
  await expect(link.status(REPORT)).rejects.toMatchObject({ code: "server_unreachable" });
});

test("call() throws the problem of a server that was not ready to the end", async () => {
  const { link } = await answering(problem(429, "image_unproven"));
  await expect(link.status(REPORT)).rejects.toMatchObject({
    code: "image_unproven",
    cure: "Do this.",
  });
});

/** Our timers and clock stand still from now on; sockets work on. */
function stopClock(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
}

/** Lets what was written to a socket arrive at its other end. */
async function arrived(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((done) => setImmediate(done));
}

/** A server that gives the response of each request away. */
async function handingOver(): Promise<{ link: ServerLink; next: () => Promise<ServerResponse> }> {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const link = openServerLink(`http://127.0.0.1:${port}`, TOKEN);
  const asking = server;
  const next = async (): Promise<ServerResponse> => {
    const [, response] = (await once(asking, "request")) as [IncomingMessage, ServerResponse];
    return response;
  };
  return { link, next };
}

test("tail() takes a body that arrives slowly for minutes", async () => {
  const { link, next } = await handingOver();
  stopClock();
  const asked = next();
  const tail = link.tail();
  const response = await asked;
  for (let piece = 0; piece < 20; piece += 1) {
    response.write("x");
    await arrived();
    vi.advanceTimersByTime(15_000);
  }
  response.end();
  expect((await tail).byteLength).toBe(20);
});

test("tail() asks again when a body stalls, also after it arrived for long", async () => {
  const { link, next } = await handingOver();
  stopClock();
  const first = next();
  const tail = link.tail();
  const stalled = await first;
  for (let piece = 0; piece < 20; piece += 1) {
    stalled.write("x");
    await arrived();
    vi.advanceTimersByTime(15_000);
  }
  const second = next();
  vi.advanceTimersByTime(6000);
  await arrived();
  vi.advanceTimersByTime(2000);
  (await second).end("whole");
  expect(Buffer.from(await tail).toString()).toBe("whole");
});

test("status() ends as server_unreachable when the server takes it and stays silent", async () => {
  const { link, next } = await handingOver();
  stopClock();
  const asked = next();
  const status = expect(link.status(REPORT)).rejects.toMatchObject({ code: "server_unreachable" });
  await asked;
  vi.advanceTimersByTime(20_000);
  await status;
});

test("append() ends when the server stalls in the middle of its refusal", async () => {
  const { link, next } = await handingOver();
  stopClock();
  const asked = next();
  const upload = link.capture();
  await upload.append(new Uint8Array(1));
  const response = await asked;
  response.writeHead(413).write("{");
  await arrived();
  const refused = expect(upload.append(new Uint8Array(1))).rejects.toMatchObject({
    code: "server_unreachable",
  });
  await arrived();
  vi.advanceTimersByTime(20_000);
  await refused;
});

interface Upload {
  readonly link: ServerLink;
  readonly got: () => number;
  /** Resolves when the upload has begun; until `resume` is called, nothing of it is read. */
  readonly begun: Promise<IncomingMessage>;
}

/** Answers an upload after so many bytes, without an answer when it is to hang up. */
async function uploading(
  afterBytes: number,
  reply: Reply | "hang up",
  reads: "at once" | "later" = "at once",
): Promise<Upload> {
  let got = 0;
  const begun = Promise.withResolvers<IncomingMessage>();
  server = createServer((request, response) => {
    request.on("data", (piece: Buffer) => {
      got += piece.byteLength;
      if (got < afterBytes || response.headersSent) return;
      if (reply === "hang up") request.destroy();
      else response.writeHead(reply.status).end(JSON.stringify(reply.body));
    });
    if (reads === "later") request.pause();
    begun.resolve(request);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const link = openServerLink(`http://127.0.0.1:${port}`, TOKEN);
  return { link, got: () => got, begun: begun.promise };
}

const PIECE = new Uint8Array(1 << 20);
/** More than the buffers of two sockets hold. */
const PIECES = 60;

test("an upload goes at the pace of the server and ends with its answer", async () => {
  const total = PIECES * PIECE.byteLength;
  const { link, got, begun } = await uploading(total, { status: 201, body: {} }, "later");
  const upload = link.capture();
  let appended = 0;
  const appending = (async (): Promise<void> => {
    for (; appended < PIECES; appended += 1) await upload.append(PIECE);
  })();
  const request = await begun;
  expect(appended).toBeLessThan(PIECES); // the rest waits until the server reads
  request.resume();
  await appending;
  await upload.commit();
  expect(got()).toBe(total);
});

test.each([
  ["too_long", problem(413, "too_long")],
  ["server_unreachable", "hang up"],
] as const)("an upload that the server breaks off ends as %s", async (code, reply) => {
  const { link } = await uploading(3 * PIECE.byteLength, reply);
  const upload = link.capture();
  const endless = async (): Promise<void> => {
    for (;;) await upload.append(PIECE);
  };
  await expect(endless()).rejects.toMatchObject({ code });
});
