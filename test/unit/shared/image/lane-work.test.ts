/**
 * Goal: chunks come out of the lanes in the order in which they went in, no lane is used twice at
 * once, and the first fault ends it. Method: a pool of three lanes whose work ends when the test
 * says so.
 */
import { describe, expect, test } from "vitest";
import { type CodecPool, laneBytes, lanesOf } from "../../../../shared/image/codec-pool.ts";
import { type LaneWork, passLanes } from "../../../../shared/image/lane-work.ts";

const LANES = 3;
const pool = { lanes: lanesOf(new ArrayBuffer(laneBytes(LANES))) } as unknown as CodecPool;

/** Work that notes what happens; coding of an item ends after its number of turns. */
class NotingWork implements LaneWork<number, number> {
  readonly ended: number[] = [];
  readonly busy = new Set<number>();
  readonly #failing: { readonly item: number; readonly at: "begin" | "coding" | "end" } | undefined;
  most = 0;
  /** Items that are being coded. */
  coding = 0;

  constructor(failing?: { readonly item: number; readonly at: "begin" | "coding" | "end" }) {
    this.#failing = failing;
  }

  begin(item: number, _lane: unknown, at: number): Promise<number> {
    this.#fail(item, "begin");
    expect(this.busy.has(at)).toBe(false);
    this.busy.add(at);
    this.most = Math.max(this.most, this.busy.size);
    return this.#code(item, at);
  }

  async end(item: number, at: number): Promise<void> {
    this.#fail(item, "end");
    await Promise.resolve();
    this.ended.push(item);
    this.busy.delete(at);
  }

  async #code(item: number, at: number): Promise<number> {
    this.coding += 1;
    for (let turns = (item * 7) % 50; turns > 0; turns -= 1) await Promise.resolve();
    this.coding -= 1;
    this.#fail(item, "coding");
    return at;
  }

  #fail(item: number, at: "begin" | "coding" | "end"): void {
    if (this.#failing?.item === item && this.#failing.at === at) throw new Error(`${at} ${item}`);
  }
}

describe("passLanes()", () => {
  test("ends items in their order, and keeps all lanes busy", async () => {
    const work = new NotingWork();
    const items = Array.from({ length: 50 }, (_, item) => item);
    await passLanes(pool, items, work);
    expect(work.ended).toEqual(items);
    expect(work.most).toBe(LANES);
    expect(work.busy.size).toBe(0);
  });

  test("ends at once without items", async () => {
    const work = new NotingWork();
    await passLanes(pool, [], work);
    expect(work.ended).toEqual([]);
  });

  test.each(["begin", "coding", "end"] as const)(
    "ends nothing behind an item that fails at its %s",
    async (at) => {
      const work = new NotingWork({ item: 5, at });
      const items = Array.from({ length: 50 }, (_, item) => item);
      await expect(passLanes(pool, items, work)).rejects.toThrow(`${at} 5`);
      expect(work.ended).toEqual([0, 1, 2, 3, 4]);
      expect(work.coding).toBe(0);
    },
  );
});
