/**
 * What a receiver has of a session once it has joined it: its sizes, which are fixed from
 * then on, and the parts that are made for them.
 */
import type { Announce } from "../../wire/announce.ts";
import { type SessionId, splitSid } from "../../wire/header.ts";
import { COUNT_UNKNOWN } from "../../wire/sync.ts";
import type { Arrival } from "./arrival.ts";
import { Assembly } from "./assembly.ts";
import type { ReceptionOptions, SessionFacts } from "./contract.ts";
import type { ReceptionPolicy } from "./policy.ts";
import { ReceiverMessages } from "./receiver-messages.ts";

/** The parts that exist once a session was joined. */
export interface JoinedSession {
  readonly sid: SessionId;
  readonly symbolBytes: number;
  readonly facts: SessionFacts;
  readonly assembly: Assembly;
  readonly messages: ReceiverMessages;
}

/** What the receiver had before. */
interface JoinParts {
  readonly options: ReceptionOptions;
  readonly policy: ReceptionPolicy;
  readonly arrival: Arrival;
  /** Where in the arena its ring begins. */
  readonly ringOffset: number;
}

/** @param announce - Its image id is copied. */
export function joinSession(announce: Announce, sid: bigint, parts: JoinParts): JoinedSession {
  const { options, policy, arrival, ringOffset } = parts;
  const { symbolBytes, recordBytesMax, kind } = announce;
  const chunkCount = announce.chunkCount === COUNT_UNKNOWN ? undefined : announce.chunkCount;
  const imageId = Uint8Array.from(announce.imageId);
  const facts: SessionFacts = { sid, kind, imageId, symbolBytes, recordBytesMax, chunkCount };
  const assembly = new Assembly({ options, facts, policy, ringOffset });
  const remote = { address: "", port: announce.feedbackPort };
  const messages = new ReceiverMessages({ options, facts, policy, assembly, arrival }, remote);
  return { sid: splitSid(sid), symbolBytes, facts, assembly, messages };
}
