/**
 * Goal: what a session owes when the network is large, wide, lossy, or one receiver is slow (P4).
 * Method: plans written by hand, virtual time; bounds are on virtual time and on datagrams, never
 * on this computer.
 */
import { expect, test } from "vitest";
import { copies, lastComplete, plan, receiver } from "./by-hand.ts";
import { PERFECT } from "./network.ts";
import { runSession } from "./session.ts";
import type { SessionResult } from "./session.ts";
import { faultsOf } from "./verdict.ts";

/** Bytes on the wire per datagram beyond its 1408 of payload. */
const WIRE_OVERHEAD = 98;

/** Virtual time of the payload alone on the wire of the plan, from the start of streaming. */
function floorMs(result: SessionResult): number {
  const datagrams = result.sender.sourceSent;
  return (datagrams * (1408 + WIRE_OVERHEAD) * 8) / 1e6;
}

/** What four receivers lose by a slow fifth one, as a ratio, and the seconds that one takes. */
function slowOne(alone: SessionResult, mixed: SessionResult): { cost: number; own: number } {
  const completeMs = mixed.receivers.map((one) => one.completeAtMs ?? Infinity);
  const cost = Math.max(...completeMs.slice(0, 4)) / lastComplete(alone);
  return { cost, own: (completeMs[4] ?? Infinity) / 1000 };
}

test("60 receivers at 1 % loss: overhead near table 1.7, feedback bounded", () => {
  const lossy = { ...PERFECT, delayMs: 0.2, loss: 0.01 };
  const members = copies(60, receiver({ down: lossy, up: lossy, ringLanes: 12 }));
  const settings = { recordBytesMax: 131_072, rateCap: 100e6, chunkCount: 80 };
  const result = runSession(plan(members, settings));
  expect(faultsOf(result)).toEqual([]);
  const { sourceSent, paritySent, repairSent } = result.sender;
  const extra = (paritySent + repairSent) / sourceSent;
  const silent = result.receivers.reduce((sum, one) => sum + (one.stats?.nacksSuppressed ?? 0), 0);
  console.info(
    `60 receivers, 1 % loss, k = 94: ${(extra * 100).toFixed(1)} % extra, ` +
      `${result.feedbackDatagrams} feedback datagrams in ${result.endedAtMs.toFixed(0)} ms, ` +
      `${silent} complaints suppressed`,
  );
  expect(extra).toBeLessThan(0.1);
  expect(result.feedbackDatagrams).toBeLessThan(sourceSent);
  expect(silent).toBeGreaterThan(0);
});

for (const loss of [0, 0.05]) {
  test(`without a cap the rate finds 1 Gbit/s, ${loss * 100} % random loss or not`, () => {
    const down = { ...PERFECT, delayMs: 0.1, loss };
    const members = copies(4, receiver({ down, up: down }));
    const result = runSession(plan(members, { chunkCount: 480 }), { policy: { startRate: 300e6 } });
    expect(faultsOf(result)).toEqual([]);
    const share = lastComplete(result) / (floorMs(result) * (1 + 1.6 * loss));
    const extra = (result.sender.paritySent + result.sender.repairSent) / result.sender.sourceSent;
    console.info(
      `uncapped, ${loss * 100} % loss: ${share.toFixed(3)} x floor, extra ${extra.toFixed(3)}`,
    );
    expect(share).toBeLessThan(1.15);
  });
}

test("with a cap the session runs at it from the first datagram on", () => {
  const result = runSession(plan(copies(4, receiver()), { rateCap: 500e6 }));
  expect(faultsOf(result)).toEqual([]);
  const share = lastComplete(result) / (2 * floorMs(result));
  console.info(`capped at half of the link: ${share.toFixed(3)} x floor`);
  expect(share).toBeLessThan(1.06);
});

test("P4: one receiver with a tenth of the disk speed costs the others at most 5 %", () => {
  const settings = { chunkCount: 320 };
  const alone = runSession(plan(copies(4, receiver({ drain: 200e6 })), settings));
  const slow = receiver({ drain: 12e6 });
  const mixed = runSession(plan([...copies(4, receiver({ drain: 200e6 })), slow], settings));
  expect(faultsOf(mixed)).toEqual([]);
  const { cost, own } = slowOne(alone, mixed);
  console.info(`slow disk: others ${cost.toFixed(3)} x, itself ${own.toFixed(1)} s`);
  expect(cost).toBeLessThan(1.05);
  const floorOfDisk = mixed.payloadBytes / 12e6;
  expect(own).toBeLessThan(1.5 * floorOfDisk + 3);
});

test("P4: one receiver behind a tenth of the bandwidth costs the others at most 5 %", () => {
  const settings = { chunkCount: 320 };
  const alone = runSession(plan(copies(4, receiver()), settings));
  const narrow = { ...PERFECT, bandwidth: 100e6, queueBytes: 200_000 };
  const mixed = runSession(plan([...copies(4, receiver()), receiver({ down: narrow })], settings));
  expect(faultsOf(mixed)).toEqual([]);
  const { cost, own } = slowOne(alone, mixed);
  console.info(`narrow path: others ${cost.toFixed(3)} x, itself ${own.toFixed(1)} s`);
  expect(cost).toBeLessThan(1.05);
  expect(own).toBeLessThan((2 * mixed.payloadBytes * 8) / 100e6 + 3);
});
