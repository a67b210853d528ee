/**
 * Goal: the first 16 bytes alone decide what a datagram is, and strangers are refused.
 * Method: a written header read back, each of its bits flipped, lengths at the border.
 */
import { expect, test } from "vitest";
import {
  Flag,
  MessageType,
  isOfSession,
  messageBytesMax,
  messageFlags,
  messageSequence,
  messageSid,
  receiverMessageType,
  senderMessageType,
  splitSid,
  writeHeader,
} from "../../../../shared/wire/header.ts";

const sid = 0xfedcba9876543210n;
const header = { type: MessageType.sync, flags: Flag.echo, sid: splitSid(sid), seq: 0xfffffffe };

function written(): DataView {
  const view = new DataView(new ArrayBuffer(64));
  writeHeader(view, 8, header);
  return view;
}

test("a header reads back as it was written", () => {
  const view = written();
  expect(senderMessageType(view, 8, 24)).toBe(MessageType.sync);
  expect(messageFlags(view, 8)).toBe(Flag.echo);
  expect(messageSid(view, 8)).toBe(sid);
  expect(messageSequence(view, 8)).toBe(0xfffffffe);
  expect(isOfSession(view, 8, splitSid(sid))).toBe(true);
});

test("senderMessageType() is 0 when a datagram cannot hold header and tag", () => {
  expect(senderMessageType(written(), 8, 23)).toBe(0);
});

test("senderMessageType() is 0 for every flip in magic and version", () => {
  for (const bit of [...Array(16).keys(), 20, 21, 22, 23]) {
    const view = written();
    view.setUint8(8 + (bit >> 3), view.getUint8(8 + (bit >> 3)) ^ (1 << (bit & 7)));
    expect(senderMessageType(view, 8, 24)).toBe(0);
  }
});

test.each([
  ["senderMessageType", senderMessageType, { 1: 0x01, 2: 0x14, 3: 0, 5: 0x08, 6: 0, 7: 0 }],
  ["receiverMessageType", receiverMessageType, { 4: 0, 8: 0 }],
] as const)("%s() is 0 for types and flags that its end does not have", (_, typeOf, flagsOf) => {
  const allowed = new Map(Object.entries(flagsOf).map(([type, flags]) => [Number(type), flags]));
  for (let type = 0; type < 16; type += 1) {
    for (let flags = 0; flags < 256; flags += 1) {
      const view = written();
      view.setUint8(10, 0x10 | type);
      view.setUint8(11, flags);
      const may = allowed.get(type);
      expect(typeOf(view, 8, 24)).toBe(may !== undefined && (flags & ~may) === 0 ? type : 0);
    }
  }
});

test("isOfSession() tells sessions apart that differ in one bit", () => {
  for (let bit = 0n; bit < 64n; bit += 1n) {
    expect(isOfSession(written(), 8, splitSid(sid ^ (1n << bit)))).toBe(false);
  }
});

test("messageBytesMax() is the length of DATA, and never below 576", () => {
  expect(messageBytesMax(1408)).toBe(1440);
  expect(messageBytesMax(64)).toBe(576);
});
