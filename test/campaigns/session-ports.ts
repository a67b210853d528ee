/**
 * Campaign: mutated datagrams at the two ports of a session, COUNT each (default 100000).
 *
 * The golden vectors of every message are changed in a few bytes, cut, lengthened or left as they
 * are, and sealed with the session's own key half of the time; they come from a member, from a
 * stranger, and from the sender's address. Printed: what became of them, and the memory. It fails
 * on an exception, on a member that nobody admitted, and if memory grows.
 */
import { readFileSync, readdirSync } from "node:fs";
import { Arena, arenaMemory } from "../../shared/core/arena.ts";
import { fromHex } from "../../shared/core/digest.ts";
import type { Endpoint } from "../../shared/core/engine.ts";
import { seededRandom } from "../../shared/core/random.ts";
import { createFecKernel } from "../../shared/fec/kernel.ts";
import { FEC_SCRATCH_BYTES } from "../../shared/fec/wasm-kernel.ts";
import { createReception } from "../../shared/session/reception/engine.ts";
import { createSender } from "../../shared/session/sender/engine.ts";
import { createTagger } from "../../shared/wire/tag.ts";
import { TestBatch } from "../unit/shared/session/sender/batch.ts";

const count = Number(process.env["COUNT"] ?? 100_000);
const SID = 0x0102030405060708n;
const KEY = Uint8Array.from({ length: 16 }, (_, index) => index);
const FOLDER = new URL("../vectors/wire/", import.meta.url);
const GROWTH_MAX_MB = 64;
const arena = new Arena(arenaMemory(64 << 20));
const tagger = createTagger(arena.memory, KEY);
const offset = arena.region(16_384);
const random = seededRandom(Number(process.env["SEED"] ?? 1));
const vectors = readdirSync(FOLDER).map((name) => {
  const [, hex = ""] = readFileSync(new URL(name, FOLDER), "utf8").split(/\n\s*\n/);
  const digits = hex.replaceAll(/\s/g, "");
  return fromHex(digits, digits.length / 2);
});
const MEMBER: Endpoint = { address: "10.0.0.1", port: 7000 };
const SENDER: Endpoint = { address: "10.0.0.9", port: 7000 };
const STRANGER: Endpoint = { address: "10.0.0.66", port: 7000 };

/** Writes a changed datagram into the arena and gives its length. */
function mutate(): number {
  const vector = vectors[random.below(vectors.length)] ?? new Uint8Array();
  let length = vector.byteLength;
  arena.bytes.set(vector, offset);
  for (let changes = random.below(5); changes > 0; changes -= 1) {
    arena.bytes[offset + random.below(length)] = random.below(256);
  }
  if (random.below(8) === 0) length = random.below(length + 1);
  if (random.below(8) === 0) length += random.below(64);
  if (random.below(2) === 0 && length >= 8) tagger.seal(offset, length);
  return length;
}

function remoteOf(): Endpoint {
  return [MEMBER, SENDER, STRANGER][random.below(3)] ?? STRANGER;
}

function sender(): string {
  const engine = createSender({
    arena,
    kernel: createFecKernel(arena.memory, { scratch: arena.region(FEC_SCRATCH_BYTES) }),
    tagger,
    random: seededRandom(2),
    sid: SID,
    kind: "image",
    imageId: new Uint8Array(32),
    group: { address: "239.1.2.3", port: 7001 },
    feedbackPort: 7000,
    symbolBytes: 256,
    recordBytesMax: 4096,
    chunkCount: 4,
    cacheBytes: 16 * 12_288,
    rateCap: 100e6,
    start: { membersMin: 1, membersMax: 1, waitMinMs: 0, waitMaxMs: 1e9 },
    admission: { by: "server", admits: (node) => node === 0xdeadbeef },
  });
  const batch = new TestBatch(arena);
  let [now, sent] = [0, 0];
  for (let made = 0; made < count; made += 1) {
    now += 0.1;
    engine.receive({ offset, length: mutate(), remote: remoteOf(), dropped: 0 }, now);
    if (made % 10 !== 0) continue;
    engine.tick(now);
    for (const { chunk } of engine.requests()) {
      engine.complete({ kind: "read", chunk, length: 1000 }, now);
    }
    engine.transmit(batch, now);
    sent += batch.take().length;
    engine.events();
  }
  const { dropped, members, nacksReceived } = engine.stats();
  if (members.some(({ node }) => node !== 0xdeadbeef)) throw new Error("a member nobody admitted");
  const taken = count - dropped;
  const read = `${taken} read (${nacksReceived} NACKs)`;
  return `${dropped} dropped, ${read}, ${members.length} members, ${sent} sent`;
}

/** Does what the engine asks for; every chunk that is delivered is bad. */
function serve(engine: ReturnType<typeof createReception>, now: number): void {
  for (const request of engine.requests()) {
    const { chunk } = request;
    if (request.kind === "fetch") engine.complete({ kind: "fetched", chunk, outcome: "ok" }, now);
    else if (request.kind === "deliver") {
      engine.complete({ kind: "delivered", chunk, outcome: "bad" }, now);
    } else engine.complete({ kind: "decoded", chunk, block: request.block }, now);
  }
}

function receiver(): string {
  let [dropped, received, ends, sessions] = [0, 0, 0, 0];
  const ring = arena.left;
  for (let made = 0; made < count; sessions += 1) {
    const engine = createReception({
      arena: new Arena(arena.memory, arena.memory.buffer.byteLength - ring),
      tagger,
      random: seededRandom(3),
      node: 7,
      sid: SID,
      ringBytes: 8 << 20,
      canFetch: sessions % 2 === 0,
      inOrder: false,
    });
    const batch = new TestBatch(arena);
    let now = 0;
    for (let ended = false; made < count && !ended; made += 1) {
      now += 0.1;
      const remote = random.below(3) === 0 ? STRANGER : SENDER;
      engine.receive({ offset, length: mutate(), remote, dropped: 0 }, now);
      engine.tick(now);
      serve(engine, now);
      engine.transmit(batch, now);
      batch.take();
      ended = engine.events().some(({ kind }) => kind === "ended");
      if (ended) ends += 1;
    }
    const stats = engine.stats();
    dropped += stats.dropped;
    received += stats.received;
  }
  return `${dropped} dropped, ${received} of the session, ${ends} receptions ended`;
}

const before = process.memoryUsage().rss;
console.info(`sender's port:   ${count} datagrams: ${sender()}`);
console.info(`receiver's port: ${count} datagrams: ${receiver()}`);
const grownMb = (process.memoryUsage().rss - before) / 1e6;
console.info(`no exception; memory grew by ${grownMb.toFixed(0)} MB (${GROWTH_MAX_MB} allowed)`);
process.exitCode = grownMb > GROWTH_MAX_MB ? 1 : 0;
