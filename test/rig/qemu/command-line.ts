/**
 * QEMU's command line for one virtual node.
 *
 * A test chooses firmware, network card, disk controller and boot source. The rest is fixed: one
 * serial port, written to a file, which SeaBIOS and GRUB use too; a random number source, without
 * which newer UEFI builds refuse the network; a QMP socket for the power button. KVM is used only
 * if it has booted a kernel before: in a cloud VM /dev/kvm may belong to a module that emulates
 * ring 0 and needs minutes for what translation does in seconds.
 */

/** How instructions are run. */
export type Acceleration = "kvm" | "tcg";

/** A virtual node. Paths are absolute. */
export interface VmDescription {
  /** Network namespace that holds the tap. */
  readonly namespace: string;
  /** Tap in that namespace. */
  readonly tap: string;
  /** Lower case with colons. */
  readonly mac: string;
  readonly firmware: "bios" | "uefi";
  readonly card: "e1000e" | "e1000" | "virtio-net-pci";
  readonly disks: readonly VmDisk[];
  /** `network`: the card first, then the first disk. `disk`: never the card. */
  readonly boot: "network" | "disk" | DirectBoot;
  /** Unit: MiB. */
  readonly memoryMib: number;
  readonly acceleration: Acceleration;
}

/** A disk of a virtual node. */
export interface VmDisk {
  readonly file: string;
  readonly controller: "ahci" | "nvme" | "virtio-blk-pci";
  /** At most 20 characters. */
  readonly serial: string;
}

/** A kernel loaded by QEMU itself: no firmware, no network boot. */
export interface DirectBoot {
  readonly kernel: string;
  readonly initramfs: string;
  readonly words: string;
}

/** Files of one virtual node, in its folder. */
export interface VmFiles {
  /** Serial port; appended to. */
  readonly serial: string;
  /** QMP socket. */
  readonly monitor: string;
  /** The node's own copy of the UEFI variables. */
  readonly variables: string;
}

/** Debian's UEFI firmware. */
const OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd";
/** Its variables as they are before the first boot. */
export const OVMF_VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd";
/**
 * Room for translated code. More costs memory in each node; with less, code is translated again.
 * Unit: MiB.
 */
const TRANSLATION_MIB = 256;

/**
 * Writes the command line.
 *
 * @param vm - The virtual node.
 * @param files - Where its files are.
 * @returns Program and arguments, to run as root.
 */
export function qemuCommand(vm: VmDescription, files: VmFiles): string[] {
  return [
    ...["ip", "netns", "exec", vm.namespace, "qemu-system-x86_64"],
    ...accelerationWords(vm.acceleration),
    ...["-machine", "q35", "-m", `${vm.memoryMib}M`, "-smp", "1"],
    ...["-nographic", "-no-user-config", "-monitor", "none"],
    ...["-chardev", `file,id=serial,path=${files.serial},append=on`, "-serial", "chardev:serial"],
    ...["-qmp", `unix:${files.monitor},server=on,wait=off`],
    ...firmwareWords(vm, files),
    ...cardWords(vm),
    ...vm.disks.flatMap((disk, index) => diskWords(disk, index, vm.boot)),
    ...["-device", "virtio-rng-pci"],
    ...directWords(vm.boot),
  ];
}

/**
 * Chooses how instructions are run.
 *
 * @param modules - Names in /sys/module.
 * @param kvmBoots - Tells whether KVM really boots a kernel; asked only when it may.
 * @returns `kvm` only if the processor's own module is loaded, not its stand-in, and a kernel
 *   boots.
 */
export function chooseAcceleration(
  modules: readonly string[],
  kvmBoots: () => boolean,
): Acceleration {
  const real = modules.includes("kvm_intel") || modules.includes("kvm_amd");
  return real && !modules.includes("kvm_pvm") && kvmBoots() ? "kvm" : "tcg";
}

/** Writes QEMU's arguments for an acceleration. */
export function accelerationWords(acceleration: Acceleration): string[] {
  if (acceleration === "kvm") return ["-accel", "kvm", "-cpu", "host"];
  return ["-accel", `tcg,thread=multi,tb-size=${TRANSLATION_MIB}`, "-cpu", "max"];
}

function firmwareWords(vm: VmDescription, files: VmFiles): string[] {
  if (vm.firmware === "bios") return [];
  return [
    ...["-drive", `if=pflash,format=raw,unit=0,readonly=on,file=${OVMF_CODE}`],
    ...["-drive", `if=pflash,format=raw,unit=1,file=${files.variables}`],
  ];
}

function cardWords({ boot, card, mac, tap }: VmDescription): string[] {
  const order = boot === "network" ? ",bootindex=1" : "";
  // Without its ROM a card cannot boot, so a node that must not touch the network does not.
  const rom = boot === "disk" ? ",romfile=" : "";
  return [
    ...["-netdev", `tap,id=net,ifname=${tap},script=no,downscript=no`],
    ...["-device", `${card},netdev=net,mac=${mac}${order}${rom}`],
  ];
}

function diskWords(disk: VmDisk, index: number, boot: VmDescription["boot"]): string[] {
  const id = `disk${index}`;
  const order = typeof boot === "string" ? `,bootindex=${index + 2}` : "";
  const device = {
    ahci: `ide-hd,bus=ide.${index}`,
    nvme: "nvme",
    "virtio-blk-pci": "virtio-blk-pci",
  }[disk.controller];
  const cache = "cache=writeback,discard=unmap,detect-zeroes=unmap";
  return [
    ...["-drive", `if=none,id=${id},format=raw,file=${disk.file},${cache}`],
    ...["-device", `${device},drive=${id},serial=${disk.serial}${order}`],
  ];
}

function directWords(boot: VmDescription["boot"]): string[] {
  if (typeof boot === "string") return [];
  return ["-kernel", boot.kernel, "-initrd", boot.initramfs, "-append", boot.words];
}
