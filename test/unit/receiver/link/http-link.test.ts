/**
 * Goal: an answer is final, no answer is not, and a busy server counts as no answer. Method: a real
 * HTTP server on loopback that answers from a script.
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
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

let server: Server | undefined;
afterEach(() => {
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
  const report: StatusReport = {
    order: null,
    phase: "joining",
    detail: "",
    doneBytes: 0,
    totalBytes: 0,
    bytesPerSecond: 0,
    loss: 0,
  };
  await expect(link.status(report)).rejects.toMatchObject({ code: "server_unreachable" });
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
