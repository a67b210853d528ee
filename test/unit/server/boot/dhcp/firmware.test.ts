/**
 * Goal: each firmware is told for what it is, whatever it claims.
 * Method: captured messages, and a Raspberry Pi as its documentation describes it.
 */
import { expect, test } from "vitest";
import { firmwareOf } from "../../../../../server/boot/dhcp/firmware.ts";
import { readMessage } from "../../../../../server/boot/dhcp/message.ts";
import { variant, vector } from "../../../../rig/dhcp-vectors.ts";

test.each([
  ["ipxe-rom-discover", "ipxe", "bios"],
  ["ipxe-efi-discover", "ipxe", "efi-x64"],
  ["snponly-discover", "ipxe", "efi-x64"],
  ["undionly-discover", "ipxe", "bios"],
  ["ovmf-pxe-discover", "pxe", "efi-x64"],
  ["ovmf-boot-server-request", "pxe", "efi-x64"],
  ["ovmf-http-discover", "http", "efi-x64"],
])("firmwareOf() says of %s that it is %s on %s", (name, kind, architecture) => {
  expect(firmwareOf(readMessage(vector(name)))).toEqual({ kind, architecture });
});

test("firmwareOf() knows iPXE by option 175 when the user class is missing", () => {
  const bytes = variant("ipxe-rom-discover", {}, { 77: undefined });
  expect(firmwareOf(readMessage(bytes)).kind).toBe("ipxe");
});

test("firmwareOf() sees a Raspberry Pi behind its claim to be an x86 BIOS", () => {
  const pi = variant("ovmf-pxe-discover", { mac: "dc:a6:32:12:34:56" }, { 93: [0, 0] });
  expect(firmwareOf(readMessage(pi)).kind).toBe("raspberry");
  const other = variant("ovmf-pxe-discover", { mac: "dc:a6:33:12:34:56" }, { 93: [0, 0] });
  expect(firmwareOf(readMessage(other))).toEqual({ kind: "pxe", architecture: "bios" });
});

test("firmwareOf() says none of a Raspberry Pi's operating system", () => {
  const system = variant("ovmf-pxe-discover", { mac: "dc:a6:32:12:34:56" }, { 60: undefined });
  expect(firmwareOf(readMessage(system)).kind).toBe("none");
});

test.each([
  [9, "efi-x64"],
  [11, "efi-arm64"],
  [19, "efi-arm64"],
  [6, "other"],
  [0xffff, "other"],
])("firmwareOf() maps architecture %i to %s", (code, architecture) => {
  const bytes = variant("ovmf-pxe-discover", {}, { 93: [code >> 8, code & 255] });
  expect(firmwareOf(readMessage(bytes)).architecture).toBe(architecture);
});

test("firmwareOf() says none when nothing asks for a boot", () => {
  const bytes = variant("ovmf-pxe-discover", {}, { 60: undefined, 93: undefined });
  expect(firmwareOf(readMessage(bytes))).toEqual({ kind: "none", architecture: "other" });
});
