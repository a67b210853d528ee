/**
 * Goal: ARCHITECTURE's data walk is true. Method: sector 2048 of a disk in memory is followed
 * through every stage of the table, with the production code of each, to sector 2048 of another
 * disk; every tenth datagram is lost on the way.
 */
import { expect, test } from "vitest";
import { BlockRepairer, repairScratchBytes } from "../../shared/session/reception/block-repair.ts";
import type { ReceptionRequest } from "../../shared/session/reception/contract.ts";
import { createReception } from "../../shared/session/reception/engine.ts";
import { createSender } from "../../shared/session/sender/engine.ts";
import { planDisk, usedSectors } from "../../shared/allocation/plan.ts";
import { Arena, arenaMemory } from "../../shared/core/arena.ts";
import { sameBytes } from "../../shared/core/digest.ts";
import type { Endpoint, TransmitBatch } from "../../shared/core/engine.ts";
import { seededRandom } from "../../shared/core/random.ts";
import { memorySource } from "../rig/memory-source.ts";
import { readPartitionTable } from "../../shared/disk/probe.ts";
import { createFecKernel } from "../../shared/fec/kernel.ts";
import { FEC_SCRATCH_BYTES } from "../../shared/fec/wasm-kernel.ts";
import { captureImage } from "../../shared/image/capture.ts";
import { zlibCodec } from "../../shared/image/codec-zlib.ts";
import { inlinePool } from "../../shared/image/codec-pool.ts";
import { GatedDisk, plainBuffer } from "../../shared/image/gated-disk.ts";
import { placeImage, targetSize } from "../../shared/image/place-image.ts";
import { openImage } from "../../shared/image/reader.ts";
import type { ImageIndex } from "../../shared/image/reader.ts";
import { createTagger } from "../../shared/wire/tag.ts";
import { randomMbrDisk } from "../rig/disk-fixtures.ts";
import { MemorySink, imageBytes } from "../rig/image-fixtures.ts";
import { MemoryDisk } from "../rig/memory-disk.ts";

const SECTOR = 2048;
const DISK_BYTES = 4 << 20;
const PARTITION = { start: SECTOR, sectorCount: DISK_BYTES / 512 - SECTOR - 64 };
const GROUP: Endpoint = { address: "239.192.0.1", port: 7000 };
const SENDER: Endpoint = { address: "10.0.0.1", port: 7001 };
const RECEIVER: Endpoint = { address: "10.0.0.2", port: 7002 };
const LOST_EVERY = 10;
const ROUNDS_MAX = 200_000;

async function saved(disk: Uint8Array): Promise<{ file: Uint8Array; index: ImageIndex }> {
  const source = memorySource(disk);
  const [partition] = readPartitionTable(source).partitions;
  expect(partition?.start, "disk: the table names the partition").toBe(SECTOR);
  const plan = planDisk(source, { rawIfDirty: false });
  const kept = usedSectors(plan).some(({ start, end }) => start <= SECTOR && SECTOR < end);
  expect(kept, "allocation map: the sector is kept").toBe(true);
  const sink = new MemorySink();
  const options = { level: 1, uuid: new Uint8Array(16), nowMs: 0, tool: "walk", host: "walk" };
  await captureImage(source, plan, { sink, pool: inlinePool(zlibCodec()) }, options);
  const file = sink.bytes;
  return { file, index: openImage(imageBytes(file)) };
}

/** A network of two: what one sends the other gets at once, but for every tenth datagram. */
class Wire implements TransmitBatch {
  sent = 0;
  readonly #place: number;
  readonly #waiting: { offset: number; length: number; remote: Endpoint }[] = [];

  constructor(arena: Arena) {
    this.#place = arena.region(64 * 2048);
  }

  add(length: number, remote: Endpoint): number {
    if (this.#waiting.length === 64) return -1;
    const offset = this.#place + this.#waiting.length * 2048;
    this.#waiting.push({ offset, length, remote });
    return offset;
  }

  carry(from: Endpoint, receive: (view: Parameters<typeof viewOf>[0]) => void): void {
    for (const { offset, length } of this.#waiting.splice(0)) {
      this.sent += 1;
      if (this.sent % LOST_EVERY !== 0) receive({ offset, length, remote: from });
    }
  }
}

function viewOf(parts: { offset: number; length: number; remote: Endpoint }): typeof parts & {
  dropped: number;
} {
  return { ...parts, dropped: 0 };
}

test("sector 2048 travels from disk to disk through every stage of the data walk", async () => {
  const disk = randomMbrDisk(1, DISK_BYTES, PARTITION);
  const { file, index } = await saved(disk);
  const { table } = index;
  const recordOf = (chunk: number): Uint8Array => {
    const { offset, length } = table.recordRange(chunk);
    return file.subarray(offset, offset + length);
  };
  const recordLengths = Uint32Array.from({ length: table.count }, (_, chunk) => {
    return table.recordRange(chunk).length;
  });
  const arena = new Arena(arenaMemory(64 << 20));
  const kernel = createFecKernel(arena.memory, { scratch: arena.region(FEC_SCRATCH_BYTES) });
  const tagger = createTagger(arena.memory, new Uint8Array(16));
  const sender = createSender({
    ...{ arena, kernel, tagger, random: seededRandom(2), sid: 7n, kind: "image" },
    ...{ imageId: index.imageId, group: GROUP, feedbackPort: SENDER.port, symbolBytes: 1408 },
    ...{ recordBytesMax: Math.max(...recordLengths), chunkCount: table.count },
    ...{ cacheBytes: 16 << 20, rateCap: 900e6 },
    start: { membersMin: 1, membersMax: 1, waitMinMs: 0, waitMaxMs: 5000 },
    admission: { by: "server", admits: (node) => node === 1 },
  });
  const reception = createReception({
    ...{ arena, tagger, random: seededRandom(3), node: 1, sid: 7n, ringBytes: 16 << 20 },
    ...{ recordLengths, canFetch: false, inOrder: false },
  });
  const repairer = new BlockRepairer(arena, kernel, arena.region(repairScratchBytes(1408)));
  const target = new MemoryDisk(new Uint8Array(DISK_BYTES));
  const placement = placeImage(index, targetSize(target));
  const gated = new GatedDisk({ index, placement }, target, zlibCodec(), plainBuffer());
  gated.close("walk");
  let decoded = 0;
  const serve = (request: ReceptionRequest, now: number): void => {
    if (request.kind === "decode") {
      repairer.repair(request);
      decoded += 1;
      reception.complete({ kind: "decoded", chunk: request.chunk, block: request.block }, now);
    } else if (request.kind === "deliver") {
      const { chunk, offset, length } = request;
      gated.accept(chunk, arena.bytes.subarray(offset, offset + length));
      reception.complete({ kind: "delivered", chunk, outcome: "ok" }, now);
    }
  };
  const [down, up] = [new Wire(arena), new Wire(arena)];
  let ended = "";
  for (let round = 0; round < ROUNDS_MAX && ended === ""; round += 1) {
    const now = round / 4;
    sender.tick(now);
    sender.transmit(down, now);
    for (const { chunk, offset } of sender.requests()) {
      arena.bytes.set(recordOf(chunk), offset);
      sender.complete({ kind: "read", chunk, length: recordOf(chunk).byteLength }, now);
    }
    down.carry(SENDER, (parts) => {
      reception.receive(viewOf(parts), now);
    });
    reception.tick(now);
    for (const request of reception.requests()) serve(request, now);
    reception.transmit(up, now);
    up.carry(RECEIVER, (parts) => {
      sender.receive(viewOf(parts), now);
    });
    for (const event of reception.events()) if (event.kind === "ended") ended = event.outcome;
  }
  expect(ended, "reception: all chunks came").toBe("complete");
  expect(decoded, "decode: blocks with erasures were repaired").toBeGreaterThan(0);
  gated.flush();
  expect([...gated.readBack("full")].length).toBeGreaterThan(0);
  gated.open();
  const at = SECTOR * 512;
  const sector = target.bytes.subarray(at, at + 512);
  expect(sameBytes(sector, disk.subarray(at, at + 512)), "disk: the sector arrived").toBe(true);
  expect(sameBytes(target.bytes, disk), "and so did all others").toBe(true);
});
