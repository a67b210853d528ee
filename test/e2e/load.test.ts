/**
 * Goal (promises P1, P2 and P3 on virtual nodes): two nodes of different firmware are loaded at
 * once with a real Debian and run it; a node's disk is saved, loaded elsewhere and saved again as
 * the same image; a node that loses power in mid-load does not boot, and finishes with what it
 * had.
 * Method: SeaBIOS with iPXE in its card, and UEFI that fetches iPXE by TFTP; a 1 GiB disk
 * with boot code for both; power is cut by SIGKILL to QEMU. The tests are one story in their
 * order. Times of all phases go to build/test-results/e2e-phases.txt.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonLine, LabServer, RunningVerb } from "../rig/huck-server.ts";
import type { StageNode } from "../rig/vm-stage.ts";
import { Stage, sayWhySkipped, stageProblem } from "../rig/vm-stage.ts";

const problem = stageProblem();
sayWhySkipped("loads and saves of virtual nodes", problem);

const DISK_MIB = 1024;
const MARKER = /TESTOS-READY id=debian-12 root=\/dev\/sda3 .*/;
const MINUTES = 60_000;

let stage: Stage;
let server: LabServer;
let bios: StageNode;
let uefi: StageNode;

beforeAll(async () => {
  if (problem !== undefined) return;
  stage = new Stage("e2e");
  stage.buildBootFiles();
  const disk = await stage.testDisk("debian", DISK_MIB, "debian-12");
  const common = { controller: "ahci", diskMib: DISK_MIB, memoryMib: 512 } as const;
  bios = stage.add({ name: "n1", number: 11, firmware: "bios", ...common });
  uefi = stage.add({ name: "n2", number: 12, firmware: "uefi", ...common });
  server = await stage.serve();
  await server.importImage(disk, "debian");
}, 40 * MINUTES);

afterAll(async () => {
  if (problem === undefined) await stage.close();
});

/** Follows a node from power-on until it runs the receiver and says what it is about to do. */
async function entersReceiver({ vm }: StageNode, about: RegExp): Promise<void> {
  await vm.until("power-on to iPXE script", /huck: n\d enters the receiver/, 25);
  await vm.until("script to receiver", /huck: receiver /, 15);
  await vm.until("drivers and address", /huck: network /, 10);
  await vm.until("join, plan, scan", about, 60);
}

/** Waits until a job has really begun with a node: the power command has run. */
async function restarted(verb: RunningVerb, node: StageNode): Promise<void> {
  await verb.until((line) => line.kind === "note" && line.node === node.vm.name);
}

async function loadsAndBoots(node: StageNode): Promise<string> {
  const { vm } = node;
  await entersReceiver(node, /huck: n\d receiving/);
  await vm.until("receive, write, verify", /huck: n\d verdict ok/, 90);
  await vm.until("restart to disk", /huck: nothing to do|GRUB|Booting `testos'/, 30);
  const [marker] = await vm.until("disk to marker", MARKER, 60);
  return marker;
}

test.skipIf(problem !== undefined)(
  "P1: image-load brings two nodes, BIOS and UEFI, to the loaded Debian at once",
  async () => {
    for (const { vm } of [bios, uefi]) vm.forget();
    const loading = server.begin("image-load", "-i", "debian", "n1", "n2");
    await Promise.all([restarted(loading, bios), restarted(loading, uefi)]);
    await Promise.all([loadsAndBoots(bios), loadsAndBoots(uefi)]);
    const run = await loading.ended;
    for (const name of ["n1", "n2"]) {
      expect(run.verdict(name)).toMatchObject({ code: "ok", diskUntouched: false });
    }
    expect(run.exitCode).toBe(0);
  },
  20 * MINUTES,
);

test.skipIf(problem !== undefined)(
  "image-save of a node, loaded elsewhere and saved again before its first boot, is the same image",
  async () => {
    await bios.vm.shutDown(20);
    uefi.vm.off();
    const first = await saves(bios, "site-a");
    uefi.vm.forget();
    const loading = server.begin("image-load", "-i", "site-a", "n2", "--leave", "poweroff");
    await restarted(loading, uefi);
    await entersReceiver(uefi, /huck: n2 receiving/);
    await uefi.vm.until("receive, write, verify", /huck: n2 verdict ok/, 90);
    const run = await loading.ended;
    expect(run.verdict("n2").code).toBe("ok");
    // Most of the disk is as it was: a delta load takes only what the first boots changed.
    expect(run.verdict("n2").bytesWritten).toBeLessThan(DISK_MIB * 1024 * 1024 * 0.2);
    const second = await saves(uefi, "site-b");
    expect(second).toBe(first);
  },
  20 * MINUTES,
);

/** Saves a node's disk and leaves the node off. @returns The image id. */
async function saves(node: StageNode, name: string): Promise<string> {
  node.vm.forget();
  const saving = server.begin("image-save", "-o", name, node.vm.name, "--leave", "poweroff");
  await restarted(saving, node);
  await entersReceiver(node, /huck: n\d capturing/);
  await node.vm.until("capture and check", /huck: n\d verdict ok/, 120);
  const run = await saving.ended;
  expect(run.verdict(node.vm.name)).toMatchObject({ code: "ok", diskUntouched: true });
  const list = await server.huck("image", "list");
  const found = (list.lines as readonly (JsonLine & { name?: string; id?: string })[]).find(
    (line) => line.name === name,
  );
  expect(found?.id).toMatch(/^[0-9a-f]{64}$/);
  return found?.id ?? "";
}

test.skipIf(problem !== undefined)(
  "P2: a node that loses power in mid-load does not boot, and later finishes with what it had",
  async () => {
    const { vm } = bios;
    vm.off();
    vm.forget();
    bios.erase();
    const loading = server.begin("image-load", "-i", "debian", "n1");
    await restarted(loading, bios);
    await entersReceiver(bios, /huck: n1 receiving/);
    const half = await loading.until(({ kind, doneBytes = 0, totalBytes = 0 }) => {
      return kind === "progress" && totalBytes > 0 && doneBytes > totalBytes / 3;
    });
    vm.off();

    bios.bootsFrom("disk");
    vm.on();
    await vm.until("half a disk does not boot", /No bootable device/, 10);
    vm.off();

    bios.bootsFrom("network");
    vm.on();
    await entersReceiver(bios, /huck: n1 probing: resumed disk, (\d+) bytes to receive/);
    await vm.until("receive the rest", /huck: n1 verdict ok/, 90);
    const [marker] = await vm.until("disk to marker", MARKER, 90);
    expect(marker).toContain("id=debian-12");
    const verdict = (await loading.ended).verdict("n1");
    expect(verdict.code).toBe("ok");
    const whole = half.totalBytes ?? 0;
    expect(verdict.bytesWritten).toBeGreaterThan(0);
    expect(verdict.bytesWritten).toBeLessThan(whole - (half.doneBytes ?? 0) / 2);
  },
  20 * MINUTES,
);

test.skipIf(problem !== undefined)(
  "P8: a node outside the inventory gets no answer and boots its disk",
  async () => {
    const stranger = stage.add({
      name: "n9",
      number: 99,
      firmware: "bios",
      controller: "ahci",
      diskMib: 64,
      memoryMib: 512,
      isInInventory: false,
    });
    stranger.vm.on();
    await stranger.vm.until("stranger gives up the network", /No bootable device/, 60);
    stranger.vm.off();
    expect(server.log).not.toContain("52:54:00:77:00:63");
  },
);
