/**
 * Goal: a session starts when it may and announces itself truthfully.
 * Method: members and moments by hand.
 */
import { expect, test } from "vitest";
import { Gathering } from "../../../../../shared/session/sender/gathering.ts";
import { Outbox } from "../../../../../shared/session/sender/outbox.ts";
import { SENDER_POLICY } from "../../../../../shared/session/sender/policy.ts";
import { TestBatch } from "./batch.ts";
import { senderOptions } from "./options.ts";

function gathering(probeCount = 0): Gathering {
  const start = { membersMin: 2, membersMax: 4, waitMinMs: 100, waitMaxMs: 1000 };
  const made = new Gathering(senderOptions({ start }), { ...SENDER_POLICY, probeCount });
  made.begin(0);
  return made;
}

test("judge() starts with enough members after the least wait, or at once when full", () => {
  expect(gathering().judge(2, 2, 99)).toBe("wait");
  expect(gathering().judge(2, 2, 100)).toBe("start");
  expect(gathering().judge(4, 4, 1)).toBe("start");
});

test("judge() starts with whoever is there at the longest wait, and gives up on nobody", () => {
  expect(gathering().judge(1, 1, 999)).toBe("wait");
  expect(gathering().judge(1, 1, 1000)).toBe("start");
  expect(gathering().judge(0, 0, 1000)).toBe("nobody");
});

test("every newcomer sees a probe series of its own before the start", () => {
  const made = gathering(8);
  const options = senderOptions();
  const outbox = new Outbox(options);
  const batch = new TestBatch(options.arena);
  const probes = (now: number): number => {
    outbox.begin(batch);
    made.probe(outbox, now);
    outbox.finish();
    return batch.take().length;
  };
  expect(made.judge(1, 1, 10)).toBe("wait");
  expect(made.nextWakeup()).toBeLessThanOrEqual(10);
  expect(probes(100)).toBe(8);
  expect(made.judge(1, 1, 100)).toBe("wait");
  expect(probes(200)).toBe(0);
  expect(made.judge(4, 4, 300)).toBe("wait"); // full, but three have seen no probe
  expect(probes(400)).toBe(8);
  expect(made.judge(4, 4, 400)).toBe("start");
});

test("who joins after the longest wait sees the data instead of probes", () => {
  const made = gathering(8);
  expect(made.judge(1, 1, 1000)).toBe("start");
});

test("announcement() says how long it is until the start", () => {
  const moment = { streaming: false, chunkCount: undefined, members: 1 };
  const message = gathering().announcement(moment, 400);
  expect(message.startsInMs).toBe(600);
  expect(message.chunkCount).toBe(0xffffffff);
  expect(message.state).toBe("gathering");
  expect(message.reportSpreadMs).toBe(2);
});

test("expect() starts with those who can still come, and waits for more that were added", () => {
  const made = gathering();
  expect(made.judge(1, 1, 100)).toBe("wait");
  made.expect(1); // the other one has its verdict
  expect(made.judge(1, 1, 101)).toBe("start");
  made.expect(3);
  expect(made.judge(2, 2, 200)).toBe("wait");
  expect(made.judge(3, 3, 201)).toBe("start");
  made.expect(0); // nobody is there, and nobody can come: it is not started for nobody
  expect(made.judge(0, 3, 202)).toBe("wait");
});

test("judge() starts at once with the first member when nothing is to be gathered", () => {
  const start = { membersMin: 2, membersMax: 2, waitMinMs: 0, waitMaxMs: 0, firstMemberMs: 1000 };
  const made = new Gathering(senderOptions({ start }), { ...SENDER_POLICY, probeCount: 0 });
  made.begin(0);
  expect(made.judge(0, 0, 500)).toBe("wait");
  expect(made.nextWakeup()).toBe(0); // the announcement
  expect(made.judge(1, 1, 501)).toBe("start");
  expect(made.judge(0, 1, 1000)).toBe("nobody");
});

test("judge() has the first member probed although nothing is to be gathered", () => {
  const start = { membersMin: 2, membersMax: 2, waitMinMs: 0, waitMaxMs: 0, firstMemberMs: 1000 };
  const made = new Gathering(senderOptions({ start }), { ...SENDER_POLICY, probeCount: 8 });
  made.begin(0);
  expect(made.judge(1, 1, 501)).toBe("wait");
  expect(made.nextWakeup()).toBe(0);
});
