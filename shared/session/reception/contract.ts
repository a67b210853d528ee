/**
 * The interface of a reception engine: options, requests, results, events. It holds no logic.
 *
 * A driver needs only this file and `createReception`. The engine fills chunk lanes in the arena
 * from datagrams and requests work on them: repair a block, deliver a record, fetch a chunk by
 * unicast. The engine never judges content: only the driver, with the digest, says that a chunk is
 * right. The defaults of the policy are in policy.ts.
 */
import type { Arena } from "../../core/arena.ts";
import type { Endpoint } from "../../core/engine.ts";
import type { Random } from "../../core/random.ts";
import type { Range } from "../../core/ranges.ts";
import type { Tagger } from "../../wire/tag.ts";
import type { ReceptionPolicy } from "./policy.ts";

/** What {@link createReception} needs. */
export interface ReceptionOptions {
  /** The lanes are taken from it; received datagrams lie in it. */
  readonly arena: Arena;
  /** Checks the tags of received datagrams and writes those of outgoing ones. */
  readonly tagger: Tagger;
  /** Owned by the engine from here on. */
  readonly random: Random;
  /** This receiver's number: unique in the session, 32 bits. */
  readonly node: number;
  /** The session to join; undefined joins the first one announced. */
  readonly sid?: bigint;
  /** Destination of reports; undefined sends them to the source of the announcements. */
  readonly sender?: Endpoint;
  /**
   * Arena bytes for lanes. At least 4 records of the session must fit, or the engine fails with
   * "ring too small".
   */
  readonly ringBytes: number;
  /**
   * Stored length of every record, by chunk (image mode): datagrams that disagree are dropped.
   * Undefined (cast mode): the first datagram of a chunk is believed.
   */
  readonly recordLengths?: Uint32Array;
  /** Chunks wanted; undefined = all. Unit: chunks. */
  readonly wanted?: readonly Range[];
  /** True if the driver can fetch chunks by unicast ({@link FetchRequest}). */
  readonly canFetch: boolean;
  /**
   * True to deliver chunks in ascending order (to a pipe); later chunks wait in the ring for their
   * turn.
   */
  readonly inOrder: boolean;
  /** Settings that differ from the defaults in policy.ts. */
  readonly policy?: Partial<ReceptionPolicy>;
}

/**
 * Asks to repair the missing source symbols of a block in place (BlockRepairer in block-repair.ts
 * does it in one call). Place i of the block, at `offset + i * symbolBytes`, holds the symbol named
 * `symbols[i]`: i itself, or a parity symbol. After the repair every place holds its own source
 * symbol.
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

/**
 * Asks to check, decompress and write a record; its bytes stay in place until the result is given.
 */
export interface DeliverRequest {
  readonly kind: "deliver";
  readonly chunk: number;
  /** Arena offset of the record. */
  readonly offset: number;
  /**
   * Image mode: length of the record. Cast mode: the same, plus the zeros that fill up its last
   * symbol. Unit: bytes.
   */
  readonly length: number;
}

/** Asks to fetch, check and write a chunk by unicast, because multicast did not bring it. */
export interface FetchRequest {
  readonly kind: "fetch";
  readonly chunk: number;
}

/** A request to the driver of a reception. */
export type ReceptionRequest = DecodeRequest | DeliverRequest | FetchRequest;

/** A result or order that the driver gives to a reception. */
export type ReceptionResult =
  | { readonly kind: "decoded"; readonly chunk: number; readonly block: number }
  /** `bad`: the digest did not match; the chunk is lacking again. */
  | { readonly kind: "delivered"; readonly chunk: number; readonly outcome: "ok" | "bad" }
  /** `ok`: the driver has checked and written it. */
  | { readonly kind: "fetched"; readonly chunk: number; readonly outcome: "ok" | "failed" }
  /** These chunks become wanted again (a read-back failed, or a delta grew). */
  | { readonly kind: "lacking"; readonly chunks: readonly Range[] }
  /**
   * The driver stops the reception (disk error, operator): the engine reports it to the sender and
   * ends.
   */
  | { readonly kind: "abort"; readonly reason: string };

/** What the session's announcement said. */
export interface SessionFacts {
  readonly sid: bigint;
  readonly kind: "image" | "cast";
  readonly imageId: Uint8Array;
  readonly symbolBytes: number;
  readonly recordBytesMax: number;
  /** Undefined while unknown (a pipe). */
  readonly chunkCount: number | undefined;
}

/** An event of a reception, for logs, progress bars and verdicts. */
export type ReceptionEvent =
  | { readonly kind: "session"; readonly facts: SessionFacts; readonly lanes: number }
  /** The first datagram of full length (PROBE or DATA) arrived by multicast. */
  | { readonly kind: "reached" }
  | { readonly kind: "started" }
  /** Nothing came from the sender for a while. */
  | { readonly kind: "silent"; readonly forMs: number }
  /** The sender is heard again. */
  | { readonly kind: "heard" }
  /** The content of a chunk was wrong `times` times. */
  | { readonly kind: "bad chunk"; readonly chunk: number; readonly times: number }
  /**
   * Every wanted chunk is right and kept. The engine goes on until the sender has acknowledged it.
   */
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
  | "sender_lost"
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
  /** DATA datagrams whose symbol was kept. */
  readonly kept: number;
  /** DATA datagrams of blocks or chunks that were complete already. */
  readonly surplus: number;
  /** DATA datagrams dropped on purpose because no lane was free. */
  readonly shed: number;
  /** Datagrams with a bad tag, of another session, or malformed. */
  readonly dropped: number;
  readonly decodedBlocks: number;
  readonly nacksSent: number;
  readonly nacksSuppressed: number;
  readonly badChunks: number;
  readonly fetched: number;
  /** Current network loss, 0 .. 1. */
  readonly loss: number;
  readonly lanesUsed: number;
  readonly lanes: number;
}
