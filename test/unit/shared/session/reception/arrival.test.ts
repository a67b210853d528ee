/**
 * Goal: network loss is told from kernel drops, duplicates and reordering.
 * Method: numbered arrivals with known gaps.
 */
import { expect, test } from "vitest";
import { Arrival } from "../../../../../shared/session/reception/arrival.ts";

function feed(arrival: Arrival, keep: (seq: number) => boolean, count = 4000): void {
  for (let seq = 0; seq < count; seq += 1) {
    if (keep(seq)) arrival.note((0xfffffc00 + seq) >>> 0, 1440, 0, seq / 10);
  }
}

test("loss is the share of numbers that did not come, also across the wrap of 2^32", () => {
  const arrival = new Arrival();
  feed(arrival, (seq) => seq % 20 !== 7);
  expect(arrival.loss).toBeCloseTo(0.05, 2);
});

test("datagrams that come late are no loss", () => {
  const arrival = new Arrival();
  for (let seq = 0; seq < 4000; seq += 2) {
    arrival.note(seq + 1, 1440, 0, seq / 10);
    arrival.note(seq, 1440, 0, seq / 10);
  }
  expect(arrival.loss).toBeLessThan(0.01);
});

test("what the own kernel dropped is no loss of the network", () => {
  const arrival = new Arrival();
  let drops = 0;
  for (let seq = 0; seq < 4000; seq += 1) {
    if (seq % 10 === 3) drops += 1;
    else arrival.note(seq, 1440, drops, seq / 10);
  }
  expect(arrival.loss).toBeLessThan(0.01);
  expect(arrival.kernelDrops).toBe(400);
});

test("a jump in the numbers is a new start, not loss", () => {
  const arrival = new Arrival();
  feed(arrival, () => true, 1000);
  arrival.note(5_000_000, 1440, 0, 200);
  for (let seq = 5_000_001; seq < 5_000_700; seq += 1) arrival.note(seq, 1440, 0, 200);
  expect(arrival.loss).toBe(0);
});

test("rateKiBs() is what arrives on the wire", () => {
  const arrival = new Arrival();
  for (let now = 0; now < 200; now += 1) arrival.note(now, 958, 0, now);
  expect(arrival.rateKiBs(200)).toBeCloseTo(1000, -2);
});
