/**
 * The contract of every PowerDriver: it answers by its deadline, with a state it has verified, and
 * repeats do no harm.
 */
import { expect, test } from "vitest";
import type { PowerDriver, PowerState } from "../../../../server/power/power-driver.ts";

/** How a driver is put to the test. */
export interface PowerSetup {
  readonly driver: PowerDriver;
  /** What the driver must find after it switched; `unknown` when it cannot look. */
  readonly found: (switched: "on" | "off") => PowerState;
}

/** Declares the contract's tests for one kind of driver. */
export function powerContract(kind: string, setUp: () => PowerSetup): void {
  const deadline = { timeoutMs: 10_000 };

  test(`${kind}: kind is the name in the inventory`, () => {
    expect(setUp().driver.kind).toBe(kind);
  });

  test(`${kind}: on() and off() answer with the state they found, repeated too`, async () => {
    const { driver, found } = setUp();
    expect(await driver.on(deadline)).toBe(found("on"));
    expect(await driver.on(deadline)).toBe(found("on"));
    expect((await driver.state(deadline)).power).toBe(found("on"));
    expect(await driver.off("soft", deadline)).toBe(found("off"));
    expect(await driver.off("hard", deadline)).toBe(found("off"));
    expect((await driver.state(deadline)).power).toBe(found("off"));
  });

  test(`${kind}: cycle() ends with the node on`, async () => {
    const { driver, found } = setUp();
    await driver.off("hard", deadline);
    expect(await driver.cycle(deadline)).toBe(found("on"));
  });
}
