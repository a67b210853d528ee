/**
 * Goal: of a swap area only the header is kept, and a suspended system is never dropped.
 * Method: headers written from linux/swap.h for each page size.
 */
import { describe, expect, test } from "vitest";
import { memorySource } from "../../../rig/memory-source.ts";
import { swapReader } from "../../../../shared/filesystem/swap.ts";

function swapArea(pageBytes: number, signature = "SWAPSPACE2"): Uint8Array {
  const area = new Uint8Array(pageBytes * 8);
  area.set(Buffer.from(signature, "latin1"), pageBytes - 10);
  const view = new DataView(area.buffer);
  view.setUint32(1024, 1, true);
  view.setUint32(1028, 7, true);
  area.fill(0xab, 1036, 1052);
  area.set(Buffer.from("swappy"), 1052);
  return area;
}

describe("swapReader", () => {
  test.each([4096, 8192, 16384, 65536])("keeps one page of %i bytes", (pageBytes) => {
    const report = swapReader.read(memorySource(swapArea(pageBytes)));
    expect(report.state).toBe("clean");
    expect(report.used).toEqual([{ start: 0, end: pageBytes / 512 }]);
    expect(report.blockBytes).toBe(pageBytes);
    expect(report.label).toBe("swappy");
    expect(report.uuid).toBe("abababab-abab-abab-abab-abababababab");
  });

  test.each(["S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001"])(
    "calls an area dirty and keeps all of it when it holds %s",
    (signature) => {
      const area = swapArea(4096, signature);
      const source = memorySource(area);
      expect(swapReader.recognises(source)).toBe(true);
      const report = swapReader.read(source);
      expect(report.state).toBe("dirty");
      expect(report.used).toEqual([{ start: 0, end: area.byteLength / 512 }]);
    },
  );

  test("keeps everything when the area claims to be larger than its partition", () => {
    const area = swapArea(4096);
    new DataView(area.buffer).setUint32(1028, 8, true);
    expect(swapReader.read(memorySource(area)).rawBecause).toMatch(/larger than the partition/);
  });

  test("keeps what lies behind the area", () => {
    const area = swapArea(4096);
    new DataView(area.buffer).setUint32(1028, 5, true);
    expect(swapReader.read(memorySource(area)).used).toEqual([
      { start: 0, end: 8 },
      { start: 48, end: 64 },
    ]);
  });

  test("keeps everything when the version is unknown", () => {
    const area = swapArea(4096);
    new DataView(area.buffer).setUint32(1024, 2, true);
    expect(swapReader.read(memorySource(area)).rawBecause).toBe("its version is 2");
  });
});
