/**
 * The host of a visit: this computer's disks, interfaces, threads and signals behind the interface
 * of visit.ts.
 *
 * Files may stand for disks; then the computer's own disks are never looked at.
 */
import { randomBytes } from "node:crypto";
import { realpathSync, statSync } from "node:fs";
import { totalmem } from "node:os";
import { basename } from "node:path";
import type { DiskDescription } from "../shared/control/disk-rule.ts";
import { FEATURES } from "../shared/control/feature.ts";
import type { DiskIdentity } from "../shared/disk/block-device.ts";
import { openBlockDevice } from "../shared/linux/block-device.io.ts";
import { diskIdentity, listDisks } from "../shared/linux/disks.io.ts";
import { listInterfaces } from "../shared/linux/interfaces.io.ts";
import { openDiskWork } from "./disk/disk-thread.io.ts";
import { arenaBytes } from "./arena-bytes.ts";
import type { ReceiverOptions } from "./options.ts";
import { listenToSession } from "./link/session-listener.io.ts";
import { openServerLink } from "./link/http-link.io.ts";
import { REPORT_EVERY_MS } from "./link/reporter.ts";
import { VERSION } from "./version.ts";
import type { Host } from "./visit.ts";

/** What a host may be told beside the options of a receiver. */
export interface HostWorld {
  /** Shows a line. */
  print(line: string): void;
  /** Entry of the net thread; default: the receiver's own. */
  readonly netThread?: URL;
}

/**
 * Opens the host of a visit.
 *
 * @returns The host. Nothing is sent and no disk is open yet.
 * @throws A system error when a file that stands for a disk cannot be opened.
 */
export function openHost(options: ReceiverOptions, world: HostWorld): Host {
  const disks = disksOf(options);
  const cards = listInterfaces().filter(({ name }) => name !== "lo");
  const boot = cards.find(({ mac }) => mac === options.bootMac);
  const interfaceName = options.dataInterface ?? boot?.name;
  const macs = options.bootMac === undefined ? cards.map(({ mac }) => mac) : [options.bootMac];
  return {
    link: openServerLink(options.server, options.token),
    publicKey: options.key,
    join: {
      token: options.token,
      nonce: randomBytes(16).toString("hex"),
      macs,
      interfaces: cards.map(({ name, mac, driver }) => ({ name, mac, driver, speedMbit: 0 })),
      disks,
      memoryBytes: totalmem(),
      version: VERSION,
      features: [...FEATURES],
    },
    disks,
    now: () => performance.now(),
    diskWork: openDiskWork,
    startReception: (start) =>
      listenToSession(start, {
        ringBytes: arenaBytes(totalmem()),
        interfaceName,
        ...(world.netThread === undefined ? {} : { netThread: world.netThread }),
        note: (text) => {
          world.print(`huck: ${text}`);
        },
      }),
    print: (line) => {
      world.print(line);
    },
    every(beat) {
      const timer = setInterval(beat, REPORT_EVERY_MS);
      return () => {
        clearInterval(timer);
      };
    },
    onStop(stop) {
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.once(signal, () => {
          stop(`the receiver was told to end (${signal})`);
        });
      }
    },
  };
}

/** Only PID 1 owns the computer: a process sees the disks it was told of and no others (P8). */
function disksOf(options: ReceiverOptions): DiskDescription[] {
  const disks = process.pid === 1 ? listDisks() : options.diskFiles.map(namedDisk);
  return disks.map((disk) => ({ ...disk, inUse: [...disk.inUse] }));
}

/** Looks without opening: a disk in use must be told of, not stumbled over. */
function namedDisk(path: string): DiskIdentity {
  if (statSync(path).isBlockDevice()) return diskIdentity(basename(realpathSync(path)));
  const device = openBlockDevice(path, { access: "read" });
  try {
    return device.identity;
  } finally {
    device.close();
  }
}
