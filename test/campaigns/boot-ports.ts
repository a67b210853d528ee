/**
 * Sends mutants of captured messages to each port of the boot services, and prints what was done
 * with them, by the services' own counters.
 *
 * Every datagram must be counted, nothing may throw, honest clients must be answered in the middle
 * of it, and the memory must stay within bounds. It needs root and takes about two minutes.
 *
 *     node test/campaigns/boot-ports.ts [count] [seed]
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../../shared/core/random.ts";
import { DhcpEngine } from "../../server/boot/dhcp/engine.ts";
import { readTftp } from "../../server/boot/tftp/message.ts";
import { TftpListener } from "../../server/boot/tftp/tftp-listener.io.ts";
import { HttpListener } from "../../server/boot/http/http-listener.io.ts";
import { FormatError } from "../../shared/core/errors.ts";
import { bootTable, variant, vector } from "../rig/dhcp-vectors.ts";

const COUNT = Number(process.argv[2] ?? 100_000);
const random = seededRandom(Number(process.argv[3] ?? 1));
const ADDRESS = "127.0.0.2";
/** In the inventory, and in no captured message. */
const HONEST_MAC = "52:54:00:77:00:07";

/** Changes, cuts, repeats or lengthens bytes. */
function mutant(from: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(from);
  for (let change = random.below(6); change > 0; change -= 1) {
    bytes[random.below(Math.max(1, bytes.length))] = random.below(256);
  }
  const kind = random.below(8);
  if (kind === 0) return bytes.subarray(0, random.below(bytes.length + 1));
  if (kind === 1) return Uint8Array.from([...bytes, ...bytes.subarray(random.below(bytes.length))]);
  return bytes;
}

function pick<T>(list: readonly T[]): T {
  return list[random.below(list.length)] as T;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, one) => total + one, 0);
}

const wrong: string[] = [];

function print(what: string, sent: number, counts: Readonly<Record<string, number>>): void {
  const megabytes = Math.round(process.memoryUsage().rss / 1e6);
  console.log(`${what}: ${sent} sent, ${megabytes} MB, ${JSON.stringify(counts)}`);
}

function claim(holds: boolean, what: string): void {
  if (holds) return;
  wrong.push(what);
  console.log(`WRONG: ${what}`);
}

/** Ports 67 and 4011: the engine itself, in made-up time. */
function dhcp(port: 67 | 4011, mode: "proxy" | "full"): void {
  const folder = new URL("../vectors/dhcp/", import.meta.url);
  const captured = readdirSync(folder).map((name) => vector(name.replace(".txt", "")));
  const pool = { first: "10.77.0.100", last: "10.77.0.110" };
  const table = bootTable({ mode, pool });
  const engine = new DhcpEngine(table.network, 0);
  const counts: Record<string, number> = {};
  let honest = 0;
  for (let index = 0; index < COUNT; index += 1) {
    const now = index * 20;
    const remote = { address: "10.77.0.81", port: port === 67 ? 68 : 4011 };
    const { outcome } = engine.decide({ bytes: mutant(pick(captured)), port, remote }, table, now);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (index % 1000 !== 999) continue;
    const name = port === 67 ? "ovmf-pxe-discover" : "ovmf-boot-server-request";
    const bytes = variant(name, { mac: HONEST_MAC });
    const asked = engine.decide({ bytes, port, remote }, table, now + 10);
    if (asked.outcome === "answered") honest += 1;
  }
  print(`DHCP port ${port}, ${mode}`, COUNT, counts);
  claim(sum(counts) === COUNT, "a datagram was not counted");
  claim(honest === Math.floor(COUNT / 1000), `${honest} honest requests answered`);
}

/** Port 69: a real listener on loopback. */
async function tftp(): Promise<void> {
  const content = new Uint8Array(300_000);
  const socket = createSocket("udp4");
  socket.bind(0, ADDRESS);
  await once(socket, "listening");
  socket.setRecvBufferSize(8 << 20);
  const { port } = socket.address();
  let asked = 0;
  const server = new TftpListener(
    {
      address: ADDRESS,
      netmask: "255.0.0.0",
      mtu: () => 1500,
      asked: (_remote, _what, outcome) => {
        if (outcome !== "not_found") asked += 1;
      },
      content: (name) => Promise.resolve(name === "snponly.efi" ? content : undefined),
      ended: () => undefined,
    },
    socket,
  );
  const words = [
    "\0\x01snponly.efi\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0",
    "\0\x01undionly.kpxe\0octet\0blksize\x001432\0tsize\x000\0",
    "\0\x02core\0octet\0",
    "\0\x01/grub/grub.cfg\0netascii\0timeout\x00255\0",
    "\0\x04\0\x01",
    "\0\x05\0\x08User aborted\0",
  ].map((text) => Uint8Array.from(Buffer.from(text, "latin1")));
  const clients = Array.from({ length: 64 }, (_, index) => {
    const client = createSocket("udp4");
    client.bind(0, `127.0.1.${index + 1}`);
    client.on("error", () => undefined);
    return client;
  });
  await Promise.all(clients.map((client) => once(client, "listening")));
  for (let index = 0; index < COUNT; index += 1) {
    const bytes = mutant(pick(words));
    try {
      readTftp(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
    pick(clients).send(bytes, port, ADDRESS);
    if (index % 200 === 199) {
      const until = performance.now() + 5000;
      while (asked <= index && performance.now() < until) await sleep(1);
    }
  }
  print("TFTP port 69", COUNT, server.counters);
  claim(asked === COUNT, `${asked} of ${COUNT} datagrams were counted`);
  for (const client of clients) client.close();
  server.close();
}

/** Bytes of HTTP requests: a real listener on loopback. */
async function http(): Promise<void> {
  let failed = 0;
  const options = {
    netmask: "255.0.0.0",
    find: () => undefined,
    write: () => Promise.resolve(""),
    asked: () => undefined,
    sent: () => undefined,
  };
  const server = await HttpListener.open({
    ...options,
    address: ADDRESS,
    port: 0,
    failed: () => {
      failed += 1;
    },
  });
  const texts = [
    "GET /boot/files/vmlinuz HTTP/1.1\r\nHost: 10.77.0.1:8067\r\nRange: bytes=0-9\r\n\r\n",
    'HEAD http://10.77.0.1/boot/files/snponly.efi HTTP/1.1\r\nHost: a\r\nIf-Range: "x"\r\n\r\n',
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
  ].map((text) => Uint8Array.from(Buffer.from(text, "latin1")));
  const total = Math.floor(COUNT / 10);
  let answered = 0;
  const lane = async (from: string): Promise<void> => {
    for (let index = 0; index < total / 20; index += 1) {
      const socket = connect({ host: ADDRESS, port: server.port, localAddress: from });
      socket.on("error", () => undefined);
      socket.once("data", () => {
        answered += 1;
      });
      socket.end(mutant(pick(texts)));
      await new Promise((resolve) => socket.once("close", resolve));
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, index) => lane(`127.0.2.${index + 1}`)));
  print("HTTP", total, { ...server.counters, answered });
  claim(failed === 0, `${failed} requests failed`);
  claim(server.counters.connections === total, "a connection was not counted");
  await server.close();
}

for (const mode of ["proxy", "full"] as const)
  for (const port of [67, 4011] as const) dhcp(port, mode);
await tftp();
await http();
claim(process.memoryUsage().rss < 512e6, "more than 512 MB");
process.exitCode = wrong.length === 0 ? 0 : 1;
