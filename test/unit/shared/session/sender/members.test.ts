/**
 * Goal: members are what they last said; one slow or lossy node is shed, a uniform group is not.
 * Method: reports and answers by hand.
 */
import { expect, test } from "vitest";
import { Members, startLook } from "../../../../../shared/session/sender/members.ts";
import { memberStats } from "../../../../../shared/session/sender/member-stats.ts";
import type { Member } from "../../../../../shared/session/sender/members.ts";
import { SENDER_POLICY } from "../../../../../shared/session/sender/policy.ts";
import type { Nack } from "../../../../../shared/wire/nack.ts";
import type { Report } from "../../../../../shared/wire/report.ts";

const remote = { address: "10.0.0.1", port: 7000 };
const FAST_KIBS = 120_000;

function report(node: number, changes: Partial<Report> = {}): Report {
  const fill = { state: "receiving" as const, ringPercent: 0, netLossQ16: 0, reason: "" };
  const chunks = { chunksDone: 0, lacking: 10, drainKiBs: 0, from: 0, to: 10 };
  return { node, ...fill, ...chunks, ranges: [{ start: 0, end: 10 }], ...changes };
}

function nack(node: number, changes: Partial<Nack> = {}): Nack {
  const clock = { syncNo: 1, tUsEcho: 1_000_000, hold100us: 20 };
  const state = { netLossQ16: 0, drainKiBs: 0, ringPercent: 0, kernelDrops: 0 };
  return { node, ...clock, ...state, receivedKiBs: FAST_KIBS, blocks: [], ...changes };
}

function group(changes: readonly Partial<Nack>[]): { members: Members; list: Member[] } {
  const members = new Members(SENDER_POLICY);
  const list = changes.map((change, node) => {
    const member = members.report(report(node), { remote, seq: 0 }, 0);
    if (member === undefined) throw new Error("not a member");
    members.hear(nack(node, change), 1010);
    return member;
  });
  return { members, list };
}

test("hear() takes the hold off the round trip and keeps the least queueing", () => {
  const { members, list } = group([{}]);
  const [member] = list;
  if (member === undefined) throw new Error("no member");
  expect(member.roundTripMs).toBeCloseTo(8, 3);
  members.hear(nack(0), 1030);
  expect(member.queueMs).toBe(0);
  startLook([member], 999);
  members.hear(nack(0), 1030);
  expect(member.queueMs).toBeCloseTo(20, 3);
});

test("report() drops a report that was overtaken, and takes a receiver that starts again", () => {
  const members = new Members(SENDER_POLICY);
  members.report(report(1, { chunksDone: 5 }), { remote, seq: 9 }, 0);
  expect(members.report(report(1, { chunksDone: 4 }), { remote, seq: 8 }, 10)).toBeUndefined();
  expect(members.get(1)?.chunksDone).toBe(5);
  expect(members.report(report(1), { remote, seq: 0 }, 2000)?.chunksDone).toBe(0);
});

test("report() refuses members beyond the bound", () => {
  const members = new Members({ ...SENDER_POLICY, membersMax: 2 });
  for (const node of [1, 2, 3]) members.report(report(node), { remote, seq: 0 }, 0);
  expect(members.count).toBe(2);
});

test("classify() sheds the lossy one and holds a group that is lossy as a whole", () => {
  const one = group([{}, {}, {}, { netLossQ16: 0.2 * 65536 }]);
  expect(one.members.classify(FAST_KIBS, 1010).map((member) => member.node)).toEqual([3]);
  const all = group(new Array<Partial<Nack>>(4).fill({ netLossQ16: 0.2 * 65536 }));
  expect(all.members.classify(FAST_KIBS, 1010)).toEqual([]);
});

test("classify() holds a shed member again after 2 s, and after twice that the next time", () => {
  const { members, list } = group([{}, {}, {}, {}]);
  const says = (loss: number, now: number): string | undefined => {
    members.hear(nack(3, { netLossQ16: loss * 65536 }), now);
    members.classify(FAST_KIBS, now);
    return list[3]?.as;
  };
  expect([says(0.2, 1010), says(0, 1020), says(0, 3010), says(0, 3020)]).toEqual([
    ...["shed", "shed", "shed", "held"],
  ]);
  expect([says(0.2, 3030), says(0, 3040), says(0, 7030), says(0, 7040)]).toEqual([
    ...["shed", "shed", "shed", "held"],
  ]);
});

test("classify() sheds a disk of a tenth of the speed once its ring fills", () => {
  const slow = { drainKiBs: 12_000, ringPercent: 60 };
  const { members, list } = group([{}, {}, slow]);
  expect(members.classify(FAST_KIBS, 1010)).toEqual([list[2]]);
});

test("classify() never sheds the only member, and holds those who are left", () => {
  const { members, list } = group([{ drainKiBs: 12_000, ringPercent: 90 }, {}]);
  members.classify(FAST_KIBS, 1010);
  expect(list[0]?.as).toBe("shed");
  members.setState(1, "done");
  members.classify(12_000, 1020);
  expect(list[0]?.as).toBe("held");
});

test("memberStats() tells what the world may know", () => {
  const { list } = group([{ netLossQ16: 32_768 }]);
  const [member] = list;
  if (member === undefined) throw new Error("no member");
  expect(memberStats(member)).toMatchObject({ node: 0, state: "active", as: "held", loss: 0.5 });
});

const HANGS = { ringPercent: 100, drainKiBs: 0, chunksDone: 7 };

function reportAll(members: Members, changes: readonly Partial<Report>[], now: number): void {
  for (const [node, change] of changes.entries()) {
    members.report(report(node, change), { remote, seq: now }, now);
  }
}

test("classify() sheds a member whose ring stays full while its disk finishes nothing", () => {
  const { members, list } = group([{}, {}, {}]);
  const changed: Member[] = [];
  for (let now = 1000; now <= 4000; now += 500) {
    reportAll(members, [HANGS, { chunksDone: now }, { chunksDone: now }], now);
    changed.push(...members.classify(FAST_KIBS, now));
    if (now < 4000) expect(changed).toEqual([]);
  }
  expect(changed).toEqual([list[0]]);
  reportAll(members, [{ ...HANGS, chunksDone: 8, drainKiBs: FAST_KIBS }], 4500);
  members.classify(FAST_KIBS, 4500);
  reportAll(members, [{ ringPercent: 0, chunksDone: 9 }], 6500);
  expect(members.classify(FAST_KIBS, 6500)).toEqual([list[0]]);
  expect(list[0]?.as).toBe("held");
});

test("classify() takes chunks for none that were finished at no speed: who says so may lie", () => {
  const { members, list } = group([{}, {}, {}]);
  for (let now = 1000; now <= 4000; now += 500) {
    reportAll(members, [{ ...HANGS, chunksDone: now }, {}, {}], now);
    members.classify(FAST_KIBS, now);
  }
  expect(list[0]?.as).toBe("shed");
});

test("classify() holds a group that waits as a whole; the time runs once one goes on", () => {
  const { members, list } = group([{}, {}, {}]);
  for (let now = 1000; now <= 20_000; now += 500) {
    reportAll(members, [HANGS, HANGS, HANGS], now);
    expect(members.classify(FAST_KIBS, now)).toEqual([]);
  }
  const onward = { ...HANGS, chunksDone: 8, drainKiBs: FAST_KIBS };
  reportAll(members, [onward, HANGS, HANGS], 20_500);
  expect(members.classify(FAST_KIBS, 20_500)).toEqual([]);
  reportAll(members, [{ ...onward, chunksDone: 9 }, HANGS, HANGS], 23_100);
  expect(members.classify(FAST_KIBS, 23_100)).toEqual([list[1], list[2]]);
});

test("one answer that was held up on its way counts as two seconds, not more", () => {
  for (const lateMs of [6000, 4e6]) {
    const { members } = group([{}]);
    members.hear(nack(0, { tUsEcho: (1_500_000 - lateMs * 1000) >>> 0 }), 1500);
    expect(members.groupRoundTripMs()).toBe(2000);
  }
});

test("groupRoundTripMs() leaves shed members out, unless all are", () => {
  const { members, list } = group([{}, { tUsEcho: 900_000 }]);
  const [near, far] = list;
  if (near === undefined || far === undefined) throw new Error("no members");
  expect(members.groupRoundTripMs()).toBeCloseTo(108, 3);
  Object.assign(far, { as: "shed" });
  expect(members.groupRoundTripMs()).toBeCloseTo(8, 3);
  Object.assign(near, { as: "shed" });
  expect(members.groupRoundTripMs()).toBeCloseTo(108, 3);
});

test("hear() compares a member's first answers with the least round trip of the group", () => {
  const { list } = group([{}, { tUsEcho: 980_000 }]);
  expect(list[0]?.queueMs).toBe(0);
  expect(list[1]?.queueMs).toBeCloseTo(20, 3);
});

test("hear() takes no queueing from what was asked before the last look at the rate", () => {
  const { members, list } = group([{}]);
  const [member] = list;
  if (member === undefined) throw new Error("no member");
  startLook([member], 1020);
  members.hear(nack(0, { tUsEcho: 1_019_000 }), 1030);
  expect(member.queueMs).toBe(Infinity);
  members.hear(nack(0, { tUsEcho: 1_021_000 }), 1031);
  expect(member.queueMs).toBeCloseTo(0, 3);
});
