/**
 * Goal: joins are bounded on average and in bursts. Method: greedy callers in made-up time.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { JoinGate } from "../../../../server/api/join-gate.ts";

test("JoinGate.pass() keeps every prefix under burst + rate * time", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 300 }), (steps) => {
      const gate = new JoinGate(20, 10, 0);
      let now = 0;
      let passed = 0;
      for (const step of steps) {
        now += step;
        if (gate.pass(now)) passed += 1;
        expect(passed).toBeLessThanOrEqual(10 + (20 * now) / 1000 + 1e-6);
      }
    }),
  );
});

test(
  "JoinGate.pass() lets callers through again after a wait, and survives " +
    "a clock that steps back",
  () => {
    const gate = new JoinGate(20, 1, 1000);
    expect([gate.pass(1000), gate.pass(1000), gate.pass(500), gate.pass(1100)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
  },
);
