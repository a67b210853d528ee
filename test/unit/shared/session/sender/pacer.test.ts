/**
 * Goal: no prefix of what is sent carries more than depth + rate * time, and a driver that wakes
 * on time gets the full rate. Method: greedy senders in virtual time, sizes by property.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Pacer } from "../../../../../shared/session/sender/pacer.ts";

const DEPTH_MIN = 32_768;

test("Pacer keeps every prefix under depth + rate * time", () => {
  const naps = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 20, maxLength: 60 });
  fc.assert(
    fc.property(naps, fc.integer({ min: 1, max: 2000 }), (sleeps, megabits) => {
      const pacer = new Pacer(megabits * 1e6);
      const bytesPerMs = (megabits * 1e6) / 8000;
      const depth = Math.max(DEPTH_MIN, 4 * bytesPerMs);
      let now = 0;
      let sent = 0;
      for (const sleep of sleeps) {
        while (pacer.ready(now)) {
          pacer.charge(1500);
          sent += 1500;
        }
        expect(sent).toBeLessThanOrEqual(depth + bytesPerMs * now + 1500);
        now += sleep / 4;
      }
    }),
    { numRuns: 50 },
  );
});

test("Pacer gives the full rate to a driver that sleeps until readyAt()", () => {
  const pacer = new Pacer(100e6);
  let now = 0;
  let sent = 0;
  while (now < 1000) {
    if (pacer.ready(now)) {
      pacer.charge(1506);
      sent += 1506;
    } else {
      now = pacer.readyAt();
    }
  }
  expect(sent / 12_500_000).toBeGreaterThan(0.999);
});

test("Pacer.setRate() takes effect at once", () => {
  const pacer = new Pacer(8e6);
  expect(pacer.ready(0)).toBe(true);
  pacer.charge(10_001);
  pacer.setRate(80e6);
  expect(pacer.readyAt()).toBeCloseTo(1.0001, 3);
});
