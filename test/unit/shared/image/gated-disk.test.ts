/**
 * Goal: promise P2; a load writes what was saved, resumes, and leaves an unchanged disk alone.
 * Method: a real capture of a disk in memory, loaded onto a disk that counts writes; the power is
 * cut after every single one of them.
 */
import { describe, expect, test } from "vitest";
import { planDisk } from "../../../../shared/allocation/plan.ts";
import { blake3, sameBytes, toHex } from "../../../../shared/core/digest.ts";
import { seededRandom } from "../../../../shared/core/random.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { captureImage } from "../../../../shared/image/capture.ts";
import { zlibCodec } from "../../../../shared/image/codec-zlib.ts";
import { inlinePool } from "../../../../shared/image/codec-pool.ts";
import { decodeGateRecord } from "../../../../shared/disk/gate-record.ts";
import { GatedDisk, plainBuffer } from "../../../../shared/image/gated-disk.ts";
import { placeImage, targetSize } from "../../../../shared/image/place-image.ts";
import { openImage } from "../../../../shared/image/reader.ts";
import type { ImageIndex } from "../../../../shared/image/reader.ts";
import { gptDisk } from "../../../rig/image-fixtures.ts";
import { MemoryDisk } from "../../../rig/memory-disk.ts";

const MIB = 1 << 20;
const DISK_BYTES = 8 * MIB;
const nothing = (): void => undefined;

/** MBR with boot code, one raw partition from 1 MiB to 7 MiB, every byte random. */
function bootDisk(seed: number): Uint8Array {
  const random = seededRandom(seed);
  // a prime length, so that no two slots are alike
  const block = new Uint32Array(4099).map(() => random.u32());
  const words = new Uint32Array(DISK_BYTES / 4);
  for (let at = 0; at < words.length; at += block.length) {
    words.set(block.subarray(0, Math.min(block.length, words.length - at)), at);
  }
  const disk = new Uint8Array(words.buffer);
  const view = new DataView(disk.buffer);
  disk.fill(0, 446, 510);
  view.setUint8(446 + 4, 0x83);
  view.setUint32(446 + 8, MIB / 512, true);
  view.setUint32(446 + 12, (6 * MIB) / 512, true);
  view.setUint16(510, 0xaa55, true);
  return disk;
}

interface Image {
  readonly index: ImageIndex;
  record(chunk: number): Uint8Array;
}

async function save(disk: Uint8Array): Promise<Image> {
  const source = memorySource(disk);
  const pieces: Uint8Array[] = [];
  const sink = {
    append: (bytes: Uint8Array) => {
      pieces.push(bytes.slice());
      return Promise.resolve();
    },
  };
  const options = { level: 1, uuid: new Uint8Array(16), nowMs: 0, tool: "test", host: "test" };
  const plan = planDisk(source, { rawIfDirty: false });
  await captureImage(source, plan, { sink, pool: inlinePool(zlibCodec()) }, options);
  const file = Buffer.concat(pieces);
  const index = openImage({
    fileBytes: file.byteLength,
    read: (offset, into) => {
      into.set(file.subarray(offset, offset + into.byteLength));
    },
  });
  const record = (chunk: number): Uint8Array => {
    const { offset, length } = index.table.recordRange(chunk);
    return file.subarray(offset, offset + length);
  };
  return { index, record };
}

/** A disk that loses power after a number of writes, or in the middle of one. */
class FailingDisk extends MemoryDisk {
  writesMax = Infinity;
  /** Of the write that loses power, so many bytes reach the medium. */
  tornBytes = 0;
  /** Told of every write after it was done. */
  afterWrite: (offset: number, length: number) => void = nothing;
  /** Sectors that answer EIO until they are written. */
  readonly unreadable = new Set<number>();

  override read(lba: number, into: Uint8Array): void {
    for (let at = lba; at < lba + into.byteLength / 512; at += 1) {
      if (this.unreadable.has(at)) throw Object.assign(new Error("read failed"), { code: "EIO" });
    }
    super.read(lba, into);
  }

  override write(offset: number, bytes: Uint8Array): void {
    if (this.writes >= this.writesMax) {
      this.bytes.set(bytes.subarray(0, this.tornBytes), offset);
      throw new Error("power is off");
    }
    super.write(offset, bytes);
    for (let at = 0; at < bytes.byteLength; at += 512) this.unreadable.delete((offset + at) / 512);
    this.afterWrite(offset, bytes.byteLength);
  }
}

function target(image: Image, disk: FailingDisk): GatedDisk {
  const { index } = image;
  const placement = placeImage(index, targetSize(disk));
  return new GatedDisk({ index, placement }, disk, zlibCodec(), plainBuffer());
}

function load(image: Image, disk: FailingDisk): ReturnType<GatedDisk["scan"]> {
  const gated = target(image, disk);
  const findings = gated.scan(true, nothing);
  if (findings.lacking.length === 0) return findings;
  gated.close("order");
  for (const chunk of findings.lacking) gated.accept(chunk, image.record(chunk));
  gated.flush();
  expect([...gated.readBack("full")].length).toBeGreaterThan(0);
  gated.open();
  return findings;
}

/** What firmware would do with the disk. */
function boots(disk: Uint8Array): boolean {
  return disk[510] === 0x55 && disk[511] === 0xaa;
}

describe("GatedDisk", () => {
  test("writes what was saved, byte for byte, and finds it unchanged afterwards", async () => {
    const source = bootDisk(1);
    const image = await save(source);
    const disk = new FailingDisk(bootDisk(2));
    expect(load(image, disk).found).toBe("fresh");
    expect(toHex(blake3(disk.bytes))).toBe(toHex(blake3(source)));
    const before = disk.writes;
    expect(load(image, disk)).toEqual({ lacking: [], found: "unchanged", remains: [] });
    expect(disk.writes).toBe(before);
  });

  test("takes only what differs, and the gate, onto a changed disk", async () => {
    const source = bootDisk(1);
    const image = await save(source);
    const changed = source.slice();
    changed[3 * MIB + 17] = (changed[3 * MIB + 17] ?? 0) ^ 1;
    const disk = new FailingDisk(changed);
    const { found, lacking } = load(image, disk);
    expect(found).toBe("delta");
    expect(lacking.length).toBeLessThan(image.index.table.count);
    expect(sameBytes(disk.bytes, source)).toBe(true);
  });

  test("P13: what the image does not hold makes a disk a delta, and is cleared", async () => {
    const source = gptDisk(); // its ext4 leaves the end of partition 1 free
    const image = await save(source);
    const disk = new FailingDisk(source.slice());
    const place = 3 * MIB - 65536;
    expect(load(image, disk).found).toBe("unchanged");
    disk.bytes.set([0xfc, 0x4e, 0x2b, 0xa9], place);
    const { found, remains, lacking } = load(image, disk);
    expect(found).toBe("delta");
    expect(remains.some(({ start, end }) => start <= place && place < end)).toBe(true);
    expect(lacking.length).toBeLessThan(image.index.table.count);
    expect(sameBytes(disk.bytes, source)).toBe(true);
    expect(load(image, disk).found).toBe("unchanged");
  });

  test("P13: the gate stays closed when a blank place reads back otherwise", async () => {
    const image = await save(gptDisk());
    const disk = new FailingDisk(bootDisk(2));
    const gated = target(image, disk);
    gated.close("order");
    for (const chunk of gated.body) gated.accept(chunk, image.record(chunk));
    disk.bytes[3 * MIB - 65536] = 1;
    expect(() => [...gated.readBack("sample")]).toThrow(/the blank bytes .* read back/);
  });

  test("P2: at every power cut the disk is untouched, closed and known, or complete", async () => {
    const source = bootDisk(1);
    const image = await save(source);
    const old = bootDisk(2);
    const whole = new FailingDisk(old.slice());
    load(image, whole);
    expect(whole.writes).toBeGreaterThan(10);
    for (let cut = 0; cut < whole.writes; cut += 1) {
      const disk = new FailingDisk(old.slice());
      disk.writesMax = cut;
      expect(() => load(image, disk)).toThrow("power is off");
      expect(cut === 0 || !boots(disk.bytes), `boots after ${cut} writes`).toBe(true);
      disk.writesMax = Infinity;
      const sector = disk.bytes.subarray(0, 512);
      const closed = decodeGateRecord(sector) !== undefined;
      const { found } = load(image, disk);
      expect(found).toBe(closed ? "resumed" : "fresh");
      expect(sameBytes(disk.bytes, source), `complete after a cut at ${cut}`).toBe(true);
    }
  });

  test("P2: a power cut inside a write leaves no disk that looks bootable", async () => {
    const image = await save(bootDisk(1));
    const whole = new FailingDisk(bootDisk(2));
    load(image, whole);
    for (let cut = 1; cut < whole.writes; cut += 1) {
      const disk = new FailingDisk(bootDisk(2));
      disk.writesMax = cut;
      disk.tornBytes = cut === whole.writes - 1 ? 0 : 4096; // one sector is written or is not
      expect(() => load(image, disk)).toThrow("power is off");
      expect(boots(disk.bytes), `boots after ${cut} writes and a piece`).toBe(false);
    }
  });

  test.each([
    ["a superblock behind the gate", MIB + 1024],
    ["boot code behind sector 0", 513],
    ["sector 0 itself", 100],
  ])("P2: the gate stays closed when %s reads back wrong", async (_what, at) => {
    const image = await save(bootDisk(1));
    const disk = new FailingDisk(bootDisk(2));
    const gated = target(image, disk);
    gated.close("order");
    for (const chunk of gated.body) gated.accept(chunk, image.record(chunk));
    for (const chunk of gated.scan(false, nothing).lacking)
      gated.accept(chunk, image.record(chunk));
    let broken = false;
    disk.afterWrite = (offset, length) => {
      if (broken || at < offset || at >= offset + length) return;
      broken = true;
      disk.bytes[at] = (disk.bytes[at] ?? 0) ^ 1;
    };
    expect(() => {
      gated.open();
    }).toThrow(/read back differently/);
    expect(boots(disk.bytes)).toBe(false);
    expect(decodeGateRecord(disk.bytes.subarray(0, 512))?.orderId).toBe("order");
  });

  test("a sector that cannot be read is written, not held against the disk", async () => {
    const source = bootDisk(1);
    const image = await save(source);
    const disk = new FailingDisk(source.slice());
    disk.unreadable.add((3 * MIB) / 512);
    expect(load(image, disk).found).toBe("delta");
    expect(sameBytes(disk.bytes, source)).toBe(true);
    disk.unreadable.add(0);
    expect(load(image, disk).found).toBe("fresh");
    expect(sameBytes(disk.bytes, source)).toBe(true);
  });

  test("refuses an image whose content lies beyond the disk", async () => {
    const image = await save(bootDisk(1));
    const requires = { ...image.index.manifest.requires, minBytes: 0 };
    const manifest = { ...image.index.manifest, requires };
    const disk = new FailingDisk(new Uint8Array(4 * MIB));
    const small = { ...image, index: { ...image.index, manifest } };
    expect(() => target(small, disk)).toThrow(
      /it is to fit a disk of 0 bytes, and reaches to 7340032/,
    );
  });

  test("P1: refuses a damaged record before a byte of it is written", async () => {
    const image = await save(bootDisk(1));
    const disk = new FailingDisk(bootDisk(2));
    const gated = target(image, disk);
    const [chunk = 0] = gated.body;
    const record = image.record(chunk).slice();
    record[record.byteLength - 1] = (record.at(-1) ?? 0) ^ 1;
    expect(() => {
      gated.accept(chunk, record);
    }).toThrow(/damaged/);
    expect(disk.writes).toBe(0);
  });

  test("P1: never opens a gate that has not got all its chunks", async () => {
    const image = await save(bootDisk(1));
    const disk = new FailingDisk(bootDisk(2));
    const gated = target(image, disk);
    gated.close("order");
    for (const chunk of gated.body) gated.accept(chunk, image.record(chunk));
    expect(() => {
      gated.open();
    }).toThrow(/has not come/);
    expect(boots(disk.bytes)).toBe(false);
  });

  test("P1: notices a disk that does not keep what is written", async () => {
    const image = await save(bootDisk(1));
    const disk = new FailingDisk(bootDisk(2));
    const gated = target(image, disk);
    gated.close("order");
    for (const chunk of gated.body) gated.accept(chunk, image.record(chunk));
    disk.bytes[4 * MIB] = (disk.bytes[4 * MIB] ?? 0) ^ 1;
    expect(() => [...gated.readBack("full")]).toThrow(/read back differently/);
  });

  test("refuses a disk one sector too small and says what is wanted", async () => {
    const image = await save(bootDisk(1));
    const small = new FailingDisk(new Uint8Array(image.index.manifest.requires.minBytes - 512));
    expect(() => target(image, small)).toThrow(/disk has \d+ bytes, \d+ wanted/);
  });
});
