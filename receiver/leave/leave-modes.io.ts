/**
 * The ways out of the receiver that work on every node: restart, power off, stay.
 *
 * A receiver that is an ordinary process has nothing to leave: it just ends.
 */
import { endKernel } from "../../shared/linux/power.io.ts";
import type { LeaveMode } from "../../shared/control/spec.ts";
import type { LeaveDriver } from "./leave-driver.ts";

/** Interval of the timer that keeps the event loop alive. Unit: milliseconds. */
const STAY_TURN_MS = 60_000;

/**
 * @param mode - From the order; `reboot` if there was none.
 * @param isPid1 - False in an ordinary process.
 */
export function leaveDriver(mode: LeaveMode, isPid1: boolean): LeaveDriver {
  const leave = isPid1 ? LEAVES[mode] : ended;
  return { mode, prepare: () => Promise.resolve(undefined), leave };
}

const LEAVES: Readonly<Record<LeaveMode, () => Promise<void>>> = {
  reboot: () => endKernel("restart"),
  poweroff: () => endKernel("powerOff"),
  stay,
};

function ended(): Promise<void> {
  return Promise.resolve();
}

/** PID 1 must not end: an empty event loop would end Node.js and panic the kernel. */
function stay(): Promise<void> {
  return new Promise(() => {
    setInterval(() => undefined, STAY_TURN_MS);
  });
}
