/** Goal: only the sender ends a session. Method: times by hand. */
import { expect, test } from "vitest";
import { SenderWords } from "../../../../../shared/session/reception/sender-words.ts";

const sender = { address: "10.0.0.1", port: 7268 };
const other = { address: "10.0.0.66", port: 7268 };
const end = { op: "end", outcome: "partial", reason: "" } as const;

test("isFromSender() knows the sender's socket, and another only after 2 s of silence", () => {
  const words = new SenderWords();
  expect(words.isFromSender(other, 0)).toBe(true);
  words.heard(sender, false, 0);
  expect(words.isFromSender({ ...sender }, 1)).toBe(true);
  expect(words.isFromSender({ ...sender, port: 1 }, 1999)).toBe(false);
  expect(words.isFromSender(other, 1999)).toBe(false);
  expect(words.isFromSender(other, 2000)).toBe(true);
});

test("takeEnd() gives an END once nothing else came for 300 ms, and once only", () => {
  const words = new SenderWords();
  expect(words.dueAt).toBe(Infinity);
  words.heard(sender, false, 100);
  words.heard(sender, true, 110);
  words.ended(end);
  expect(words.takeEnd(399)).toBeUndefined();
  words.heard(sender, false, 399);
  expect(words.takeEnd(400)).toBeUndefined();
  expect(words.dueAt).toBe(699);
  expect(words.takeEnd(699)).toBe(end);
  expect(words.takeEnd(1e6)).toBeUndefined();
});
