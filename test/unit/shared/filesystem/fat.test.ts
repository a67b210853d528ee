/**
 * Goal: FAT maps keep every cluster that any copy of the table calls used; dirty volumes are told.
 * Method: volumes that mkfs.vfat and mcopy made; a second, naive reader of the tables; flips.
 */
import { describe, expect, test } from "vitest";
import { normalRanges, type Range, rangesCover } from "../../../../shared/core/ranges.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { fatReader } from "../../../../shared/filesystem/fat.ts";
import { diskOf, forEachFlip, readVector, span } from "../../../rig/disk-fixtures.ts";

interface Geometry {
  readonly bits: 12 | 16 | 32;
  readonly tableAt: number;
  readonly tableBytes: number;
  readonly dataAt: number;
  readonly clusterBytes: number;
  readonly clusters: number;
}

function geometryOf(disk: Uint8Array, bits: 12 | 16 | 32): Geometry {
  const view = new DataView(disk.buffer);
  const sector = view.getUint16(11, true);
  const tableSectors = bits === 32 ? view.getUint32(36, true) : view.getUint16(22, true);
  const reserved = view.getUint16(14, true);
  const rootBytes = view.getUint16(17, true) * 32;
  const dataAt = (reserved + view.getUint8(16) * tableSectors) * sector + rootBytes;
  const clusterBytes = view.getUint8(13) * sector;
  const clusters = Math.floor((disk.byteLength - dataAt) / clusterBytes);
  const tableAt = reserved * sector;
  return { bits, tableAt, tableBytes: tableSectors * sector, dataAt, clusterBytes, clusters };
}

/** Bit by bit, so that it shares no idea with the reader. */
function entryOf(disk: Uint8Array, geometry: Geometry, cluster: number): number {
  let value = 0;
  const width = geometry.bits === 32 ? 28 : geometry.bits;
  for (let bit = 0; bit < width; bit += 1) {
    const at = cluster * geometry.bits + bit;
    const byte = disk[geometry.tableAt + (at >> 3)] ?? 0;
    value += ((byte >> (at & 7)) & 1) * 2 ** bit;
  }
  return value;
}

function usedByHand(disk: Uint8Array, geometry: Geometry): Range[] {
  const used = [{ start: 0, end: geometry.dataAt }];
  const end = geometry.dataAt + geometry.clusters * geometry.clusterBytes;
  used.push({ start: end, end: disk.byteLength });
  for (let cluster = 2; cluster < geometry.clusters + 2; cluster += 1) {
    if (entryOf(disk, geometry, cluster) === 0) continue;
    const start = geometry.dataAt + (cluster - 2) * geometry.clusterBytes;
    used.push({ start, end: start + geometry.clusterBytes });
  }
  return normalRanges(used.map((one) => ({ start: one.start / 512, end: one.end / 512 })));
}

const VOLUMES = [12, 16, 32] as const;

describe("fatReader", () => {
  test.each(VOLUMES)("reads FAT%i as its tables say", (bits) => {
    const disk = diskOf(readVector(`filesystem/fat${bits}.json`));
    const report = fatReader.read(memorySource(disk));
    expect(report.kind).toBe(`fat${bits}`);
    expect(report.state).toBe("clean");
    expect(report.used).toEqual(usedByHand(disk, geometryOf(disk, bits)));
    expect(report.used.length).toBeGreaterThan(0);
    expect(report.uuid).toBe("1234-5678");
    expect(report.label).toBe("LAB");
  });

  test.each(VOLUMES)("keeps a cluster of FAT%i that only the second copy calls used", (bits) => {
    const disk = diskOf(readVector(`filesystem/fat${bits}.json`));
    const geometry = geometryOf(disk, bits);
    const cluster = 600;
    const second = geometry.tableAt + geometry.tableBytes;
    disk[second + Math.floor((cluster * bits) / 8)] = 0xff;
    const start = (geometry.dataAt + (cluster - 2) * geometry.clusterBytes) / 512;
    const { used } = fatReader.read(memorySource(disk));
    expect(rangesCover(used, [{ start, end: start + geometry.clusterBytes / 512 }])).toBe(true);
  });

  test.each([
    [16, 1 << 15, "not unmounted"],
    [16, 1 << 14, "disk errors"],
    [32, 1 << 27, "not unmounted"],
    [32, 1 << 26, "disk errors"],
  ] as const)("calls FAT%i dirty when bit %i of entry 1 is clear", (bits, bit, because) => {
    const disk = diskOf(readVector(`filesystem/fat${bits}.json`));
    const { tableAt } = geometryOf(disk, bits);
    const view = new DataView(disk.buffer, tableAt);
    if (bits === 32) view.setUint32(4, view.getUint32(4, true) & ~bit, true);
    else view.setUint16(2, view.getUint16(2, true) & ~bit, true);
    const report = fatReader.read(memorySource(disk));
    expect([report.state, report.rawBecause]).toEqual(["dirty", expect.stringContaining(because)]);
  });

  test.each(VOLUMES)("calls FAT%i dirty when its boot sector says mounted", (bits) => {
    const disk = diskOf(readVector(`filesystem/fat${bits}.json`));
    disk[bits === 32 ? 65 : 37] = 1;
    expect(fatReader.read(memorySource(disk)).rawBecause).toMatch(/says that it is mounted/);
  });

  test.each(VOLUMES)("never throws when a byte of the boot sector of FAT%i is flipped", (bits) => {
    const disk = diskOf(readVector(`filesystem/fat${bits}.json`));
    const source = memorySource(disk);
    forEachFlip(disk, span(0, 512), () => {
      if (fatReader.recognises(source)) fatReader.read(source);
    });
  });

  test("does not take other boot sectors for its own", () => {
    const disk = new Uint8Array(512 * 100);
    expect(fatReader.recognises(memorySource(disk))).toBe(false);
    disk.set([0xeb, 0x52, 0x90, 0x4e, 0x54, 0x46, 0x53]);
    disk.set([0x55, 0xaa], 510);
    expect(fatReader.recognises(memorySource(disk))).toBe(false);
  });

  test("keeps the map of a FAT32 small when every other cluster is in use", () => {
    const clusters = 1 << 20;
    const tableSectors = (clusters + 2) / 128 + 1;
    const boot = new DataView(new ArrayBuffer(512));
    for (const [offset, value] of [
      [0, 0xeb],
      [13, 1],
      [16, 1],
      [21, 0xf8],
    ] as const)
      boot.setUint8(offset, value);
    boot.setUint16(11, 512, true);
    boot.setUint16(14, 32, true);
    boot.setUint32(32, 32 + Math.floor(tableSectors) + clusters, true);
    boot.setUint32(36, Math.floor(tableSectors), true);
    boot.setUint16(510, 0xaa55, true);
    const sectorCount = boot.getUint32(32, true);
    const report = fatReader.read({
      sectorBytes: 512,
      sectorCount,
      read(lba, into) {
        const entries = new DataView(into.buffer, into.byteOffset, into.byteLength);
        for (let at = 0; at < into.byteLength; at += 4) {
          const entry = ((lba - 32) * 512 + at) / 4;
          entries.setUint32(at, entry === 1 || entry % 2 === 0 ? 0x0fffffff : 0, true);
        }
        if (lba === 0) into.set(new Uint8Array(boot.buffer));
      },
    });
    expect([report.kind, report.state]).toEqual(["fat32", "clean"]);
    expect(report.used).toHaveLength(1); // all gaps have one cluster
    expect(report.warnings.join()).toMatch(/more than 262144 pieces, so free gaps shorter than 64/);
  });
});
