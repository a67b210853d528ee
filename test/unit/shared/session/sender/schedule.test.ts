/**
 * Goal: pass 1 sends every symbol once, ascending and interleaved; the carousel sends what members
 * described, with fresh descriptions only. Method: the schedule alone, reads served at once.
 */
import { expect, test } from "vitest";
import { Members } from "../../../../../shared/session/sender/members.ts";
import type { Member } from "../../../../../shared/session/sender/members.ts";
import { SENDER_POLICY } from "../../../../../shared/session/sender/policy.ts";
import { ProactiveParity } from "../../../../../shared/session/sender/proactive.ts";
import { Schedule } from "../../../../../shared/session/sender/schedule.ts";
import type { Range } from "../../../../../shared/core/ranges.ts";
import { SYMBOL_BYTES, cacheOf } from "./blocks.ts";

const SYMBOLS = 5;

function setUp(chunkCount: number): {
  readonly schedule: Schedule;
  readonly drain: (active: readonly Member[], now: number) => number[];
} {
  const { cache } = cacheOf(12);
  const proactive = new ProactiveParity();
  const schedule = new Schedule({ cache, proactive, interleave: 4, chunkCount });
  const advance = (active: readonly Member[], now: number): void => {
    let reads = schedule.advance(active, 10, now);
    while (reads.length > 0) {
      for (const { chunk } of reads) {
        const entry = cache.get(chunk);
        if (entry !== undefined) cache.loaded(entry, SYMBOLS * SYMBOL_BYTES);
      }
      reads = schedule.advance(active, 10, now);
    }
  };
  const drain = (active: readonly Member[], now: number): number[] => {
    const sent: number[] = [];
    advance(active, now);
    while (schedule.peek() !== undefined) {
      const next = schedule.peek();
      sent.push((next?.block?.chunk.chunk ?? 0) * 100 + (next?.symbol ?? 0));
      const finished = schedule.taken();
      finished?.finish(0);
      if (finished !== undefined) advance(active, now);
    }
    return sent;
  };
  return { schedule, drain };
}

function describer(): (ranges: readonly Range[], now: number) => Member {
  const members = new Members(SENDER_POLICY);
  const remote = { address: "10.0.0.1", port: 1 };
  let seq = 0;
  return (ranges, now) => {
    const state = { state: "receiving" as const, ringPercent: 0, netLossQ16: 0, drainKiBs: 0 };
    const lacks = { chunksDone: 0, lacking: 9, from: 0, to: 100, ranges, reason: "" };
    seq += 1;
    const member = members.report({ node: 1, ...state, ...lacks }, { remote, seq }, now);
    if (member === undefined) throw new Error("not a member");
    return member;
  };
}

test("pass 1 sends every symbol of every chunk once, chunks taking turns", () => {
  const { schedule, drain } = setUp(10);
  const sent = drain([], 0);
  expect(sent.slice(0, 8)).toEqual([0, 100, 200, 300, 1, 101, 201, 301]);
  const all = Array.from({ length: 50 }, (_, index) => Math.floor(index / 5) * 100 + (index % 5));
  expect(sent.toSorted((left, right) => left - right)).toEqual(all);
  expect(schedule.sent).toBe(10);
  expect(schedule.frontier).toBe(0);
  expect(schedule.pass).toBe(2);
});

test("the carousel sends described chunks only, and believes fresh descriptions only", () => {
  const { schedule, drain } = setUp(10);
  const describe = describer();
  drain([], 100);
  const early = describe([{ start: 2, end: 4 }], 105);
  expect(drain([early], 106)).toEqual([]);
  expect(schedule.wantsReports).toBe(true);
  const late = describe([{ start: 2, end: 4 }], 120);
  const chunks = new Set(drain([late], 121).map((symbol) => Math.floor(symbol / 100)));
  expect([...chunks]).toEqual([2, 3]);
  expect(schedule.pass).toBe(3);
  expect(drain([late], 122)).toEqual([]);
});

test("the carousel passes over members whose ring is full", () => {
  const { drain } = setUp(4);
  drain([], 0);
  const member = describer()([{ start: 0, end: 4 }], 50);
  Object.assign(member, { ringPercent: 100 });
  expect(drain([member], 51)).toEqual([]);
});

test("setCount() ends a pipe", () => {
  const { schedule } = setUp(3);
  schedule.setCount(9);
  expect(schedule.chunkCount).toBe(3);
});

test("the carousel looks for no chunk beyond the last, whatever a report names", () => {
  const { schedule, drain } = setUp(4);
  const describe = describer();
  drain([], 0);
  const reads = schedule.advance([describe([{ start: 5, end: 2 ** 24 }], 50)], 10, 51);
  expect(reads).toEqual([]);
  expect(schedule.wantsReports).toBe(true);
  const sent = drain([describe([{ start: 3, end: 2 ** 24 }], 60)], 61);
  expect(new Set(sent.map((symbol) => Math.floor(symbol / 100)))).toEqual(new Set([3]));
});
