/**
 * Goal: whoever has the key may say anything: the reception counts and drops, and never throws.
 * Method: datagrams of every type with arbitrary bodies and good tags; FUZZ_RUNS=n for more.
 */
import { env } from "node:process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createReception } from "../../../../../shared/session/reception/engine.ts";
import { splitSid, writeHeader } from "../../../../../shared/wire/header.ts";
import type { MessageType } from "../../../../../shared/wire/header.ts";
import { SID, Stage, receptionOptions } from "./options.ts";

const numRuns = Number(env["FUZZ_RUNS"] ?? 60);
const byte = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0, 1, 2, 3) }, fc.nat(255));
const datagram = fc.record({
  type: fc.integer({ min: 1, max: 8 }),
  flags: fc.constantFrom(0, 1, 4, 8, 16, 20),
  body: fc.oneof(
    fc.array(byte, { maxLength: 80 }),
    fc.array(byte, { minLength: 40, maxLength: 40 }),
    fc.array(byte, { minLength: 56, maxLength: 56 }),
  ),
});

test("an engine survives arbitrary messages with good tags", () => {
  fc.assert(
    fc.property(fc.array(datagram, { maxLength: 60 }), fc.boolean(), (datagrams, inOrder) => {
      const options = receptionOptions({ inOrder, canFetch: true });
      const stage = new Stage(options);
      const { arena, tagger } = options;
      const view = new DataView(arena.memory.buffer);
      const offset = arena.region(4096);
      const batch = arena.region(65_536);
      const engine = createReception(options);
      engine.tick(0);
      stage.announce(engine, { chunkCount: 0xffffffff }, 0);
      for (const [index, { type, flags, body }] of datagrams.entries()) {
        const length = 16 + body.length + 8;
        arena.bytes.set(body, offset + 16);
        const header = { type: type as MessageType, flags, sid: splitSid(SID), seq: index };
        writeHeader(view, offset, header);
        tagger.seal(offset, length);
        engine.receive({ offset, length, remote: stage.remote, dropped: 0 }, index);
        engine.tick(index);
        engine.transmit({ add: () => batch }, index);
        for (const request of engine.requests()) {
          if (request.kind !== "deliver") continue;
          engine.complete({ kind: "delivered", chunk: request.chunk, outcome: "bad" }, index);
        }
        expect(engine.nextWakeup()).not.toBeNaN();
      }
    }),
    { numRuns },
  );
});
