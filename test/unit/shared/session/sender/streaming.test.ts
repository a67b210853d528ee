/**
 * Goal: a complainer cannot stop the session, and a shed one is not served.
 * Method: the streaming phase alone, reads served at once, answers by hand.
 */
import { expect, test } from "vitest";
import { Members } from "../../../../../shared/session/sender/members.ts";
import { Outbox } from "../../../../../shared/session/sender/outbox.ts";
import { SENDER_POLICY } from "../../../../../shared/session/sender/policy.ts";
import { Streaming } from "../../../../../shared/session/sender/streaming.ts";
import { TestBatch } from "./batch.ts";
import { senderOptions } from "./options.ts";

function setUp(chunkCount: number): {
  readonly streaming: Streaming;
  readonly members: Members;
  readonly step: (now: number) => number;
  readonly complain: (syncNo: number, now: number) => void;
} {
  const options = senderOptions({ chunkCount, rateCap: 20e6 });
  const members = new Members(SENDER_POLICY);
  const outbox = new Outbox(options);
  const streaming = new Streaming({
    options,
    policy: SENDER_POLICY,
    outbox,
    members,
    emit: () => undefined,
  });
  const batch = new TestBatch(options.arena);
  const lacks = { chunksDone: 0, lacking: 9, from: 0, to: 0, ranges: [], reason: "" };
  const state = { state: "receiving" as const, ringPercent: 0, netLossQ16: 0, drainKiBs: 0 };
  const origin = { remote: { address: "10.0.0.1", port: 1 }, seq: 0 };
  members.report({ node: 1, ...lacks, ...state }, origin, 0);
  streaming.membersChanged();
  streaming.start(0);
  return {
    streaming,
    members,
    step: (now) => {
      streaming.tick(now);
      for (const { chunk } of streaming.takeReads()) streaming.loaded(chunk, 4096, now);
      outbox.begin(batch);
      streaming.transmit(now);
      streaming.charge(outbox.finish());
      return batch.take().length;
    },
    complain: (syncNo, now) => {
      const clock = { node: 1, syncNo, tUsEcho: Math.floor(now * 1000), hold100us: 0 };
      const fares = { netLossQ16: 0, drainKiBs: 0, ringPercent: 0, kernelDrops: 0 };
      const blocks = [{ chunk: 0, block: 0, value: 16 }];
      streaming.nack({ ...clock, ...fares, receivedKiBs: 0, blocks }, now);
    },
  };
}

test("a member that always lacks everything gets three symbols of four at most", () => {
  const { streaming, step, complain } = setUp(400);
  for (let now = 0; now < 400; now += 1) {
    step(now);
    complain(Math.floor(streaming.stats().otherSent), now);
  }
  const { sourceSent, repairSent } = streaming.stats();
  expect(repairSent).toBeGreaterThan(50);
  expect(sourceSent * 3 + 30).toBeGreaterThanOrEqual(repairSent);
});

test.each([
  ["held", 16],
  ["shed", 0],
] as const)("a %s member that lacks 16 symbols is heard, and gets %i", (as, symbols) => {
  const { streaming, members, step, complain } = setUp(4);
  for (let now = 0; now < 60; now += 1) step(now);
  const member = members.get(1);
  if (member === undefined) throw new Error("no member");
  Object.assign(member, { as });
  complain(streaming.stats().otherSent, 60);
  expect(member.heardAt).toBe(60);
  for (let now = 61; now < 120; now += 1) step(now);
  expect(streaming.stats().repairSent).toBe(symbols);
});

test("a chunk that left the cache is read again to be repaired", () => {
  const { streaming, step, complain } = setUp(60);
  let now = 0;
  for (; !(streaming.stats().chunksSent === 60); now += 1) step(now);
  for (const until = now + 60; now < until; now += 1) step(now);
  complain(streaming.stats().otherSent, now);
  for (const until = now + 10; now < until; now += 1) step(now);
  expect(streaming.stats().repairSent).toBeGreaterThan(0);
});
