/** Goal: a relay is made of both halves of shared/session. Method: two segments in memory. */
import { expect, test } from "vitest";
import { Arena, arenaMemory } from "../../../../shared/core/arena.ts";
import { seededRandom } from "../../../../shared/core/random.ts";
import { createFecKernel } from "../../../../shared/fec/kernel.ts";
import { createReception } from "../../../../shared/session/reception/engine.ts";
import { createSender } from "../../../../shared/session/sender/engine.ts";
import { createTagger } from "../../../../shared/wire/tag.ts";
import { MemoryWire } from "../../../rig/memory-wire.ts";

const [CHUNKS, RECORD_BYTES] = [8, 200_000];
const arena = new Arena(arenaMemory(96 << 20));
const tagger = createTagger(arena.memory, new Uint8Array(16));
const group = { address: "239.1.1.1", port: 7001 };
const kernel = createFecKernel(arena.memory, { scratch: arena.region(1 << 20) });
const wire = new MemoryWire(arena, group);
type Records = Map<number, Uint8Array>;

function send(segment: string, records: Records): void {
  const shape = { symbolBytes: 1408, recordBytesMax: RECORD_BYTES, chunkCount: CHUNKS } as const;
  const start = { membersMin: 1, membersMax: 1, waitMinMs: 0, waitMaxMs: 3000 };
  const name = { sid: 1n, kind: "image", imageId: new Uint8Array(32), feedbackPort: 1 } as const;
  const parts = { arena, tagger, kernel, group, random: seededRandom(1), cacheBytes: 8 << 20 };
  const admission = { by: "server", admits: (node: number) => node === 7 } as const;
  const engine = createSender({ ...parts, ...shape, ...name, rateCap: 1e9, start, admission });
  wire.attach(segment, { address: `${segment}.1`, port: 1 }, engine, ({ chunk, offset }) => {
    const record = records.get(chunk);
    if (record !== undefined) arena.bytes.set(record, offset);
    return record && ({ kind: "read", chunk, length: record.length } as const);
  });
}

function receive(segment: string, records: Records): void {
  const recordLengths = new Uint32Array(CHUNKS).fill(RECORD_BYTES);
  const ring = { ringBytes: 16 << 20, recordLengths, canFetch: false, inOrder: false };
  const engine = createReception({ arena, tagger, random: seededRandom(2), node: 7, ...ring });
  wire.attach(segment, { address: `${segment}.2`, port: 2 }, engine, (request) => {
    if (request.kind !== "deliver") throw new Error("nothing is lost here");
    const { chunk, offset, length } = request;
    records.set(chunk, arena.bytes.slice(offset, offset + length));
    return { kind: "delivered", chunk, outcome: "ok" } as const;
  });
}

test("a relay of both halves brings every record over two segments", () => {
  const source: Records = new Map();
  const relay: Records = new Map();
  const leaf: Records = new Map();
  for (let chunk = 0; chunk < CHUNKS; chunk += 1)
    source.set(
      chunk,
      new Uint8Array(RECORD_BYTES).map((_, at) => at * (chunk + 3)),
    );
  send("10.0.0", source);
  receive("10.0.0", relay);
  send("10.0.1", relay);
  receive("10.0.1", leaf);
  wire.run();
  expect(leaf).toEqual(source);
});
