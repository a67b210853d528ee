/**
 * Goal: real firmware reaches its script, kernel and initramfs through our services, and its disk
 * when there is nothing to do. Method: QEMU nodes on a tap in a namespace, our boot services on the
 * same bridge; the services' own log and the serial console are the proof. The "kernel" is iPXE
 * itself, a program that both firmwares can load: what is shown is that it is fetched. Needs root;
 * time limits are four times a slow run.
 */
import type { ChildProcess } from "node:child_process";
import { copyFileSync, existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { labProblem } from "../rig/network-lab.ts";
import { BootLabPerTest, labBootNetwork, startSiteDhcp } from "../rig/boot-lab.ts";
import type { BootLab, BootServer } from "../rig/boot-lab.ts";
import type { PlainTable } from "../rig/boot-server.ts";

const ovmf = "/usr/share/OVMF";
const ipxe = "/usr/lib/ipxe";
const missing = [`${ovmf}/OVMF_CODE_4M.fd`, `${ipxe}/snponly.efi`].filter(
  (path) => !existsSync(path),
);
const problem =
  labProblem("qemu-system-x86_64", "dnsmasq") ??
  (missing.length > 0 ? `not installed: ${missing.join(", ")}` : undefined);
if (problem !== undefined) console.warn(`SKIPPED test/e2e/firmware.test.ts: ${problem}`);

const WAIT_MS = 240_000;
const mac = "52:54:00:77:00:01";
const labs = new BootLabPerTest();
const { folder } = labs;
const initramfs = join(folder, "initramfs");
writeFileSync(initramfs, new Uint8Array(100_000));
function newLab(): BootLab {
  const lab = labs.open();
  lab.tap("tap0");
  return lab;
}

function published(
  name: string,
  path = `${ipxe}/${name}`,
): { name: string; path: string; sizeBytes: number } {
  return { name, path, sizeBytes: statSync(path).size };
}

function table(mode: "proxy" | "full", answer: "receiver" | "disk", kernel: string): PlainTable {
  return {
    network: labBootNetwork(mode),
    nodes: { [mac]: { name: "n1", answer } },
    assets: [
      { role: "kernel", architecture: "x64", ...published("kernel", `${ipxe}/${kernel}`) },
      { role: "archive", architecture: "x64", order: 0, ...published("initramfs", initramfs) },
      { role: "loader", architecture: "bios", ...published("undionly.kpxe") },
      { role: "loader", architecture: "efi-x64", ...published("snponly.efi") },
    ],
  };
}

/** Starts a node; its serial console is collected. */
function powerOn(net: BootLab, nic: string, ...more: readonly string[]): { serial: () => string } {
  const child: ChildProcess = net.start(net.namespace, [
    "qemu-system-x86_64",
    ...["-machine", "q35", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max", "-m", "256"],
    ...["-nographic", "-no-reboot", "-device", "virtio-rng-pci"],
    ...["-netdev", "tap,id=n,ifname=tap0,script=no,downscript=no"],
    ...["-device", `${nic},netdev=n,mac=${mac},bootindex=1`],
    ...more,
  ]);
  let text = "";
  child.stdout?.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
  child.stderr?.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
  // positions on the screen come as escape sequences between words
  return { serial: () => text.replace(/\x1b\[[0-9;?=]*[A-Za-z]/g, "") };
}

function uefi(): readonly string[] {
  const variables = join(folder, "variables.fd");
  copyFileSync(`${ovmf}/OVMF_VARS_4M.fd`, variables);
  return [
    ...["-drive", `if=pflash,format=raw,readonly=on,file=${ovmf}/OVMF_CODE_4M.fd`],
    ...["-drive", `if=pflash,format=raw,file=${variables}`],
  ];
}

function setting(name: string, value: string): readonly string[] {
  return ["-fw_cfg", `name=opt/org.tianocore/${name},string=${value}`];
}

/** A disk whose boot sector prints a line through the BIOS and stops. */
function bootableDisk(line: string): string {
  const sector = new Uint8Array(512);
  // mov si,0x7c10; lodsb; or al,al; jz +7; mov ah,0x0e; int 0x10; jmp -13; hlt
  const code = [
    0xbe, 0x10, 0x7c, 0xac, 0x08, 0xc0, 0x74, 0x06, 0xb4, 0x0e, 0xcd, 0x10, 0xeb, 0xf5, 0xf4,
  ];
  sector.set(code);
  sector.set(Buffer.from(line, "latin1"), 0x10);
  sector.set([0x55, 0xaa], 510);
  const path = join(folder, "disk");
  writeFileSync(path, Buffer.concat([sector, Buffer.alloc(1 << 20)]));
  return path;
}

/** Waits until the receiver's last file was fetched, and gives the states up to there. */
async function untilFetched(server: BootServer): Promise<readonly string[]> {
  await server.until((line) => line.event?.state === "initramfs_fetched", WAIT_MS);
  return server.states("n1");
}

test.skipIf(problem !== undefined)(
  "SeaBIOS with an iPXE ROM enters from our full DHCP",
  async () => {
    const net = newLab();
    const server = await net.serve(table("full", "receiver", "ipxe.lkrn"));
    const { serial } = powerOn(net, "e1000e");
    const states = await untilFetched(server);
    expect(states).toEqual([
      "asked",
      "file_named",
      "script_fetched",
      "kernel_fetched",
      "initramfs_fetched",
    ]);
    await expect.poll(serial).toContain("huck: n1 enters the receiver");
    // the router advertisement was taken: iPXE has an address of our prefix and did not wait 16 s
    expect(serial()).toContain("fd77::5054:ff:fe77:1/64");
  },
);

test.skipIf(problem !== undefined)("UEFI PXE enters through proxyDHCP beside dnsmasq", async () => {
  const net = newLab();
  startSiteDhcp(net, folder);
  const server = await net.serve(table("proxy", "receiver", "ipxe.efi"));
  powerOn(net, "virtio-net-pci,romfile=", ...uefi(), ...setting("IPv6PXESupport", "no"));
  const states = await untilFetched(server);
  expect(states).toEqual([
    "asked",
    "file_named",
    "loader_fetched",
    "asked",
    "script_fetched",
    "kernel_fetched",
    "initramfs_fetched",
  ]);
  const named = server.lines.find((line) => line.event?.state === "file_named");
  expect(named?.event?.detail).toBe("snponly.efi");
});

test.skipIf(problem !== undefined)(
  "UEFI HTTP boot enters from our full DHCP without TFTP",
  async () => {
    const net = newLab();
    const server = await net.serve(table("full", "receiver", "ipxe.efi"));
    const pxeOff = [...setting("IPv4PXESupport", "no"), ...setting("IPv6PXESupport", "no")];
    powerOn(net, "virtio-net-pci,romfile=", ...uefi(), ...pxeOff);
    const states = await untilFetched(server);
    expect(states.slice(0, 3)).toEqual(["asked", "file_named", "loader_fetched"]);
    expect(states.slice(-3)).toEqual(["script_fetched", "kernel_fetched", "initramfs_fetched"]);
    expect((await server.counters())["tftp"]).toEqual({});
  },
);

test.skipIf(problem !== undefined)(
  "SeaBIOS goes on to its disk when there is nothing to do",
  async () => {
    const net = newLab();
    const server = await net.serve(table("full", "disk", "ipxe.lkrn"));
    const disk = `file=${bootableDisk("DISK-BOOTED")},if=none,id=d,format=raw`;
    const { serial } = powerOn(
      net,
      "e1000e",
      "-drive",
      disk,
      "-device",
      "ide-hd,drive=d,bootindex=2",
    );
    await expect.poll(serial, { timeout: WAIT_MS }).toContain("DISK-BOOTED");
    expect(serial()).toContain("huck: nothing to do for n1");
    expect(server.states("n1").at(-1)).toBe("sent_to_disk");
  },
);

test.skipIf(problem !== undefined)(
  "UEFI goes on with its boot order when there is nothing to do",
  async () => {
    const net = newLab();
    const server = await net.serve(table("full", "disk", "ipxe.efi"));
    // the script's "exit 1" is what leads on; the shell is the last entry of OVMF
    const { serial } = powerOn(
      net,
      "virtio-net-pci,romfile=",
      ...uefi(),
      ...setting("IPv6PXESupport", "no"),
    );
    await expect.poll(serial, { timeout: WAIT_MS }).toContain("UEFI Interactive Shell");
    expect(serial()).toContain("huck: nothing to do for n1");
    expect(server.states("n1")).toContain("loader_fetched");
  },
);
