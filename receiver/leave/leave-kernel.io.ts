/** The ways out that end the running kernel: they work on every node. */
import { endKernel } from "../../shared/linux/power.io.ts";
import type { LeaveDriver } from "./leave-driver.ts";

/** Starts the firmware again, which boots what it boots. */
export const leaveByReboot: LeaveDriver = { leave: () => endKernel("restart") };

/** Switches the node off. */
export const leaveByPowerOff: LeaveDriver = { leave: () => endKernel("powerOff") };
