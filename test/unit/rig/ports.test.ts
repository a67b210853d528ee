/**
 * Goal: ports of tests are free, and no two test processes share one.
 * Method: real sockets, and a second process beside this one.
 */
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "../../rig/ports.ts";

test("freePort() gives other ports each time, and neighbours when asked", () => {
  const first = freePort(2);
  expect(freePort()).toBeGreaterThan(first + 1);
});

test("freePort() passes over ports that somebody listens on", async () => {
  const next = freePort() + 1;
  const [server, socket] = [createServer(), createSocket("udp4")];
  server.listen(next, "127.0.0.1");
  socket.bind(next + 1, "127.0.0.1");
  await Promise.all([once(server, "listening"), once(socket, "listening")]);
  expect([next, next + 1]).not.toContain(freePort());
  server.close();
  socket.close();
});

test("freePort() gives another process ports of another block", () => {
  const module = new URL("../../rig/ports.ts", import.meta.url).pathname;
  const program = `import { freePort } from "${module}"; console.log(freePort());`;
  const words = ["--input-type=module", "--eval", program];
  const theirs = Number(execFileSync(process.execPath, words, { encoding: "utf8" }));
  expect(Math.abs(theirs - freePort())).toBeGreaterThanOrEqual(32);
});
