/**
 * Goal: interfaces are listed as sysfs shows them; the kernel knows the loopback interface.
 *
 * Method: a synthetic /sys/class/net, and "lo" of the network namespace the test runs in.
 */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  interfaceAddress,
  interfaceIndex,
  listInterfaces,
} from "../../../../shared/linux/interfaces.io.ts";
import { testFolder } from "../../../rig/folder.ts";

test("listInterfaces() reads name, MAC, driver, carrier and MTU", () => {
  const sys = testFolder();
  const make = (name: string, files: Record<string, string>): void => {
    mkdirSync(join(sys, "class/net", name, "device"), { recursive: true });
    for (const [file, text] of Object.entries(files)) {
      writeFileSync(join(sys, "class/net", name, file), `${text}\n`);
    }
  };
  make("eth1", { ifindex: "3", address: "52:54:00:aa:bb:cc", carrier: "0", mtu: "9000" });
  make("eth0", { ifindex: "2", address: "52:54:00:12:34:56", carrier: "1", mtu: "1500" });
  symlinkSync("../../../../bus/pci/drivers/igb", join(sys, "class/net/eth0/device/driver"));
  writeFileSync(join(sys, "class/net/bonding_masters"), "");
  expect(listInterfaces(sys)).toEqual([
    { name: "eth0", index: 2, mac: "52:54:00:12:34:56", driver: "igb", carrier: true, mtu: 1500 },
    { name: "eth1", index: 3, mac: "52:54:00:aa:bb:cc", driver: "", carrier: false, mtu: 9000 },
  ]);
});

test("interfaceIndex() and interfaceAddress() know the loopback interface", () => {
  expect(interfaceIndex("lo")).toBeGreaterThan(0);
  expect(interfaceAddress("lo", "IPv4")).toBe("127.0.0.1");
});

test("interfaceIndex() and interfaceAddress() name those there are when one is missing", () => {
  const missing: unknown = expect.objectContaining({ code: "no_interface" });
  expect(() => interfaceIndex("nosuch0")).toThrow(missing);
  expect(() => interfaceAddress("nosuch0", "IPv4")).toThrow(missing);
});
