/**
 * Goal: a complainer cannot stop the session, and a shed one is not served.
 * Method: the stream alone, reads served at once, answers by hand.
 */
import { expect, test } from "vitest";
import { Members } from "../../../../../shared/session/sender/members.ts";
import { Outbox } from "../../../../../shared/session/sender/outbox.ts";
import { SENDER_POLICY } from "../../../../../shared/session/sender/policy.ts";
import { Stream } from "../../../../../shared/session/sender/stream.ts";
import { TestBatch } from "./batch.ts";
import { senderOptions } from "./options.ts";

function setUp(chunkCount: number): {
  readonly stream: Stream;
  readonly members: Members;
  readonly step: (now: number) => number;
  readonly complain: (syncNo: number, now: number) => void;
} {
  const options = senderOptions({ chunkCount, rateCap: 20e6 });
  const members = new Members(SENDER_POLICY);
  const outbox = new Outbox(options);
  const stream = new Stream({
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
  stream.membersChanged();
  stream.start(0);
  return {
    stream,
    members,
    step: (now) => {
      stream.tick(now);
      for (const { chunk } of stream.takeReads()) stream.loaded(chunk, 4096, now);
      outbox.begin(batch);
      stream.transmit(now);
      stream.charge(outbox.finish());
      return batch.take().length;
    },
    complain: (syncNo, now) => {
      const clock = { node: 1, syncNo, tUsEcho: Math.floor(now * 1000), hold100us: 0 };
      const fares = { netLossQ16: 0, drainKiBs: 0, ringPercent: 0, kernelDrops: 0 };
      const blocks = [{ chunk: 0, block: 0, value: 16 }];
      stream.nack({ ...clock, ...fares, receivedKiBs: 0, blocks }, now);
    },
  };
}

test("a member that always lacks everything gets three symbols of four at most", () => {
  const { stream, step, complain } = setUp(400);
  for (let now = 0; now < 400; now += 1) {
    step(now);
    complain(Math.floor(stream.stats().otherSent), now);
  }
  const { sourceSent, repairSent } = stream.stats();
  expect(repairSent).toBeGreaterThan(50);
  expect(sourceSent * 3 + 30).toBeGreaterThanOrEqual(repairSent);
});

test("a shed member's answers are heard but not served", () => {
  const { stream, members, step, complain } = setUp(4);
  for (let now = 0; now < 60; now += 1) step(now);
  const member = members.get(1);
  if (member === undefined) throw new Error("no member");
  Object.assign(member, { as: "shed" });
  complain(1, 60);
  expect(member.heardAt).toBe(60);
  step(61);
  expect(stream.stats().repairSent).toBe(0);
});

test("a chunk that left the cache is read again to be repaired", () => {
  const { stream, step, complain } = setUp(60);
  let now = 0;
  for (; !(stream.stats().chunksSent === 60); now += 1) step(now);
  for (const until = now + 60; now < until; now += 1) step(now);
  complain(stream.stats().otherSent, now);
  for (const until = now + 10; now < until; now += 1) step(now);
  expect(stream.stats().repairSent).toBeGreaterThan(0);
});
