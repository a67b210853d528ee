/**
 * Goal: who sets the pace, and for how long: disks that hang, disks that leave, groups of which
 * only a few answer. Method: plans written by hand, virtual time; bounds are on virtual time and on
 * datagrams.
 */
import { expect, test } from "vitest";
import { copies, lastComplete, plan, receiver } from "./by-hand.ts";
import { PERFECT } from "./network.ts";
import { runSession } from "./session.ts";
import type { SessionResult } from "./session.ts";
import { faultsOf } from "./verdict.ts";

/** Datagrams sent because somebody lacked them, as a share of those sent in order. */
function repeated({ sender }: SessionResult): number {
  return sender.repairSent / sender.sourceSent;
}

/** Everything on the wire as a share of what had to be. */
function wireShare(result: SessionResult): number {
  return result.wireBytes / result.payloadBytes;
}

test("a disk that hangs is shed, and slows the others by half for some seconds at most", () => {
  const settings = { chunkCount: 400, rateCap: 100e6 };
  const alone = runSession(plan(copies(2, receiver()), settings));
  const hung = receiver({ armsAt: Infinity, diesAt: 12_000, ringLanes: 24 });
  const result = runSession(plan([hung, ...copies(2, receiver())], settings));
  expect(faultsOf(result)).toEqual([]);
  const classed = result.events.find((event) => event.kind === "classed");
  expect(classed).toMatchObject({ node: 1, as: "shed" });
  const others = result.receivers.slice(1).map((one) => one.completeAtMs ?? Infinity);
  const lateMs = Math.max(...others) - lastComplete(alone);
  console.info(`hung disk: others ${lateMs.toFixed(0)} ms later`);
  expect(lateMs).toBeLessThan(2500);
});

test("nodes that all wait for leave to write lose little, and go on once they have it", () => {
  const waiting = receiver({ armsAt: 4000, drain: 200e6, ringLanes: 48 });
  for (const rateCap of [undefined, 500e6]) {
    const result = runSession(plan(copies(4, waiting), { chunkCount: 200, rateCap }));
    expect(faultsOf(result)).toEqual([]);
    const share = wireShare(result);
    const lastMs = lastComplete(result) - 4000;
    console.info(`all wait: wire ${share.toFixed(2)} x payload, then ${lastMs.toFixed(0)} ms`);
    expect(share).toBeLessThan(1.35);
    expect(lastMs).toBeLessThan(2500);
  }
});

test("when slow disks leave, the rate goes up to what 100 Mbit/s carry and no further", () => {
  const egress = { ...PERFECT, bandwidth: 100e6, queueBytes: 500_000 };
  const slow = receiver({ drain: 6e6, diesAt: 2000, ringLanes: 48 });
  const fast = copies(2, receiver({ ringLanes: 48 }));
  const settings = { chunkCount: 1200, recordBytesMax: 65_536, egress };
  const result = runSession(plan([...fast, ...copies(3, slow)], settings), {
    policy: { startRate: 50e6, silenceMs: 1000 },
  });
  expect(faultsOf(result)).toEqual([]);
  console.info(`slow disks leave: ${(100 * repeated(result)).toFixed(1)} % repeated`);
  expect(repeated(result)).toBeLessThan(0.05);
});

test("a disk that takes 60 % of the line is held", () => {
  const egress = { ...PERFECT, bandwidth: 100e6, queueBytes: 500_000 };
  const slow = receiver({ drain: 7.5e6, ringLanes: 48 });
  const settings = { chunkCount: 500, recordBytesMax: 65_536, egress };
  const result = runSession(plan([...copies(2, receiver({ ringLanes: 48 })), slow], settings), {
    policy: { startRate: 50e6 },
  });
  expect(faultsOf(result)).toEqual([]);
  expect(result.events.filter((event) => event.kind === "classed")).toEqual([]);
});

test("300 members, of whom a few answer at a time, find the rate", () => {
  const egress = { ...PERFECT, bandwidth: 200e6, queueBytes: 1_000_000 };
  const settings = { chunkCount: 200, recordBytesMax: 16_384, egress };
  const members = copies(300, receiver({ ringLanes: 8 }));
  let most = 0;
  const result = runSession(plan(members, settings), {
    policy: { startRate: 20e6 },
    watch: (_now, sender) => {
      most = Math.max(most, sender.stats().bitsPerSecond);
    },
  });
  expect(faultsOf(result)).toEqual([]);
  const found = (most / 1e6).toFixed(0);
  const again = (100 * repeated(result)).toFixed(1);
  console.info(`300 members: from 20 to ${found} of 200 Mbit/s, ${again} % repeated`);
  expect(most).toBeGreaterThan(0.8 * 200e6);
  expect(repeated(result)).toBeLessThan(0.1);
});
