/**
 * Goal: boot code goes where GRUB looks for it, and never over the partition table.
 * Method: images of known bytes; the two numbers are looked up by their offsets in GRUB's headers.
 * That the result boots is proven by the virtual nodes of test/e2e.
 */
import { expect, test } from "vitest";
import { bootCode } from "../../../rig/test-os/boot-code.ts";

const boot = new Uint8Array(512).fill(0xbb);
const core = new Uint8Array(1500).fill(0xcc);

test("bootCode() gives sector 0 the place of the core image and keeps off the table", () => {
  const [code] = bootCode(boot, core, { coreLba: 2048, coreSectorsMax: 2048 });
  expect(code?.offset).toBe(0);
  expect(code?.bytes).toHaveLength(440);
  expect(Buffer.from(code?.bytes ?? []).readBigUInt64LE(0x5c)).toBe(2048n);
  expect(code?.bytes.filter((byte) => byte === 0xbb)).toHaveLength(432);
});

test("bootCode() gives the core image the place of its own second sector", () => {
  const [, image] = bootCode(boot, core, { coreLba: 1, coreSectorsMax: 2047 });
  expect(image?.offset).toBe(512);
  expect(Buffer.from(image?.bytes ?? []).readBigUInt64LE(0x1f4)).toBe(2n);
  expect(core.every((byte) => byte === 0xcc)).toBe(true);
});

test("bootCode() refuses images of a wrong size and a core image that does not fit", () => {
  const place = { coreLba: 1, coreSectorsMax: 2 };
  expect(() => bootCode(new Uint8Array(511), core, place)).toThrow(/511 bytes, 512 wanted/);
  expect(() => bootCode(boot, core, place)).toThrow(/3 sectors, 2 to 2 wanted/);
  expect(() => bootCode(boot, new Uint8Array(512), place)).toThrow(/1 sectors/);
});
