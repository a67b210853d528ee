/**
 * Passes chunks through the lanes of a codec pool: several are under way, and come out in the order
 * in which they went in.
 */
import { type CodecLane, type CodecPool, laneAt } from "./codec-pool.ts";

/** What is done with each chunk on its way. */
export interface LaneWork<Item, Coded> {
  /**
   * Fills a lane, which is free, and gives it to the pool.
   *
   * @param at - Index of the lane.
   */
  begin(item: Item, lane: CodecLane, at: number): Promise<Coded>;
  /** Takes what the pool made. The lane is free again when the promise settles. */
  end(item: Item, coded: Coded, lane: CodecLane): Promise<void>;
}

/**
 * @param items - One after the other gets the next lane.
 * @throws What `begin`, the pool or `end` throws, the first in time; no lane is in use then.
 */
export async function passLanes<Item, Coded>(
  pool: CodecPool,
  items: Iterable<Item>,
  work: LaneWork<Item, Coded>,
): Promise<void> {
  const codings: Promise<unknown>[] = [];
  const freed: Promise<void>[] = pool.lanes.map(() => Promise.resolve());
  let ended = Promise.resolve();
  let turn = 0;
  try {
    for (const item of items) {
      const at = turn % pool.lanes.length;
      turn += 1;
      await freed[at];
      const lane = laneAt(pool.lanes, at);
      const coding = work.begin(item, lane, at);
      codings[at] = coding;
      ended = Promise.all([coding, ended]).then(([coded]) => work.end(item, coded, lane));
      freed[at] = ended;
      ended.catch(() => undefined); // awaited again before the lane is reused
    }
    await ended;
  } finally {
    await Promise.allSettled([...codings, ...freed]);
  }
}
