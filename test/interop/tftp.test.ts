/**
 * Goal: real TFTP clients get the right bytes from our server, and nothing that arrives ends it.
 * Method: tftp-hpa, curl and the npm package "tftp" as clients over loopback; hostile datagrams by
 * hand. The server is bound to 127.0.0.2, so an answer from another address would be seen.
 */
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TftpListener } from "../../server/boot/tftp/tftp-listener.io.ts";
import type { TftpListenerOptions } from "../../server/boot/tftp/tftp-listener.io.ts";
import type { TransferState } from "../../server/boot/tftp/transfer.ts";
import { sendRawUdp } from "./raw-udp.ts";
import { fileFolder } from "../rig/folder.ts";

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const address = "127.0.0.2";
const files: Readonly<Record<string, Uint8Array>> = {
  "snponly.efi": bytesOf(285_001),
  exact: bytesOf(512 * 20),
  empty: new Uint8Array(),
  big: bytesOf(530_000),
};
const asked: { what: string; outcome: string }[] = [];
const ended: { file: string; state: TransferState }[] = [];
const folder = fileFolder();
let server: TftpListener;
let port: number;

function bytesOf(sizeBytes: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 31 + (index >> 9)) & 255);
}

beforeAll(async () => {
  const socket = createSocket("udp4");
  socket.bind(0, address);
  await once(socket, "listening");
  ({ port } = socket.address());
  const options: TftpListenerOptions = {
    address,
    netmask: "255.0.0.0",
    mtu: () => 1500,
    asked: (_remote, what, outcome) => asked.push({ what, outcome }),
    content: (name) => Promise.resolve(Object.hasOwn(files, name) ? files[name] : undefined),
    ended: (file, _remote, state) => ended.push({ file, state }),
  };
  server = new TftpListener(options, socket);
});

afterAll(() => {
  server.close();
});

async function withHpa(name: string, into: string): Promise<Buffer> {
  const path = join(folder, into);
  await run("tftp", ["-m", "binary", address, String(port), "-c", "get", name, path]);
  return readFileSync(path);
}

async function withCurl(name: string, into: string, ...options: string[]): Promise<Buffer> {
  const path = join(folder, into);
  const url = `tftp://${address}:${port}/${name}`;
  await run("curl", ["-sS", "--max-time", "60", ...options, "-o", path, url]);
  return readFileSync(path);
}

/** Sends one request by hand and gives the first answer and its sender. */
async function ask(request: string): Promise<{ text: string; from: string }> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  socket.send(Buffer.from(request, "latin1"), port, address);
  const [bytes, remote] = (await once(socket, "message")) as [Buffer, { address: string }];
  socket.close();
  return { text: bytes.toString("latin1"), from: remote.address };
}

test.each(["snponly.efi", "exact", "empty"])("tftp-hpa gets %s byte for byte", async (name) => {
  expect((await withHpa(name, `hpa-${name}`)).equals(files[name] ?? Buffer.of(1))).toBe(true);
});

test.each(["8", "512", "1468", "9000"])("curl gets a file in blocks of %s", async (blockBytes) => {
  const bytes = await withCurl("exact", "curl", "--tftp-blksize", blockBytes);
  expect(bytes.equals(files["exact"] ?? Buffer.of(1))).toBe(true);
});

test("curl gets a file without any options", async () => {
  const bytes = await withCurl("exact", "plain", "--tftp-no-options");
  expect(bytes.equals(files["exact"] ?? Buffer.of(1))).toBe(true);
});

test("four clients at once get a file each", async () => {
  const names = ["1", "2", "3", "4"].map((client) => `four-${client}`);
  const all = await Promise.all(names.map((into) => withCurl("snponly.efi", into)));
  for (const bytes of all) expect(bytes.equals(files["snponly.efi"] ?? Buffer.of(1))).toBe(true);
});

test("curl gets a file of more than 65535 blocks", async () => {
  const bytes = await withCurl("big", "big", "--tftp-blksize", "8");
  expect(bytes.equals(files["big"] ?? Buffer.of(1))).toBe(true);
});

test.each([1, 4, 16, 64])(
  "the npm package as client gets a file with window %i",
  async (windowSize) => {
    const require = createRequire(import.meta.url);
    const tftp = require("tftp") as {
      createClient(options: object): {
        get(name: string, path: string, done: (error?: Error | null) => void): void;
      };
    };
    const client = tftp.createClient({ host: address, port, windowSize });
    const path = join(folder, `npm-${windowSize}`);
    await new Promise<void>((resolve, reject) => {
      client.get("snponly.efi", path, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
    expect(readFileSync(path).equals(files["snponly.efi"] ?? Buffer.of(1))).toBe(true);
  },
);

test("the answer comes from the address that was asked, with the options UEFI wants", async () => {
  const answer = await ask(
    "\0\x01snponly.efi\0octet\0tsize\0" + "0\0blksize\0" + "1468\0windowsize\0" + "4\0",
  );
  expect(answer).toEqual({
    text: "\0\x06tsize\0" + "285001\0blksize\0" + "1468\0windowsize\0" + "4\0",
    from: address,
  });
});

test.each(["secret", "../etc/passwd", "/etc/passwd", "..\\x", "toString", "__proto__"])(
  "a name that is not published does not exist: %j",
  async (name) => {
    const answer = await ask(`\0\x01${name}\0octet\0`);
    expect(answer).toEqual({ text: "\0\x05\0\x01not published\0", from: address });
  },
);

test("UEFI's abort after the size ends the transfer quietly", async () => {
  const socket = createSocket("udp4");
  const request = Buffer.from("\0\x01exact\0octet\0tsize\0" + "0\0", "latin1");
  socket.send(request, port, address);
  const [, remote] = (await once(socket, "message")) as [Buffer, { port: number }];
  const before = ended.length;
  socket.send(Buffer.from("\0\x05\0\x08User aborted\0", "latin1"), remote.port, address);
  await expect.poll(() => ended.slice(before)).toEqual([{ file: "exact", state: "aborted" }]);
  socket.close();
});

/** The sum of counters for what was not answered. */
function unanswered(): number {
  const { malformed = 0, not_a_request = 0 } = server.counters;
  return malformed + not_a_request;
}

test("datagrams that are no requests are counted and dropped without an answer", async () => {
  const socket = createSocket("udp4");
  const before = unanswered();
  let answers = 0;
  socket.on("message", () => (answers += 1));
  for (const text of ["", "\0", "\0\x07x\0octet\0", "\0\x01x", "\xff\xff", "\0\x04\0\x01"]) {
    socket.send(Buffer.from(text, "latin1"), port, address);
  }
  await expect.poll(() => unanswered() - before).toBe(6);
  expect(answers).toBe(0);
  socket.close();
});

test.each([
  ["\0\x01exact\0netascii\0", "\0\x05\0\0only mode octet (binary) is served\0", "mode_refused"],
  ["\0\x01exact\0mail\0", "\0\x05\0\0only mode octet (binary) is served\0", "mode_refused"],
  ["\0\x02core\0octet\0", "\0\x05\0\x02files can only be read\0", "write_refused"],
])("a request that is not served is refused in words: %j", async (request, wanted, outcome) => {
  expect((await ask(request)).text).toBe(wanted);
  expect(asked.at(-1)?.outcome).toBe(outcome);
});

/** A client by hand, on one port. */
async function byHand(): Promise<{
  say: (text: string, to?: number) => void;
  hear: () => Promise<{ text: string; port: number }>;
  close: () => void;
}> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    say: (text, to = port) => {
      socket.send(Buffer.from(text, "latin1"), to, address);
    },
    hear: async () => {
      const [bytes, { port }] = (await once(socket, "message")) as [Buffer, { port: number }];
      return { text: bytes.toString("latin1"), port };
    },
    close: () => {
      socket.close();
    },
  };
}

test("a new request from the port of an old transfer gets the new file at once", async () => {
  const client = await byHand();
  client.say("\0\x01big\0octet\0blksize\0" + "8\0");
  const first = await client.hear();
  client.say("\0\x04\0\0", first.port);
  await client.hear(); // block 1 of "big"; then the client is reset
  const from = performance.now();
  client.say("\0\x01exact\0octet\0tsize\0" + "0\0");
  const second = await client.hear();
  expect(second.text).toBe("\0\x06tsize\0" + "10240\0");
  expect(performance.now() - from).toBeLessThan(900);
  client.say("\0\x04\0\0", second.port);
  expect((await client.hear()).text.slice(4, 20)).toBe(
    Buffer.from(files["exact"] ?? []).toString("latin1", 0, 16),
  );
  client.close();
});

test("the same request again after a reset begins anew at once, in one transfer", async () => {
  const client = await byHand();
  const request = "\0\x01exact\0octet\0";
  client.say(request);
  const first = await client.hear();
  client.say("\0\x04\0\x01", first.port);
  expect((await client.hear()).text.slice(0, 4)).toBe("\0\x03\0\x02");
  const from = performance.now();
  client.say(request);
  const again = await client.hear();
  expect(again.text.slice(0, 4)).toBe("\0\x03\0\x01");
  expect(again.port).toBe(first.port);
  expect(performance.now() - from).toBeLessThan(900);
  client.close();
});

test("a flood of requests that nobody acknowledges costs other clients nothing", async () => {
  const sockets = await Promise.all(Array.from({ length: 40 }, byHand));
  for (let round = 0; round < 2; round += 1) {
    for (const socket of sockets) socket.say(`\0\x01big\0octet\0timeout\0${250 + round}\0`);
  }
  const bytes = await withCurl("snponly.efi", "beside-a-flood");
  expect(bytes.equals(files["snponly.efi"] ?? Buffer.of(1))).toBe(true);
  expect(server.counters.gave_way ?? 0).toBeGreaterThan(20);
  for (const socket of sockets) socket.close();
});

test.skipIf(!isRoot)(
  "a datagram from port 0 is dropped, and the server goes on (root)",
  async () => {
    const before = unanswered();
    sendRawUdp(Buffer.from("\0\x01exact\0octet\0", "latin1"), { address, port });
    await expect.poll(() => unanswered() - before).toBe(1);
    expect((await ask("\0\x01exact\0octet\0")).text.slice(0, 4)).toBe("\0\x03\0\x01");
  },
);
