/**
 * Goal: one text form per address, so that comparing is safe. Method: tables and round trips.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  inSubnet,
  ipv4Bytes,
  ipv4FromNumber,
  ipv4ToNumber,
  macFromBytes,
  macWithDashes,
  parseMac,
  subnetBroadcast,
} from "../../../../server/boot/addresses.ts";

test("ipv4ToNumber() gives back what ipv4FromNumber() wrote", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
      expect(ipv4ToNumber(ipv4FromNumber(value))).toBe(value);
    }),
  );
});

test.each([
  "",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "01.2.3.4",
  "1.2.3.-4",
  "1.2.3.4 ",
  "a.b.c.d",
  "::1",
])("ipv4ToNumber() refuses %j", (text) => {
  expect(() => ipv4ToNumber(text)).toThrow("Cannot read address");
});

test("ipv4Bytes() gives network order", () => {
  expect(ipv4Bytes("10.77.0.255")).toEqual(Uint8Array.of(10, 77, 0, 255));
});

test("inSubnet() compares the network part only, up to the highest bit", () => {
  expect(inSubnet("10.77.0.9", "10.77.0.1", "255.255.255.0")).toBe(true);
  expect(inSubnet("10.77.1.9", "10.77.0.1", "255.255.255.0")).toBe(false);
  expect(inSubnet("192.168.1.9", "192.168.0.1", "255.255.254.0")).toBe(true);
  expect(inSubnet("1.2.3.4", "200.0.0.1", "0.0.0.0")).toBe(true);
});

test("subnetBroadcast() sets all host bits", () => {
  expect(subnetBroadcast("192.168.0.1", "255.255.254.0")).toBe("192.168.1.255");
});

test("parseMac() takes the usual notations and nothing else", () => {
  for (const text of ["52:54:00:AB:00:01", "52-54-00-ab-00-01", "525400ab0001"]) {
    expect(parseMac(text)).toBe("52:54:00:ab:00:01");
  }
  for (const text of [
    "",
    "52:54:00:ab:00",
    "52:54:00:ab:00:0g",
    "52:54:00:ab:00:01:",
    ":".repeat(99),
  ]) {
    expect(() => parseMac(text)).toThrow("Cannot read MAC address");
  }
});

test("macFromBytes() and macWithDashes() write both forms", () => {
  const mac = macFromBytes(Uint8Array.of(0, 1, 2, 0xa, 0xb, 0xff));
  expect([mac, macWithDashes(mac)]).toEqual(["00:01:02:0a:0b:ff", "00-01-02-0a-0b-ff"]);
});
