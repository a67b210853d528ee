/**
 * Goal: the answer follows wanted state in every protocol, and iPXE never gets iPXE again.
 * Method: all kinds of firmware times all wanted states.
 */
import { expect, test } from "vitest";
import { decideBoot, fileUrl } from "../../../../server/boot/decision.ts";
import type { Architecture, Firmware } from "../../../../server/boot/dhcp/firmware.ts";
import { table } from "../../../rig/dhcp-vectors.ts";

const mac = "52:54:00:77:00:00";
const kinds: readonly Firmware["kind"][] = ["ipxe", "pxe", "http", "raspberry", "none"];

function decide(kind: Firmware["kind"], architecture: Architecture, answer: "receiver" | "disk") {
  return decideBoot({ kind, architecture }, mac, { name: "n", answer }, table());
}

test("decideBoot() sends every firmware but iPXE to the disk when nothing is wanted", () => {
  for (const kind of kinds.filter((one) => one !== "ipxe")) {
    for (const architecture of ["bios", "other", "efi-arm64"] as const) {
      expect(decide(kind, architecture, "disk")).toEqual({ kind: "disk" });
    }
  }
  expect(decide("raspberry", "efi-x64", "disk")).toEqual({ kind: "disk" });
});

test("decideBoot() sends UEFI to its disk by way of the loader", () => {
  expect(decide("pxe", "efi-x64", "disk")).toEqual({ kind: "file", file: "snponly.efi" });
  const url = "http://10.77.0.1:8067/boot/files/snponly.efi";
  expect(decide("http", "efi-x64", "disk")).toEqual({ kind: "url", url });
});

test("decideBoot() gives iPXE its own script whatever is wanted", () => {
  const url = "http://10.77.0.1:8067/boot/nodes/52-54-00-77-00-00/script.ipxe";
  expect(decide("ipxe", "bios", "receiver")).toEqual({ kind: "url", url });
  expect(decide("ipxe", "other", "disk")).toEqual({ kind: "url", url });
});

test("decideBoot() names the loader that fits the architecture", () => {
  expect(decide("pxe", "bios", "receiver")).toEqual({ kind: "file", file: "undionly.kpxe" });
  expect(decide("pxe", "efi-x64", "receiver")).toEqual({ kind: "file", file: "snponly.efi" });
  const url = fileUrl("10.77.0.1", 8067, "snponly.efi");
  expect(decide("http", "efi-x64", "receiver")).toEqual({ kind: "url", url });
});

test("decideBoot() says unfit when no published file fits", () => {
  for (const architecture of ["efi-arm64", "other"] as const) {
    expect(decide("pxe", architecture, "receiver")).toEqual({ kind: "unfit", architecture });
  }
  expect(decide("raspberry", "other", "receiver").kind).toBe("unfit");
  const gone = { ...table(), files: new Map<string, string>() };
  const firmware: Firmware = { kind: "pxe", architecture: "bios" };
  expect(decideBoot(firmware, mac, { name: "n", answer: "receiver" }, gone).kind).toBe("unfit");
});

test("decideBoot() gives who does not boot from the network nothing to boot", () => {
  expect(decide("none", "other", "receiver")).toEqual({ kind: "disk" });
});
