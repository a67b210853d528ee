/**
 * Goal: a target knows whether it was touched, and its errors name it (P15). Method: a device in
 * memory with 512-byte sectors, and one that fails.
 */
import { expect, test } from "vitest";
import { TargetDevice } from "../../../../../server/cli/local/target-device.ts";
import type { BlockDevice } from "../../../../../shared/disk/block-device.ts";

function device(write: () => void = () => undefined): BlockDevice {
  return {
    identity: {
      ...{ path: "/dev/sdx", sizeBytes: 10_240, sectorBytes: 512, serial: "", wwn: "", model: "" },
      ...{ bus: "file", rotational: false, removable: false, inUse: [] },
    },
    ...{ alignment: 1, sectorBytes: 512, sectorCount: 20 },
    read: () => undefined,
    write,
    flush: () => undefined,
    dropCache: () => undefined,
    rereadTable: () => true,
    close: () => undefined,
  };
}

test("TargetDevice has the image's sectors, whole ones only", () => {
  const target = new TargetDevice(device(), { path: "disk", sectorBytes: 4096 });
  expect([target.sectorBytes, target.sectorCount]).toEqual([4096, 2]);
  expect(target.identity).toMatchObject({ path: "disk", sizeBytes: 8192 });
});

test("P15: TargetDevice is touched from the first try to change it, also a failed one", () => {
  const target = new TargetDevice(
    device(() => {
      throw Object.assign(new Error("EIO: i/o error, write"), { code: "EIO", syscall: "write" });
    }),
    { path: "disk", sectorBytes: 512 },
  );
  target.read(0, new Uint8Array(512));
  target.flush();
  expect(target.touched).toBe(false);
  expect(() => {
    target.write(0, new Uint8Array(512));
  }).toThrow(expect.objectContaining({ path: "disk" }) as Error);
  expect(target.touched).toBe(true);
});
