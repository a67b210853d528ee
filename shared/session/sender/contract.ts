/**
 * The interface of a sender engine: options, requests, results, events. It holds no logic.
 *
 * A driver needs only this file and `createSender`. It reads chunks when asked, moves datagrams and
 * prints events. The engine decides everything else: who lacks what, what is sent next, how fast.
 * The defaults of the policy are in policy.ts.
 */
import type { Arena } from "../../core/arena.ts";
import type { Endpoint } from "../../core/engine.ts";
import type { Random } from "../../core/random.ts";
import type { FecKernel } from "../../fec/scheme.ts";
import type { Tagger } from "../../wire/tag.ts";
import type { Admission } from "./admission.ts";
import type { MemberClass, SenderPolicy } from "./policy.ts";

/**
 * When a session leaves gathering: when enough members have joined and the minimum wait is over, or
 * when the maximum wait is over.
 */
export interface StartRule {
  /** Does not start with fewer members than this before the maximum wait, 1 .. 65535. */
  readonly membersMin: number;
  /** Starts at once when this many members have joined. */
  readonly membersMax: number;
  /** Does not start earlier than this, unless `membersMax` have joined. Unit: milliseconds. */
  readonly waitMinMs: number;
  /**
   * Starts after this long with the members there are; if there are none, the session ends. Unit:
   * milliseconds. Infinity waits for ever (an operator at the keyboard starts the session).
   */
  readonly waitMaxMs: number;
  /**
   * A session without a member waits for the first one so long, if that is longer than `waitMaxMs`.
   * Unit: milliseconds. Absent: it is not.
   */
  readonly firstMemberMs?: number;
}

/** What {@link createSender} needs. */
export interface SenderOptions {
  /** Regions for the chunk cache are taken from it; received datagrams and batches lie in it. */
  readonly arena: Arena;
  /** The kernel of the thread that the engine runs in. */
  readonly kernel: FecKernel;
  /** Writes the tags of outgoing datagrams and checks those of received ones. */
  readonly tagger: Tagger;
  /** Owned by the engine from here on. */
  readonly random: Random;
  /** Name of the session: 64 random bits. */
  readonly sid: bigint;
  /**
   * "image": receivers know the length of every record from the image's table. "cast": they do not.
   */
  readonly kind: "image" | "cast";
  /** 32 bytes that name the content; zeros for a cast of unknown content. */
  readonly imageId: Uint8Array;
  /** The multicast group and port that data is sent to. */
  readonly group: Endpoint;
  /** UDP port for messages to this engine, at the source address of the data. */
  readonly feedbackPort: number;
  /** Payload of a datagram: a multiple of 32, 32 .. 8896. Unit: bytes. */
  readonly symbolBytes: number;
  /** Longest record. Unit: bytes. */
  readonly recordBytesMax: number;
  /**
   * Chunks to send; undefined while unknown (the source is a pipe): a read of 0 bytes then marks
   * the end.
   */
  readonly chunkCount: number | undefined;
  /** Arena bytes for the chunk cache; room for at least 4 records. */
  readonly cacheBytes: number;
  /**
   * Most bits per second on the Ethernet wire (66 bytes per datagram are added to the payload);
   * undefined lets the engine find the rate.
   */
  readonly rateCap: number | undefined;
  /** When to start. */
  readonly start: StartRule;
  /** Who may become a member. */
  readonly admission: Admission;
  /** Settings that differ from the defaults in policy.ts. */
  readonly policy?: Partial<SenderPolicy>;
}

/**
 * Asks to read the record of a chunk into the arena. Several are open at once; complete them in any
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

/** A request to the driver of a sender. */
export type SenderRequest = ReadRequest;

/** A result or order that the driver gives to a sender. */
export type SenderResult =
  /**
   * A read is done. Length 0 marks the end of a pipe: the session has only the chunks before this
   * one (if several open reads give 0, the lowest chunk counts).
   */
  | { readonly kind: "read"; readonly chunk: number; readonly length: number }
  /** A read failed for good: the session is aborted with this reason. */
  | { readonly kind: "read failed"; readonly chunk: number; readonly reason: string }
  /**
   * This host's kernel refused datagrams of the last batch because its buffer was full: the rate is
   * too high for this host.
   */
  | { readonly kind: "refused"; readonly count: number }
  /** So many members are expected now: takes the place of `membersMin` and `membersMax`. */
  | { readonly kind: "expected"; readonly members: number }
  /** The operator ends the session. */
  | { readonly kind: "abort"; readonly reason: string };

/** How a member of the session ended, or "active". */
export type MemberState = "active" | "done" | "failed" | "left" | "lost";

/** An event of a session, for logs, progress bars and verdicts. `node` is the receiver's number. */
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
  /**
   * `limitedBy`: "cap", "network", "host", "start", or the number of the node that limits the rate.
   */
  | { readonly kind: "rate"; readonly bitsPerSecond: number; readonly limitedBy: string | number }
  | { readonly kind: "pass"; readonly pass: number }
  /** The session accepts no more members and is telling its members that it ends. */
  | { readonly kind: "ending" }
  /** The last event: everything was sent, the driver may close the port. */
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
  /** How fast the member's disk takes data. Unit: KiB of stored bytes per second; 0 = not known. */
  readonly drainKiBs: number;
  /** Fill of its ring, 0 .. 100 %. */
  readonly ringPercent: number;
}

/** Where a session stands. */
export type SenderPhase = "gathering" | "streaming" | "ending" | "ended";

/** Running totals of a sender. Datagrams unless a unit is named. */
export interface SenderStats {
  readonly phase: SenderPhase;
  /** 1 = the first pass, 2 and more = the carousel. */
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
  /** Datagrams received but not usable: bad tag, other session, malformed. */
  readonly dropped: number;
  /** The current rate. Unit: bits per second on the wire. */
  readonly bitsPerSecond: number;
  readonly queueDelayMs: number;
  readonly members: readonly MemberStats[];
}
