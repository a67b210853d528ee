/** Goal: worse than the group is a cause, bad as the group is not. Method: members by hand. */
import { expect, test } from "vitest";
import { compare } from "../../../../../shared/session/sender/compare.ts";
import { Members } from "../../../../../shared/session/sender/members.ts";
import type { Member } from "../../../../../shared/session/sender/members.ts";
import { SENDER_POLICY as policy } from "../../../../../shared/session/sender/policy.ts";

function member(node: number, loss: number): Member {
  const state = { state: "receiving" as const, ringPercent: 0, drainKiBs: 0, reason: "" };
  const lacks = { chunksDone: 0, lacking: 1, from: 0, to: 0, ranges: [] };
  const report = { node, netLossQ16: loss * 65536, ...state, ...lacks };
  const origin = { remote: { address: `10.0.0.${node}`, port: 7000 }, seq: 0 };
  const made = new Members(policy).report(report, origin, 0);
  if (made === undefined) throw new Error("not a member");
  return made;
}

test("compare() finds the lossy one, and none in a group that is lossy as a whole", () => {
  const facts = { stuck: new Set<Member>(), paceKiBs: 1000, policy };
  const one = [member(1, 0), member(2, 0), member(3, 0.2)];
  expect([...compare(one, facts).causes]).toEqual([one[2]]);
  expect(compare(one, facts).medianLoss).toBe(0);
  const all = [member(1, 0.2), member(2, 0.2), member(3, 0.2)];
  expect(compare(all, facts).causes.size).toBe(0);
});

test("compare() takes a stuck member as a cause", () => {
  const all = [member(1, 0), member(2, 0)];
  const stuck = new Set(all.slice(1));
  expect([...compare(all, { stuck, paceKiBs: 1000, policy }).causes]).toEqual(all.slice(1));
});
