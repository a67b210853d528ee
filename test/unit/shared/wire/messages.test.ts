/**
 * Goal: every message is written and read exactly as WIRE.md says, and bad bytes are refused.
 * Method: golden vectors both ways; each truncation, each bit flip of the body, trailing bytes;
 * round trips and arbitrary bytes by property.
 */
import { env } from "node:process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../../shared/core/digest.ts";
import type { ByteReader } from "../../../../shared/core/bytes.ts";
import { FormatError } from "../../../../shared/core/errors.ts";
import { advMessage, readAdv } from "../../../../shared/wire/adv.ts";
import { announceMessage, readAnnounce } from "../../../../shared/wire/announce.ts";
import { controlMessage, readControl } from "../../../../shared/wire/control.ts";
import { bodyReader } from "../../../../shared/wire/header.ts";
import type { OutgoingMessage } from "../../../../shared/wire/message.ts";
import { NACK_FIXED_BYTES, nackMessage, readNack } from "../../../../shared/wire/nack.ts";
import { probeMessage, readProbe } from "../../../../shared/wire/probe.ts";
import { REPORT_FIXED_BYTES, readReport, reportMessage } from "../../../../shared/wire/report.ts";
import { SYNC_FIXED_BYTES, readSync, syncMessage } from "../../../../shared/wire/sync.ts";
import {
  AT,
  blocksOf,
  numberOf,
  readVector,
  textOf,
  workbench,
  writeMessage,
} from "../../../rig/wire-vector.ts";
import type { Vector } from "../../../rig/wire-vector.ts";

interface Codec<Message> {
  readonly vector: string;
  readonly message: (vector: Vector) => Message;
  readonly read: (reader: ByteReader) => Message;
  readonly outgoing: (message: Message) => OutgoingMessage;
  readonly arbitrary: fc.Arbitrary<Message>;
}

const bench = workbench();
const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65_535 });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const chunk = fc.integer({ min: 0, max: 2 ** 24 });
const count = fc.oneof(chunk, fc.constant(0xffffffff));
const percent = fc.integer({ min: 0, max: 100 });
const blocks = fc.array(fc.record({ chunk: u32, block: u8, value: u8 }), { maxLength: 200 });
const reason = fc.string({ maxLength: 60, unit: "grapheme-ascii" });

function codec<Message>(given: Codec<Message>): void {
  const vector = readVector(given.vector);
  const expected = given.message(vector);

  describe(given.vector, () => {
    test("is written as the golden vector", () => {
      bench.bytes.fill(0xaa);
      const length = writeMessage(bench.bytes, AT, given.outgoing(expected));
      expect(toHex(bench.seal(vector, length))).toBe(toHex(vector.bytes));
    });

    test("is read as the golden vector says", () => {
      expect(readBytes(given, vector.bytes)).toEqual(expected);
    });

    test("is refused when cut short or too long", () => {
      for (let length = 24; length < vector.bytes.length; length += 1) {
        if (given.vector === "probe" && length >= 16 + 12 + 8) continue;
        expect(() => readBytes(given, vector.bytes.subarray(0, length))).toThrow(FormatError);
      }
      if (given.vector === "probe") return;
      const longer = new Uint8Array(vector.bytes.length + 1);
      longer.set(vector.bytes);
      expect(() => readBytes(given, longer)).toThrow(FormatError);
    });

    test("read() gives another message or throws FormatError when a bit flips", () => {
      const end = given.vector === "probe" ? 28 : vector.bytes.length - 8;
      for (let bit = 16 * 8; bit < end * 8; bit += 1) {
        const flipped = Uint8Array.from(vector.bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(outcome(given, flipped)).not.toEqual(expected);
      }
    });

    test("survives a round trip", () => {
      fc.assert(
        fc.property(given.arbitrary, (message) => {
          const length = writeMessage(bench.bytes, AT, given.outgoing(message));
          expect(given.read(bodyReader(bench.bytes, AT, length))).toEqual(message);
        }),
        { numRuns: 100 },
      );
    });

    test("read() throws nothing but FormatError on any bytes", () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 24, maxLength: 300 }), (bytes) => {
          outcome(given, bytes);
        }),
        { numRuns: Number(env["FUZZ_RUNS"] ?? 500) },
      );
    });
  });
}

function readBytes<Message>(given: Codec<Message>, datagram: Uint8Array): Message {
  bench.put(datagram);
  return given.read(bodyReader(bench.bytes, AT, datagram.length));
}

function outcome<Message>(given: Codec<Message>, datagram: Uint8Array): Message | undefined {
  try {
    return readBytes(given, datagram);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return undefined;
  }
}

codec({
  vector: "sync",
  message: (vector) => ({
    syncNo: numberOf(vector, "syncNo"),
    tUs: BigInt(textOf(vector, "tUs")),
    rateKiBs: numberOf(vector, "rateKiBs"),
    lossQ16: numberOf(vector, "lossQ16"),
    backoffQuarterMs: numberOf(vector, "backoffQuarterMs"),
    log2Members: numberOf(vector, "log2Members"),
    grttMs: numberOf(vector, "grttMs"),
    pass: numberOf(vector, "pass"),
    frontier: numberOf(vector, "frontier"),
    chunkCount: numberOf(vector, "chunkCount"),
    blocks: blocksOf(vector),
  }),
  read: readSync,
  outgoing: (sync) => syncMessage(sync, 0),
  arbitrary: fc.record({
    syncNo: u32,
    tUs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    rateKiBs: u32,
    lossQ16: u16,
    backoffQuarterMs: u8,
    log2Members: fc.integer({ min: 0, max: 32 }),
    grttMs: u16,
    pass: fc.integer({ min: 1, max: 255 }),
    frontier: chunk,
    chunkCount: count,
    blocks,
  }),
});

codec({
  vector: "adv",
  message: (vector) => ({ syncNo: numberOf(vector, "syncNo"), blocks: blocksOf(vector) }),
  read: readAdv,
  outgoing: advMessage,
  arbitrary: fc.record({ syncNo: u32, blocks }),
});

codec({
  vector: "nack",
  message: (vector) => ({
    node: numberOf(vector, "node"),
    syncNo: numberOf(vector, "syncNo"),
    tUsEcho: numberOf(vector, "tUsEcho"),
    hold100us: numberOf(vector, "hold100us"),
    netLossQ16: numberOf(vector, "netLossQ16"),
    drainKiBs: numberOf(vector, "drainKiBs"),
    ringPercent: numberOf(vector, "ringPercent"),
    kernelDrops: numberOf(vector, "kernelDrops"),
    receivedKiBs: numberOf(vector, "receivedKiBs"),
    blocks: blocksOf(vector),
  }),
  read: readNack,
  outgoing: nackMessage,
  arbitrary: fc.record({
    node: u32,
    syncNo: u32,
    tUsEcho: u32,
    hold100us: u16,
    netLossQ16: u16,
    drainKiBs: u32,
    ringPercent: percent,
    kernelDrops: u16,
    receivedKiBs: u32,
    blocks,
  }),
});

codec({
  vector: "ctl-ack",
  message: (vector) => ({ op: "ack" as const, node: numberOf(vector, "node") }),
  read: readControl,
  outgoing: controlMessage,
  arbitrary: fc.record({ op: fc.constant("ack" as const), node: u32 }),
});

codec({
  vector: "ctl-member",
  message: (vector) => ({
    op: "member" as const,
    node: numberOf(vector, "node"),
    given: numberOf(vector, "given"),
  }),
  read: readControl,
  outgoing: controlMessage,
  arbitrary: fc.record({ op: fc.constant("member" as const), node: u32, given: u32 }),
});

codec({
  vector: "ctl",
  message: (vector) => ({
    op: "end" as const,
    outcome: "partial" as const,
    reason: textOf(vector, "reason"),
  }),
  read: readControl,
  outgoing: controlMessage,
  arbitrary: fc.record({
    op: fc.constant("end" as const),
    outcome: fc.constantFrom("complete" as const, "partial" as const, "aborted" as const),
    reason,
  }),
});

codec({
  vector: "probe",
  message: (vector) => ({
    index: numberOf(vector, "index"),
    count: numberOf(vector, "count"),
    series: numberOf(vector, "series"),
  }),
  read: readProbe,
  outgoing: (probe) => probeMessage(probe, 64),
  arbitrary: fc
    .record({ count: fc.integer({ min: 1, max: 1024 }), series: u32, part: fc.nat() })
    .map(({ count: sent, series, part }) => ({ index: part % sent, count: sent, series })),
});

codec({
  vector: "announce",
  message: (vector) => ({
    symbolBytes: numberOf(vector, "symbolBytes"),
    kind: "cast" as const,
    state: "gathering" as const,
    chunkCount: numberOf(vector, "chunkCount"),
    recordBytesMax: numberOf(vector, "recordBytesMax"),
    feedbackPort: numberOf(vector, "feedbackPort"),
    reportSpreadMs: numberOf(vector, "reportSpreadMs"),
    membersMin: numberOf(vector, "membersMin"),
    members: numberOf(vector, "members"),
    startsInMs: numberOf(vector, "startsInMs"),
    imageId: fromHex(textOf(vector, "imageId"), 32),
  }),
  read: (reader) => {
    const announce = readAnnounce(reader);
    return { ...announce, imageId: Uint8Array.from(announce.imageId) };
  },
  outgoing: announceMessage,
  arbitrary: fc.record({
    symbolBytes: fc.integer({ min: 1, max: 278 }).map((units) => units * 32),
    kind: fc.constantFrom("image" as const, "cast" as const),
    state: fc.constantFrom("gathering" as const, "streaming" as const, "ended" as const),
    chunkCount: count,
    recordBytesMax: fc.integer({ min: 1, max: 2 ** 26 }),
    feedbackPort: fc.integer({ min: 1, max: 65_535 }),
    reportSpreadMs: u16,
    membersMin: u16,
    members: u16,
    startsInMs: u32,
    imageId: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((id) => Uint8Array.from(id)),
  }),
});

codec({
  vector: "report",
  message: (vector) => ({
    node: numberOf(vector, "node"),
    state: "failed" as const,
    ringPercent: numberOf(vector, "ringPercent"),
    netLossQ16: numberOf(vector, "netLossQ16"),
    chunksDone: numberOf(vector, "chunksDone"),
    lacking: numberOf(vector, "lacking"),
    drainKiBs: numberOf(vector, "drainKiBs"),
    from: numberOf(vector, "from"),
    to: numberOf(vector, "to"),
    ranges: textOf(vector, "ranges")
      .split(" ")
      .map((range) => {
        const [start = 0, length = 0] = range.split("+").map(Number);
        return { start, end: start + length };
      }),
    reason: textOf(vector, "reason"),
  }),
  read: readReport,
  outgoing: reportMessage,
  arbitrary: fc
    .record({
      node: u32,
      state: fc.constantFrom("waiting" as const, "receiving" as const, "left" as const),
      ringPercent: percent,
      netLossQ16: u16,
      chunksDone: u32,
      lacking: u32,
      drainKiBs: u32,
      marks: fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 24 }), { maxLength: 60 }),
      reason,
    })
    .map(({ marks, ...rest }) => {
      const sorted = marks.sort((left, right) => left - right);
      const ranges = [];
      for (let at = 0; at + 1 < sorted.length; at += 2) {
        ranges.push({ start: sorted[at] ?? 0, end: sorted[at + 1] ?? 0 });
      }
      return { ...rest, from: sorted[0] ?? 0, to: sorted.at(-1) ?? 0, ranges };
    }),
});

test("the fixed lengths are those of WIRE.md", () => {
  expect([SYNC_FIXED_BYTES, NACK_FIXED_BYTES, REPORT_FIXED_BYTES]).toEqual([56, 52, 56]);
  expect(advMessage({ syncNo: 0, blocks: [] }).length).toBe(32);
});

test("controlMessage() cuts a reason at 200 bytes", () => {
  const end = { op: "end", outcome: "aborted", reason: "x".repeat(500) } as const;
  const length = writeMessage(bench.bytes, AT, controlMessage(end));
  const read = readControl(bodyReader(bench.bytes, AT, length));
  expect(read).toEqual({ op: "end", outcome: "aborted", reason: "x".repeat(200) });
});
