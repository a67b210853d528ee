/**
 * The settings of a reception, with the reason for each value. A driver may override any of them.
 */

/** Settings of a reception. Times in milliseconds. */
export interface ReceptionPolicy {
  /**
   * Longest wait for the first announcement; Infinity if a person at the keyboard starts the
   * session.
   */
  readonly sessionWaitMs: number;
  /** Longest reception, from the first announcement on. */
  readonly deadlineMs: number;
  /**
   * Time between reports while receiving; each is moved at random by up to a quarter either way.
   */
  readonly reportMs: number;
  /** Time between reports of the outcome, until the sender acknowledges one. */
  readonly doneReportMs: number;
  /**
   * After this many unanswered reports of the outcome the reception ends without an
   * acknowledgement.
   */
  readonly doneReportsMax: number;
  /** After this long without a datagram of the sender there is a "silent" event. */
  readonly silentMs: number;
  /** After this long without a datagram of the sender the receiver gives up multicast. */
  readonly lostSenderMs: number;
  /**
   * A block that was last touched this long ago, and not asked about, goes into a NACK at the next
   * SYNC.
   */
  readonly staleBlockMs: number;
  /**
   * A lane that was not touched for this long may be given to another chunk, and its chunk is
   * described as lacking.
   */
  readonly staleLaneMs: number;
  /**
   * After this many wrong contents of one chunk it is fetched by unicast, or the reception fails.
   */
  readonly badTriesMax: number;
  /** Open fetches at a time. */
  readonly fetchesMax: number;
  /** After this many failed fetches of one chunk the reception fails. */
  readonly fetchTriesMax: number;
}

export const RECEPTION_POLICY: ReceptionPolicy = {
  sessionWaitMs: 60_000,
  deadlineMs: 24 * 3_600_000,
  reportMs: 500,
  doneReportMs: 100,
  doneReportsMax: 30,
  silentMs: 5_000,
  lostSenderMs: 30_000,
  staleBlockMs: 200,
  staleLaneMs: 1_000,
  badTriesMax: 2,
  fetchesMax: 4,
  fetchTriesMax: 3,
};
