/**
 * Goal: keep the reasons for our own TFTP server true (docs/adr/0007): npm `tftp` 0.1.2 as a server
 * breaks three rules that a boot server must keep. Method: the package serves one file in a process
 * of its own, bound to 127.0.0.2; each test shows one rule broken. A version that keeps them makes
 * the test fail, and the decision is looked at again.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import type { RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { createRequire } from "node:module";
import { afterEach, expect, test } from "vitest";
import { sendRawUdp } from "./raw-udp.ts";

const isRoot = process.getuid?.() === 0;
const address = "127.0.0.2";

/** Serves 5000 bytes under any name, on a port that was free a moment ago. */
const program = `
  const { createSocket } = require("node:dgram");
  const tftp = require(process.argv[1]);
  const probe = createSocket("udp4");
  probe.bind(0, "${address}", () => {
    const { port } = probe.address();
    probe.close(() => {
      const settings = { host: "${address}", port, denyPUT: true };
      const server = tftp.createServer(settings, (request, response) => {
        request.on("error", () => undefined);
        response.setSize(5000);
        response.end(Buffer.alloc(5000, 7));
      });
      server.on("error", () => undefined);
      server.on("listening", () => console.log(port));
      server.listen();
    });
  });
`;

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill();
});

async function serve(): Promise<{ child: ChildProcess; port: number }> {
  const packagePath = createRequire(import.meta.url).resolve("tftp");
  const child = spawn(process.execPath, ["--no-warnings", "--eval", program, packagePath]);
  children.push(child);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, port: Number(line.toString()) };
}

test("the package answers from another address than the one that was asked", async () => {
  const { port } = await serve();
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  socket.send(Buffer.from("\0\x01x\0octet\0", "latin1"), port, address);
  const [, remote] = (await once(socket, "message")) as [Buffer, RemoteInfo];
  expect(remote.address).not.toBe(address);
  socket.close();
});

test("the package sends new data for a repeated acknowledgement (RFC 1123 4.2.3.1)", async () => {
  const { port } = await serve();
  const socket = createSocket("udp4");
  const blocks: number[] = [];
  socket.on("message", (bytes: Buffer, remote: RemoteInfo) => {
    blocks.push(bytes.readUInt16BE(2));
    if (blocks.length === 1) socket.send(Uint8Array.of(0, 4, 0, 1), remote.port, remote.address);
    if (blocks.length === 2) socket.send(Uint8Array.of(0, 4, 0, 1), remote.port, remote.address);
  });
  socket.send(Buffer.from("\0\x01x\0octet\0", "latin1"), port, address);
  await expect.poll(() => blocks).toContain(3); // nobody has acknowledged block 2
  socket.close();
});

test.skipIf(!isRoot)("one datagram from port 0 ends the package's process (root)", async () => {
  const { child, port } = await serve();
  sendRawUdp(Buffer.from("\0\x02x\0octet\0", "latin1"), { address, port });
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).not.toBe(0);
});
