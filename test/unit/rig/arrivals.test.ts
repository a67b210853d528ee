/**
 * Goal: a wait ends with what it waits for, at the end of all, or in time.
 * Method: things added before, during and after the wait.
 */
import { expect, test } from "vitest";
import { Arrivals } from "../../rig/arrivals.ts";

test("until() finds what came before and what comes later", async () => {
  const lines = new Arrivals<string>();
  lines.add("early");
  expect(await lines.until((line) => line === "early")).toBe("early");
  const both = Promise.all([
    lines.until((line) => line === "late"),
    lines.until((line) => line === "later", 20_000),
  ]);
  lines.add("late");
  lines.add("later");
  expect(await both).toEqual(["late", "later"]);
});

test("until() says when nothing more will come, and when time is up", async () => {
  const lines = new Arrivals<string>();
  expect(await lines.until(() => true, 1)).toBe("late");
  const wait = lines.until(() => true, 20_000);
  lines.end();
  expect(await wait).toBe("ended");
});
