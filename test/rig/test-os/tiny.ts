/**
 * The tiny test system: Debian's kernel, one busybox, two scripts of a dozen lines.
 *
 * The first script, in the initramfs, finds the root file system by its label. The second, on that
 * file system, prints the marker. So the marker proves that boot code, kernel, initramfs and root
 * file system were all read from the disk intact. Before it prints, it counts the boot in a file
 * and mounts the file system read-only again, so a node whose power is cut after the marker has a
 * clean disk.
 */
import { basename } from "node:path";
import type { CpioEntry } from "../../../initramfs/cpio.ts";
import type { PackageFiles } from "../../../initramfs/deb.ts";
import { decompress } from "../../../initramfs/deb.ts";
import { readModuleInfo, moduleName } from "../../../initramfs/modinfo.ts";
import { closeModules } from "../../../initramfs/module-closure.ts";
import { SituationError } from "../../../shared/core/errors.ts";
import { ROOT_LABEL } from "./layout.ts";

/** A file of a root tree. */
export interface TreeFile {
  /** Relative to the root, without leading slash. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

/** A kernel and its initramfs, as parts of a root tree. */
export interface TinySystem {
  readonly kernelRelease: string;
  readonly files: readonly TreeFile[];
  /** Entries of the initramfs, not yet packed. */
  readonly initramfs: readonly CpioEntry[];
  /** Names that are links to busybox, below bin/. */
  readonly applets: readonly string[];
}

/**
 * Puts the tiny system together.
 *
 * @param kernel - Debian's kernel package.
 * @param busybox - A statically linked busybox.
 * @returns Files for the root tree and for its initramfs.
 * @throws {@link SituationError} `package_file` if the package has no kernel, `module_missing`.
 */
export function tinySystem(kernel: PackageFiles, busybox: Uint8Array): TinySystem {
  const image = kernel.paths().find((path) => path.startsWith("boot/vmlinuz-"));
  if (image === undefined) {
    throw new SituationError("package_file", "Cannot find a kernel: no boot/vmlinuz-* in package", {
      cure: "Look at what package initramfs/inputs.lock names as kernel.",
    });
  }
  const kernelRelease = image.slice("boot/vmlinuz-".length);
  const program = { path: "bin/busybox", bytes: busybox, mode: 0o755 };
  const script = (path: string, text: string): TreeFile => {
    return { path, bytes: Buffer.from(text), mode: 0o755 };
  };
  return {
    kernelRelease,
    files: [
      { path: image, bytes: kernel.read(image), mode: 0o644 },
      program,
      script("bin/init", INIT),
    ],
    initramfs: [
      ...["dev", "mnt", "proc", "root", "sys"].map((path) => {
        return { kind: "directory", path } as const;
      }),
      { kind: "device", path: "dev/console", major: 5, minor: 1 },
      { kind: "file", ...program },
      ...APPLETS.map((name): CpioEntry => {
        return { kind: "symlink", path: `bin/${name}`, target: "busybox" };
      }),
      { kind: "file", ...script("init", INITRAMFS_INIT) },
      ...moduleEntries(kernel, kernelRelease),
    ],
    applets: APPLETS,
  };
}

/**
 * Modules are numbered in the order in which they are loaded, so that `*.ko` lists them in that
 * order.
 */
function moduleEntries(kernel: PackageFiles, kernelRelease: string): CpioEntry[] {
  const paths = new Map<string, string>();
  for (const path of kernel.paths()) {
    if (/\.ko(\.[a-z0-9]+)?$/.test(path)) paths.set(moduleName(basename(path)), path);
  }
  const { index, files } = closeModules(
    { byDevice: [], always: MODULES },
    {
      kernelRelease,
      load: (name) => {
        const path = paths.get(name);
        if (path === undefined) return undefined;
        const bytes = decompress(kernel.read(path), path);
        return { info: readModuleInfo(bytes), bytes };
      },
    },
  );
  const order = new Set(MODULES.flatMap((name) => [...(index.modules[name]?.depends ?? []), name]));
  return [...order].map((name, at): CpioEntry => {
    const bytes = files.get(index.modules[name]?.file ?? "") ?? new Uint8Array();
    return { kind: "file", path: `lib/modules/${String(at).padStart(3, "0")}-${name}.ko`, bytes };
  });
}

/** Disk controllers of QEMU, and the file system. virtio_pci is part of Debian's kernel. */
const MODULES = [
  "sd_mod",
  "ahci",
  "ata_piix",
  "nvme",
  "virtio_blk",
  "virtio_scsi",
  "crc32c_generic",
  "ext4",
];

const APPLETS = [
  "cat",
  "findfs",
  "insmod",
  "mount",
  "poweroff",
  "sh",
  "sleep",
  "switch_root",
  "sync",
  "uname",
];

const INITRAMFS_INIT = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in /lib/modules/*.ko; do insmod "$module" 2>/dev/null; done
tries=0
until root=$(findfs LABEL=${ROOT_LABEL} 2>/dev/null) || [ $tries -ge 300 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
mount -t ext4 "$root" /mnt || { echo "TESTOS-FAILED no root: $root" >/dev/ttyS0; sleep 10; exit 1; }
echo "$root" >/dev/testos-root
for folder in dev proc sys; do mount -o move /$folder /mnt/$folder; done
exec switch_root /mnt /bin/init
`;

const INIT = `#!/bin/sh
read boots 2>/dev/null </var/boots || boots=0
echo $((boots + 1)) >/var/boots
mount -o remount,ro / || echo "TESTOS-FAILED stays writable" >/dev/ttyS0
sync
id=$(cat /etc/testos-id) root=$(cat /dev/testos-root) kernel=$(uname -r)
echo "TESTOS-READY id=$id root=$root kernel=$kernel boots=$((boots + 1))" >/dev/ttyS0
exec sh </dev/ttyS0 >/dev/ttyS0 2>&1
`;
