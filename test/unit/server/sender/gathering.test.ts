/**
 * Goal: a session starts when it may and announces itself truthfully.
 * Method: members and moments by hand.
 */
import { expect, test } from "vitest";
import { Gathering } from "../../../../server/sender/gathering.ts";
import { SENDER_POLICY } from "../../../../server/sender/policy.ts";
import { senderOptions } from "./options.ts";

function gathering(probeCount = 0): Gathering {
  const start = { membersMin: 2, membersMax: 4, waitMinMs: 100, waitMaxMs: 1000 };
  const made = new Gathering(senderOptions({ start }), { ...SENDER_POLICY, probeCount });
  made.begin(0);
  return made;
}

test("judge() starts with enough members after the least wait, or at once when full", () => {
  expect(gathering().judge(2, 99)).toBe("wait");
  expect(gathering().judge(2, 100)).toBe("start");
  expect(gathering().judge(4, 1)).toBe("start");
});

test("judge() starts with whoever is there at the longest wait, and gives up on nobody", () => {
  expect(gathering().judge(1, 999)).toBe("wait");
  expect(gathering().judge(1, 1000)).toBe("start");
  expect(gathering().judge(0, 1000)).toBe("nobody");
});

test("judge() waits for the probe series", () => {
  const made = gathering(8);
  expect(made.judge(4, 10)).toBe("wait");
  expect(made.nextWakeup()).toBeLessThanOrEqual(10);
});

test("announcement() says how long it is until the start", () => {
  const moment = { streaming: false, chunkCount: undefined, members: 1 };
  const message = gathering().announcement(moment, 400);
  expect(message.startsInMs).toBe(600);
  expect(message.chunkCount).toBe(0xffffffff);
  expect(message.state).toBe("gathering");
  expect(message.reportSpreadMs).toBe(2);
});
