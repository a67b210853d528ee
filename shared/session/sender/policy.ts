/**
 * The settings of a sender, with the reason for each value.
 *
 * A session may override any of them. They are independent of one another unless a comment says
 * otherwise.
 */

/**
 * How a member is served. held: the sender slows down for it and answers its NACKs. shed: it is too
 * slow or too lossy compared with the others; it catches what it can, and the carousel sends it the
 * rest.
 */
export type MemberClass = "held" | "shed";

/** Settings of a sender. Times in milliseconds, fractions 0 .. 1. */
export interface SenderPolicy {
  /**
   * Time between announcements while gathering: a receiver that starts waits half of this on
   * average.
   */
  readonly announceGatheringMs: number;
  /** Time between announcements while streaming: only late joiners need them. */
  readonly announceStreamingMs: number;
  /** Copies of the END message: at 20 % loss, 5 leave 1 receiver in 3125 to learn it by asking. */
  readonly endCopies: number;
  /** Time between those copies. */
  readonly endIntervalMs: number;
  /** For this long after the last copy the engine still answers receivers. */
  readonly lingerMs: number;
  /** A member that was silent for this long is lost. */
  readonly silenceMs: number;
  /** A member that finishes no chunk for this long, although the carousel runs, is lost. */
  readonly stallMs: number;
  /** Members at most; reports of further nodes are dropped. */
  readonly membersMax: number;
  /**
   * Chunks whose symbols take turns, so that a burst of losses costs many blocks a few symbols
   * each.
   */
  readonly interleave: number;
  /** Number of finished blocks after which a SYNC asks about them. */
  readonly syncBlocks: number;
  /** Longest time from a block's last symbol to the SYNC that asks about it. */
  readonly syncIntervalMs: number;
  /** Time between SYNCs when there is nothing else to send. */
  readonly syncIdleMs: number;
  /** How many SYNCs ask about a block that nobody sends a NACK for. */
  readonly askTimes: number;
  /** Probe datagrams in a series, spread over `probeMs`; 0 = none. */
  readonly probeCount: number;
  /** Duration of a probe series. */
  readonly probeMs: number;
  /** Rate at the start if no cap is given. Unit: bits per second. */
  readonly startRate: number;
  /** The rate never falls under this. Unit: bits per second. */
  readonly rateMin: number;
  /** The rate control keeps the queueing delay under this. */
  readonly queueDelayMs: number;
  /**
   * A held member drains at least this share of the median. A disk that has not reported its speed
   * yet is given this share, and slows the session no further.
   */
  readonly heldShare: number;
  /**
   * A member whose ring has been at least half full for this long, and that finished no chunk
   * meanwhile, is shed.
   */
  readonly stuckMs: number;
  /** A member whose loss exceeds the median by this much is shed. */
  readonly shedLoss: number;
  /** When a member's ring is fuller than this, the sender slows down for it. */
  readonly ringHigh: number;
}

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
