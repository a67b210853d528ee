/**
 * Goal (promises P2, P3 and P8): whatever makes a load impossible is found before anything is
 * written, each case with its own verdict; a damaged image is not sent; a lost verdict does not
 * make a loop.
 * Method: the real server in a network namespace and real receivers as processes
 * over files, each with a network card of its own. After each refusal the disk file is compared
 * with what it was. Needs root.
 */
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Verdict } from "../../shared/control/verdict.ts";
import { Lab, labProblem } from "../rig/network-lab.ts";
import { FileNode } from "../rig/file-node.ts";
import { LabServer } from "../rig/huck-server.ts";
import type { RunningVerb, VerbRun } from "../rig/huck-server.ts";
import { sayWhySkipped } from "../rig/vm-stage.ts";
import { fileFolder } from "../rig/folder.ts";

const problem = labProblem("sfdisk", "mke2fs", "losetup");
sayWhySkipped("refusals of receivers over files", problem);

const MIB = 1024 * 1024;
const DISK_MIB = 64;

const folder = fileFolder();
let lab: Lab;
let server: LabServer;
let node: FileNode;
let picky: FileNode;

beforeAll(async () => {
  if (problem !== undefined) return;
  lab = new Lab("refuse");
  node = new FileNode(lab, "n1", 11);
  picky = new FileNode(lab, "n2", 12, { disk: [{ serial: "ANOTHER" }] });
  const waits = { bootSeconds: 60, silenceSeconds: 10, returnSeconds: 30 };
  server = new LabServer(lab, join(folder, "server"), {
    nodes: [node.settings, picky.settings],
    server: { dhcp: { mode: "off" }, ...waits },
  });
  await server.start();
  makeSource(file("source"));
  await server.importImage(file("source"), "small");
});

afterAll(async () => {
  if (problem !== undefined) return;
  await server.stop();
  await lab.close();
});

function file(name: string): string {
  return join(folder, name);
}

/** A disk with a table, an ext4 with files that do not compress, and nothing else. */
function makeSource(disk: string): void {
  const tree = `${disk}.tree`;
  execFileSync("mkdir", ["-p", tree]);
  let seed = Buffer.from(disk);
  for (let index = 0; index < 40; index++) {
    const parts: Buffer[] = [];
    for (let count = 0; count < 4096; count++) {
      seed = createHash("sha256").update(seed).digest();
      parts.push(seed);
    }
    writeFileSync(join(tree, `file-${index}`), Buffer.concat(parts));
  }
  const part = `${disk}.ext4`;
  blank(part, DISK_MIB - 2);
  execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", tree, part], { stdio: "pipe" });
  blank(disk, DISK_MIB);
  execFileSync("sfdisk", ["--quiet", disk], { input: "label: gpt\nstart=2048\n" });
  execFileSync("dd", [`if=${part}`, `of=${disk}`, "bs=1M", "seek=1", "conv=notrunc"], {
    stdio: "pipe",
  });
}

function blank(disk: string, sizeMib: number): string {
  writeFileSync(disk, "");
  truncateSync(disk, sizeMib * MIB);
  return disk;
}

/** A disk on which somebody has something. */
function precious(name: string, sizeMib = DISK_MIB): string {
  const disk = blank(file(name), sizeMib);
  const fd = openSync(disk, "r+");
  for (let at = 0; at < sizeMib; at += 7) writeSync(fd, `precious ${name} ${at}`, at * MIB);
  closeSync(fd);
  return disk;
}

function digestOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** Begins a load, and waits until the server wants the node: who joins before has nothing to do. */
async function beginLoad(image = "small", ...more: string[]): Promise<RunningVerb> {
  const loading = server.begin("image-load", "-i", image, "n1", "--gather", "0", ...more);
  await loading.until(({ kind, text = "" }) => kind === "note" && text.includes("restart"));
  return loading;
}

/** Loads a node whose disks are these, and compares them with what they were. */
async function refuses(
  disks: readonly string[],
  more: readonly string[] = [],
): Promise<{ run: VerbRun; output: string }> {
  const before = disks.map(digestOf);
  const loading = await beginLoad();
  const visit = await node.visit(server, disks, more);
  const run = await loading.ended;
  const { output } = await visit.ended;
  expect(output).not.toContain("receiver stops");
  expect(disks.map(digestOf)).toEqual(before);
  expect(run.exitCode).toBe(1);
  return { run, output };
}

test.skipIf(problem !== undefined)("P8: a disk smaller than the image is not touched", async () => {
  const { run, output } = await refuses([precious("too-small", DISK_MIB / 2)]);
  expect(run.verdict("n1")).toMatchObject({ code: "disk_too_small", diskUntouched: true });
  expect(output).toContain("the disk was not touched");
});

test.skipIf(problem !== undefined)(
  "P8: two disks that match one rule are not touched",
  async () => {
    const { run } = await refuses([precious("one"), precious("two")]);
    const verdict = run.verdict("n1");
    expect(verdict).toMatchObject({ code: "disk_ambiguous", diskUntouched: true });
    expect(verdict.reason).toContain("2 disks");
    expect(verdict.cure).not.toBe("");
  },
);

test.skipIf(problem !== undefined)("P8: a mounted disk is not touched", async () => {
  const image = blank(file("mounted"), DISK_MIB);
  execFileSync("mke2fs", ["-q", "-t", "ext4", image], { stdio: "pipe" });
  const device = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim();
  const place = mkdtempSync(join(folder, "mnt-"));
  try {
    execFileSync("mount", ["-o", "ro", device, place]);
    const { run } = await refuses([device]);
    const verdict = run.verdict("n1");
    expect(verdict).toMatchObject({ code: "disk_in_use", diskUntouched: true });
    expect(verdict.reason).toContain(place);
  } finally {
    execFileSync("umount", [place]);
    execFileSync("losetup", ["--detach", device]);
  }
});

/** Loads the node whose one rule names a serial number that no disk has. */
async function loadsPicky(disks: readonly string[]): Promise<Verdict> {
  const loading = server.begin("image-load", "-i", "small", "n2", "--gather", "0");
  await loading.until(({ kind }) => kind === "note");
  await (await picky.visit(server, disks)).ended;
  return (await loading.ended).verdict("n2");
}

test.skipIf(problem !== undefined)("P8: a disk that no rule names is not touched", async () => {
  const before = digestOf(precious("other"));
  const verdict = await loadsPicky([file("other")]);
  expect(verdict).toMatchObject({ code: "no_disk_matches", diskUntouched: true });
  expect(verdict.reason).toContain("/other (file, 67108864 bytes");
  expect(digestOf(file("other"))).toBe(before);
});

test.skipIf(problem !== undefined)(
  "P8: a receiver that is an ordinary process never looks at the computer's own disks",
  async () => {
    const verdict = await loadsPicky([]);
    expect(verdict).toMatchObject({ code: "no_disk_matches", diskUntouched: true });
    expect(verdict.reason).toContain("0 disks");
  },
);

test.skipIf(problem !== undefined)(
  "P3: a node that multicast does not reach is not touched, and says so",
  async () => {
    const allow = lab.drop("239.0.0.0/8");
    try {
      const { run } = await refuses([precious("no-path")]);
      const verdict = run.verdict("n1");
      expect(verdict).toMatchObject({ code: "multicast_unreachable", diskUntouched: true });
      expect(verdict.cure).toContain("IGMP");
    } finally {
      allow();
    }
  },
);

test.skipIf(problem !== undefined)(
  "P3: a node that only short multicast datagrams reach is not touched, and says so",
  async () => {
    const allow = lab.drop("239.0.0.0/8", 1000);
    try {
      const { run } = await refuses([precious("small-mtu")]);
      const verdict = run.verdict("n1");
      expect(verdict).toMatchObject({ code: "multicast_unreachable", diskUntouched: true });
      expect(verdict.cure).toContain("MTU");
    } finally {
      allow();
    }
  },
);

test.skipIf(problem !== undefined)("an order of another server is refused as forged", async () => {
  const { run } = await refuses([precious("forged")], [`huck.key=${"5a".repeat(32)}`]);
  expect(run.verdict("n1")).toMatchObject({ code: "order_forged", diskUntouched: true });
});

test.skipIf(problem !== undefined)(
  "a token is good for one join: a second one is refused",
  async () => {
    const disk = precious("replayed");
    const before = digestOf(disk);
    const words = await server.receiverWords("n1");
    const first = await node.start([...words, `huck.disk=${disk}`]).ended;
    expect(first.output).toContain("nothing to do");
    const loading = await beginLoad();
    const again = await node.start([...words, `huck.disk=${disk}`]).ended;
    expect(again.exitCode).not.toBe(0);
    expect(again.output).toContain("token");
    expect(digestOf(disk)).toBe(before);
    loading.interrupt();
    expect((await loading.ended).exitCode).toBe(5);
  },
);

test.skipIf(problem !== undefined)("a node outside the inventory cannot join", async () => {
  const disk = precious("unknown");
  const before = digestOf(disk);
  const words = (await server.receiverWords("n1")).filter((word) => !word.startsWith("BOOTIF="));
  const all = [...words, "BOOTIF=01-52-54-00-99-99-99", `huck.disk=${disk}`];
  const { exitCode, output } = await node.start(all).ended;
  expect(exitCode).not.toBe(0);
  expect(output).toMatch(/token|inventory/);
  expect(digestOf(disk)).toBe(before);
});

test.skipIf(problem !== undefined)(
  "a torn image file is refused before any node is told",
  async () => {
    const images = join(server.folder, "images");
    const whole = readFileSync(join(images, "small.huck"));
    writeFileSync(join(images, "torn.huck"), whole.subarray(0, whole.length - 1000));
    const run = await server.huck("image-load", "-i", "torn", "n1");
    expect(run.exitCode).not.toBe(0);
    expect(run.lines.filter(({ kind }) => kind === "verdict")).toEqual([]);
    expect(run.errors).toMatch(/writing was interrupted/);
  },
);

test.skipIf(problem !== undefined)(
  "P1: a flipped byte in an image is found before any disk is touched",
  async () => {
    makeSource(file("source-2"));
    await server.importImage(file("source-2"), "flipped");
    const image = join(server.folder, "images", "flipped.huck");
    const bytes = readFileSync(image);
    const at = Math.floor(bytes.length / 2);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(image, bytes);
    const disk = precious("flipped");
    const before = digestOf(disk);
    const loading = await beginLoad("flipped");
    const visit = await node.visit(server, [disk]);
    const run = await loading.ended;
    await visit.ended;
    const verdict = run.verdict("n1");
    expect(verdict.code).toBe("image_damaged");
    expect(verdict.reason).toMatch(/chunk \d+: its stored bytes are damaged/);
    expect(verdict.diskUntouched).toBe(true);
    expect(digestOf(disk)).toBe(before);
    expect(run.exitCode).toBe(1);
  },
);

test.skipIf(problem !== undefined)(
  "a verdict that is lost with the server is asked again, and nothing is written twice",
  async () => {
    const disk = blank(file("lost"), DISK_MIB);
    const loading = await beginLoad();
    const visit = await node.visit(server, [disk]);
    await loading.until(({ phase }) => phase === "verifying" || phase === "opening");
    await server.stop("SIGKILL");
    await server.start();
    // The receiver repeats its verdict until it is heard; if its visit broke off, it comes again.
    const { exitCode } = await visit.ended;
    if (exitCode !== 0) await (await node.visit(server, [disk])).ended;
    const verdict = (await loading.ended).verdict("n1");
    expect(["ok", "ok_unchanged"]).toContain(verdict.code);

    copyFileSync(disk, file("lost-copy"));
    const more = await (await node.visit(server, [disk])).ended;
    expect(more.output).toContain("nothing to do");
    expect(digestOf(disk)).toBe(digestOf(file("lost-copy")));
    expect(execFileSync("sfdisk", ["-V", disk], { encoding: "utf8" })).toContain("No errors");
  },
);

test.skipIf(problem !== undefined)(
  "P3: a server that is stopped in order and started again finishes what it had begun",
  async () => {
    const disk = blank(file("stopped"), DISK_MIB);
    const loading = await beginLoad("small", "--rate", "5M");
    const visit = await node.visit(server, [disk]);
    await loading.until(({ phase }) => phase === "receiving");
    await server.stop();
    await server.start();
    expect((await visit.ended).exitCode).toBe(0);
    expect((await loading.ended).verdict("n1").code).toBe("ok");
    expect(execFileSync("sfdisk", ["-V", disk], { encoding: "utf8" })).toContain("No errors");
  },
);

test.skipIf(problem !== undefined)(
  "an order already fulfilled writes nothing: ok_unchanged",
  async () => {
    const disk = blank(file("twice"), DISK_MIB);
    for (const wanted of ["ok", "ok_unchanged"]) {
      const loading = await beginLoad();
      await (await node.visit(server, [disk])).ended;
      const verdict = (await loading.ended).verdict("n1");
      expect(verdict.code).toBe(wanted);
      if (wanted === "ok_unchanged") expect(verdict).toMatchObject({ bytesWritten: 0 });
    }
  },
);
