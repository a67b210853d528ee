/**
 * LeaveDriver: one way from the receiver to the node's own system.
 *
 * Each is one file and one line in leave-drivers.io.ts. It is the last thing that a receiver does,
 * and only as PID 1: an ordinary process has nothing to leave, it ends.
 */

export interface LeaveDriver {
  /**
   * Leaves; never returns.
   *
   * @throws A system error when the kernel refuses; the receiver restarts the node then.
   */
  leave(): Promise<never>;
}
