/**
 * The registry of leave drivers: every way out of the receiver, under the leave mode that orders
 * use. A new one is one file and one line here.
 */
import type { LeaveMode } from "../../shared/control/spec.ts";
import type { LeaveDriver } from "./leave-driver.ts";
import { leaveByPowerOff, leaveByReboot } from "./leave-kernel.io.ts";
import { stayInReceiver } from "./leave-stay.io.ts";

const DRIVERS: Readonly<Record<LeaveMode, LeaveDriver>> = {
  reboot: leaveByReboot,
  poweroff: leaveByPowerOff,
  stay: stayInReceiver,
};

/**
 * Gives the driver of a leave mode.
 *
 * @param mode - From the order; `reboot` when there was none.
 * @returns The driver.
 */
export function leaveDriver(mode: LeaveMode): LeaveDriver {
  return DRIVERS[mode];
}
