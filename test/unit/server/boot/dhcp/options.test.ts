/**
 * Goal: structured options are read as their RFC has them, and malformed ones count as absent.
 * Method: captured options, hand-made malformed ones, random bytes.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { readMessage } from "../../../../../server/boot/dhcp/message.ts";
import {
  IPXE_NO_PROXY,
  Option,
  encapsulated,
  optionAddress,
  optionText,
  optionU16,
  optionU8,
  textBytes,
  userClasses,
} from "../../../../../server/boot/dhcp/options.ts";
import { vector } from "../../../../rig/dhcp-vectors.ts";

function one(code: number, ...value: readonly number[]): ReadonlyMap<number, Uint8Array> {
  return new Map([[code, Uint8Array.from(value)]]);
}

test("optionU8() and optionU16() read a captured message type and architecture", () => {
  const { options } = readMessage(vector("ovmf-http-discover"));
  expect(optionU8(options, Option.messageType)).toBe(1);
  expect(optionU16(options, Option.clientArchitecture)).toBe(16);
  expect(optionText(options, Option.vendorClass)).toBe("HTTPClient:Arch:00016:UNDI:003000");
});

test("optionU8(), optionU16() and optionAddress() give nothing for too few bytes", () => {
  expect(optionU8(one(53), 53)).toBeUndefined();
  expect(optionU16(one(93, 7), 93)).toBeUndefined();
  expect(optionAddress(one(50, 10, 0, 0), 50)).toBeUndefined();
});

test("optionU8(), optionU16() and optionAddress() take the first bytes of a doubled option", () => {
  expect(optionU8(one(53, 1, 1), 53)).toBe(1);
  expect(optionU16(one(93, 0, 7, 0, 7, 0), 93)).toBe(7);
  expect(optionAddress(one(54, 10, 0, 0, 1, 10, 0, 0, 1), 54)).toBe("10.0.0.1");
});

test("optionText() cuts the NUL that dnsmasq adds to a boot file name", () => {
  const { options } = readMessage(vector("dnsmasq-ipxe-offer"));
  expect(optionText(options, Option.bootFileName)).toBe("http://10.77.0.1:8080/boot.ipxe");
});

test("userClasses() reads iPXE's bare string and RFC 3004's list", () => {
  expect(userClasses(readMessage(vector("ipxe-rom-discover")).options)).toEqual(["iPXE"]);
  expect(userClasses(one(77, 4, ...textBytes("iPXE")))).toEqual(["iPXE"]);
  expect(userClasses(one(77, 1, 0x41, 2, 0x42, 0x43))).toEqual(["A", "BC"]);
  expect(userClasses(one(77))).toEqual([]);
});

test("encapsulated() reads a captured 175 and refuses a length that points outside", () => {
  const value = readMessage(vector("dnsmasq-ipxe-offer")).options.get(Option.ipxe);
  expect([...(encapsulated(value ?? new Uint8Array()) ?? [])]).toEqual([[0xb0, Uint8Array.of(1)]]);
  expect(encapsulated(Uint8Array.of(1, 5, 0))).toBeUndefined();
  expect(encapsulated(Uint8Array.of(1))).toBeUndefined();
  expect(encapsulated(Uint8Array.of(0, 0, 9, 0, 255, 1))?.size).toBe(1);
  expect([...(encapsulated(IPXE_NO_PROXY) ?? [])]).toEqual([[176, Uint8Array.of(1)]]);
});

test("encapsulated() and userClasses() take any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const value of encapsulated(bytes)?.values() ?? []) {
        expect(value.byteLength).toBeLessThan(256);
      }
      expect(userClasses(new Map([[77, bytes]])).length).toBeLessThanOrEqual(bytes.byteLength);
    }),
  );
});
