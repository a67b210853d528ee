/**
 * Goal: promise P14; what must fit are the partitions and one table, wherever its copies stood.
 * Method: disks of sgdisk whose copies stand in odd places go to smaller, equal and larger files,
 * where sgdisk must find nothing wrong and every partition must have its bytes.
 */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { imagePlace } from "../../server/cli/local/image-place.ts";
import { restoreLocally } from "../../server/cli/local/restore-locally.io.ts";
import { saveImage } from "../../server/cli/local/save-locally.io.ts";
import type { TerminalReporter } from "../../server/cli/terminal-reporter.io.ts";
import { encodeGateRecord } from "../../shared/disk/gate-record.ts";
import { cutOut, hasTool, makeFile, MIB, putBytes, run } from "../rig/disk-tools.ts";

const folder = mkdtempSync(join(tmpdir(), "huck-moved-"));
const path = (name: string): string => join(folder, name);
const never = new AbortController().signal;
let images = 0;

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Saves a disk; returns the image's name, its id and what was warned of. */
async function save(source: string, rawIfDirty = false) {
  images += 1;
  const place = imagePlace(`i${images}`, path("store"));
  const warnings: string[] = [];
  const reporter: TerminalReporter = {
    event: (text) => warnings.push(text ?? ""),
    progress: () => undefined,
  };
  const how = { rawIfDirty, level: 1, codec: "auto", tool: "huck", host: "test" } as const;
  const { id } = await saveImage({ source, place, ...how }, reporter, never);
  return { image: path(`store/i${images}.huck`), id, warnings: warnings.join("\n") };
}

async function restore(image: string, target: string): Promise<void> {
  const quiet: TerminalReporter = { event: () => undefined, progress: () => undefined };
  const task = { image, target, erase: target, verify: "full", codec: "auto" } as const;
  await restoreLocally(task, quiet, never);
}

/** Restores into a file of that size, filled before, and checks table and partition. */
async function expectFits(image: string, source: string, sizeBytes: number): Promise<void> {
  const target = path(`target-${sizeBytes}`);
  makeFile(target, sizeBytes);
  for (let at = 0; at < sizeBytes; at += MIB) putBytes(target, at, Buffer.alloc(4096, 0xa5));
  await restore(image, target);
  expect(run("sgdisk", "-v", target), `${sizeBytes} bytes`).toMatch(/No problems found/);
  const partition = /"start": *(\d+),\s*"size": *(\d+)/;
  const [, start = "", size = ""] = partition.exec(run("sfdisk", "-J", source)) ?? [];
  expect(partition.exec(run("sfdisk", "-J", target))?.slice(1)).toEqual([start, size]);
  for (const disk of [source, target]) {
    cutOut(disk, Number(start) * 512, Number(size) * 512, `${disk}.part`);
    run("e2fsck", "-f", "-n", `${disk}.part`);
  }
}

/** A disk of sgdisk with an ext4 of 20 MiB in its only partition. */
function makeDisk(name: string, sizeMib: number, firstLba: number): string {
  const disk = path(name);
  makeFile(disk, sizeMib * MIB);
  run("sgdisk", "-o", "-n", `1:${firstLba}:+20M`, disk);
  run("mke2fs", "-q", "-F", "-t", "ext4", "-E", `offset=${firstLba * 512}`, disk, "20M");
  return disk;
}

describe.skipIf(!hasTool("sgdisk") || !hasTool("sfdisk"))("P14: the table of an image", () => {
  test.each([
    ["fits where its partition does when the backup GPT stood in the middle", 2048, []],
    ["fits when its entries stand apart from their header", 8192, ["-j", "3000"]],
    ["fits when its entries stand behind the first MiB, at its very end", 8192, ["-j", "8160"]],
  ])("%s", async (_, firstLba, moved) => {
    const source = makeDisk("source", 64, firstLba);
    if (moved.length > 0) run("sgdisk", ...moved, source);
    else run("truncate", "-s", "128M", source);
    const { image, id } = await save(source);
    const end = firstLba * 512 + 20 * MIB;
    for (const size of [end + 33 * 512, 64 * MIB + 512, 100 * MIB])
      await expectFits(image, source, size);
    const same = path("same");
    copyFileSync(source, same);
    await restore(image, same);
    expect(run("cmp", source, same)).toBe("");
    expect((await save(same)).id).toBe(id);
    makeFile(path("small"), end + 32 * 512);
    await expect(restore(image, path("small"))).rejects.toThrow(/wanted/);
  });

  test("fits no other size when its primary copy is damaged, and a save says so", async () => {
    const source = makeDisk("source", 64, 2048);
    putBytes(source, 512 + 40, Buffer.of(0xff));
    const { image, warnings } = await save(source);
    expect(warnings).toMatch(/fit no disk of another size/);
    makeFile(path("other"), 100 * MIB);
    await expect(restore(image, path("other"))).rejects.toMatchObject({ code: "gpt_not_movable" });
    expect(run("cmp", "-n", `${100 * MIB}`, path("other"), "/dev/zero")).toBe("");
  });

  test("fits its own disk when that has no room for a backup, and a save says so", async () => {
    const source = path("tight");
    makeFile(source, 64 * MIB);
    run("sgdisk", "-o", "-n", "1:2048:0", source);
    run("truncate", "-s", `${64 * MIB - 5120}`, source);
    const { image, warnings } = await save(source);
    expect(warnings).toMatch(/no room for a backup GPT.*at least 67108864 bytes/);
    await restore(image, path("fresh"));
    expect(run("cmp", source, path("fresh"))).toBe("");
  });
});

describe("a disk whose load did not finish", () => {
  test.each([
    ["disk", 0],
    ["partition 1", MIB],
  ])("is no source: %s", async (name, offset) => {
    const source = makeDisk("half", 64, 2048);
    const record = encodeGateRecord({ orderId: "order-7", imageId: new Uint8Array(32).fill(0xab) });
    putBytes(source, offset, record);
    await expect(save(source)).rejects.toMatchObject({
      code: "disk_incomplete",
      message:
        `Cannot save ${name}: a load of image abababababab onto it did not finish ` +
        '(order "order-7")',
    });
    const { warnings } = await save(source, true);
    expect(warnings).toMatch(/is kept whole: a load of image abababababab/);
  });
});
