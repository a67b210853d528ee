/**
 * What goes into a reception engine and what comes out: options, requests, results, events.
 *
 * A driver needs only this file and `createReception`. The engine fills chunk slots in the arena
 * from datagrams and asks for work on them: repair a block, deliver a record, fetch a chunk another
 * way. It never judges content: only the driver, with the digest, says that a chunk is right. It
 * holds no logic. Defaults of the policy are in policy.ts.
 */
import type { Arena } from "../../core/arena.ts";
import type { Endpoint } from "../../core/engine.ts";
import type { Random } from "../../core/random.ts";
import type { Range } from "../../core/ranges.ts";
import type { Tagger } from "../../wire/tag.ts";
import type { ReceptionPolicy } from "./policy.ts";

/** What {@link createReception} needs. */
export interface ReceptionOptions {
  /** The slots are taken from it; received datagrams lie in it. */
  readonly arena: Arena;
  /** Checks what is received, seals what is sent. */
  readonly tagger: Tagger;
  /** Chance. Owned by the engine from here on. */
  readonly random: Random;
  /** This receiver's number: unique in the session, 32 bits. */
  readonly node: number;
  /** The session to take part in; undefined takes the first one announced. */
  readonly sid?: bigint;
  /** Where reports go; undefined: where announcements come from. */
  readonly sender?: Endpoint;
  /**
   * Arena bytes for slots; at least 4 records of the session fit, or the engine fails with "ring
   * too small".
   */
  readonly ringBytes: number;
  /**
   * Stored length of every record, by chunk (image mode): datagrams that disagree are dropped.
   * Undefined (cast mode) trusts the first datagram of a chunk.
   */
  readonly recordLengths?: Uint32Array;
  /** Chunks wanted; undefined = all. Unit: chunks. */
  readonly wanted?: readonly Range[];
  /** True when the driver can fetch chunks by unicast ({@link FetchRequest}). */
  readonly canFetch: boolean;
  /**
   * True to deliver chunks in ascending order (a pipe); keeps later chunks in the ring until
   * their turn.
   */
  readonly inOrder: boolean;
  /** Numbers that differ from the defaults of policy.ts. */
  readonly policy?: Partial<ReceptionPolicy>;
}

/**
 * Repair the missing source symbols of a block in place (BlockRepairer in block-repair.ts does it
 * in one call). Place i of the block, at `offset + i * symbolBytes`, holds the symbol named
 * `symbols[i]`: i itself, or a parity symbol standing in for it. When done, every place holds its
 * own source symbol.
 */
export interface DecodeRequest {
  readonly kind: "decode";
  readonly chunk: number;
  readonly block: number;
  /** Arena offset of the block's first place. */
  readonly offset: number;
  readonly symbolBytes: number;
  /** One name per place; its length is k. Owned by the request. */
  readonly symbols: Uint8Array;
}

/** Check, decompress and write a record; the bytes stay in place until the result comes. */
export interface DeliverRequest {
  readonly kind: "deliver";
  readonly chunk: number;
  /** Arena offset of the record. */
  readonly offset: number;
  /**
   * Image mode: length of the record. Cast mode: with the zeros that fill up its last symbol.
   * Unit: bytes.
   */
  readonly length: number;
}

/** Fetch, check and write a chunk by unicast, because multicast did not bring it. */
export interface FetchRequest {
  readonly kind: "fetch";
  readonly chunk: number;
}

/** Work for the driver of a reception. */
export type ReceptionRequest = DecodeRequest | DeliverRequest | FetchRequest;

/** What a driver tells a reception. */
export type ReceptionResult =
  | { readonly kind: "decoded"; readonly chunk: number; readonly block: number }
  /** `bad`: the digest did not match; the chunk is lacking again. */
  | { readonly kind: "delivered"; readonly chunk: number; readonly outcome: "ok" | "bad" }
  /** `ok`: the driver has checked and written it. */
  | { readonly kind: "fetched"; readonly chunk: number; readonly outcome: "ok" | "failed" }
  /** The chunks become wanted again (a read-back failed, a delta grew). */
  | { readonly kind: "lacking"; readonly chunks: readonly Range[] }
  /** The driver stops the reception (disk error, operator): reported to the sender, then ended. */
  | { readonly kind: "abort"; readonly reason: string };

/** What the session's announcement told. */
export interface SessionFacts {
  readonly sid: bigint;
  readonly kind: "image" | "cast";
  readonly imageId: Uint8Array;
  readonly symbolBytes: number;
  readonly recordBytesMax: number;
  /** Undefined while unknown (a pipe). */
  readonly chunkCount: number | undefined;
}

/** What happens in a reception, for logs, bars and verdicts. */
export type ReceptionEvent =
  | { readonly kind: "session"; readonly facts: SessionFacts; readonly slots: number }
  /** The first datagram of full length (PROBE or DATA) came by multicast. */
  | { readonly kind: "reached" }
  | { readonly kind: "started" }
  /** Nothing came from the sender for a while. */
  | { readonly kind: "silent"; readonly forMs: number }
  /** The sender is heard again. */
  | { readonly kind: "heard" }
  /** The content of a chunk was wrong `times` times. */
  | { readonly kind: "bad chunk"; readonly chunk: number; readonly times: number }
  /** Every wanted chunk is right and kept; the engine goes on until the sender knows. */
  | { readonly kind: "complete" }
  /** The last event. */
  | { readonly kind: "ended"; readonly outcome: "complete" }
  | {
      readonly kind: "ended";
      readonly outcome: "failed";
      readonly code: ReceptionFailure;
      readonly reason: string;
    };

/** Why a reception failed. */
export type ReceptionFailure =
  | "no_session"
  | "ring_too_small"
  | "lost_sender"
  | "session_ended"
  | "session_aborted"
  | "bad_content"
  | "fetch_failed"
  | "deadline"
  | "aborted";

/** Where a reception stands. */
export type ReceptionPhase = "waiting" | "receiving" | "closing" | "ended";

/** Running totals of a reception. Datagrams unless a unit is named. */
export interface ReceptionStats {
  readonly phase: ReceptionPhase;
  readonly chunkCount: number | undefined;
  /** Chunks delivered (or fetched) and right. */
  readonly chunksDone: number;
  /** Chunks wanted and not yet right; 0 while the count is unknown. */
  readonly lacking: number;
  readonly received: number;
  /** DATA kept. */
  readonly kept: number;
  /** DATA of blocks or chunks already complete. */
  readonly surplus: number;
  /** DATA dropped on purpose because no slot was free. */
  readonly shed: number;
  /** Bad tag, other session, malformed. */
  readonly dropped: number;
  readonly decodedBlocks: number;
  readonly nacksSent: number;
  readonly nacksSuppressed: number;
  readonly badChunks: number;
  readonly fetched: number;
  /** Present network loss, 0 .. 1. */
  readonly loss: number;
  readonly slotsUsed: number;
  readonly slots: number;
}
