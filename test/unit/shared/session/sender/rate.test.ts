/**
 * Goal: the rate finds what the network carries, and random loss does not slow it.
 * Method: a model of a link (rate and queue) around the production control, in virtual time; the
 * simulator does the same with real datagrams.
 */
import { expect, test } from "vitest";
import { Members } from "../../../../../shared/session/sender/members.ts";
import type { Member } from "../../../../../shared/session/sender/members.ts";
import { SENDER_POLICY } from "../../../../../shared/session/sender/policy.ts";
import { RateControl } from "../../../../../shared/session/sender/rate.ts";

const STEP_MS = 10;

/** A member whose answers a test makes up. */
type MadeUp = { -readonly [Key in keyof Member]: Member[Key] };

function member(node: number): MadeUp {
  const lacks = { from: 0, to: 0, ranges: [], chunksDone: 0, lacking: 1, reason: "" };
  const state = { state: "receiving" as const, ringPercent: 0, netLossQ16: 0, drainKiBs: 0 };
  const origin = { remote: { address: "10.0.0.1", port: 1 }, seq: 0 };
  const made = new Members(SENDER_POLICY).report({ node, ...lacks, ...state }, origin, 0);
  if (made === undefined) throw new Error("not a member");
  return made;
}

interface Path {
  readonly bitsPerSecond: number;
  readonly loss: number;
}

/** Runs the control over a path; gives the rate at the end. */
function run(rate: RateControl, path: Path, forMs: number): number {
  const held = [member(1), member(2)];
  let queuedBits = 0;
  for (let now = STEP_MS; now <= forMs; now += STEP_MS) {
    const sent = (rate.bitsPerSecond * STEP_MS) / 1000;
    const carried = (path.bitsPerSecond * STEP_MS) / 1000;
    const arrived = Math.min(sent + queuedBits, carried);
    queuedBits = Math.min(queuedBits + sent - arrived, path.bitsPerSecond * 0.06);
    rate.noteSent(sent / 8);
    for (const one of held) {
      one.loss = path.loss;
      one.receivedKiBs = ((arrived / STEP_MS) * 1000 * (1 - path.loss)) / 8192;
      one.queueMs = Math.min(one.queueMs, (queuedBits / path.bitsPerSecond) * 1000);
    }
    rate.look(held, 1, now);
  }
  return rate.bitsPerSecond;
}

test("without a cap the rate settles near what the link carries", () => {
  for (const bitsPerSecond of [100e6, 1e9, 2.5e9]) {
    const found = run(new RateControl(SENDER_POLICY, undefined), { bitsPerSecond, loss: 0 }, 3000);
    expect(found / bitsPerSecond).toBeGreaterThan(0.85);
    expect(found / bitsPerSecond).toBeLessThan(1.3);
  }
});

test("the search does not rest on a queue that stays", () => {
  const rate = new RateControl(SENDER_POLICY, undefined);
  const one = member(1);
  const look = (now: number, queueMs: number): void => {
    one.queueMs = queueMs;
    one.receivedKiBs = Math.min(rate.bitsPerSecond, 350e6) / 8192;
    rate.noteSent((rate.bitsPerSecond * 0.02) / 8);
    rate.look([one], 1, now);
  };
  look(20, 0);
  for (const now of [40, 60, 80]) look(now, 15);
  expect(rate.limitedBy).toBe("network");
  expect(rate.bitsPerSecond).toBeLessThan(350e6);
  expect(rate.searching).toBe(false);
});

test("5 % random loss leaves the rate where it is", () => {
  const rate = new RateControl(SENDER_POLICY, 400e6);
  expect(run(rate, { bitsPerSecond: 1e9, loss: 0.05 }, 2000)).toBe(400e6);
});

test("the rate never passes its cap and is at it from the start", () => {
  const rate = new RateControl(SENDER_POLICY, 50e6);
  expect(rate.bitsPerSecond).toBe(50e6);
  expect(run(rate, { bitsPerSecond: 1e9, loss: 0 }, 2000)).toBe(50e6);
  expect(rate.limitedBy).toBe("cap");
});

test("a held member whose ring fills sets the pace, and lets go when it is shed", () => {
  const rate = new RateControl(SENDER_POLICY, 1e9);
  const slow = { ...member(7), ringPercent: 80, drainKiBs: 6000, queueMs: 0 };
  rate.noteSent(2_500_000);
  rate.look([slow], 1, 200);
  expect(rate.bitsPerSecond).toBe(6000 * 8192);
  expect(rate.limitedBy).toBe(7);
  rate.forget(7);
  expect(rate.bitsPerSecond).toBe(1e9);
});

test("datagrams that the host refuses slow the rate", () => {
  const rate = new RateControl(SENDER_POLICY, 1e9);
  const one = { ...member(1), queueMs: 0, receivedKiBs: 100_000 };
  rate.noteRefused(5);
  rate.look([one], 1, 200);
  expect(rate.bitsPerSecond).toBeLessThan(1e9);
  expect(rate.limitedBy).toBe("host");
});

test("while a disk sets the pace the rate of the network stays what it was found to be", () => {
  const rate = new RateControl(SENDER_POLICY, undefined);
  const slow = { ...member(7), drainKiBs: 12_000, ringPercent: 80 };
  for (let now = 100; now < 20_000; now += 100) {
    rate.noteSent((rate.bitsPerSecond * 0.1) / 8);
    slow.queueMs = 0;
    slow.receivedKiBs = rate.bitsPerSecond / 8192;
    slow.ringPercent = slow.receivedKiBs > slow.drainKiBs ? 80 : 60;
    rate.look([slow], 1, now);
  }
  expect(rate.limitedBy).toBe(7);
  rate.forget(7);
  expect(rate.bitsPerSecond).toBeLessThanOrEqual(SENDER_POLICY.startRate * 1.25);
});

test("congestion while a disk sets the pace is judged by what was sent", () => {
  const rate = new RateControl(SENDER_POLICY, 1e9);
  const slow = { ...member(7), drainKiBs: 12_000, ringPercent: 80, queueMs: 0 };
  rate.look([slow], 1, 200);
  const paced = rate.bitsPerSecond;
  rate.noteRefused(1);
  slow.queueMs = 0;
  rate.look([slow], 1, 400);
  rate.forget(7);
  expect(rate.bitsPerSecond).toBeLessThan(paced);
});

test("networkRate is what was seen to arrive when the search has overstepped", () => {
  const rate = new RateControl(SENDER_POLICY, undefined);
  expect(rate.networkRate).toBe(0);
  rate.noteSent((300e6 * 0.02) / 8);
  rate.look([{ ...member(1), queueMs: 0, receivedKiBs: 100e6 / 8192 }], 1, 20);
  expect(rate.networkRate).toBeCloseTo(100e6, 0);
});

test("a disk that has not answered yet costs no more than half of the known pace", () => {
  const rate = new RateControl(SENDER_POLICY, 1e9);
  const known = { ...member(1), drainKiBs: 60_000 };
  const unknown = { ...member(2), ringPercent: 100 };
  for (let now = 200; now < 5000; now += 200) rate.look([known, unknown], 1, now);
  expect(rate.bitsPerSecond).toBe(0.5 * 60_000 * 8192);
  expect(rate.limitedBy).toBe(2);
});

test("kernel drops that one of five members claims slow nobody; those of two do", () => {
  const rateWith = (claims: number): number => {
    const rate = new RateControl(SENDER_POLICY, 1e9);
    const held = [1, 2, 3, 4, 5].map((node) => ({
      ...member(node),
      ...{ queueMs: 0, receivedKiBs: 100_000, newDrops: node <= claims ? 5 : 0 },
    }));
    rate.look(held, 1, 200);
    return rate.bitsPerSecond;
  };
  expect(rateWith(1)).toBe(1e9);
  expect(rateWith(2)).toBeLessThan(1e9);
});

test("one disk of five that does not answer slows nobody; two do", () => {
  const rateWith = (hung: number): number => {
    const rate = new RateControl(SENDER_POLICY, 1e9);
    const held = [1, 2, 3, 4, 5].map((node) => ({
      ...member(node),
      ...(node <= hung ? { ringPercent: 100 } : { drainKiBs: 60_000 }),
    }));
    rate.look(held, 1, 200);
    return rate.bitsPerSecond;
  };
  expect(rateWith(1)).toBe(1e9);
  expect(rateWith(2)).toBeLessThan(1e9);
});

test("when no disk answers the rate falls to its least, and rises at once when one does", () => {
  const rate = new RateControl(SENDER_POLICY, 1e9);
  const waiting = [1, 2, 3, 4].map((node) => ({ ...member(node), ringPercent: 80 }));
  rate.look(waiting, 1, 200);
  expect(rate.bitsPerSecond).toBeCloseTo(0.85e9, 0);
  for (const one of waiting) one.ringPercent = 100;
  rate.look(waiting, 1, 400);
  expect(rate.bitsPerSecond).toBe(SENDER_POLICY.rateMin);
  for (const one of waiting) one.drainKiBs = 50_000;
  rate.look(waiting, 1, 600);
  expect(rate.bitsPerSecond).toBeCloseTo(0.8 * 50_000 * 8192, 0);
  for (const one of waiting) one.ringPercent = 0;
  rate.look(waiting, 1, 800);
  expect(rate.bitsPerSecond).toBeGreaterThan(400e6);
});

test("eight answers of 300 members are enough to judge by, seven are not", () => {
  for (const [heard, grows] of [
    [7, false],
    [8, true],
  ] as const) {
    const rate = new RateControl(SENDER_POLICY, undefined);
    const held = Array.from({ length: 300 }, (_, node) => member(node));
    for (const one of held.slice(0, heard)) {
      one.queueMs = 0;
      one.receivedKiBs = rate.bitsPerSecond / 8192;
    }
    rate.noteSent((rate.bitsPerSecond * 0.1) / 8);
    expect(rate.look(held, 1, 100)).toBe(grows);
    expect(rate.bitsPerSecond > SENDER_POLICY.startRate).toBe(grows);
  }
});
