/**
 * Goal: a leave mode finds its driver. Method: all modes; the one that stays is run in a process of
 * its own.
 */
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { leaveDriver } from "../../../../receiver/leave/leave-drivers.io.ts";
import { LeaveMode } from "../../../../shared/control/spec.ts";

const registry = resolve(import.meta.dirname, "../../../../receiver/leave/leave-drivers.io.ts");

test("leaveDriver() gives each mode a driver of its own", () => {
  const drivers = LeaveMode.options.map((mode) => leaveDriver(mode));
  expect(new Set(drivers).size).toBe(LeaveMode.options.length);
  expect(drivers).not.toContain(undefined);
});

test("leaveDriver() keeps a process that stays from ending", () => {
  const program = `
    import { leaveDriver } from ${JSON.stringify(registry)};
    const alive = () => { process.stdout.write("alive"); process.exit(); };
    setTimeout(alive, 100).unref(); // by itself it keeps nobody alive
    await leaveDriver("stay").leave();
  `;
  const words = ["--input-type=module", "--eval", program];
  expect(execFileSync(process.execPath, words, { encoding: "utf8" })).toBe("alive");
});
