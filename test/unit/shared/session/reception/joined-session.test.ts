/**
 * Goal: a receiver keeps what its session was when it joined.
 * Method: an announcement whose bytes change afterwards, and one of a session of unknown length.
 */
import { expect, test } from "vitest";
import { Arrival } from "../../../../../shared/session/reception/arrival.ts";
import { joinSession } from "../../../../../shared/session/reception/joined-session.ts";
import type { JoinedSession } from "../../../../../shared/session/reception/joined-session.ts";
import { RECEPTION_POLICY } from "../../../../../shared/session/reception/policy.ts";
import type { Announce } from "../../../../../shared/wire/announce.ts";
import { splitSid } from "../../../../../shared/wire/header.ts";
import { COUNT_UNKNOWN } from "../../../../../shared/wire/sync.ts";
import { SID, SYMBOL_BYTES, receptionOptions } from "./options.ts";

function joined(changes: Partial<Announce>): JoinedSession {
  const shape = { symbolBytes: SYMBOL_BYTES, kind: "image", recordBytesMax: 128 } as const;
  const rest = {
    state: "gathering",
    chunkCount: 3,
    feedbackPort: 7000,
    reportSpreadMs: 4,
  } as const;
  const times = { membersMin: 1, members: 0, startsInMs: 0, imageId: new Uint8Array(32) };
  const options = receptionOptions();
  const ringOffset = options.arena.region(options.ringBytes);
  const parts = { options, policy: RECEPTION_POLICY, arrival: new Arrival(), ringOffset };
  return joinSession({ ...shape, ...rest, ...times, ...changes }, SID, parts);
}

test("joinSession() keeps the image id when the announcement's bytes are written over", () => {
  const imageId = new Uint8Array(32).fill(7);
  const { facts, sid } = joined({ imageId });
  imageId.fill(0);
  expect(facts.imageId).toEqual(new Uint8Array(32).fill(7));
  expect(sid).toEqual(splitSid(SID));
});

test("joinSession() leaves the number of chunks open when the sender does not know it", () => {
  expect(joined({ chunkCount: 3 }).facts.chunkCount).toBe(3);
  expect(joined({ chunkCount: COUNT_UNKNOWN }).facts.chunkCount).toBeUndefined();
});
