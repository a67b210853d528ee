/**
 * What goes into a sender engine and what comes out: options, requests, results, events.
 *
 * A driver needs only this file and `createSender`. It reads chunks when asked, moves datagrams,
 * and prints events; everything else (who lacks what, what goes next, how fast) is decided inside.
 * It holds no logic. Defaults of the policy are in policy.ts.
 */
import type { Arena } from "../../core/arena.ts";
import type { Endpoint } from "../../core/engine.ts";
import type { Random } from "../../core/random.ts";
import type { FecKernel } from "../../fec/scheme.ts";
import type { Tagger } from "../../wire/tag.ts";
import type { MemberClass, SenderPolicy } from "./policy.ts";

/** When a session leaves gathering: enough members and minimum waited, or maximum waited. */
export interface StartRule {
  /** Starts with this many members at the earliest, 1 .. 65535. */
  readonly membersMin: number;
  /** Starts at once with this many members. */
  readonly membersMax: number;
  /** Waits at least this long. Unit: milliseconds. */
  readonly waitMinMs: number;
  /**
   * Starts, with whoever is there, after this long; with nobody there the session ends. Unit:
   * milliseconds; Infinity waits for members for ever (an operator at the keyboard).
   */
  readonly waitMaxMs: number;
}

/** What {@link createSender} needs. */
export interface SenderOptions {
  /** Regions for the chunk cache are taken from it; received datagrams and batches lie in it. */
  readonly arena: Arena;
  /** Kernel of the thread the engine runs in. */
  readonly kernel: FecKernel;
  /** Seals what is sent, checks what is received. */
  readonly tagger: Tagger;
  /** Chance. Owned by the engine from here on. */
  readonly random: Random;
  /** Name of the session: 64 random bits. */
  readonly sid: bigint;
  /** "image": receivers know every record's length from the image's table. "cast": they do not. */
  readonly kind: "image" | "cast";
  /** 32 bytes that name the content; zeros for a cast of unknown content. */
  readonly imageId: Uint8Array;
  /** Where data goes: the multicast group and port. */
  readonly group: Endpoint;
  /** UDP port, on the address that data comes from, at which receivers reach this engine. */
  readonly feedbackPort: number;
  /** Payload of a datagram: a multiple of 32, 32 .. 8896. Unit: bytes. */
  readonly symbolBytes: number;
  /** Longest record. Unit: bytes. */
  readonly recordBytesMax: number;
  /** Chunks to send; undefined while unknown (a pipe): the end is told by a read of 0 bytes. */
  readonly chunkCount: number | undefined;
  /** Arena bytes for the chunk cache; at least 4 records fit. */
  readonly cacheBytes: number;
  /**
   * Most bits per second on an Ethernet wire (66 bytes a datagram counted on top of the payload);
   * undefined lets the engine find the rate.
   */
  readonly rateCap: number | undefined;
  /** When to start. */
  readonly start: StartRule;
  /** Numbers that differ from the defaults of policy.ts. */
  readonly policy?: Partial<SenderPolicy>;
}

/**
 * Read the record of a chunk into the arena; several are open at once, complete them in any
 * order.
 */
export interface ReadRequest {
  readonly kind: "read";
  readonly chunk: number;
  /** Where to write it: arena offset, multiple of 32. */
  readonly offset: number;
  /** Room there. Unit: bytes. */
  readonly capacity: number;
}

/** Work for the driver of a sender. */
export type SenderRequest = ReadRequest;

/** What a driver tells a sender. */
export type SenderResult =
  /**
   * A read is done. Length 0 is the end of a pipe: chunks before this one are all there are (with
   * several reads open, the lowest one of length 0 counts).
   */
  | { readonly kind: "read"; readonly chunk: number; readonly length: number }
  /** A read failed for good: the session is aborted with this reason. */
  | { readonly kind: "read failed"; readonly chunk: number; readonly reason: string }
  /**
   * The kernel refused datagrams of the last batch (buffer full): the rate is too high for this
   * host.
   */
  | { readonly kind: "refused"; readonly count: number }
  /** The operator ends the session. */
  | { readonly kind: "abort"; readonly reason: string };

/** How a member of the session ended, or "active". */
export type MemberState = "active" | "done" | "failed" | "left" | "lost";

/** What happens in a session, for logs, bars and verdicts. `node` is the receiver's number. */
export type SenderEvent =
  | { readonly kind: "joined"; readonly node: number; readonly remote: Endpoint }
  | { readonly kind: "started"; readonly members: number }
  | { readonly kind: "classed"; readonly node: number; readonly as: MemberClass }
  /** `reason` says why a member failed or was given up. */
  | {
      readonly kind: "member ended";
      readonly node: number;
      readonly state: "done" | "failed" | "left" | "lost";
      readonly reason: string;
    }
  /** `limitedBy`: "cap", "network", "host", "start", or the node that sets the pace. */
  | { readonly kind: "rate"; readonly bitsPerSecond: number; readonly limitedBy: string | number }
  | { readonly kind: "pass"; readonly pass: number }
  /** The session takes nobody in any more; its members are being told. */
  | { readonly kind: "ending" }
  /** The last event: everything was said, the driver may close the port. */
  | {
      readonly kind: "ended";
      readonly outcome: "complete" | "partial" | "aborted";
      readonly reason: string;
    };

/** One member, for `stats`. */
export interface MemberStats {
  readonly node: number;
  readonly remote: Endpoint;
  readonly state: MemberState;
  readonly as: MemberClass;
  readonly chunksDone: number;
  readonly lacking: number;
  /** Network loss it reported, 0 .. 1. */
  readonly loss: number;
  /** What it drains. Unit: KiB of stored bytes per second; 0 = not known. */
  readonly drainKiBs: number;
  /** Fill of its ring, 0 .. 100 %. */
  readonly ringPercent: number;
}

/** Where a session stands. */
export type SenderPhase = "gathering" | "streaming" | "ending" | "ended";

/** Running totals of a sender. Datagrams unless a unit is named. */
export interface SenderStats {
  readonly phase: SenderPhase;
  /** 1 = first pass, from 2 on the carousel. */
  readonly pass: number;
  /** Chunks of the first pass that are completely sent. */
  readonly chunksSent: number;
  /** Undefined while unknown. */
  readonly chunkCount: number | undefined;
  readonly sourceSent: number;
  readonly paritySent: number;
  readonly repairSent: number;
  readonly otherSent: number;
  readonly nacksReceived: number;
  /** Received but not usable: bad tag, other session, malformed. */
  readonly dropped: number;
  /** Present rate. Unit: bits per second on the wire. */
  readonly bitsPerSecond: number;
  readonly queueDelayMs: number;
  readonly members: readonly MemberStats[];
}
