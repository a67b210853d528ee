/**
 * Goal: any table and file system survives save and restore, and is read as the kernel reads it.
 * Method: a seeded part of the campaigns (test/campaigns runs all of them), and the cases that were
 * found by hand.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openSource } from "../../server/cli/local/disk-source.io.ts";
import { planDisk } from "../../shared/allocation/plan.ts";
import { memorySource } from "../rig/memory-source.ts";
import { readFileSystem } from "../../shared/filesystem/probe.ts";
import { makeFile, MIB, putBytes, putInto, run } from "../rig/disk-tools.ts";
import { FILE_SYSTEMS, someOf } from "../rig/file-systems.ts";
import { testFolder } from "../rig/folder.ts";
import { TABLES } from "../rig/partition-tables.ts";
import { tryTable } from "../rig/table-trial.ts";

const SEED = 20_261_128;
const NAMED = ["two containers", "protective entry of length 0", "4096 bytes and logicals"];

describe("tables", () => {
  const plain = TABLES.filter(({ tool }) => tool === undefined);
  const named = plain.filter(({ name }) => NAMED.some((word) => name.includes(word)));
  test.each([...named, ...someOf(plain, 6, SEED)])("$name", async (one) => {
    await tryTable(one, testFolder());
  });
});

describe("file systems", () => {
  test.each(someOf(FILE_SYSTEMS, 6, SEED))("$name", async (one) => {
    await tryTable(one, testFolder());
  });

  test("an ext4 shorter than its partition is kept by its own length", () => {
    const file = join(testFolder(), "disk");
    makeFile(file, 300 * MIB);
    run("mkfs.ext4", "-q", "-F", file, "40M");
    const source = openSource(file);
    const plan = planDisk(source, { rawIfDirty: false });
    source.close();
    expect(plan.partitions[0]?.usedBytes).toBeLessThan(20 * MIB);
    expect(plan.warnings.join()).toMatch(/bytes .* are behind the ext4 of the disk and not kept: /);
  });

  test("an external journal is called one, and its dirty owner is refused", () => {
    const folder = testFolder();
    const [journal, disk] = [join(folder, "journal"), join(folder, "disk")];
    makeFile(journal, 8 * MIB);
    run("mke2fs", "-q", "-F", "-O", "journal_dev", "-b", "4096", journal);
    expect(readFileSystem(memorySource(readFileSync(journal)))).toMatchObject({
      ...{ kind: "jbd", state: "unknown" },
      rawBecause: "it is the journal of another file system",
    });
    makeFile(disk, 32 * MIB);
    run("mkfs.ext4", "-q", "-F", "-b", "4096", disk);
    for (const command of ["ssv journal_inum 0", "ssv journal_dev 0x801"]) {
      run("debugfs", "-w", "-R", command, disk);
    }
    const clean = readFileSystem(memorySource(readFileSync(disk)));
    expect([clean.state, clean.rawBecause]).toEqual([
      "unknown",
      "its journal is on another device",
    ]);
    run("debugfs", "-w", "-R", "feature needs_recovery", disk);
    expect(readFileSystem(memorySource(readFileSync(disk))).state).toBe("dirty");
  });

  test("a FAT of a disk with an MBR for 4096-byte sectors is found in a file", () => {
    const folder = testFolder();
    const [disk, part] = [join(folder, "disk"), join(folder, "part")];
    makeFile(part, 100 * MIB);
    run("mkfs.vfat", "-S", "4096", part);
    makeFile(disk, 104 * MIB);
    putInto(disk, 256 * 4096, part);
    const entry = Buffer.alloc(66);
    entry.writeUInt8(0x0c, 4);
    entry.writeUInt32LE(256, 8);
    entry.writeUInt32LE((100 * MIB) / 4096, 12);
    entry.writeUInt16LE(0xaa55, 64);
    putBytes(disk, 446, entry);
    const source = openSource(disk);
    const plan = planDisk(source, { rawIfDirty: false });
    source.close();
    expect(source.warnings).toEqual([]);
    expect([plan.sectorBytes, plan.partitions[0]?.mode]).toEqual([4096, "allocated"]);
  });
});
