/**
 * Stage: the parts of a receiver that a story (load.ts, save.ts) works with. visit.ts makes one for
 * each order.
 */
import type { DiskDescription } from "../shared/control/disk-rule.ts";
import type { DiskWork } from "./disk/disk-work.ts";
import type { LoadReception, ReceptionStart } from "./link/load-reception.ts";
import type { Reporter } from "./link/reporter.ts";
import type { ServerLink } from "./link/server-link.ts";

export interface Stage {
  readonly link: ServerLink;
  readonly reporter: Reporter;
  readonly disks: readonly DiskDescription[];
  readonly disk: DiskWork;
  startReception(start: ReceptionStart): LoadReception;
  /** Called when the disk is about to be changed, and when it is complete again. */
  gate(state: "closing" | "open"): void;
}
