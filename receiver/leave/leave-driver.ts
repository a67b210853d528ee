/**
 * LeaveDriver: one way from the receiver to the node's own system.
 *
 * `leave` is the last thing a receiver does. A driver that cannot do its work says so in `prepare`,
 * while everything still runs, and the receiver then takes the next best way: reboot always works.
 */
import type { LeaveMode } from "../../shared/control/spec.ts";

export interface LeaveDriver {
  /** The mode of the order that this driver serves. */
  readonly mode: LeaveMode;
  /**
   * Gets ready while the server can still be told: loads a kernel, checks that this way works.
   *
   * @param diskPath - Device of the disk that was written; undefined if none was.
   * @returns Undefined when ready, else the reason why this way does not work.
   */
  prepare(diskPath: string | undefined): Promise<string | undefined>;
  /**
   * Leaves the receiver. Returns only if there is nothing to leave: in `stay`, or in a receiver
   * that is an ordinary process.
   */
  leave(): Promise<void>;
}
