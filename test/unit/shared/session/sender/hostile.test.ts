/**
 * Goal: whoever has the key may say anything: the sender counts and drops, and never throws.
 * Method: reports and answers with arbitrary bodies and good tags; FUZZ_RUNS=n for more.
 */
import { env } from "node:process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSender } from "../../../../../shared/session/sender/engine.ts";
import { splitSid, writeHeader } from "../../../../../shared/wire/header.ts";
import type { MessageType } from "../../../../../shared/wire/header.ts";
import { TestBatch } from "./batch.ts";
import { SID, senderOptions } from "./options.ts";
import { Peer } from "./peer.ts";

const numRuns = Number(env["FUZZ_RUNS"] ?? 40);
const byte = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0, 1, 2, 3) }, fc.nat(255));
const bodies = [28, 34, 40, 32, 40, 48].map((length) =>
  fc.array(byte, { minLength: length, maxLength: length }),
);
const datagram = fc.record({
  type: fc.constantFrom(4, 4, 8, 8, 1, 2),
  body: fc.oneof(fc.array(byte, { maxLength: 80 }), ...bodies),
});

test("an engine survives arbitrary messages with good tags, and never sends faster", () => {
  fc.assert(
    fc.property(fc.array(datagram, { maxLength: 60 }), (datagrams) => {
      const options = senderOptions();
      const { arena, tagger } = options;
      const view = new DataView(arena.memory.buffer);
      const offset = arena.region(4096);
      const batch = new TestBatch(arena);
      const peer = new Peer(options, 0x01010101);
      const sender = createSender(options);
      sender.tick(0);
      peer.report(sender, {}, 0);
      let wireBytes = 0;
      for (const [index, { type, body }] of datagrams.entries()) {
        const length = 16 + body.length + 8;
        arena.bytes.set(body, offset + 16);
        const header = { type: type as MessageType, flags: 0, sid: splitSid(SID), seq: index };
        writeHeader(view, offset, header);
        tagger.seal(offset, length);
        sender.receive({ offset, length, remote: peer.remote, dropped: 0 }, index);
        sender.tick(index);
        for (const { chunk } of sender.requests()) {
          sender.complete({ kind: "read", chunk, length: 1000 }, index);
        }
        sender.transmit(batch, index);
        for (const sent of batch.take()) wireBytes += sent.length + 66;
        expect(sender.nextWakeup()).not.toBeNaN();
      }
      expect(wireBytes).toBeLessThan(60_000 + datagrams.length * 13_500);
      expect(sender.stats().bitsPerSecond).toBeLessThanOrEqual(100e6);
    }),
    { numRuns },
  );
});
