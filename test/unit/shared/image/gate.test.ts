/**
 * Goal: the gate covers what makes a disk recognisable, and a GPT moved to another size is a valid
 * GPT. Method: plans over real captures; golden gate record; the moved table read by the GPT
 * reader.
 */
import { describe, expect, test } from "vitest";
import { toHex } from "../../../../shared/core/digest.ts";
import { rangesCover } from "../../../../shared/core/ranges.ts";
import { readGpt } from "../../../../shared/disk/gpt.ts";
import { readMbrEntries } from "../../../../shared/disk/mbr.ts";
import { memorySource } from "../../../../shared/disk/source.ts";
import { moveGpt } from "../../../../shared/image/fixup.ts";
import {
  checkFits,
  chunksCleared,
  decodeGateRecord,
  encodeGateRecord,
  planGate,
} from "../../../../shared/image/gate.ts";
import { forEachFlip, putGpt, span } from "../../../rig/disk-fixtures.ts";
import { gptDisk, MIB, saved } from "../../../rig/image-fixtures.ts";
import { imageVector } from "../../../rig/image-vector.ts";

const { index } = await saved(gptDisk());
const { manifest, table } = index;
const RECORD = { orderId: "order-1", imageId: new Uint8Array(32).fill(4) };

describe("planGate()", () => {
  test("clears both ends and the heads of partitions, and opens with sector 0 last", () => {
    const gate = planGate(manifest, table, 8 * MIB);
    expect(gate.clear).toEqual([
      { start: 0, end: MIB + 65536 },
      { start: 4 * MIB, end: 4 * MIB + 65536 },
      { start: 6 * MIB - 65536, end: 6 * MIB },
      { start: 7 * MIB, end: 8 * MIB },
    ]);
    expect([gate.resized, gate.skipped]).toEqual([false, []]);
    expect(table.extents(gate.gateChunks.at(-1) ?? -1)[0]?.start).toBe(0);
  });

  test("covers every gate chunk that will be written", () => {
    const gate = planGate(manifest, table, 8 * MIB);
    const bytes = gate.gateChunks.flatMap((chunk) =>
      table.extents(chunk).map(({ start, end }) => ({ start: start * 512, end: end * 512 })),
    );
    for (const run of bytes) expect(rangesCover(gate.clear, [run])).toBe(true);
  });

  test("leaves out the old end of the disk and clears the new one when sizes differ", () => {
    const gate = planGate(manifest, table, 9 * MIB);
    expect(gate.resized).toBe(true);
    expect(gate.skipped).toHaveLength(1);
    expect(gate.clear.at(-1)).toEqual({ start: 8 * MIB, end: 9 * MIB });
  });

  test("refuses a target that ends inside the content", () => {
    expect(() => planGate({ ...manifest, partitions: [] }, table, 4096)).toThrow(
      /chunk 0 is for bytes 0 to \d+, whole sectors below 4096 wanted/,
    );
  });
});

describe("chunksCleared()", () => {
  test("finds exactly the chunks with an extent in a cleared run", () => {
    const { clear } = planGate(manifest, table, 8 * MIB);
    const wanted = Array.from({ length: table.count }, (_, chunk) => chunk).filter((chunk) =>
      table
        .extents(chunk)
        .some(({ start, end }) =>
          clear.some((run) => run.start < end * 512 && start * 512 < run.end),
        ),
    );
    expect(chunksCleared(table, clear)).toEqual(wanted);
    expect(wanted.length).toBeLessThan(table.count);
    expect(chunksCleared(table, [])).toEqual([]);
  });
});

describe("checkFits()", () => {
  const target = (sizeBytes: number, sectorBytes = 512) => ({ sizeBytes, sectorBytes });
  const { minBytes } = manifest.requires;

  test("takes a disk of minBytes and none below", () => {
    expect(minBytes).toBe(6 * MIB + 33 * 512);
    expect(() => {
      checkFits(manifest, target(minBytes));
      checkFits(manifest, target(minBytes + 512));
    }).not.toThrow();
    expect(() => {
      checkFits(manifest, target(minBytes - 512));
    }).toThrow(`the disk has ${minBytes - 512} bytes, ${minBytes} wanted`);
  });

  test("refuses another sector size", () => {
    expect(() => {
      checkFits(manifest, target(100 * MIB, 4096));
    }).toThrow(/sectors of 4096 bytes, 512 wanted/);
  });
});

describe("gate record", () => {
  test("is the bytes of FORMAT.md and boots nowhere", () => {
    const bytes = encodeGateRecord(RECORD);
    expect(toHex(bytes).replace(/(00)+$/, "")).toBe(imageVector("gate"));
    expect([bytes[510], bytes[511]]).toEqual([0, 0]);
    expect(readMbrEntries(bytes)).toBeUndefined();
    expect(decodeGateRecord(bytes)).toEqual(RECORD);
  });

  test("is not recognised when any byte of what it says is flipped", () => {
    const bytes = encodeGateRecord(RECORD);
    forEachFlip(bytes, span(0, 256), (offset) => {
      expect(decodeGateRecord(bytes), `byte ${offset}`).toBeUndefined();
    });
  });

  test("refuses an order id that does not fit", () => {
    expect(() => encodeGateRecord({ ...RECORD, orderId: "x".repeat(65) })).toThrow(/65 bytes/);
  });
});

describe("moveGpt()", () => {
  test.each([
    [512, 2400],
    [512, 4000],
    [4096, 2400],
    [4096, 4000],
  ])("gives a GPT without warnings for %i-byte sectors and %i of them", (sectorBytes, count) => {
    const old = new Uint8Array(3000 * sectorBytes);
    const partitions = [{ start: 256, sectorCount: 1000 }];
    putGpt(old, sectorBytes, partitions);
    const { head, backup } = moveGpt(old.subarray(0, 256 * sectorBytes), sectorBytes, count);
    const target = new Uint8Array(count * sectorBytes);
    target.set(head);
    target.set(backup.bytes, backup.offset);
    const fresh = new Uint8Array(count * sectorBytes);
    putGpt(fresh, sectorBytes, partitions);
    expect(Buffer.compare(target, fresh)).toBe(0);
    expect(readGpt(memorySource(target, sectorBytes))?.warnings).toEqual([]);
  });

  test("leaves a hybrid MBR alone", () => {
    const old = new Uint8Array(3000 * 512);
    putGpt(old, 512, [{ start: 256, sectorCount: 1000 }]);
    old[446 + 16 + 4] = 0x83;
    old[446 + 16 + 8] = 1;
    old[446 + 16 + 12] = 1;
    const { head } = moveGpt(old.subarray(0, 256 * 512), 512, 4000);
    expect(Buffer.compare(head.subarray(0, 512), old.subarray(0, 512))).toBe(0);
  });

  test("refuses when the primary GPT is damaged", () => {
    const head = gptDisk().subarray(0, MIB);
    head[512 + 40] = 0xff;
    expect(() => moveGpt(head, 512, 40_000)).toThrow(/primary GPT is damaged/);
  });
});
