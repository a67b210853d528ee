/**
 * Goal: a client gets the file whole, and never more datagrams than it asked for. Method: a client
 * written after the RFCs receives over a link that loses, repeats and reorders under a seed, in
 * virtual time; single rules have tests of their own.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../../../../shared/core/random.ts";
import type { TftpOptions } from "../../../../../server/boot/tftp/message.ts";
import {
  RETRIES_MAX,
  Transfer,
  WINDOW_BLOCKS_MAX,
} from "../../../../../server/boot/tftp/transfer.ts";

const MTU = 1500;
const plain: TftpOptions = { wantsSize: false };

function content(sizeBytes: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 7 + (index >> 8)) & 255);
}

function acknowledge(block: number) {
  return { kind: "acknowledge", block: block & 0xffff } as const;
}

/** Block numbers of what a transfer sends; 0 stands for the option acknowledgement. */
function blocks(datagrams: readonly Uint8Array[]): number[] {
  return datagrams.map((one) => (one[1] === 6 ? 0 : ((one[2] ?? 0) << 8) | (one[3] ?? 0)));
}

/** A TFTP client written after the RFCs; it acknowledges through `reply`. */
class Client {
  readonly received: Uint8Array[] = [];
  readonly #windowBlocks: number;
  readonly #reply: (block: number) => void;
  #next = 1;
  #sinceAcknowledged = 0;
  #blockBytes = 512;

  constructor(windowBlocks: number, reply: (block: number) => void) {
    this.#windowBlocks = windowBlocks;
    this.#reply = reply;
  }

  take(datagram: Uint8Array): void {
    if (datagram[1] === 6) {
      const text = Buffer.from(datagram).toString("latin1");
      this.#blockBytes = Number(/blksize\0(\d+)/.exec(text)?.[1] ?? 512);
      if (this.#next === 1) this.#acknowledge(1);
    } else if (blocks([datagram])[0] === (this.#next & 0xffff)) {
      this.received.push(datagram.subarray(4));
      this.#next += 1;
      this.#sinceAcknowledged += 1;
      const isLast = datagram.byteLength - 4 < this.#blockBytes;
      if (isLast || this.#sinceAcknowledged >= this.#windowBlocks) this.#acknowledge(1);
      if (isLast) this.#acknowledge(LAST_ACKNOWLEDGED_TIMES);
    } else {
      this.#acknowledge(1);
    }
  }

  #acknowledge(times: number): void {
    this.#sinceAcknowledged = 0;
    for (let count = 0; count < times; count += 1) this.#reply(this.#next - 1);
  }
}

/**
 * The last acknowledgement is not answered: a client that dallies repeats it (RFC 1350 section 6).
 */
const LAST_ACKNOWLEDGED_TIMES = 20;

/** Receives over a link that loses datagrams with a chance, and repeats and reorders some. */
function receiveOver(transfer: Transfer, windowBlocks: number, seed: number, loss: number): Buffer {
  const random = seededRandom(seed);
  let now = 0;
  let pending = [...transfer.start(now)];
  const client = new Client(windowBlocks, (block) => {
    if (random.fraction() >= loss) pending.push(...transfer.receive(acknowledge(block), now));
  });
  for (let step = 0; step < 100_000 && transfer.state === "running"; step += 1) {
    const swapped = pending.length > 1 && random.below(20) === 0 ? 1 : 0;
    const [datagram] = pending.splice(swapped, 1);
    if (datagram === undefined) {
      now = transfer.deadline;
      pending = [...transfer.tick(now)];
    } else if (random.fraction() >= loss) {
      client.take(datagram);
      if (random.below(20) === 0) client.take(datagram);
    }
  }
  return Buffer.concat(client.received);
}

test("Transfer sends the file whole over a bad link, for every size, block and window", () => {
  let completed = 0;
  const options = fc.record({
    blockBytes: fc.option(fc.integer({ min: 8, max: 2000 }), { nil: undefined }),
    windowBlocks: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(
      fc.nat(4000),
      options,
      fc.nat(),
      fc.integer({ min: 0, max: 10 }),
      (size, o, seed, loss) => {
        const asked: TftpOptions = {
          wantsSize: true,
          ...(o.blockBytes === undefined ? {} : { blockBytes: o.blockBytes }),
          ...(o.windowBlocks === undefined ? {} : { windowBlocks: o.windowBlocks }),
        };
        const transfer = new Transfer(content(size), asked, MTU);
        const window = Math.min(o.windowBlocks ?? 1, WINDOW_BLOCKS_MAX);
        const received = receiveOver(transfer, window, seed, loss / 100);
        // six losses in a row may end a transfer; nothing else may
        expect(loss > 0 ? ["complete", "lost", "expired"] : ["complete"]).toContain(transfer.state);
        if (transfer.state === "complete") {
          expect(received.equals(content(size))).toBe(true);
          completed += 1;
        }
      },
    ),
    { numRuns: 150 },
  );
  expect(completed).toBeGreaterThan(140);
});

test("Transfer goes on behind block 65535 with block 0", () => {
  const transfer = new Transfer(
    content(8 * 65540),
    { wantsSize: false, blockBytes: 8, windowBlocks: 16 },
    MTU,
  );
  let sent = blocks(transfer.start(0));
  const seen: number[] = [];
  for (let step = 0; step < 70_000 && transfer.state === "running"; step += 1) {
    seen.push(...sent);
    sent = blocks(transfer.receive(acknowledge(sent.at(-1) ?? 0), 0));
  }
  expect(transfer.state).toBe("complete");
  expect(seen.slice(65535, 65540)).toEqual([65535, 0, 1, 2, 3]);
});

test("Transfer ends a file that fills its last block with an empty block", () => {
  const transfer = new Transfer(content(512), plain, MTU);
  expect(transfer.start(0).map((one) => one.byteLength)).toEqual([516]);
  expect(transfer.receive(acknowledge(1), 0).map((one) => one.byteLength)).toEqual([4]);
  expect(transfer.receive(acknowledge(2), 0)).toEqual([]);
  expect(transfer.state).toBe("complete");
});

test("Transfer sends an empty file as one empty block", () => {
  const transfer = new Transfer(new Uint8Array(), plain, MTU);
  expect(transfer.start(0)).toEqual([Uint8Array.of(0, 3, 0, 1)]);
});

test("Transfer.start() answers options before any data", () => {
  const asked = { wantsSize: true, blockBytes: 9000, windowBlocks: 99, timeoutSeconds: 2 };
  const [first] = new Transfer(content(5000), asked, MTU).start(0);
  const text = Buffer.from(first ?? []).toString("latin1");
  expect(text).toBe(
    "\0\x06tsize\0" + "5000\0blksize\0" + "1468\0timeout\0" + "2\0windowsize\0" + "16\0",
  );
});

test("Transfer.receive() ignores a repeated acknowledgement in lock step (no apprentice)", () => {
  const transfer = new Transfer(content(5000), plain, MTU);
  transfer.start(0);
  expect(blocks(transfer.receive(acknowledge(1), 0))).toEqual([2]);
  expect(transfer.receive(acknowledge(1), 0)).toEqual([]);
  expect(transfer.receive(acknowledge(0), 0)).toEqual([]);
  expect(transfer.receive(acknowledge(3), 0)).toEqual([]);
});

test("Transfer.receive() restarts a window behind the last block that arrived, once", () => {
  const transfer = new Transfer(content(90_000), { wantsSize: false, windowBlocks: 4 }, MTU);
  transfer.start(0);
  expect(blocks(transfer.receive(acknowledge(0), 0))).toEqual([1, 2, 3, 4]);
  expect(blocks(transfer.receive(acknowledge(2), 0))).toEqual([3, 4, 5, 6]);
  expect(transfer.receive(acknowledge(2), 0)).toEqual([]); // the echo of a block sent twice
  expect(blocks(transfer.receive(acknowledge(6), 0))).toEqual([7, 8, 9, 10]);
  expect(blocks(transfer.receive(acknowledge(6), 0))).toEqual([]); // still may be one
  expect(blocks(transfer.receive(acknowledge(10), 0))).toEqual([11, 12, 13, 14]);
  expect(blocks(transfer.receive(acknowledge(10), 0))).toEqual([11, 12, 13, 14]); // 11 was lost
});

/**
 * How many datagrams a transfer sends to a client that answers each one as it likes; one that
 * multiplies is not followed for long.
 */
function sentTo(
  transfer: Transfer,
  lost: (index: number) => boolean,
  answer: (block: number) => number | undefined,
): number {
  let now = 0;
  let pending = [...transfer.start(now)];
  let sent = 0;
  for (let step = 0; step < 10_000 && transfer.state === "running"; step += 1) {
    const datagram = pending.shift();
    if (datagram === undefined) {
      now = transfer.deadline;
      pending = [...transfer.tick(now)];
      continue;
    }
    sent += 1;
    if (lost(sent)) continue;
    const block = answer(blocks([datagram])[0] ?? 0);
    if (block !== undefined) pending.push(...transfer.receive(acknowledge(block), now));
  }
  return sent;
}

/** EDK2: acknowledges whole windows, the last block, and every block that it did not expect. */
function edk2(lastBlock: number, windowBlocks: number): (block: number) => number | undefined {
  let next = 1;
  let since = 0;
  return (block) => {
    if (block === 0) return 0;
    if (block !== next) {
      since = 0;
      return next - 1;
    }
    next += 1;
    since += 1;
    if (since < windowBlocks && block !== lastBlock) return undefined;
    since = 0;
    return block;
  };
}

test.each([
  ["one loss", [99]],
  ["three losses", [99, 203, 307]],
  ["the first block of a window", [2]],
  ["a whole window", [50, 51, 52, 53]],
  ["a loss among the blocks sent again", [99, 103]],
])("Transfer sends no more than the losses ask for to EDK2: %s", (_what, lost) => {
  const asked = { wantsSize: true, blockBytes: 512, windowBlocks: 4 };
  const transfer = new Transfer(content(658 * 512 + 10), asked, MTU);
  const sent = sentTo(transfer, (index) => lost.includes(index), edk2(659, 4));
  expect(transfer.state).toBe("complete");
  expect(sent).toBeLessThanOrEqual(660 + lost.length * 8);
});

test.each([
  ["every block", (block: number) => block],
  ["every second block", (block: number) => (block % 2 === 0 || block >= 659 ? block : undefined)],
])("Transfer does not multiply for a client that acknowledges %s of a window", (_what, answer) => {
  const asked = { wantsSize: true, blockBytes: 512, windowBlocks: 16 };
  const transfer = new Transfer(content(658 * 512 + 10), asked, MTU);
  const sent = sentTo(transfer, () => false, answer);
  expect(transfer.state).toBe("complete");
  expect(sent).toBeLessThanOrEqual(659 * 1.25 + 5 * 16);
});

const long = content(512 * 400);

test("Transfer never sends more than its credit allows, whatever is acknowledged", () => {
  const step = fc.record({
    block: fc.integer({ min: -3, max: 30 }),
    times: fc.integer({ min: 1, max: 30 }),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 16 }),
      (steps, window) => {
        const transfer = new Transfer(long, { wantsSize: false, windowBlocks: window }, MTU);
        let sent = transfer.start(0).length;
        let acknowledged = 0;
        for (const { block, times } of steps) {
          for (let count = 0; count < times; count += 1) {
            const datagrams = transfer.receive(acknowledge(acknowledged + block), 0);
            sent += datagrams.length;
            const [first] = blocks(datagrams);
            if (first !== undefined) acknowledged = first - 1;
          }
        }
        expect(sent).toBeLessThanOrEqual(1 + (acknowledged + window * 2) * 1.25 + window * 5);
      },
    ),
    { numRuns: 60 },
  );
});

test("Transfer.startAgain() begins anew, and goes on when only the request was doubled", () => {
  const asked = { wantsSize: false, windowBlocks: 2 };
  const transfer = new Transfer(content(9000), asked, MTU);
  transfer.start(0);
  for (const block of [0, 2, 4, 6]) transfer.receive(acknowledge(block), 0);
  expect(blocks(transfer.startAgain(0))).toEqual([0]);
  expect(blocks(transfer.receive(acknowledge(0), 0))).toEqual([1, 2]);
  for (const block of [2, 4, 6]) transfer.receive(acknowledge(block), 0);
  expect(blocks(transfer.startAgain(0))).toEqual([0]);
  expect(blocks(transfer.receive(acknowledge(8), 0))).toEqual([9, 10]);
});

test.each([
  [1400, 1368],
  [1500, 1468],
  [9000, 1468],
  [576, 544],
])("Transfer offers blocks that fit an interface of MTU %i: %i bytes", (mtu, blockBytes) => {
  const transfer = new Transfer(content(5000), { wantsSize: false, blockBytes: 1468 }, mtu);
  const [first] = transfer.start(0);
  expect(Buffer.from(first ?? []).toString("latin1")).toBe(`\0\x06blksize\0${blockBytes}\0`);
  const [data] = transfer.receive(acknowledge(0), 0);
  expect(data?.byteLength).toBe(4 + blockBytes);
});

test("Transfer leaves out a long timeout, and ends without an answer", () => {
  const asked = { wantsSize: true, timeoutSeconds: 255 };
  const transfer = new Transfer(content(100), asked, MTU);
  expect(Buffer.from(transfer.start(0)[0] ?? []).toString("latin1")).toBe(
    "\0\x06tsize\0" + "100\0",
  );
  let now = 0;
  while (transfer.state === "running") {
    now = transfer.deadline;
    transfer.tick(now);
  }
  expect([transfer.state, now]).toEqual(["lost", 10_000]);
});

test("Transfer ends by its deadline when a client acknowledges drop by drop", () => {
  const transfer = new Transfer(content(512 * 100), { wantsSize: true, timeoutSeconds: 8 }, MTU);
  let now = 0;
  transfer.start(now);
  for (let block = 0; transfer.state === "running"; block += 1) {
    transfer.receive(acknowledge(block), now);
    now += 7999;
    transfer.tick(now);
  }
  expect(transfer.state).toBe("expired");
  expect(now).toBeLessThan(100_000);
});

test("Transfer.tick() sends again with growing waits and gives up after its retries", () => {
  const transfer = new Transfer(content(1000), plain, MTU);
  let now = 0;
  transfer.start(now);
  transfer.receive(acknowledge(1), now);
  const waits: number[] = [];
  for (let retry = 0; retry <= RETRIES_MAX; retry += 1) {
    expect(transfer.tick(transfer.deadline - 1)).toEqual([]);
    waits.push(transfer.deadline - now);
    now = transfer.deadline;
    expect(transfer.tick(now)).toHaveLength(retry < RETRIES_MAX ? 1 : 0);
  }
  expect(waits).toEqual([1000, 2000, 4000, 4000, 4000, 4000]);
  expect(transfer.state).toBe("lost");
});

test("Transfer.receive() takes an abort of UEFI for the normal end it is", () => {
  const transfer = new Transfer(content(100), { wantsSize: true }, MTU);
  transfer.start(0);
  expect(transfer.isUnanswered).toBe(true);
  expect(transfer.receive({ kind: "error", code: 8, text: "User aborted" }, 0)).toEqual([]);
  expect(transfer.state).toBe("aborted");
});
