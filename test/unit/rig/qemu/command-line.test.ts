/**
 * Goal: a virtual node boots from where its description says, and KVM is used only when it works.
 * Method: command lines of descriptions that differ in one thing.
 */
import { expect, test } from "vitest";
import { chooseAcceleration, qemuCommand } from "../../../rig/qemu/command-line.ts";
import type { VmDescription } from "../../../rig/qemu/command-line.ts";

const files = { serial: "/vm/serial.log", monitor: "/vm/monitor", variables: "/vm/variables.fd" };
const vm: VmDescription = {
  namespace: "lab",
  tap: "tap1",
  mac: "52:54:00:00:00:01",
  firmware: "bios",
  card: "e1000e",
  disks: [{ file: "/vm/disk", controller: "ahci", serial: "D1" }],
  boot: "network",
  memoryMib: 512,
  acceleration: "tcg",
};

function line(changes: Partial<VmDescription>): string {
  return qemuCommand({ ...vm, ...changes }, files).join(" ");
}

test("qemuCommand() puts the card before the disk when it boots from the network", () => {
  expect(line({})).toContain("e1000e,netdev=net,mac=52:54:00:00:00:01,bootindex=1");
  expect(line({})).toContain("ide-hd,bus=ide.0,drive=disk0,serial=D1,bootindex=2");
  expect(line({})).toMatch(/^ip netns exec lab qemu-system-x86_64 .* -m 512M/);
});

test("qemuCommand() takes the card's ROM away when it boots from disk", () => {
  expect(line({ boot: "disk" })).toContain("mac=52:54:00:00:00:01,romfile= ");
  expect(line({ boot: "disk" })).not.toContain("bootindex=1");
});

test("qemuCommand() gives UEFI its code read-only and its own variables", () => {
  const uefi = line({ firmware: "uefi" });
  expect(uefi).toContain("unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd");
  expect(uefi).toContain("unit=1,file=/vm/variables.fd");
  expect(line({})).not.toContain("pflash");
});

test("qemuCommand() loads a kernel itself when told so", () => {
  const boot = { kernel: "/boot/k", initramfs: "/boot/i", words: "a=b" };
  const direct = line({ boot });
  expect(direct).toContain("-kernel /boot/k -initrd /boot/i -append a=b");
  expect(direct).not.toContain("bootindex");
});

test("chooseAcceleration() takes KVM only from the processor's own module, if it boots", () => {
  const works = (): boolean => true;
  expect(chooseAcceleration(["kvm", "kvm_intel"], works)).toBe("kvm");
  expect(chooseAcceleration(["kvm_amd"], works)).toBe("kvm");
  expect(chooseAcceleration(["kvm_amd"], () => false)).toBe("tcg");
  expect(chooseAcceleration(["kvm", "kvm_intel", "kvm_pvm"], works)).toBe("tcg");
  let asked = false;
  const probe = (): boolean => (asked = true);
  expect(chooseAcceleration(["kvm"], probe)).toBe("tcg");
  expect(asked).toBe(false);
});
