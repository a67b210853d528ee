/**
 * Goal: disks are told apart by what their makers wrote, and a disk in use is never called free.
 *
 * Method: a synthetic /sys and /proc in a temporary folder, shaped as real kernels shape them.
 */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { diskIdentity, listDisks, whyNoDisk } from "../../../../shared/linux/disks.io.ts";
import { testFolder } from "../../../rig/folder.ts";

let root = "";
const roots = { sys: "", proc: "" };

beforeEach(() => {
  root = testFolder();
  roots.sys = join(root, "sys");
  roots.proc = join(root, "proc");
  put("proc/self/mountinfo", "");
  put("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
});

function put(path: string, content: string | Buffer): void {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
}

function disk(name: string, dev: string, devicePath: string, files: Record<string, string>): void {
  const folder = join("sys/devices", devicePath, "block", name);
  const common = { dev, size: "1000215216", removable: "0", ro: "0", "queue/rotational": "0" };
  for (const [file, text] of Object.entries({ ...common, ...files })) {
    put(join(folder, file), `${text}\n`);
  }
  mkdirSync(join(root, folder, "holders"));
  symlinkSync(join(root, "sys/devices", devicePath), join(root, folder, "device"));
  mkdirSync(join(root, "sys/block"), { recursive: true });
  symlinkSync(join(root, folder), join(root, "sys/block", name));
}

function sataDisk(): void {
  const device = "pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0";
  disk("sda", "8:0", device, {
    "queue/logical_block_size": "512",
    "queue/rotational": "1",
    "sda1/partition": "1",
    "sda1/dev": "8:1",
  });
  put(`sys/devices/${device}/model`, "WDC WD10EZEX-08W\n");
  put(`sys/devices/${device}/wwid`, "naa.50014ee2b7a1c0de\n");
  const page = Buffer.concat([Buffer.from([0, 0x80, 0, 20]), Buffer.from("     WD-WCC6Y1234567")]);
  put(`sys/devices/${device}/vpd_pg80`, page);
}

describe("diskIdentity()", () => {
  test("reads serial, WWN and model of a SATA disk", () => {
    sataDisk();
    expect(diskIdentity("sda", roots)).toEqual({
      path: "/dev/sda",
      sizeBytes: 1000215216 * 512,
      sectorBytes: 512,
      serial: "WD-WCC6Y1234567",
      wwn: "naa.50014ee2b7a1c0de",
      model: "WDC WD10EZEX-08W",
      bus: "ata",
      rotational: true,
      removable: false,
      inUse: [],
    });
  });

  test("reads an NVMe disk with 4096-byte sectors", () => {
    const device = "pci0000:00/0000:01:00.0/nvme/nvme0";
    disk("nvme0n1", "259:0", device, {
      "queue/logical_block_size": "4096",
      wwid: "eui.0025385b71b0c0de",
    });
    put(`sys/devices/${device}/serial`, "S4EWNX0R123456      \n");
    const found = diskIdentity("nvme0n1", roots);
    expect(found).toMatchObject({ bus: "nvme", sectorBytes: 4096, serial: "S4EWNX0R123456" });
    expect(found.wwn).toBe("eui.0025385b71b0c0de");
  });

  test("reads virtio and USB, and takes no T10 vendor text for a WWN", () => {
    disk("vda", "254:0", "pci0000:00/0000:00:04.0/virtio2", { serial: "lab-7" });
    expect(diskIdentity("vda", roots)).toMatchObject({ bus: "virtio", serial: "lab-7", wwn: "" });
    const stick = "pci0000:00/usb1/1-2/host6/target6:0:0/6:0:0:0";
    disk("sdb", "8:16", stick, { removable: "1", "device-less": "" });
    put(`sys/devices/${stick}/wwid`, "t10.Kingston DataTraveler\n");
    expect(diskIdentity("sdb", roots)).toMatchObject({ bus: "usb", removable: true, wwn: "" });
  });

  test.each([
    ["a mounted partition", "36 1 8:1 / /srv/my\\040data rw - ext4 /dev/sda1 rw", "/srv/my data"],
    ["the running system", "22 1 8:1 / / rw - ext4 /dev/sda1 rw", "running system"],
    ["the mounted disk itself", "36 1 8:0 / /mnt rw - ext4 /dev/sda rw", "sda mounted on /mnt"],
    ["a Btrfs, by its source", "40 1 0:33 / /srv rw - btrfs /dev/sda1 rw", "sda1 mounted on /srv"],
  ])("names %s as a reason not to write", (_, line, reason) => {
    sataDisk();
    put("proc/self/mountinfo", `21 1 0:5 / /dev rw - devtmpfs udev rw\n${line}\n`);
    expect(diskIdentity("sda", roots).inUse.join()).toContain(reason);
  });

  test("names holders, swap and write protection as reasons not to write", () => {
    sataDisk();
    put("sys/block/sda/sda1/holders/dm-0", "");
    put("sys/block/sda/ro", "1\n");
    put("proc/swaps", "Filename Type Size Used Priority\n/dev/sda1 partition 1 0 -2\n");
    expect(diskIdentity("sda", roots).inUse).toEqual([
      "read-only",
      "sda1 held by dm-0",
      "sda1 is swap space",
    ]);
  });
});

describe("listDisks()", () => {
  test("lists disks with a medium and leaves out what is none", () => {
    sataDisk();
    disk("loop0", "7:0", "virtual/loop0", {});
    disk("dm-0", "253:0", "virtual/dm-0", {});
    disk("sdc", "8:32", "pci0000:00/usb1/host7/target7:0:0/7:0:0:0", { size: "0" });
    expect(listDisks(roots).map((one) => one.path)).toEqual(["/dev/sda"]);
  });

  test.each(["loop3", "ram0", "zram0", "dm-1", "md127", "sr0", "fd0", "nbd2", "mmcblk0boot1"])(
    "whyNoDisk() says what %s is instead",
    (name) => {
      expect(whyNoDisk(name)).toBeTypeOf("string");
    },
  );

  test.each(["sda", "sdaa", "vda", "nvme0n1", "mmcblk0", "hda", "xvda"])(
    "whyNoDisk() has nothing against %s",
    (name) => {
      expect(whyNoDisk(name)).toBeUndefined();
    },
  );
});
