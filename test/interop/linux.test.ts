/**
 * Goal: shared/linux does to a real kernel what it says: disks, pings, interfaces.
 *
 * Method: files and a loop device made here, loopback, and a network namespace of this process's
 * children; what needs privilege is skipped without it and says so.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { arenaMemory } from "../../shared/core/arena.ts";
import { openBlockDevice } from "../../shared/linux/block-device.io.ts";
import { openPinger } from "../../shared/linux/icmp.io.ts";
import type { Pinger } from "../../shared/linux/icmp.io.ts";
import { deviceNumber } from "../../shared/linux/sysfs.io.ts";
import { fileFolder } from "../rig/folder.ts";

const SIZE = 4 << 20;
const privileged = process.getuid?.() === 0;
const folder = fileFolder();

function blankFile(name: string): string {
  const path = join(folder, name);
  const fd = openSync(path, "w");
  ftruncateSync(fd, SIZE);
  closeSync(fd);
  return path;
}

/** A pattern in page-aligned shared memory, as chunks lie in the arena. */
function pattern(byteCount: number): Uint8Array {
  const bytes = new Uint8Array(arenaMemory(byteCount).buffer, 0, byteCount);
  for (let index = 0; index < byteCount; index += 1) bytes[index] = (index * 31) ^ (index >> 8);
  return bytes;
}

function exercise(path: string): void {
  const device = openBlockDevice(path);
  try {
    expect(device.identity.sizeBytes).toBe(SIZE);
    const bytes = pattern(1 << 20);
    device.write(1 << 20, bytes);
    device.write(SIZE - 512, bytes.subarray(0, 512)); // a tail that direct I/O on a file refuses
    device.write(512, bytes.subarray(1, 513)); // unaligned memory
    device.flush();
    device.dropCache();
    const back = new Uint8Array(1 << 20);
    device.read((1 << 20) / device.sectorBytes, back);
    expect(Buffer.compare(back, bytes)).toBe(0);
    const sector = new Uint8Array(512);
    device.read(1, sector);
    expect(Buffer.compare(sector, bytes.subarray(1, 513))).toBe(0);
    device.read(SIZE / 512 - 1, sector);
    expect(Buffer.compare(sector, bytes.subarray(0, 512))).toBe(0);
    expect(() => {
      device.write(SIZE - 512, bytes.subarray(0, 1024));
    }).toThrow(expect.objectContaining({ code: "outside" }));
    expect(() => {
      device.read(SIZE / 512, sector);
    }).toThrow(expect.objectContaining({ code: "outside" }));
  } finally {
    device.close();
    device.close();
  }
}

describe("openBlockDevice()", () => {
  test("writes, reads and flushes in a regular file", () => {
    exercise(blankFile("disk.img"));
  });

  test("P5: opened to be read, it reads a write-protected file and cannot write", () => {
    const path = blankFile("source.img");
    chmodSync(path, 0o444);
    const device = openBlockDevice(path, { access: "read" });
    const sector = new Uint8Array(512).fill(1);
    device.read(0, sector);
    expect(sector.every((byte) => byte === 0)).toBe(true);
    expect(() => {
      device.write(0, sector);
    }).toThrow("EBADF");
    device.close();
  });

  test("refuses what is neither a disk nor a file", () => {
    expect(() => openBlockDevice(folder)).toThrow(expect.objectContaining({ code: "not_a_disk" }));
    expect(() => openBlockDevice(join(folder, "none"))).toThrow("ENOENT");
  });

  test.skipIf(!privileged)("does the same on a block device, which it holds alone", () => {
    const backing = blankFile("loop.img");
    const args = ["--find", "--show", backing];
    const path = execFileSync("losetup", args, { encoding: "utf8" }).trim();
    try {
      exercise(path);
      const device = openBlockDevice(path);
      expect(device.alignment).toBe(512);
      expect(() => openBlockDevice(path)).toThrow("EBUSY");
      device.close();
      expect(statSync(path).isBlockDevice()).toBe(true);
    } finally {
      execFileSync("losetup", ["--detach", path]);
    }
  });

  test.skipIf(!privileged)(
    "finds a block device by its number, whatever its node is called",
    () => {
      const loop = ["--find", "--show", blankFile("numbered.img")];
      const path = execFileSync("losetup", loop, { encoding: "utf8" }).trim();
      const node = join(folder, "c0d0");
      try {
        const [major = "", minor = ""] = deviceNumber(statSync(path).rdev).split(":");
        execFileSync("mknod", [node, "b", major, minor]);
        exercise(node);
      } finally {
        execFileSync("losetup", ["--detach", path]);
      }
      const missing = join(folder, "missing");
      execFileSync("mknod", [missing, "b", "259", "9999"]);
      expect(() => openBlockDevice(missing)).toThrow(
        expect.objectContaining({ code: "no_device" }),
      );
    },
  );

  test.skipIf(!privileged)("refuses a disk with a mounted file system and says where", () => {
    const backing = blankFile("mounted.img");
    execFileSync("mkfs.ext4", ["-q", "-F", backing]);
    const args = ["--find", "--show", backing];
    const path = execFileSync("losetup", args, { encoding: "utf8" }).trim();
    const place = mkdtempSync(join(folder, "mnt-"));
    try {
      const script = `
        const { execFileSync } = await import("node:child_process");
        const { diskIdentity } = await import(${JSON.stringify(source("disks"))});
        const { openBlockDevice } = await import(${JSON.stringify(source("block-device"))});
        execFileSync("mount", ["-o", "ro", ${JSON.stringify(path)}, ${JSON.stringify(place)}]);
        const name = ${JSON.stringify(path)}.slice(5);
        let code = "opened";
        try { openBlockDevice(${JSON.stringify(path)}); } catch (error) { code = error.code; }
        console.log(JSON.stringify({ code, inUse: diskIdentity(name).inUse }));
        execFileSync("umount", [${JSON.stringify(place)}]);`;
      const lines = runModule(script, ["unshare", "--mount"]);
      expect(JSON.parse(lines[0] ?? "")).toEqual({
        code: "EBUSY",
        inUse: [`${path.slice(5)} mounted on ${place}`],
      });
    } finally {
      execFileSync("losetup", ["--detach", path]);
    }
  });
});

describe("openPinger()", () => {
  const kinds: readonly Pinger["kind"][] = ["raw-socket", "ping-socket", "raw-libc"];
  test.each(kinds)(
    "%s times loopback's answer and gives up where it may not send",
    async (kind) => {
      let pinger: Pinger;
      try {
        pinger = openPinger(kind);
      } catch (error) {
        expect(error).toMatchObject({ code: "no_ping" }); // not built, or not allowed to this user
        return;
      }
      try {
        const trips = await Promise.all(
          ["127.0.0.1", "127.0.0.2", "127.0.0.1"].map((address) => pinger.ping(address, 2000)),
        );
        for (const trip of trips) expect(trip).toBeGreaterThanOrEqual(0);
        expect(await pinger.ping("255.255.255.255", 20)).toBeUndefined();
      } finally {
        pinger.close();
      }
    },
  );
});

describe.skipIf(!privileged)("configureInterface()", () => {
  test("gives an interface of a new namespace its address, link and route", () => {
    const script = `
      const { configureInterface, bringUp, waitForCarrier } =
        await import(${JSON.stringify(source("network"))});
      const { interfaceAddress } = await import(${JSON.stringify(source("interfaces"))});
      const { execFileSync } = await import("node:child_process");
      execFileSync("mount", ["-t", "sysfs", "sysfs", "/sys"]);
      execFileSync("ip", ["link", "add", "left", "type", "veth", "peer", "name", "right"]);
      bringUp("right");
      const address = { address: "10.9.8.7", netmask: "255.255.255.0", gateway: "10.9.8.1" };
      configureInterface({ name: "left", ...address });
      console.log(await waitForCarrier("left", 2000), await waitForCarrier("lo", 0));
      console.log(interfaceAddress("left", "IPv4")); // Node.js lists it once it has its carrier
      console.log(execFileSync("ip", ["-4", "route"], { encoding: "utf8" }).trim());
      try { bringUp("nosuch0"); } catch (error) { console.log(error.code); }`;
    const lines = runModule(script, ["unshare", "--net", "--mount"]);
    expect(lines[0]).toBe("true false");
    expect(lines[1]).toBe("10.9.8.7");
    expect(lines.some((line) => line.startsWith("default via 10.9.8.1 dev left"))).toBe(true);
    expect(lines.some((line) => line.startsWith("10.9.8.0/24 dev left"))).toBe(true);
    expect(lines.at(-1)).toBe("ENODEV");
  });
});

function source(name: string): string {
  return new URL(`../../shared/linux/${name}.io.ts`, import.meta.url).href;
}

/** Runs a module in another namespace, so that nothing of it stays behind. */
function runModule(script: string, wrapper: readonly string[]): readonly string[] {
  const file = join(folder, "child.mjs");
  writeFileSync(file, script);
  const [command = "", ...args] = wrapper;
  const result = spawnSync(command, [...args, process.execPath, file], { encoding: "utf8" });
  expect(result.stderr).toBe("");
  expect(readFileSync(file, "utf8")).toBe(script);
  return result.stdout.trim().split("\n");
}
