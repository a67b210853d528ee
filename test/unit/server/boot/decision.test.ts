/**
 * Goal: the answer follows wanted state in every protocol, and iPXE never gets iPXE again.
 * Method: all kinds of firmware times all wanted states.
 */
import { expect, test } from "vitest";
import { assetsOf } from "../../../../server/boot/assets.ts";
import { decideBoot } from "../../../../server/boot/decision.ts";
import type { Architecture, Firmware } from "../../../../server/boot/dhcp/firmware.ts";
import { ARM64_ASSETS, BOOT_ASSETS, bootTable } from "../../../rig/dhcp-vectors.ts";

const mac = "52:54:00:77:00:00";
const kinds: readonly Firmware["kind"][] = ["ipxe", "pxe", "http", "raspberry", "none"];

const { network, assets } = bootTable();

function decide(
  kind: Firmware["kind"],
  architecture: Architecture,
  answer: "receiver" | "disk",
  published = assets,
) {
  const asker = { firmware: { kind, architecture }, mac, node: { name: "n", answer } };
  return decideBoot(asker, network, published);
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
  const url = "http://10.77.0.1:8067/boot/files/snponly.efi";
  expect(decide("http", "efi-x64", "receiver")).toEqual({ kind: "url", url });
});

test("decideBoot() says unfit when no published file fits", () => {
  for (const architecture of ["efi-arm64", "other"] as const) {
    expect(decide("pxe", architecture, "receiver")).toEqual({ kind: "unfit", architecture });
  }
  expect(decide("raspberry", "other", "receiver").kind).toBe("unfit");
  const [kernel, archive] = BOOT_ASSETS;
  const withoutLoaders = assetsOf("0.1.0", BOOT_ASSETS.slice(0, 2));
  expect([kernel?.role, archive?.role]).toEqual(["kernel", "archive"]);
  expect(decide("pxe", "bios", "receiver", withoutLoaders).kind).toBe("unfit");
  expect(decide("pxe", "efi-x64", "disk", withoutLoaders)).toEqual({ kind: "disk" });
});

test("decideBoot() leads to the receiver for the processor, or says unfit", () => {
  const both = assetsOf("0.1.0", [...BOOT_ASSETS, ...ARM64_ASSETS]);
  const url = "http://10.77.0.1:8067/boot/nodes/52-54-00-77-00-00/script-arm64.ipxe";
  expect(decide("ipxe", "efi-arm64", "receiver", both)).toEqual({ kind: "url", url });
  expect(decide("pxe", "efi-arm64", "receiver", both)).toMatchObject({ file: "snponly-arm64.efi" });
  const loaderOnly = assetsOf("0.1.0", [...BOOT_ASSETS, ...ARM64_ASSETS.slice(2)]);
  for (const kind of ["pxe", "http", "ipxe"] as const) {
    expect(decide(kind, "efi-arm64", "receiver", loaderOnly).kind).toBe("unfit");
  }
  expect(decide("ipxe", "efi-arm64", "disk", loaderOnly)).toEqual({ kind: "url", url });
  expect(decide("pxe", "efi-arm64", "disk", loaderOnly).kind).toBe("file");
});

test("decideBoot() gives who does not boot from the network nothing to boot", () => {
  expect(decide("none", "other", "receiver")).toEqual({ kind: "disk" });
});
