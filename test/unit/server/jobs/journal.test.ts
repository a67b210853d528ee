/**
 * Goal: every journal keeps what the lab stands on: all or nothing, durable, bounded, and no number
 * twice. Method: one contract over SQLite and over the twin in memory, both with a disk that fills.
 */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { openJournal } from "../../../../server/jobs/journal-sqlite.io.ts";
import { JOBS_KEPT } from "../../../../server/jobs/journal.ts";
import type { Journal } from "../../../../server/jobs/journal.ts";
import { fillDisk, freeDisk } from "../../../rig/full-disk.ts";
import { seededRandom } from "../../../../shared/core/random.ts";
import { dropFolders, freshFolder, verdictOf } from "../../../rig/lab-kit.ts";
import { JournalDisk, MemoryJournal, PowerCut } from "../../../rig/memory-journal.ts";
import { someEvent, someJob, someOrder } from "../../../rig/journal-records.ts";

/** A journal's disk. */
interface Bench {
  open(): Journal;
  fill(): void;
  free(): void;
}

function sqliteBench(): Bench {
  const folder = freshFolder();
  return { open: () => openJournal(folder), fill: fillDisk, free: freeDisk };
}

function memoryBench(): Bench {
  const disk = new JournalDisk();
  return {
    open: () => new MemoryJournal(disk),
    fill: () => {
      disk.fate = () => "full";
    },
    free: () => {
      disk.fate = () => "kept";
    },
  };
}

afterAll(dropFolders);

describe.each([
  ["SQLite", sqliteBench],
  ["memory", memoryBench],
])("Journal in %s", (_name, makeBench) => {
  let bench: Bench;
  let journal: Journal;
  beforeEach(() => {
    bench = makeBench();
    journal = bench.open();
  });
  afterEach(() => {
    bench.free();
    journal.close();
  });

  function reopen(): void {
    journal.close();
    journal = bench.open();
  }

  /** Begins a job of one order and an event. */
  function begin(index: number): void {
    const id = idOf(index);
    journal.putJob(someJob(id, index));
    journal.putOrder(someOrder(`o${id}`, id));
    journal.putEvent(someEvent(id, journal.nextSeq()));
  }

  function end(index: number): void {
    const id = idOf(index);
    journal.putOrder({ ...someOrder(`o${id}`, id), verdict: verdictOf("ok_unchanged") });
    journal.putJob({ ...someJob(id, index), state: "ended" });
  }

  test("gives back the newest record of each id after a restart", () => {
    journal.putJob(someJob("j", 1));
    journal.putOrder(someOrder("o", "j"));
    journal.putOrder({ ...someOrder("o", "j"), armed: 2 });
    journal.putSight({ node: "n", lastSeen: 5, disks: [], last: null });
    const token = { digest: "d", node: "n", mac: "m", joinBy: 1, nonce: null, goodUntil: 0 };
    journal.putToken(token);
    journal.putToken({ ...token, digest: "e" });
    journal.dropToken("d");
    reopen();
    expect(journal.remembered()).toMatchObject({
      jobs: [{ id: "j" }],
      orders: [{ id: "o", armed: 2 }],
      tokens: [{ digest: "e" }],
      sights: [{ node: "n", lastSeen: 5 }],
    });
  });

  test("putJob() forgets the oldest ended jobs with their orders and events", () => {
    for (let index = 0; index < JOBS_KEPT + 2; index += 1) {
      begin(index);
      end(index);
    }
    const { jobs, orders } = journal.remembered();
    expect(jobs).toHaveLength(JOBS_KEPT);
    expect(jobs[0]?.id).toBe(idOf(2));
    expect(orders).toHaveLength(JOBS_KEPT);
    expect(journal.eventsAfter(idOf(1), 0, 10)).toEqual([]);
    expect(journal.eventsAfter(idOf(2), 0, 10)).toHaveLength(1);
  });

  test("putJob() forgets no job that has not ended, however many are newer", () => {
    begin(0);
    begin(1);
    journal.putJob({ ...someJob(idOf(1), 1), state: "aborted" });
    for (let index = 2; index < JOBS_KEPT + 5; index += 1) {
      begin(index);
      end(index);
    }
    reopen();
    const known = journal.remembered();
    expect(known.jobs.slice(0, 3).map(({ id }) => id)).toEqual([0, 1, 5].map(idOf));
    expect(known.orders.filter(({ verdict }) => verdict === null)).toHaveLength(2);
    end(0);
    expect(journal.eventsAfter(idOf(0), 0, 10)).toHaveLength(1);
    begin(9999);
    expect(journal.remembered().jobs.map(({ id }) => id)).not.toContain(idOf(0));
    expect(journal.eventsAfter(idOf(0), 0, 10)).toEqual([]);
  });

  test("together() is all or nothing, and nests", () => {
    const writes = (): void => {
      journal.putJob(someJob("j", 1));
      journal.together(() => {
        journal.putOrder(someOrder("o", "j"));
      });
      throw new Error("no");
    };
    expect(() => {
      journal.together(writes);
    }).toThrow("no");
    expect(journal.remembered()).toMatchObject({ jobs: [], orders: [] });
  });

  test("a full disk refuses a write whole, and later writes are kept", () => {
    bench.fill();
    const both = (): void => {
      journal.together(() => {
        journal.putJob(someJob("j", 1));
        journal.putOrder(someOrder("o", "j"));
      });
    };
    expect(both).toThrow(/full|I\/O/);
    expect(journal.remembered().jobs).toEqual([]);
    bench.free();
    both();
    reopen();
    expect(journal.remembered()).toMatchObject({ jobs: [{ id: "j" }], orders: [{ id: "o" }] });
  });

  test("nextSeq() gives no number twice after a full disk and a restart", () => {
    bench.fill();
    expect(() => journal.nextSeq()).toThrow(/full|I\/O/);
    bench.free();
    const before = [journal.nextSeq(), journal.nextSeq()];
    reopen();
    expect(journal.nextSeq()).toBeGreaterThan(Math.max(...before));
  });

  test("nextSeq() gives no number twice after a transaction that was undone", () => {
    const undone = (): void => {
      journal.together(() => {
        journal.nextSeq();
        throw new Error("undone");
      });
    };
    expect(undone).toThrow("undone");
    const before = [journal.nextSeq(), journal.nextSeq()];
    reopen();
    expect(journal.nextSeq()).toBeGreaterThan(Math.max(...before));
  });

  test("nextSeq() only rises, whatever writes fail and whenever the server restarts", () => {
    const random = seededRandom(5);
    let last = 0;
    // More or less than one reservation, inside and outside of transactions.
    const draw = (): readonly number[] =>
      Array.from({ length: 1 + random.below(1500) }, () => journal.nextSeq());
    const keptTogether = (fails: boolean): readonly number[] => {
      let drawn: readonly number[] = [];
      journal.together(() => {
        drawn = draw();
        journal.putEvent(someEvent(idOf(0), drawn.at(-1) ?? 0));
        if (fails) throw new Error("undone");
      });
      return drawn;
    };
    const steps: (() => readonly number[])[] = [
      draw,
      () => keptTogether(false),
      () => keptTogether(true),
      () => {
        bench.fill();
        return keptTogether(false);
      },
      () => {
        bench.fill();
        return [journal.nextSeq()];
      },
      () => {
        reopen();
        return [];
      },
    ];
    for (let step = 0; step < 120; step += 1) {
      for (const seq of outcomeOf(steps[random.below(steps.length)] ?? draw)) {
        expect(seq).toBeGreaterThan(last);
        last = seq;
      }
      bench.free();
    }
    expect(last).toBeGreaterThan(10_000);
  });
});

/** What a step has given, so that somebody may have been told of it. */
function outcomeOf(step: () => readonly number[]): readonly number[] {
  try {
    return step();
  } catch {
    return [];
  }
}

function idOf(index: number): string {
  return String(index).padStart(32, "0");
}

test.each([
  ["cut before", 0],
  ["cut after", 1],
] as const)("a power that is %s a write leaves %i jobs on the disk", (fate, jobs) => {
  const disk = new JournalDisk();
  const journal = new MemoryJournal(disk);
  disk.fate = () => fate;
  const put = (): void => {
    journal.putJob(someJob("j", 1));
  };
  expect(put).toThrow(PowerCut);
  disk.fate = () => "kept";
  expect(put).toThrow(PowerCut);
  expect(new MemoryJournal(disk).remembered().jobs).toHaveLength(jobs);
});
