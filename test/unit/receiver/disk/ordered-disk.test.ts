/**
 * Goal: every fault of disk or image becomes the verdict that names it. Method: an ordered disk in
 * memory that fails where the test wants it to, and a real captured image.
 */
import { expect, test } from "vitest";
import { OrderedDisk } from "../../../../receiver/disk/ordered-disk.ts";
import { planDisk } from "../../../../shared/allocation/plan.ts";
import type { Order } from "../../../../shared/control/order.ts";
import { toHex } from "../../../../shared/core/digest.ts";
import { seededRandom } from "../../../../shared/core/random.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { captureImage } from "../../../../shared/image/capture.ts";
import { zlibCodec } from "../../../../shared/image/codec-zlib.ts";
import { inlinePool } from "../../../../shared/image/codec-pool.ts";
import { plainBuffer } from "../../../../shared/image/gated-disk.ts";
import { openImage } from "../../../../shared/image/reader.ts";
import type { ImageIndex } from "../../../../shared/image/reader.ts";
import { putMbr } from "../../../rig/disk-fixtures.ts";
import { order } from "../../../rig/story-stage.ts";
import { MemoryDisk } from "../../../rig/memory-disk.ts";

const DISK_BYTES = 4 << 20;
const nothing = (): void => undefined;
const FACTS = { uuid: new Uint8Array(16), nowMs: 0, tool: "test" };
const SAVE = order("save", { node: "test", level: 1 });

function content(seed: number): Uint8Array {
  const random = seededRandom(seed);
  return new Uint8Array(new Uint32Array(DISK_BYTES / 4).map(() => random.u32()).buffer);
}

interface Saved {
  readonly index: ImageIndex;
  readonly id: string;
  readonly tail: Uint8Array;
  record(chunk: number): Uint8Array;
}

async function saved(): Promise<Saved> {
  const source = memorySource(content(1));
  const pieces: Uint8Array[] = [];
  const append = (bytes: Uint8Array): Promise<void> => {
    pieces.push(bytes.slice());
    return Promise.resolve();
  };
  const out = { sink: { append }, pool: inlinePool(zlibCodec()) };
  await captureImage(source, planDisk(source, { rawIfDirty: false }), out, {
    ...FACTS,
    host: "test",
    level: 1,
  });
  const file = Buffer.concat(pieces);
  const index = opened(file);
  return {
    index,
    id: toHex(index.imageId),
    tail: file.subarray(index.footer.table.offset),
    record: (chunk) => {
      const { offset, length } = index.table.recordRange(chunk);
      return file.subarray(offset, offset + length);
    },
  };
}

function opened(file: Buffer): ImageIndex {
  const read = (offset: number, into: Uint8Array): void => {
    into.set(file.subarray(offset, offset + into.byteLength));
  };
  return openImage({ fileBytes: file.byteLength, read });
}

class FailingDisk extends MemoryDisk {
  failing: "read" | "write" | "nothing" = "nothing";
  /** So many reads succeed. */
  readsLeft = Infinity;

  override read(lba: number, into: Uint8Array): void {
    this.readsLeft -= 1;
    if (this.failing === "read" || this.readsLeft < 0)
      throw Object.assign(new Error("EIO: read"), { code: "EIO" });
    super.read(lba, into);
  }

  override write(offset: number, bytes: Uint8Array): void {
    if (this.failing === "write") throw Object.assign(new Error("EIO: write"), { code: "EIO" });
    super.write(offset, bytes);
  }
}

function plainOutput(sink: (bytes: Uint8Array) => Promise<void>) {
  return { sink, pool: inlinePool(zlibCodec()) };
}

function ordered(device: MemoryDisk, given: Order = SAVE): OrderedDisk {
  return new OrderedDisk(given, device, zlibCodec(), plainBuffer());
}

function loadOf(id: string): Order {
  return order("load", { image: { id, name: "x" }, verify: "full" });
}

test("OrderedDisk loads an image and says which faults are the disk's", async () => {
  const image = await saved();
  const device = new FailingDisk(content(2));
  const disk = ordered(device, loadOf(image.id));
  const facts = disk.useImage(image.tail);
  expect(facts.chunkCount).toBe(image.index.table.count);
  expect(disk.scan(nothing)).toMatchObject({ found: "fresh", lackingBytes: DISK_BYTES });
  device.failing = "write";
  const closing = (): void => {
    disk.closeGate();
  };
  expect(closing).toThrow(
    expect.objectContaining({
      verdict: "disk_write_error",
      message: "Cannot write the disk: the device failed (EIO)",
    }) as Error,
  );
  device.failing = "nothing";
  closing();
  for (let chunk = 0; chunk < facts.chunkCount; chunk += 1) {
    expect(disk.deliver(chunk, image.record(chunk))).toBe("ok");
  }
  disk.flush();
  disk.verify(nothing);
  disk.openGate();
  expect(Buffer.compare(device.bytes, content(1))).toBe(0);
  device.failing = "read";
  expect(disk.scan(nothing).found).toBe("fresh"); // it may be writable where it is unreadable
  const verifying = (): void => {
    disk.verify(nothing);
  };
  expect(verifying).toThrow(
    expect.objectContaining({
      verdict: "disk_read_error",
      message: "Cannot read the disk: the device failed (EIO)",
    }) as Error,
  );
});

test("P1: OrderedDisk.deliver() calls a damaged record bad and writes nothing", async () => {
  const image = await saved();
  const device = new MemoryDisk(content(2));
  const disk = ordered(device, loadOf(image.id));
  disk.useImage(image.tail);
  const damaged = image.record(1).slice();
  damaged[100] = (damaged[100] ?? 0) ^ 1;
  expect(disk.deliver(1, damaged)).toBe("bad");
  expect(disk.deliver(1, image.record(2))).toBe("bad");
  expect(Buffer.compare(device.bytes, content(2))).toBe(0);
});

test("OrderedDisk.useImage() refuses another image's table and a torn one", async () => {
  const image = await saved();
  const disk = ordered(new MemoryDisk(content(2)), loadOf(image.id));
  const another = ordered(new MemoryDisk(content(2)), loadOf("0".repeat(64)));
  const damaged = expect.objectContaining({ verdict: "image_damaged" }) as Error;
  expect(() => another.useImage(image.tail)).toThrow(damaged);
  expect(() => disk.useImage(image.tail.subarray(0, 5000))).toThrow(damaged);
});

test("OrderedDisk.checkIdentity() refuses a disk that is another one by now, or in use", () => {
  const device = new MemoryDisk(content(2));
  const disk = ordered(device);
  const same = { ...device.identity, inUse: [] };
  disk.checkIdentity(same);
  const another = (): void => {
    disk.checkIdentity({ ...same, serial: "other" });
  };
  expect(another).toThrow(expect.objectContaining({ verdict: "no_disk_matches" }) as Error);
});

test("OrderedDisk.capture() gives what a local capture gives, and stops when told", async () => {
  const image = await saved();
  const pieces: Uint8Array[] = [];
  const sink = (bytes: Uint8Array): Promise<void> => {
    pieces.push(bytes.slice());
    return Promise.resolve();
  };
  const disk = ordered(new MemoryDisk(content(1)));
  const out = { sink, pool: inlinePool(zlibCodec()) };
  await disk.capture(FACTS, out, nothing);
  const file = Buffer.concat(pieces);
  expect(toHex(file).includes(image.id)).toBe(true);
  const stop = (): void => {
    throw new Error("stopped");
  };
  await expect(disk.capture(FACTS, out, stop)).rejects.toThrow("stopped");
});

test("OrderedDisk.capture() keeps long gaps if the order says so", async () => {
  const bytes = new Uint8Array(80 << 20);
  putMbr(bytes, 0, [{ start: 2048, sectorCount: 2048 }]);
  const keptBytes = async (keepGaps: boolean): Promise<number> => {
    const pieces: Uint8Array[] = [];
    const out = plainOutput((piece) => {
      pieces.push(piece.slice());
      return Promise.resolve();
    });
    await ordered(new MemoryDisk(bytes), order("save", { keepGaps })).capture(FACTS, out, nothing);
    return opened(Buffer.concat(pieces)).manifest.stats.rawBytes;
  };
  expect(await keptBytes(false)).toBeLessThan(70 << 20);
  expect(await keptBytes(true)).toBe(80 << 20);
});

test("OrderedDisk.capture() says disk_read_error at whichever read the disk fails", async () => {
  const sink = (): Promise<void> => Promise.resolve();
  const whole = new FailingDisk(content(1));
  whole.readsLeft = 1000;
  await ordered(whole).capture(FACTS, plainOutput(sink), nothing);
  const reads = 1000 - whole.readsLeft;
  for (const readsLeft of [0, 1, Math.floor(reads / 2), reads - 2, reads - 1]) {
    const device = new FailingDisk(content(1));
    device.readsLeft = readsLeft;
    const capture = ordered(device).capture(FACTS, plainOutput(sink), nothing);
    await expect(capture).rejects.toMatchObject({ verdict: "disk_read_error" });
  }
});

test("OrderedDisk.capture() does not blame the disk when the sink fails", async () => {
  const fault = Object.assign(new Error("EIO: upload"), { code: "EIO" });
  const disk = ordered(new FailingDisk(content(1)));
  const capture = disk.capture(
    FACTS,
    plainOutput(() => Promise.reject(fault)),
    nothing,
  );
  await expect(capture).rejects.toBe(fault);
});
