/**
 * Goal: commands of the site are run with their bounds, and what they did is looked at, not
 * believed. Method: real shell commands; a file stands for the node's power.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { commandPower } from "../../../../server/power/command.io.ts";
import type { PowerDriver } from "../../../../server/power/power-driver.ts";
import { dropFolders, freshFolder } from "../../../rig/lab-kit.ts";
import { powerContract } from "./contract.ts";

afterAll(dropFolders);
const node = { name: "fit01", address: "10.0.0.1", tell: () => undefined };
type Commands = Omit<Parameters<typeof commandPower.make>[1], "driver">;

function driverOf(commands: Commands): PowerDriver {
  return commandPower.make(node, { driver: "command", ...commands });
}

powerContract("command", () => {
  const file = path.join(freshFolder(), "power");
  writeFileSync(file, "off");
  const driver = driverOf({
    on: `printf on > ${file}`,
    off: `printf off > ${file}`,
    state: `cat ${file}`,
    timeoutSeconds: 5,
  });
  return { driver, found: (switched) => switched };
});

test(
  "commandPower hands name and address over and runs off and on for a " + "cycle without a command",
  async () => {
    const file = path.join(freshFolder(), "log");
    const say = (what: string): string => `echo "${what} $NODE $NODE_ADDRESS" >> ${file}`;
    const driver = driverOf({ on: say("on"), off: say("off"), timeoutSeconds: 5 });
    expect(await driver.cycle({ timeoutMs: 5000 })).toBe("unknown");
    expect(readFileSync(file, "utf8")).toBe("off fit01 10.0.0.1\non fit01 10.0.0.1\n");
  },
);

test("commandPower throws power_failed with what the command said", async () => {
  const driver = driverOf({
    on: "echo no BMC >&2; exit 3",
    off: "true",
    timeoutSeconds: 5,
  });
  await expect(driver.on({ timeoutMs: 5000 })).rejects.toThrow(
    /"fit01" \(on\): .*exited with 3: no BMC/,
  );
});

test(
  "commandPower ends a command that hangs, with its children, and " +
    "keeps little of one that babbles",
  async () => {
    const hanging = driverOf({
      on: "sleep 60 & sleep 60",
      off: "yes | head -c 1000000; exit 1",
      timeoutSeconds: 60,
    });
    await expect(hanging.on({ timeoutMs: 100 })).rejects.toThrow(/did not end in time/);
    await expect(hanging.off("hard", { timeoutMs: 5000 })).rejects.toThrow(/^.{1,400}$/s);
  },
);

test(
  "commandPower answers with the state it found when the BMC swallowed " + "the command",
  async () => {
    const driver = driverOf({
      on: "true",
      off: "true",
      state: "echo off",
      timeoutSeconds: 5,
    });
    expect(await driver.on({ timeoutMs: 700 })).toBe("off");
  },
);

test("state() does not wait for what its command left behind with the pipe in hand", async () => {
  const state = "setsid sleep 30 & echo on";
  const driver = driverOf({ on: "true", off: "true", state, timeoutSeconds: 600 });
  expect((await driver.state({ timeoutMs: 600_000 })).power).toBe("on");
});

test("on() ends at its timeout although a child with a session of its own goes on", async () => {
  const on = "setsid sleep 30 & sleep 30";
  const driver = driverOf({ on, off: "true", timeoutSeconds: 600 });
  await expect(driver.on({ timeoutMs: 300 })).rejects.toThrow(/did not end in time/);
});

test("cycle() that is broken off switches on what it switched off and asks no more", async () => {
  const file = path.join(freshFolder(), "log");
  const wait = new AbortController();
  wait.abort();
  const driver = driverOf({
    on: `echo on >> ${file}`,
    off: `echo off >> ${file}`,
    state: `echo asked >> ${file}; echo off`,
    timeoutSeconds: 5,
  });
  expect(await driver.cycle({ timeoutMs: 600_000, signal: wait.signal })).toBe("unknown");
  expect(readFileSync(file, "utf8")).toBe("off\non\n");
});

test("cycle() ends its wait for the state when it is broken off", async () => {
  const wait = new AbortController();
  const file = path.join(freshFolder(), "asked");
  const driver = driverOf({
    on: "true",
    off: "true",
    state: `echo asked >> ${file}; echo off`,
    timeoutSeconds: 5,
  });
  const cycled = driver.cycle({ timeoutMs: 600_000, signal: wait.signal });
  await expect.poll(() => existsSync(file)).toBe(true);
  wait.abort();
  expect(["off", "unknown"]).toContain(await cycled);
});

test.each([
  ["echo maybe", "printed neither on nor off: maybe"],
  ["echo no such BMC; exit 1", "exited with 1: no such BMC"],
  ["echo on; exit 1", "exited with 1: on"],
  ["true", "printed neither on nor off."],
  ["sleep 9", "did not end in time"],
])("state() is unknown for `%s`, and says why", async (state, why) => {
  const driver = driverOf({ on: "true", off: "true", state, timeoutSeconds: 1 });
  const reading = await driver.state({ timeoutMs: 5000 });
  expect(reading).toMatchObject({ power: "unknown", failed: true });
  expect(reading.reason).toContain(why);
});

test("state() does not fail where huck.yaml has no command that reads it", async () => {
  const reading = await driverOf({ on: "true", off: "true", timeoutSeconds: 5 }).state({
    timeoutMs: 5000,
  });
  expect(reading).toMatchObject({ power: "unknown", failed: false });
  expect(reading.reason).toContain("no `state` command");
});
