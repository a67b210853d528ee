/**
 * Goal: both datagram ports keep the contract of shared/core/datagram-port.ts.
 *
 * Method: one suite over real loopback sockets, run for the batched port and for the plain twin;
 * multicast stays on "lo". Bounds are attempts, never wall-clock times.
 */
import { afterEach, describe, expect, test } from "vitest";
import { Arena, arenaMemory } from "../../shared/core/arena.ts";
import type { DatagramPort } from "../../shared/core/datagram-port.ts";
import type { DatagramView, Endpoint } from "../../shared/core/engine.ts";
import type { DatagramOptions } from "../../shared/linux/datagram-options.ts";
import { DgramPort } from "../../shared/linux/datagram-dgram.io.ts";
import { MmsgPort } from "../../shared/linux/datagram-mmsg.io.ts";
import { libcProblem } from "../../shared/linux/libc.io.ts";
import { sendRawUdp } from "./raw-udp.ts";

const ATTEMPTS_MAX = 200;
const opened: DatagramPort[] = [];

afterEach(() => {
  for (const port of opened.splice(0)) port.close();
});

interface Side {
  readonly arena: Arena;
  readonly port: DatagramPort;
}

interface Seen {
  readonly bytes: Uint8Array;
  readonly remote: Endpoint;
}

async function side(
  kind: "mmsg" | "dgram",
  address: string,
  more: Partial<DatagramOptions> = {},
): Promise<Side> {
  const arena = new Arena(arenaMemory(8 << 20));
  const bind = { address, port: 0 };
  const options = { arena, bind, ...more };
  const port = kind === "mmsg" ? new MmsgPort(options) : await DgramPort.open(options);
  opened.push(port);
  return { arena, port };
}

function put(from: Side, to: Endpoint, bytes: Uint8Array): boolean {
  const offset = from.port.batch.add(bytes.byteLength, to);
  if (offset >= 0) from.arena.bytes.set(bytes, offset);
  return offset >= 0;
}

async function take(at: Side, count: number): Promise<Seen[]> {
  const seen: Seen[] = [];
  const visit = (view: DatagramView): void => {
    const end = view.offset + view.length;
    seen.push({ bytes: at.arena.bytes.slice(view.offset, end), remote: view.remote });
  };
  for (let turn = 0; seen.length < count && turn < ATTEMPTS_MAX; turn += 1) {
    await at.port.receive(20, visit);
  }
  return seen;
}

function numbered(length: number, mark: number): Uint8Array {
  return new Uint8Array(length).map((_, index) => (index + mark) & 0xff);
}

const kinds = libcProblem() === undefined ? (["mmsg", "dgram"] as const) : (["dgram"] as const);

describe.each(kinds)("DatagramPort %s", (kind) => {
  test.each(["127.0.0.1", "::1"])("receive() gives what send() sent over %s", async (address) => {
    const left = await side(kind, address);
    const right = await side(kind, address);
    const lengths = [1440, 1440, 1440, 100, 1440, 1, 9, 9, 9];
    for (const [index, length] of lengths.entries()) {
      expect(put(left, right.port.local, numbered(length, index))).toBe(true);
    }
    expect(left.port.batch.count).toBe(lengths.length);
    expect(await left.port.send()).toBe(lengths.length);
    expect(left.port.batch.count).toBe(0);
    const seen = await take(right, lengths.length);
    expect(seen.map((one) => one.bytes)).toEqual(
      lengths.map((length, index) => numbered(length, index)),
    );
    expect(seen[0]?.remote).toEqual(left.port.local);
    expect(new Set(seen.map((one) => one.remote)).size).toBe(1);
    expect(left.port.counters.sent).toBe(lengths.length);
    expect(right.port.counters.received).toBe(lengths.length);
  });

  test("receive() answers 0 when nothing comes", async () => {
    const alone = await side(kind, "127.0.0.1");
    const none = (): void => {
      expect.unreachable();
    };
    expect(await alone.port.receive(0, none)).toBe(0);
    expect(await alone.port.receive(3.5, none)).toBe(0);
  });

  test("batch.add() answers -1 when the batch is full, and all of it is sent", async () => {
    const left = await side(kind, "127.0.0.1");
    const right = await side(kind, "127.0.0.1");
    let count = 0;
    while (count < ATTEMPTS_MAX && put(left, right.port.local, numbered(1440, count))) count += 1;
    expect(count).toBeGreaterThan(40);
    expect(count).toBeLessThan(ATTEMPTS_MAX);
    await left.port.send();
    const seen = await take(right, count);
    expect(seen.length).toBe(count);
    for (const [index, one] of seen.entries()) expect(one.bytes).toEqual(numbered(1440, index));
  });

  test("send() reaches each destination of a mixed batch, in order", async () => {
    const from = await side(kind, "127.0.0.1");
    const ends = [await side(kind, "127.0.0.1"), await side(kind, "127.0.0.1")];
    for (let index = 0; index < 20; index += 1) {
      const end = ends[index % 3 === 0 ? 0 : 1];
      if (end !== undefined) put(from, end.port.local, numbered(64, index));
    }
    await from.port.send();
    const marks = async (end: Side | undefined, count: number): Promise<unknown> =>
      end === undefined ? [] : (await take(end, count)).map((one) => one.bytes[0]);
    expect(await marks(ends[0], 7)).toEqual([0, 3, 6, 9, 12, 15, 18]);
    expect(await marks(ends[1], 13)).toEqual([1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19]);
  });

  test("several sockets of one host receive one group on one port", async () => {
    const group = "239.77.5.9";
    const shared = { shared: true, interfaceName: "lo" };
    const first = await side(kind, "0.0.0.0", shared);
    const { port } = first.port.local;
    const second = await side(kind, "0.0.0.0", { ...shared, bind: { address: "0.0.0.0", port } });
    const from = await side(kind, "0.0.0.0", { interfaceName: "lo" });
    first.port.join(group);
    second.port.join(group);
    second.port.join(group); // refreshing is harmless
    const to = { address: group, port };
    for (let index = 0; index < 50; index += 1) put(from, to, numbered(1440, index));
    await from.port.send();
    expect((await take(first, 50)).length).toBe(50);
    expect((await take(second, 50)).length).toBe(50);
  });

  test("send() counts a datagram that is too large as refused and goes on", async () => {
    const left = await side(kind, "127.0.0.1");
    const right = await side(kind, "127.0.0.1");
    put(left, right.port.local, numbered(66_000, 1));
    put(left, right.port.local, numbered(8, 2));
    expect(await left.port.send()).toBe(1);
    expect(left.port.counters.refused).toBe(1);
    expect((await take(right, 1))[0]?.bytes).toEqual(numbered(8, 2));
  });

  test("opening fails with the errno's name when the port is taken", async () => {
    const first = await side(kind, "127.0.0.1");
    const bind = first.port.local;
    await expect(side(kind, "127.0.0.1", { bind })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  test("opening fails with the names of the interfaces when there is no such one", async () => {
    const attempt = side(kind, "0.0.0.0", { interfaceName: "nosuch0" });
    await expect(attempt).rejects.toMatchObject({
      code: "no_interface",
      message: expect.stringContaining('"lo"') as unknown,
    });
  });

  test("join() refuses an address that is no group", async () => {
    const { port } = await side(kind, "0.0.0.0");
    expect(() => {
      port.join("10.1.2.3");
    }).toThrow();
  });
});

const noRoot = libcProblem() !== undefined || process.getuid?.() !== 0;

describe.skipIf(noRoot)("drops (root)", () => {
  test("datagrams with a wrong checksum are no drops of ours", async () => {
    const left = await side("mmsg", "127.0.0.1");
    const right = await side("mmsg", "127.0.0.1");
    for (let turn = 0; turn < 50; turn += 1) {
      sendRawUdp(numbered(1440, turn), right.port.local, { checksum: 0x1234 });
      put(left, right.port.local, numbered(1440, turn));
      await left.port.send();
      expect(await take(right, 1)).toHaveLength(1);
    }
    expect(right.port.counters.dropped).toBe(0);
  });

  test("what comes while the receive buffer is full is counted", async () => {
    const left = await side("mmsg", "127.0.0.1");
    const right = await side("mmsg", "127.0.0.1");
    let sent = 0;
    for (let turn = 0; turn < 2000; turn += 1) {
      while (put(left, right.port.local, numbered(1440, turn)));
      sent += await left.port.send();
    }
    let read = 0;
    for (let turn = 0; turn < ATTEMPTS_MAX; turn += 1) {
      for (let got = -1; got !== 0; read += Math.max(got, 0)) {
        got = await right.port.receive(1, () => undefined);
      }
      put(left, right.port.local, numbered(1440, turn)); // the count comes with the next datagram
      sent += await left.port.send();
      if (read < sent && right.port.counters.dropped > 0) break;
    }
    expect(read).toBeLessThan(sent);
    expect(right.port.counters.dropped).toBeGreaterThan(0); // the kernel counts runs, not datagrams
    expect(right.port.counters.dropped).toBeLessThanOrEqual(sent - read);
  });
});
