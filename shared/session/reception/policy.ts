/**
 * The numbers a reception goes by, and why each is what it is.
 *
 * All are visible settings; a driver may override any of them.
 */

/** Settings of a reception. Times in milliseconds. */
export interface ReceptionPolicy {
  /** Longest wait for the first announcement; Infinity for a person at the keyboard. */
  readonly sessionWaitMs: number;
  /** Longest reception from the first announcement on. */
  readonly deadlineMs: number;
  /** Between reports while receiving; each is moved by up to a quarter either way. */
  readonly reportMs: number;
  /** Between reports once done, until the sender acknowledges. */
  readonly doneReportMs: number;
  /**
   * Reports of the outcome that go unanswered before the reception ends without an
   * acknowledgement.
   */
  readonly doneReportsMax: number;
  /** Sender not heard: event. */
  readonly silentMs: number;
  /** Sender not heard: given up. */
  readonly lostSenderMs: number;
  /**
   * A block last touched this long ago, and not asked about, is complained about at the next
   * SYNC.
   */
  readonly staleBlockMs: number;
  /**
   * A slot untouched for this long may be given to another chunk, and its chunk is described as
   * lacking.
   */
  readonly staleSlotMs: number;
  /** Wrong content of one chunk before it is fetched by unicast, or the reception fails. */
  readonly badTriesMax: number;
  /** Open fetches at a time. */
  readonly fetchesMax: number;
  /** Failed fetches of one chunk before the reception fails. */
  readonly fetchTriesMax: number;
}

/** Defaults. */
export const RECEPTION_POLICY: ReceptionPolicy = {
  sessionWaitMs: 60_000,
  deadlineMs: 24 * 3_600_000,
  reportMs: 500,
  doneReportMs: 100,
  doneReportsMax: 30,
  silentMs: 5_000,
  lostSenderMs: 30_000,
  staleBlockMs: 200,
  staleSlotMs: 1_000,
  badTriesMax: 2,
  fetchesMax: 4,
  fetchTriesMax: 3,
};
