/**
 * Goal: a gate record is recognised by us and booted by nobody. Method: the golden bytes, and every
 * byte of what it says flipped.
 */
import { describe, expect, test } from "vitest";
import { toHex } from "../../../../shared/core/digest.ts";
import { readMbrEntries } from "../../../../shared/disk/mbr.ts";
import { decodeGateRecord, encodeGateRecord } from "../../../../shared/disk/gate-record.ts";
import { forEachFlip, span } from "../../../rig/disk-fixtures.ts";
import { imageVector } from "../../../rig/image-vector.ts";

const RECORD = { orderId: "order-1", imageId: new Uint8Array(32).fill(4) };

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
