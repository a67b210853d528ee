/**
 * Goal: one node goes the whole way: firmware, network boot, receiver, load by multicast, restart,
 * the loaded system runs from its disk.
 * Method: one virtual node with SeaBIOS, an e1000e card, an AHCI disk and 512 MB of RAM; the real
 * boot files, server and verbs in a network namespace; a tiny real system as the image. Waits are
 * for words on the serial port.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LabServer } from "../rig/huck-server.ts";
import type { StageNode } from "../rig/vm-stage.ts";
import { Stage, sayWhySkipped, stageProblem } from "../rig/vm-stage.ts";

const problem = stageProblem();
sayWhySkipped("the smoke test with a virtual node", problem);

const DISK_MIB = 192;
const IMAGE = "tiny";

let stage: Stage;
let server: LabServer;
let node: StageNode;

beforeAll(async () => {
  if (problem !== undefined) return;
  stage = new Stage("smoke");
  stage.buildBootFiles();
  const disk = await stage.testDisk("tiny", DISK_MIB, "smoke-7");
  node = stage.add({
    name: "n1",
    number: 11,
    firmware: "bios",
    controller: "ahci",
    diskMib: DISK_MIB + 32,
    memoryMib: 512,
  });
  server = await stage.serve();
  await server.importImage(disk, IMAGE);
});

afterAll(async () => {
  if (problem === undefined) await stage.close();
});

test.skipIf(problem !== undefined)(
  "P1: image-load takes a node from power-on to the loaded system, and says ok",
  async () => {
    const { vm } = node;
    vm.forget();
    const loading = server.begin("image-load", "-i", IMAGE, "n1");
    await loading.until((line) => line.kind === "note" && line.node === "n1");
    await vm.until("power-on to iPXE script", /huck: n1 enters the receiver/, 15);
    await vm.until("script to receiver", /huck: receiver /, 15);
    await vm.until("drivers and address", /huck: network /, 10);
    await vm.until("join, plan, probe", /huck: n1 receiving/, 10);
    await vm.until("receive, write, verify", /huck: n1 verdict ok/, 20);
    await vm.until("restart to disk", /huck: nothing to do for n1/, 20);
    const [marker] = await vm.until("disk to marker", /TESTOS-READY .*/, 20);
    expect(marker).toMatch(/id=smoke-7 root=\/dev\/sda3 .* boots=1/);

    const run = await loading.ended;
    expect(run.verdict("n1")).toMatchObject({
      code: "ok",
      incomplete: false,
      diskUntouched: false,
    });
    expect(run.exitCode).toBe(0);
  },
);
