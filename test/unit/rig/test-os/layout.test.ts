/**
 * Goal: partitions of a test disk never overlap, lie inside it, and sfdisk agrees.
 * Method: every size as a property; the real sfdisk gets the script for one disk of each kind.
 */
import { execFileSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { layOutDisk, sfdiskScript } from "../../../rig/test-os/layout.ts";
import type { TableKind } from "../../../rig/test-os/layout.ts";
import { testFolder } from "../../../rig/folder.ts";

const tables: readonly TableKind[] = ["mbr", "gpt"];

test("layOutDisk() keeps every part inside the disk and apart from the others", () => {
  const sizes = fc.integer({ min: 130, max: 100_000 });
  fc.assert(
    fc.property(fc.constantFrom(...tables), sizes, (table, sizeMib) => {
      const { esp, rootStartMib, rootSizeMib, coreLba, coreSectorsMax } = layOutDisk(
        table,
        sizeMib,
      );
      const coreEnd = coreLba + coreSectorsMax;
      expect(coreEnd).toBeLessThanOrEqual((esp?.startMib ?? rootStartMib) * 2048);
      if (esp !== undefined) expect(esp.startMib + esp.sizeMib).toBe(rootStartMib);
      const tail = table === "gpt" ? 1 : 0;
      expect(rootStartMib + rootSizeMib + tail).toBe(sizeMib);
    }),
  );
});

test("layOutDisk() refuses a disk that leaves no room for a system, and a broken size", () => {
  expect(() => layOutDisk("gpt", 114)).toThrow(/114 MiB, a whole number of at least 115 wanted/);
  expect(layOutDisk("gpt", 115).rootSizeMib).toBe(48);
  expect(() => layOutDisk("mbr", 96.5)).toThrow(/96.5 MiB/);
  expect(() => layOutDisk("mbr", Number.NaN)).toThrow(/NaN/);
});

test.for(tables)("sfdiskScript() makes a %s table that sfdisk reads back as laid out", (table) => {
  const folder = testFolder();
  const disk = join(folder, "disk");
  const layout = layOutDisk(table, 160);
  writeFileSync(disk, "");
  truncateSync(disk, 160 * 1024 * 1024);
  execFileSync("sfdisk", ["--quiet", disk], { input: sfdiskScript(layout) });
  const text = execFileSync("sfdisk", ["--json", disk], { encoding: "utf8" });
  const { partitiontable } = JSON.parse(text) as {
    partitiontable: { label: string; partitions: { start: number; size: number }[] };
  };
  const last = partitiontable.partitions.at(-1);
  expect(partitiontable.label).toBe(table === "gpt" ? "gpt" : "dos");
  expect(partitiontable.partitions).toHaveLength(table === "gpt" ? 3 : 1);
  expect(last?.start).toBe(layout.rootStartMib * 2048);
  expect(last?.size).toBe(layout.rootSizeMib * 2048);
});
