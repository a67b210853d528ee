/**
 * Goal: the plan keeps every sector that matters and says why; regions never overlap.
 * Method: disks with real file systems inside hand-made tables; every kind of gap.
 */
import { describe, expect, test } from "vitest";
import { planDisk, usedSectors } from "../../../../shared/allocation/plan.ts";
import { cutRegions, lostInGaps, type Region } from "../../../../shared/allocation/regions.ts";
import { type Range, rangesCover, totalOfRanges } from "../../../../shared/core/ranges.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import type { Partition, PartitionTable } from "../../../../shared/disk/table.ts";
import { diskOf, putGpt, putMbr, readVector } from "../../../rig/disk-fixtures.ts";

const MIB_SECTORS = 2048;

/**
 * GPT disk of 6 MiB: ext4 in 1 .. 3 MiB, random bytes in 3 .. 4 MiB, gap, 1 MiB and more behind.
 */
function gptDisk(): Uint8Array {
  const disk = new Uint8Array(6 * MIB_SECTORS * 512);
  disk.set(diskOf(readVector("filesystem/ext4.json")), MIB_SECTORS * 512);
  disk.fill(0x5a, 3 * MIB_SECTORS * 512, 4 * MIB_SECTORS * 512);
  putGpt(disk, 512, [
    { start: MIB_SECTORS, sectorCount: 2 * MIB_SECTORS },
    { start: 3 * MIB_SECTORS, sectorCount: MIB_SECTORS },
  ]);
  return disk;
}

/** MBR disk of 200 MiB: ext4 of 2 MiB in a partition of 99 MiB, zeros everywhere else. */
function tailedDisk(): Uint8Array {
  const disk = new Uint8Array(200 * MIB_SECTORS * 512);
  disk.set(diskOf(readVector("filesystem/ext4.json")), MIB_SECTORS * 512);
  putMbr(disk, 0, [{ start: MIB_SECTORS, sectorCount: 99 * MIB_SECTORS }]);
  return disk;
}

function expectDisjoint(regions: readonly Region[]): void {
  let end = 0;
  for (const region of regions) {
    expect(region.start).toBeGreaterThanOrEqual(end);
    expect(rangesCover([{ start: region.start, end: region.end }], region.used)).toBe(true);
    end = region.end;
  }
}

describe("planDisk()", () => {
  test("keeps tables, used blocks and raw partitions of a GPT disk, and says why", () => {
    const plan = planDisk(memorySource(gptDisk()), { rawIfDirty: false });
    expect(plan.partitions.map(({ mode, why }) => [mode, why])).toEqual([
      ["allocated", "its ext4 map is true"],
      ["raw", "no known file system was found in it"],
    ]);
    const used = usedSectors(plan);
    const tables = [
      { start: 0, end: MIB_SECTORS },
      { start: 6 * MIB_SECTORS - 33, end: 6 * MIB_SECTORS },
    ];
    expect(rangesCover(used, tables)).toBe(true);
    expect(totalOfRanges(used)).toBeLessThan(5 * MIB_SECTORS);
    expect(plan.warnings).toContain(
      "Partition 2 is kept whole: no known file system was found in it.",
    );
    expectDisjoint(plan.regions);
  });

  test("gates the head of the disk, of every partition, and the end", () => {
    const plan = planDisk(memorySource(gptDisk()), { rawIfDirty: false });
    const gates = plan.regions.filter(({ gate }) => gate);
    expect(gates.map(({ start, partition }) => [start, partition])).toEqual([
      [0, 0],
      [MIB_SECTORS, 1],
      [3 * MIB_SECTORS, 2],
      [4 * MIB_SECTORS - 128, 2],
      [5 * MIB_SECTORS, 0],
    ]);
    expect(gates.at(-1)?.diskEnd).toBe(true);
  });

  test("needs room for the last partition and a backup GPT, not for what follows", () => {
    const plan = planDisk(memorySource(gptDisk()), { rawIfDirty: false });
    expect(plan.minBytes).toBe((4 * MIB_SECTORS + 33) * 512);
  });

  test("refuses a dirty file system, or keeps it whole when asked to", () => {
    const disk = gptDisk();
    const state = MIB_SECTORS * 512 + 1024 + 0x3a;
    disk[state] = 0; // also breaks the superblock's checksum
    const unsure = planDisk(memorySource(disk), { rawIfDirty: false });
    expect(unsure.partitions[0]?.why).toBe("its superblock fails its checksum");
    const ext2 = gptDisk();
    ext2.fill(0, MIB_SECTORS * 512, 3 * MIB_SECTORS * 512);
    ext2.set(diskOf(readVector("filesystem/ext2.json")), MIB_SECTORS * 512);
    ext2[state] = 0;
    expect(() => planDisk(memorySource(ext2), { rawIfDirty: false })).toThrow(
      "Cannot save partition 1 (ext2): it was not unmounted in order, a clean one wanted",
    );
    const plan = planDisk(memorySource(ext2), { rawIfDirty: true });
    expect(plan.partitions[0]).toMatchObject({ mode: "raw", usedBytes: 2 << 20 });
    expect(plan.warnings.join()).toMatch(/Partition 1 is kept whole: it was not unmounted/);
  });

  test("takes a disk without a table as one partition", () => {
    const disk = diskOf(readVector("filesystem/ext4.json"));
    const plan = planDisk(memorySource(disk), { rawIfDirty: false });
    expect(plan.partitions.map(({ partition, mode }) => [partition.number, mode])).toEqual([
      [0, "allocated"],
    ]);
    expect(plan.minBytes).toBe(disk.byteLength);
    expectDisjoint(plan.regions);
  });

  test("keeps every EBR behind the gate and lists the container as skipped", () => {
    const disk = new Uint8Array(4 * MIB_SECTORS * 512);
    putMbr(disk, 0, [{ start: MIB_SECTORS, sectorCount: 2 * MIB_SECTORS, type: 5 }]);
    putMbr(disk, MIB_SECTORS * 512, [
      { start: 64, sectorCount: 256 },
      { start: 1000, sectorCount: 1000, type: 5 },
    ]);
    putMbr(disk, (MIB_SECTORS + 1000) * 512, [{ start: 64, sectorCount: 256 }]);
    const plan = planDisk(memorySource(disk), { rawIfDirty: false });
    expect(plan.partitions.map(({ mode }) => mode)).toEqual(["skip", "raw", "raw"]);
    const gates = plan.regions.filter(({ gate, partition }) => gate && partition === 0);
    expect(gates.map(({ start, end }) => [start, end])).toEqual([
      [0, MIB_SECTORS + 64], // the first EBR lies in the gap before the first partition
      [MIB_SECTORS + 1000, MIB_SECTORS + 1001],
      [3 * MIB_SECTORS, 4 * MIB_SECTORS],
    ]);
    expectDisjoint(plan.regions);
    expect(plan.minBytes).toBe(3 * MIB_SECTORS * 512);
  });

  test("warns when the end of the disk holds more than is kept", () => {
    const disk = new Uint8Array(6 * MIB_SECTORS * 512);
    putMbr(disk, 0, [{ start: MIB_SECTORS, sectorCount: 16 }]);
    disk[3 << 20] = 1;
    const plan = planDisk(memorySource(disk), { rawIfDirty: false });
    expect(plan.warnings).toContain(
      "4186112 bytes of the disk (1056768 to 5242880) are outside every partition and not kept: " +
        "data was found at 3145728, --keep-gaps keeps it.",
    );
  });

  test("warns of every gap of which data is not kept, and of no zeros", () => {
    const disk = new Uint8Array(200 * MIB_SECTORS * 512);
    putMbr(disk, 0, [
      { start: 66 * MIB_SECTORS, sectorCount: MIB_SECTORS },
      { start: 132 * MIB_SECTORS, sectorCount: MIB_SECTORS },
    ]);
    const source = memorySource(disk);
    expect(planDisk(source, { rawIfDirty: false }).warnings.join()).not.toMatch(/not kept/);
    for (const place of [(65 << 20) - 1, 68 << 20, 150 << 20]) disk[place] = 1;
    const { warnings } = planDisk(source, { rawIfDirty: false });
    const lost = warnings.filter((one) => one.includes("not kept"));
    expect(lost.map((one) => /^\d+ bytes of the disk \((.*?)\)/.exec(one)?.[1])).toEqual([
      `${1 << 20} to ${65 << 20}`,
      `${68 << 20} to ${131 << 20}`,
      `${133 << 20} to ${199 << 20}`,
    ]);
  });

  test("keeps gaps and tails whole when the operator says so", () => {
    const disk = tailedDisk();
    const source = memorySource(disk);
    const plan = planDisk(source, { rawIfDirty: false, keepGaps: true });
    const gaps = [
      { start: 0, end: MIB_SECTORS },
      { start: 3 * MIB_SECTORS, end: 200 * MIB_SECTORS },
    ];
    expect(rangesCover(usedSectors(plan), gaps)).toBe(true);
    expect(plan.warnings.join()).not.toMatch(/not kept/);
    expect(plan.minBytes).toBeLessThanOrEqual(disk.byteLength);
    expectDisjoint(plan.regions);
  });

  test("keeps a file system by its own length, and says what lies behind it", () => {
    const disk = tailedDisk();
    const plan = planDisk(memorySource(disk), { rawIfDirty: false });
    expect(plan.partitions[0]).toMatchObject({ mode: "allocated" });
    expect(plan.partitions[0]?.usedBytes).toBeLessThan((2 << 20) + 65536);
    const lost = 97 * (1 << 20) - 65536;
    const place = `${3 << 20} to ${(100 << 20) - 65536}`;
    const text = `${lost} bytes of the disk (${place}) are behind the ext4 of partition 1`;
    expect(plan.warnings[0]).toBe(`${text} and not kept: they are zeros.`);
    disk[50 << 20] = 1;
    expect(planDisk(memorySource(disk), { rawIfDirty: false }).warnings[0]).toBe(
      `${text} and not kept: data was found at ${50 << 20}, --keep-gaps keeps it.`,
    );
  });

  test("keeps what the table is unclear about, however long it is", () => {
    const disk = new Uint8Array(200 * MIB_SECTORS * 512);
    putMbr(disk, 0, [{ start: MIB_SECTORS, sectorCount: 150 * MIB_SECTORS, type: 5 }]);
    const link = { start: 100, sectorCount: 900, type: 5 };
    putMbr(disk, MIB_SECTORS * 512, [{ start: 64, sectorCount: 16 }, link]);
    const plan = planDisk(memorySource(disk), { rawIfDirty: false });
    const container = { start: MIB_SECTORS, end: 151 * MIB_SECTORS };
    expect(rangesCover(usedSectors(plan), [container])).toBe(true);
    expect(plan.warnings.join()).toMatch(/chain of logical partitions breaks off/);
    expectDisjoint(plan.regions);
  });

  test("keeps a disk whole with the reason when its table cannot be used", () => {
    const disk = gptDisk();
    disk.fill(0, 512, 1024);
    disk.fill(0, disk.byteLength - 512);
    const plan = planDisk(memorySource(disk), { rawIfDirty: false });
    expect(plan.partitions).toMatchObject([{ mode: "raw", usedBytes: disk.byteLength }]);
    expect(plan.warnings).toEqual([
      "The disk is kept whole: its partition table cannot be used: " +
        "both GPT copies are damaged, one valid copy wanted.",
    ]);
    expect([plan.table.kind, plan.minBytes]).toEqual(["none", disk.byteLength]);
  });

  test("keeps the table where a partition covers it", () => {
    const ebr = new Uint8Array(4 * MIB_SECTORS * 512);
    putMbr(ebr, 0, [{ start: MIB_SECTORS, sectorCount: 2 * MIB_SECTORS, type: 5 }]);
    putMbr(ebr, MIB_SECTORS * 512, [
      { start: 64, sectorCount: MIB_SECTORS },
      { start: 1000, sectorCount: 800, type: 5 },
    ]);
    putMbr(ebr, (MIB_SECTORS + 1000) * 512, [{ start: 600, sectorCount: 100 }]);
    ebr.set(Buffer.from("SWAPSPACE2"), (MIB_SECTORS + 64) * 512 + 4086);
    new DataView(ebr.buffer).setUint32((MIB_SECTORS + 64) * 512 + 1024, 1, true);
    const plan = planDisk(memorySource(ebr), { rawIfDirty: false });
    const place = { start: MIB_SECTORS + 1000, end: MIB_SECTORS + 1001 };
    expect(rangesCover(usedSectors(plan), [place])).toBe(true);
  });

  test.each([
    ["a BSD label in it", 0x83, "57455682", /a BSD disk label/],
    ["the type of a dynamic disk", 0x42, "", /dynamic disk/],
  ])("trusts no file system at the head of a partition with %s", (...[, type, hex, because]) => {
    const disk = new Uint8Array(6 * MIB_SECTORS * 512);
    const place = MIB_SECTORS * 512;
    disk.set(diskOf(readVector("filesystem/ext4.json")), place);
    disk.set(Buffer.from(hex, "hex"), place + 512);
    putMbr(disk, 0, [{ start: MIB_SECTORS, sectorCount: 4 * MIB_SECTORS, type }]);
    const plan = planDisk(memorySource(disk), { rawIfDirty: false });
    expect(plan.partitions).toMatchObject([{ mode: "raw", usedBytes: 4 << 20 }]);
    expect(plan.partitions[0]?.why).toMatch(because);
  });

  test("keeps the sector of an MBR without partitions as part of the whole disk", () => {
    const disk = diskOf(readVector("filesystem/ext4.json"));
    putMbr(disk, 0, []);
    const plan = planDisk(memorySource(disk), { rawIfDirty: false });
    expect(plan.table.kind).toBe("none");
    expect(plan.partitions.map(({ mode, report }) => [mode, report?.kind])).toEqual([
      ["allocated", "ext4"],
    ]);
    expect(plan.regions[0]?.start).toBe(0);
    expect(rangesCover(usedSectors(plan), [{ start: 0, end: 1 }])).toBe(true);
  });
});

describe("cutRegions()", () => {
  test("keeps short gaps whole and only the edges of long ones", () => {
    const at = (number: number, start: number): Partition => ({
      ...{ number, start, sectorCount: 100, type: "", name: "", guid: "", container: false },
    });
    const far = 200 * MIB_SECTORS;
    const table: PartitionTable = {
      ...{ kind: "mbr", diskId: "", tableSectors: [{ start: 0, end: 1 }], backupSectors: 0 },
      ...{ partitions: [], warnings: [] },
    };
    const uses = [at(1, 64), at(2, 1000), at(3, far)].map((partition) => ({ partition, used: [] }));
    const regions = cutRegions(table, uses, { sectorCount: far + 100, sectorBytes: 512 });
    expect(regions.flatMap(({ used }) => used)).toEqual([
      { start: 0, end: 64 },
      { start: 164, end: 1000 },
      { start: 1100, end: 1100 + MIB_SECTORS },
      { start: far - MIB_SECTORS, end: far },
    ]);
    expect(regions.map(({ gate }) => gate)).toEqual([true, false, false, false]);
  });

  const uses = (start: number, sectorCount: number) => [
    {
      partition: { number: 1, start, sectorCount, type: "", name: "", guid: "", container: false },
      used: [],
    },
  ];
  const tableOf = (...tableSectors: Range[]): PartitionTable => ({
    ...{ kind: "gpt", diskId: "", partitions: [], tableSectors, backupSectors: 33, warnings: [] },
  });
  const placesOf = (regions: readonly Region[]) =>
    regions.map(({ start, end, gate, diskEnd }) => [start, end, gate, diskEnd]);

  test("keeps table sectors in the middle of a long gap before the first partition", () => {
    const far = 128 * MIB_SECTORS;
    const table = tableOf({ start: 0, end: 2 }, { start: 4096, end: 4128 });
    const disk = { sectorCount: far + 100, sectorBytes: 512 };
    expect(placesOf(cutRegions(table, uses(far, 100), disk))).toEqual([
      [0, MIB_SECTORS, true, false],
      [4096, 4128, true, false],
      [far - MIB_SECTORS, far, true, false],
    ]);
    expect(lostInGaps(table, uses(far, 100), disk)).toEqual([
      { start: MIB_SECTORS, end: 4096 },
      { start: 4128, end: far - MIB_SECTORS },
    ]);
  });

  test("binds a copy of the table to the end of the disk, and nothing that the table needs", () => {
    const end = 100 * MIB_SECTORS;
    const disk = { sectorCount: end, sectorBytes: 512 };
    const [own, copy] = [
      { start: 3000, end: 3032 },
      { start: 9000, end: 9033 },
    ];
    const tail = [end - MIB_SECTORS, end, true, true];
    const cut = (...copies: Range[]): unknown => {
      const table = { ...tableOf({ start: 0, end: 2 }, own, copy), copySectors: copies };
      return placesOf(cutRegions(table, uses(2048, 100), disk)).slice(1);
    };
    expect(cut(copy)).toEqual([[3000, 3032, true, false], [9000, 9033, true, true], tail]);
    expect(cut(own)).toEqual([[3000, 3032, true, false], [9000, 9033, true, false], tail]);
  });

  test("keeps the entries of a table that stand in the last MiB on a disk of any size", () => {
    const end = 100 * MIB_SECTORS;
    const [own, copy] = [
      { start: end - 100, end: end - 68 },
      { start: end - 33, end },
    ];
    const table = { ...tableOf({ start: 0, end: 2 }, own, copy), copySectors: [copy] };
    const disk = { sectorCount: end, sectorBytes: 512 };
    expect(placesOf(cutRegions(table, uses(2048, 100), disk)).slice(1)).toEqual([
      [end - MIB_SECTORS, end - 68, true, false],
      [end - 68, end, true, true],
    ]);
  });

  test.each([
    [
      10,
      [
        [0, 1, true, false],
        [9, 10, true, true],
      ],
    ],
    [
      1.5,
      [
        [0, 1, true, false],
        [1, 1.5, true, true],
      ],
    ],
    [0.5, [[0, 0.5, true, false]]],
  ])("keeps the head and the end of a disk of %d MiB without partitions", (size, wanted) => {
    const table = tableOf({ start: 0, end: 34 });
    const disk = { sectorCount: size * MIB_SECTORS, sectorBytes: 512 };
    const scaled = wanted.map(([start = 0, end = 0, ...rules]) => [
      Number(start) * MIB_SECTORS,
      Number(end) * MIB_SECTORS,
      ...rules,
    ]);
    expect(placesOf(cutRegions(table, [], disk))).toEqual(scaled);
  });
});
