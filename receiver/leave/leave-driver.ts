/**
 * LeaveDriver: one way from the receiver to the node's own system.
 *
 * `leave` is the last thing a receiver does. A driver that cannot do its work says so before
 * anything is lost, and the receiver takes the next best way: reboot always works.
 */
import type { LeaveMode } from "../../shared/control/spec.ts";

/** One way out of the receiver. */
export interface LeaveDriver {
  /** The mode of the order that this driver serves. */
  readonly mode: LeaveMode;
  /**
   * Gets ready while the server still listens: loads a kernel, checks that the way is open.
   *
   * @param diskPath - Device of the disk that was written; undefined when none was.
   * @returns Undefined when ready, else why this way is closed.
   */
  prepare(diskPath: string | undefined): Promise<string | undefined>;
  /**
   * Leaves. Returns only where there is nothing to leave, as in `stay` or in a receiver that is an
   * ordinary process.
   */
  leave(): Promise<void>;
}
