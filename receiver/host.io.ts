/**
 * The host of a visit: gives it this computer's disks, interfaces, threads and signals.
 *
 * If files stand for disks, the computer's own disks are never opened.
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

/** What a host needs besides the receiver's options. */
export interface HostWorld {
  /** Shows a line on the console. */
  print(line: string): void;
  /**
   * Entry of the net thread: NET_THREAD. The demo gives one that loses datagrams; it has only one
   * computer, whose loopback loses none.
   */
  readonly netThread: URL;
}

/**
 * @returns The host. Nothing is sent and no disk is open yet.
 * @throws A system error if a file that stands for a disk cannot be opened.
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
        netThread: world.netThread,
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

/**
 * Only PID 1 owns the computer: an ordinary process sees the files it was given and no other disk
 * (P8).
 */
function disksOf(options: ReceiverOptions): DiskDescription[] {
  const disks = process.pid === 1 ? listDisks() : options.diskFiles.map(namedDisk);
  return disks.map((disk) => ({ ...disk, inUse: [...disk.inUse] }));
}

/**
 * Looks at the path without opening it, so that a disk in use is reported as such and not as an
 * error of open.
 */
function namedDisk(path: string): DiskIdentity {
  if (statSync(path).isBlockDevice()) return diskIdentity(basename(realpathSync(path)));
  const device = openBlockDevice(path, { access: "read" });
  try {
    return device.identity;
  } finally {
    device.close();
  }
}
