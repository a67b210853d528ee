/**
 * Goal: a flood of connections, dripping requests and answers that nobody takes cost those who make
 * them. Method: a real HTTP server on loopback with small bounds; floods come from one address of
 * 127.0.0.0/8, honest requests from another.
 */
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, test, vi } from "vitest";
import { ConnectionGuard } from "../../../../../server/boot/http/connection-guard.io.ts";
import type { GuardBounds } from "../../../../../server/boot/http/connection-guard.io.ts";

const FLOODER = "127.0.0.66";
const HONEST = "127.0.0.7";
let server: Server;
let guard: ConnectionGuard;
let port = 0;
const sockets: Socket[] = [];

async function serve(bounds: Partial<GuardBounds>): Promise<void> {
  server = createServer((asked, response) => {
    asked.resume();
    if (asked.url === "/long") response.write("x".repeat(32 << 20));
    else if (asked.method === "GET") response.end("here");
    asked.once("end", () => {
      if (asked.method === "POST") response.end("taken");
    });
  });
  guard = new ConnectionGuard(server, {
    connectionsMax: 50,
    requestMs: 60_000,
    answerMs: 60_000,
    unfinishedBytesMax: 1 << 20,
    ...bounds,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

async function drip(start: string, from = FLOODER): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", localAddress: from });
  sockets.push(socket);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(start);
  return socket;
}

/** Resolves when a connection is closed, whatever error it ends with. */
async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    if (socket.closed) resolve();
    else
      socket.once("close", () => {
        resolve();
      });
  });
}

async function get(from = HONEST): Promise<string> {
  return await new Promise((resolve, reject) => {
    const asking = request({ port, host: "127.0.0.1", localAddress: from, agent: false });
    asking.once("response", (message) => {
      text(message).then(resolve, reject);
    });
    asking.once("error", reject);
    asking.end();
  });
}

const HEAD = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000\r\n\r\n";

test.each([
  ["requests that drip", "GET / HT"],
  ["bodies that drip", `${HEAD}{`],
  ["connections that say nothing", ""],
])("ConnectionGuard lets others in beside more %s than connections", async (_what, start) => {
  await serve({});
  for (let count = 0; count < 120; count += 1) await drip(start);
  for (let count = 0; count < 5; count += 1) expect(await get()).toBe("here");
  expect(guard.counters.gave_way).toBeGreaterThanOrEqual(70);
});

test("ConnectionGuard ends none of an address that has few, however old they are", async () => {
  await serve({});
  const asking = await drip("GET / HTTP/1.1\r\nhost: x\r\n", HONEST);
  for (let count = 0; count < 120; count += 1) await drip("GET / HT");
  asking.write("\r\n");
  const [answer] = (await once(asking, "data")) as [Buffer];
  expect(answer.toString()).toContain("200 OK");
});

test("ConnectionGuard ends a request that drips by its deadline, also in its body", async () => {
  await serve({ requestMs: 300 });
  const dripping = [await drip("GET / HTTP/1.1\r\nx: "), await drip(HEAD)];
  const all = [...dripping, await drip("")];
  const drops = setInterval(() => {
    for (const socket of dripping) if (socket.writable) socket.write("y");
  }, 50);
  await Promise.all(all.map(closed));
  clearInterval(drops);
  expect(guard.counters.slow_request).toBe(3);
});

test("ConnectionGuard ends an answer that nobody takes, unless it was allowed longer", async () => {
  await serve({ answerMs: 300 });
  server.on("request", (asked) => {
    if (asked.headers["x-long"] !== undefined) guard.allow(asked.socket, Infinity);
  });
  const slow = await drip("GET /long HTTP/1.1\r\nhost: x\r\n\r\n");
  const allowed = await drip("GET /long HTTP/1.1\r\nhost: x\r\nx-long: 1\r\n\r\n");
  slow.pause();
  allowed.pause();
  await expect.poll(() => guard.counters.slow_answer, { timeout: 5000 }).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(guard.counters.slow_answer).toBe(1);
  expect(allowed.destroyed).toBe(false);
});

test("ConnectionGuard bounds what unfinished requests sent, and spares small ones", async () => {
  await serve({ unfinishedBytesMax: 1 << 20 });
  const small = await drip(`${HEAD}{`, HONEST);
  const large = await drip(HEAD + "x".repeat(3 << 20));
  await closed(large);
  expect(guard.counters.too_much_unfinished).toBe(1);
  expect(small.destroyed).toBe(false);
});

test("ConnectionGuard lets one address use all connections if nobody else asks", async () => {
  await serve({});
  for (let count = 0; count < 49; count += 1) await drip("GET / HT");
  expect(await get(FLOODER)).toBe("here");
  expect(guard.counters.gave_way).toBe(0);
});

test("requests that do not wait for their answers close their connection", async () => {
  await serve({});
  const flood = await drip("GET /long HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100));
  await closed(flood);
  expect(guard.counters.too_many_answers).toBe(1);
  expect(await get()).toBe("here");
});

test("an address has so many answers at once, in however many connections", async () => {
  await serve({ connectionsMax: 1000 });
  const flood = [];
  for (let count = 0; count < 80; count += 1) {
    flood.push(await drip("GET /long HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  await vi.waitFor(() => {
    expect(guard.counters.too_many_answers).toBe(16);
  });
  expect(await get()).toBe("here");
});
