/**
 * The Debian test system: its packages, and the files that make it print the marker.
 *
 * It is an ordinary Debian 12 with systemd and a service that prints the marker. Its kernel is the
 * one that the boot files use: Debian 12's own is packed with XZ, which costs half a minute per
 * boot without hardware virtualisation. This file has only the lists and texts; make.ts runs
 * debootstrap with them.
 */
import { createHash } from "node:crypto";
import { ROOT_LABEL } from "./layout.ts";

/** The release that is installed. */
export const SUITE = "bookworm";

/** What minbase lacks: an init, device names, a message bus for the power button, an initrd. */
export const PACKAGES: readonly string[] = [
  "systemd-sysv",
  "udev",
  "dbus",
  "kmod",
  "zstd",
  "initramfs-tools",
  "linux-base",
  "iproute2",
];

/** Written before the kernel is installed: path in the root -> text. */
export const FILES_BEFORE_KERNEL: Readonly<Record<string, string>> = {
  // Kernel modules for devices that no virtual node has: a third of the package.
  "etc/dpkg/dpkg.cfg.d/slim": [
    "drivers/gpu",
    "drivers/media",
    "drivers/net/wireless",
    "drivers/infiniband",
    "drivers/staging",
    "drivers/isdn",
    "drivers/iio",
    "drivers/comedi",
    "drivers/net/ethernet/mellanox",
    "drivers/net/ethernet/netronome",
    "drivers/scsi/lpfc",
    "drivers/scsi/qla2xxx",
    "drivers/scsi/bfa",
    "fs/ocfs2",
    "fs/gfs2",
    "fs/ceph",
    "fs/smb",
    "net/bluetooth",
    "net/mac80211",
    "sound",
  ]
    .map((folder) => `path-exclude=/*lib/modules/*/kernel/${folder}/*\n`)
    .join(""),
  "etc/initramfs-tools/conf.d/testos": "COMPRESS=zstd\nCOMPRESSLEVEL=3\nMODULES=list\n",
  "etc/initramfs-tools/modules":
    "ahci\nata_piix\nnvme\nvirtio_blk\nvirtio_scsi\nsd_mod\ncrc32c_generic\next4\n",
  "etc/fstab": `LABEL=${ROOT_LABEL} / ext4 rw,relatime 0 1\n`,
};

/** Written last: path in the root -> text. */
export const FILES_AFTER_KERNEL: Readonly<Record<string, string>> = {
  "etc/hostname": "testos\n",
  "etc/systemd/network/80-dhcp.network":
    "[Match]\nName=en* eth*\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n",
  "etc/systemd/system/testos-marker.service": `[Unit]
Description=Print the test marker on the serial port
After=local-fs.target systemd-user-sessions.service systemd-logind.service

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/testos-marker

[Install]
WantedBy=multi-user.target
`,
};

/** Programs, written last: path in the root -> text. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  "usr/local/sbin/testos-marker": `#!/bin/sh
id=$(cat /etc/testos-id) root=$(findmnt -no SOURCE /) kernel=$(uname -r)
echo "TESTOS-READY id=$id root=$root kernel=$kernel machine-id=$(cat /etc/machine-id)" >/dev/ttyS0
`,
};

/** Services that are switched on. */
export const SERVICES: readonly string[] = ["systemd-networkd", "testos-marker"];

/** Folders that nobody reads in a test. */
export const NEEDLESS: readonly string[] = [
  "usr/share/doc",
  "usr/share/info",
  "usr/share/locale",
  "usr/share/man",
  "var/cache/apt",
  "var/lib/apt/lists",
  "var/log/bootstrap.log",
];

/**
 * Gives the key under which a root tree is cached.
 *
 * @param kernelDigest - SHA-256 of the kernel package.
 * @returns 16 hexadecimal digits of a digest of everything that the tree depends on.
 */
export function rootKey(kernelDigest: string): string {
  const files = [FILES_BEFORE_KERNEL, FILES_AFTER_KERNEL, PROGRAMS];
  const parts = [SUITE, PACKAGES, files, SERVICES, NEEDLESS, kernelDigest];
  const key = createHash("sha256").update(JSON.stringify(parts));
  return key.digest("hex").slice(0, 16);
}
