/** The way out that is none: the receiver stays, so that a person can look at the node. */
import type { LeaveDriver } from "./leave-driver.ts";

/** Between turns of an event loop that only waits. Unit: milliseconds. */
const STAY_TURN_MS = 60_000;

/** Waits for ever: PID 1 must not end, and Node.js ends when its event loop is empty. */
export const stayInReceiver: LeaveDriver = {
  leave: () =>
    new Promise(() => {
      setInterval(() => undefined, STAY_TURN_MS);
    }),
};
