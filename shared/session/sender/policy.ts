/**
 * The numbers a sender goes by, and why each is what it is.
 *
 * All are visible settings; a session may override any of them. Nothing here depends on one another
 * except where said.
 */

/**
 * How a member is served. held: the sender slows down for it and answers its NACKs. shed: too
 * slow or too lossy beside the others; it catches what it can and is finished by the carousel.
 */
export type MemberClass = "held" | "shed";

/** Settings of a sender. Times in milliseconds, fractions 0 .. 1. */
export interface SenderPolicy {
  /**
   * Between announcements while gathering: a receiver that starts waits half of this on average.
   */
  readonly announceGatheringMs: number;
  /** Between announcements later: late joiners need them, others do not. */
  readonly announceStreamingMs: number;
  /** Copies of the END message: at 20 % loss, 5 leave 1 receiver in 3125 to learn it by asking. */
  readonly endCopies: number;
  /** Between those copies. */
  readonly endIntervalMs: number;
  /** After the last copy the engine still answers whoever asks. */
  readonly lingerMs: number;
  /** A member not heard for this long is lost. */
  readonly silenceMs: number;
  /**
   * A member that finishes no chunk for this long, while others or data could serve it, is lost.
   */
  readonly stallMs: number;
  /** Members at most; reports of more are dropped. */
  readonly membersMax: number;
  /** Chunks whose symbols take turns, so that a burst of losses hits many blocks a little. */
  readonly interleave: number;
  /** Blocks finished before a SYNC asks about them. */
  readonly syncBlocks: number;
  /** Longest time from a block's last symbol to the SYNC that asks about it. */
  readonly syncIntervalMs: number;
  /** Between SYNCs when there is nothing else to send. */
  readonly syncIdleMs: number;
  /** How often a SYNC asks about a block without hearing a complaint. */
  readonly askTimes: number;
  /** Probe datagrams in a series, spread over `probeMs`; 0 = none. */
  readonly probeCount: number;
  /** How long a probe series takes. */
  readonly probeMs: number;
  /** Rate to begin with when no cap is given. Unit: bits per second. */
  readonly startRate: number;
  /** The rate never falls under this. Unit: bits per second. */
  readonly rateMin: number;
  /** Queueing that the rate control aims to stay under. */
  readonly queueDelayMs: number;
  /**
   * A held member drains at least this share of the median. A disk that has not answered yet is
   * given as much, and slows the session no further.
   */
  readonly heldShare: number;
  /**
   * A member whose ring is at least half full for this long, and that finishes no chunk meanwhile,
   * is shed (protocol page 1.10).
   */
  readonly stuckMs: number;
  /** Loss above the median's that makes a member shed. */
  readonly shedLoss: number;
  /** Share of a member's ring above which the sender slows down for it. */
  readonly ringHigh: number;
}

/** Defaults. */
export const SENDER_POLICY: SenderPolicy = {
  announceGatheringMs: 100,
  announceStreamingMs: 500,
  endCopies: 5,
  endIntervalMs: 20,
  lingerMs: 300,
  silenceMs: 30_000,
  stallMs: 120_000,
  membersMax: 4096,
  interleave: 8,
  syncBlocks: 16,
  syncIntervalMs: 20,
  syncIdleMs: 20,
  askTimes: 2,
  probeCount: 0,
  probeMs: 50,
  startRate: 300e6,
  rateMin: 1e6,
  queueDelayMs: 8,
  heldShare: 0.5,
  stuckMs: 3000,
  shedLoss: 0.08,
  ringHigh: 0.75,
};
