/**
 * Goal: a lab that is restarted from its journal at any instant goes on as if nothing had happened.
 * Method: one load over two nodes, once for every durable write of it; the power is cut just before
 * or just after that write, and whoever got no answer asks again.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { DISK, dropFolders } from "../../../rig/lab-kit.ts";
import { TestLab } from "../../../rig/lab-fixture.ts";
import { JournalDisk } from "../../../rig/memory-journal.ts";
import type { WriteFate } from "../../../rig/memory-journal.ts";

let first: TestLab;
beforeAll(async () => {
  first = await TestLab.make(new JournalDisk());
});
afterAll(dropFolders);

/** Asks again after a restart when there was no answer; the second time there is one. */
function insist<T>(lab: TestLab, disk: JournalDisk, ask: () => T): T {
  try {
    return ask();
  } catch {
    disk.fate = () => "kept";
    lab.restart();
    return ask();
  }
}

/** Runs the load; fit02 boots a second time after it has armed. */
function run(lab: TestLab, disk: JournalDisk): void {
  const asked = <T>(ask: () => T): T => insist(lab, disk, ask);
  const proven = (job: string): void => {
    asked(() => {
      lab.lab.noteProof(job, undefined, lab.now);
    });
  };
  const job = asked(() => [...disk.tables.job.keys()][0] ?? lab.loadUnproven(["fit01", "fit02"]));
  for (const name of ["fit02", "fit01", "fit02"]) {
    const { visitor, order } = asked(() => lab.join(name));
    proven(job);
    const arms = (): boolean => lab.lab.desk.arm(visitor, { order, disk: DISK }, lab.now).allowed;
    const armed = asked(() => {
      lab.lab.noteProof(job, undefined, lab.now);
      return arms();
    });
    expect(armed).toBe(true);
    asked(() => lab.report(visitor, order, "receiving"));
    if (name === "fit02" && lab.journal.remembered().orders[1]?.armed === 1) continue;
    asked(() => {
      lab.end(visitor, order, "ok");
    });
  }
}

/** What must be the same however often the power was cut. */
function outcome(disk: JournalDisk): object {
  const all = (table: "job" | "order" | "event"): Record<string, unknown>[] =>
    [...disk.tables[table].values()].map((json) => JSON.parse(json) as Record<string, unknown>);
  const events = all("event");
  return {
    jobs: all("job").map(({ state }) => state),
    orders: all("order").map(({ node, state, armed }) => ({ node, state, armed })),
    verdicts: events.filter(({ kind }) => kind === "verdict").map(({ node }) => node),
    ends: events.filter(({ kind }) => kind === "end").length,
  };
}

test.each(["cut before", "cut after"] as const)("P1 P3 power %s any write", (cut) => {
  const whole = new JournalDisk();
  const { folder } = first;
  run(TestLab.over(whole, folder), whole);
  const wanted = outcome(whole);
  expect(wanted).toEqual({
    jobs: ["ended"],
    orders: [
      { node: "fit01", state: "done", armed: 1 },
      { node: "fit02", state: "done", armed: 2 },
    ],
    verdicts: ["fit01", "fit02"],
    ends: 1,
  });
  expect(whole.writes).toBeGreaterThan(20);
  for (let at = 0; at < whole.writes; at += 1) {
    const disk = new JournalDisk();
    disk.fate = (write): WriteFate => (write === at ? cut : "kept");
    run(TestLab.over(disk, folder), disk);
    expect(outcome(disk), `write ${at}`).toEqual(wanted);
  }
});
