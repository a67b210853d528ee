/**
 * Goal: a sender thread sends the records of a file as they are, tells what happens, and obeys.
 *
 * Method: the real thread and a reception in this one, over loopback multicast; records of many
 * lengths, compared byte by byte. Both loops, and the plain twin's port on the receiving side.
 */
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { BlockRepairer, repairScratchBytes } from "../../shared/session/reception/block-repair.ts";
import { createReception } from "../../shared/session/reception/engine.ts";
import { runReception } from "../../shared/session/reception/reception-loop.io.ts";
import type { ReceptionEnd } from "../../shared/session/reception/reception-loop.io.ts";
import { MemberNumbers } from "../../shared/session/sender/member-numbers.ts";
import { startSender } from "../../shared/session/sender/sender-thread.io.ts";
import type {
  RecordFile,
  SenderMessage,
  SenderOrder,
} from "../../shared/session/sender/sender-thread.io.ts";
import { Arena, arenaMemory } from "../../shared/core/arena.ts";
import { sameBytes } from "../../shared/core/digest.ts";
import { fileIdentityOf } from "../../shared/core/file-identity.ts";
import { seededRandom } from "../../shared/core/random.ts";
import { createFecKernel } from "../../shared/fec/kernel.ts";
import { FEC_SCRATCH_BYTES } from "../../shared/fec/wasm-kernel.ts";
import { DgramPort } from "../../shared/linux/datagram-dgram.io.ts";
import { openDatagramPort } from "../../shared/linux/datagram.io.ts";
import { createTagger } from "../../shared/wire/tag.ts";
import { freePort } from "../rig/ports.ts";
import { fileFolder } from "../rig/folder.ts";
import { nextId, seededBytes } from "../rig/seeded-bytes.ts";

const CHUNKS = 12;
const RECORD_BYTES_MAX = 300_000;
const SYMBOL_BYTES = 1408;
const key = nextId();
const group = { address: "239.255.78.1", port: freePort() };
const members = new MemberNumbers();
members.give("an order", "its boot", () => 9);
const folder = fileFolder();
let records: RecordFile;
let content: Buffer;

beforeAll(() => {
  const random = seededRandom(11);
  const length = (): number => 1 + random.below(RECORD_BYTES_MAX);
  const lengths = Uint32Array.from({ length: CHUNKS }, length);
  const offsets = new Float64Array(CHUNKS);
  for (let chunk = 1; chunk < CHUNKS; chunk += 1) {
    offsets[chunk] = (offsets[chunk - 1] ?? 0) + (lengths[chunk - 1] ?? 0);
  }
  content = seededBytes(12, (offsets[CHUNKS - 1] ?? 0) + (lengths[CHUNKS - 1] ?? 0));
  const path = join(folder, "records");
  writeFileSync(path, content);
  records = {
    path,
    fileIdentity: fileIdentityOf(statSync(path, { bigint: true })),
    offsets,
    lengths,
  };
});

function order(sid: bigint, waitMaxMs: number): SenderOrder {
  return {
    session: {
      sid,
      kind: "image",
      imageId: new Uint8Array(32).fill(7),
      group,
      symbolBytes: SYMBOL_BYTES,
      recordBytesMax: RECORD_BYTES_MAX,
      chunkCount: CHUNKS,
      cacheBytes: 16 << 20,
      rateCap: 100e6,
      start: { membersMin: 1, membersMax: 1, waitMinMs: 0, waitMaxMs },
    },
    key,
    members: members.table,
    seed: 1,
    interfaceName: "lo",
    feedbackPort: 0,
    records,
  };
}

async function receive(
  sid: bigint,
  kind: "best" | "dgram",
): Promise<{ end: ReceptionEnd; right: number }> {
  const arena = new Arena(arenaMemory(32 << 20));
  const bind = { address: "0.0.0.0", port: group.port };
  const options = { arena, bind, shared: true, interfaceName: "lo" };
  const port =
    kind === "best" ? (await openDatagramPort(options)).port : await DgramPort.open(options);
  port.join(group.address);
  const kernel = createFecKernel(arena.memory, { scratch: arena.region(FEC_SCRATCH_BYTES) });
  const scratch = arena.region(repairScratchBytes(SYMBOL_BYTES));
  let right = 0;
  const end = await runReception({
    reception: createReception({
      arena,
      tagger: createTagger(arena.memory, key),
      random: seededRandom(2),
      node: 9,
      sid,
      ringBytes: 8 << 20,
      recordLengths: records.lengths,
      canFetch: false,
      inOrder: false,
      policy: { sessionWaitMs: 30_000 },
    }),
    port,
    arena,
    repairer: new BlockRepairer(arena, kernel, scratch),
    sink: {
      deliver(chunk, record) {
        const start = records.offsets[chunk] ?? 0;
        const wanted = content.subarray(start, start + (records.lengths[chunk] ?? 0));
        if (sameBytes(record, wanted)) right += 1;
        return "ok";
      },
    },
    stopReason: () => undefined,
    onEvent: () => undefined,
  });
  port.close();
  return { end, right };
}

test.each(["best", "dgram"] as const)("records arrive as they are (%s port)", async (kind) => {
  const messages: SenderMessage[] = [];
  const sid = nextId().readBigUInt64LE();
  const sender = startSender(order(sid, Infinity), (message) => messages.push(message));
  const { end, right } = await receive(sid, kind);
  expect(end).toMatchObject({ outcome: "complete" });
  expect(right).toBe(CHUNKS);
  await sender.gone;
  expect(messages[0]?.kind).toBe("open");
  const ended = messages.find((one) => one.kind === "event" && one.event.kind === "ended");
  expect(ended).toMatchObject({ event: { outcome: "complete" } });
  const last = messages.at(-1);
  expect(last).toMatchObject({ kind: "stats", stats: { phase: "ended", chunkCount: CHUNKS } });
});

test("stop() ends a session that waits for members", async () => {
  const messages: SenderMessage[] = [];
  const sender = startSender(order(5n, Infinity), (message) => {
    messages.push(message);
    if (message.kind === "open") sender.stop();
  });
  await sender.gone;
  const ended = messages.find((one) => one.kind === "event" && one.event.kind === "ended");
  expect(ended).toMatchObject({ event: { outcome: "aborted" } });
});

test("a torn file ends the session with a reason, for the receiver too", async () => {
  const path = join(folder, "torn");
  writeFileSync(path, content.subarray(0, content.byteLength - 10));
  const torn = { ...records, path, fileIdentity: fileIdentityOf(statSync(path, { bigint: true })) };
  const messages: SenderMessage[] = [];
  const sid = nextId().readBigUInt64LE();
  const given = { ...order(sid, Infinity), records: torn };
  const sender = startSender(given, (message) => messages.push(message));
  const { end } = await receive(sid, "best");
  await sender.gone;
  expect(end).toMatchObject({ outcome: "failed", code: "session_aborted" });
  const ended = messages.find((one) => one.kind === "event" && one.event.kind === "ended");
  expect(ended).toMatchObject({ event: { reason: expect.stringContaining("early") as unknown } });
});

test("a thread that cannot open its file says so as its last word", async () => {
  const messages: SenderMessage[] = [];
  const missing = { ...order(6n, 0), records: { ...records, path: join(folder, "none") } };
  await startSender(missing, (message) => messages.push(message)).gone;
  expect(messages).toMatchObject([{ kind: "failed", code: "ENOENT" }]);
});
