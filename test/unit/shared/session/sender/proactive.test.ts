/**
 * Goal: just enough parity is sent ahead. Method: the definition (all members decode at once half
 * of the time) checked by a seeded simulation at h and at h - 1.
 */
import { expect, test } from "vitest";
import { ProactiveParity } from "../../../../../shared/session/sender/proactive.ts";
import { seededRandom } from "../../../../../shared/core/random.ts";

function shareDecoded(k: number, h: number, loss: number, members: number): number {
  const random = seededRandom(k * 1000 + h);
  const runs = 2000;
  let good = 0;
  const lostOf = (symbols: number): number => {
    let lost = 0;
    for (let symbol = 0; symbol < symbols; symbol += 1) if (random.fraction() < loss) lost += 1;
    return lost;
  };
  for (let run = 0; run < runs; run += 1) {
    let all = true;
    for (let member = 0; member < members && all; member += 1) all = lostOf(k + h) <= h;
    if (all) good += 1;
  }
  return good / runs;
}

test("symbolsFor() is the least number with which half of the blocks need no NACK", () => {
  for (const [k, loss, members] of [
    [188, 0.01, 1],
    [188, 0.05, 4],
    [12, 0.2, 6],
  ] as const) {
    const proactive = new ProactiveParity();
    proactive.set(loss, members);
    const h = proactive.symbolsFor(k);
    expect(shareDecoded(k, h, loss, members)).toBeGreaterThan(0.46);
    expect(shareDecoded(k, h - 1, loss, members)).toBeLessThan(0.54);
  }
});

test("symbolsFor() is 0 without loss and never passes the names there are", () => {
  const proactive = new ProactiveParity();
  expect(proactive.symbolsFor(188)).toBe(0);
  proactive.set(0.9, 1000);
  expect(proactive.symbolsFor(192)).toBe(63);
  // Loss counts up to 50 %. Of 1000 members, none loses all of 11 symbols with a chance of 0.61,
  // and all of 10 symbols with a chance of 0.38.
  expect(proactive.symbolsFor(1)).toBe(10);
});
