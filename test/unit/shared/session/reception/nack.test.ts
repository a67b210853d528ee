/**
 * Goal: complaints are counted when asked, spread, silenced by ADV, and never lost by the next
 * SYNC. Method: one chunk in a lane, SYNCs and ADVs by hand.
 */
import { expect, test } from "vitest";
import { ChunkStates } from "../../../../../shared/session/reception/chunks.ts";
import { NackSchedule } from "../../../../../shared/session/reception/nack.ts";
import { LaneTable } from "../../../../../shared/session/reception/lanes.ts";
import { seededRandom } from "../../../../../shared/core/random.ts";
import { syncOf } from "./options.ts";

function setUp(): { nacks: NackSchedule; lanes: LaneTable; chunks: ChunkStates; lane: number } {
  const bytes = new Uint8Array(65_536);
  const sizes = { offset: 0, ringBytes: 32_768, symbolBytes: 32, recordBytesMax: 3200 };
  const lanes = new LaneTable({ bytes, ...sizes });
  const chunks = new ChunkStates(undefined);
  chunks.setCount(50);
  const lane = lanes.take(4, 100, 0);
  chunks.setLane(4, lane);
  for (let symbol = 0; symbol < 90; symbol += 1) lanes.put(lane, 0, symbol, 0, 0);
  const random = seededRandom(2);
  const admits = (): boolean => lanes.freeCount > 0;
  const nacks = new NackSchedule({ chunks, lanes, random, admits, staleBlockMs: 200 });
  return { nacks, lanes, chunks, lane };
}

const asks = { blocks: [{ chunk: 4, block: 0, value: 0 }] };

test("a block that is not asked about is not complained about", () => {
  const { nacks } = setUp();
  nacks.onSync(syncOf(), false, 10);
  expect(nacks.dueAt).toBe(Infinity);
});

test("the answer names the deficit at the moment of the SYNC, with clock and hold", () => {
  const { nacks, lanes, lane } = setUp();
  nacks.onSync(syncOf({ ...asks, syncNo: 7 }), false, 10);
  lanes.put(lane, 0, 99, 0, 11);
  expect(nacks.take(10, 12.5)).toEqual({
    syncNo: 7,
    tUsEcho: 5_000_000,
    hold100us: 25,
    blocks: [{ chunk: 4, block: 0, value: 10 }],
  });
  expect(nacks.take(10, 13)).toBeUndefined();
});

test("an ADV that covers the deficit silences the answer", () => {
  const { nacks } = setUp();
  nacks.onSync(syncOf({ ...asks, syncNo: 7, log2Members: 5, backoffQuarterMs: 30 }), false, 10);
  nacks.onAdv({ syncNo: 6, blocks: [{ chunk: 4, block: 0, value: 50 }] });
  nacks.onAdv({ syncNo: 7, blocks: [{ chunk: 4, block: 0, value: 10 }] });
  expect(nacks.take(10, 30)).toBeUndefined();
  expect(nacks.suppressed).toBe(1);
});

test("an ADV of less than the deficit does not", () => {
  const { nacks } = setUp();
  nacks.onSync(syncOf({ ...asks, syncNo: 7, log2Members: 5, backoffQuarterMs: 30 }), false, 10);
  nacks.onAdv({ syncNo: 7, blocks: [{ chunk: 4, block: 0, value: 9 }] });
  expect(nacks.take(10, 30)?.blocks).toHaveLength(1);
});

test("a SYNC that comes before the answer does not make it forgotten", () => {
  const { nacks } = setUp();
  nacks.onSync(syncOf({ ...asks, syncNo: 7, log2Members: 5, backoffQuarterMs: 30 }), false, 10);
  const due = nacks.dueAt;
  nacks.onSync(syncOf({ syncNo: 8, log2Members: 5, backoffQuarterMs: 30 }), false, 10.1);
  expect(nacks.dueAt).toBeLessThanOrEqual(due);
  expect(nacks.take(10, 30)).toMatchObject({ syncNo: 8, blocks: [{ chunk: 4, value: 10 }] });
});

test("a block untouched for long is complained about once its turn is over", () => {
  const { nacks } = setUp();
  nacks.onSync(syncOf({ frontier: 3 }), false, 300);
  expect(nacks.dueAt).toBe(Infinity);
  nacks.onSync(syncOf({ frontier: 5 }), false, 300);
  expect(nacks.take(10, 301)?.blocks).toEqual([{ chunk: 4, block: 0, value: 10 }]);
});

test("a chunk lost as a whole counts 255, unless it was sent before we joined", () => {
  const { nacks } = setUp();
  nacks.onSync(syncOf({ frontier: 9 }), false, 10);
  const blocks = [
    { chunk: 8, block: 0, value: 0 },
    { chunk: 9, block: 0, value: 0 },
  ];
  nacks.onSync(syncOf({ frontier: 10, blocks }), false, 11);
  expect(nacks.take(10, 12)?.blocks).toEqual([{ chunk: 9, block: 0, value: 255 }]);
});

test("the worst-off speak before the others", () => {
  const wait = (missing: number): number => {
    const { nacks, lanes, chunks } = setUp();
    const lane = lanes.take(6, 100, 0);
    chunks.setLane(6, lane);
    for (let symbol = missing; symbol < 100; symbol += 1) lanes.put(lane, 0, symbol, 0, 0);
    const group = { log2Members: 7, backoffQuarterMs: 80, lossQ16: 655 };
    nacks.onSync(syncOf({ ...group, blocks: [{ chunk: 6, block: 0, value: 0 }] }), false, 0);
    return nacks.dueAt;
  };
  expect(wait(6)).toBeLessThan(wait(1));
});

test("an echo is sent though nothing lacks", () => {
  const { nacks } = setUp();
  nacks.onSync(syncOf(), true, 10);
  expect(nacks.take(10, 12)?.blocks).toEqual([]);
});

test("the next SYNC takes an echo that waits back in a small group, not in a large one", () => {
  for (const log2Members of [2, 9]) {
    const { nacks } = setUp();
    const group = { log2Members, backoffQuarterMs: 50 };
    let syncNo = 1;
    while (nacks.dueAt === Infinity && syncNo < 1000) {
      nacks.onSync(syncOf({ ...group, syncNo }), true, 10);
      syncNo += 1;
    }
    nacks.onSync(syncOf({ ...group, syncNo }), false, 11);
    const answer = nacks.take(10, 40);
    if (log2Members === 2) expect(answer).toBeUndefined();
    else expect(answer).toMatchObject({ syncNo, hold100us: 290, blocks: [] });
    expect(nacks.take(10, 41)).toBeUndefined();
  }
});
